"""What a contact costs: a text message is counted before it leaves, every message charged once it left us."""

from __future__ import annotations

from sqlmodel import Session

from activities.contact_messages import Unwritable
from activities.whatsapp_ways import WhatsAppWays
from config.costs import load_costs
from config.messaging_settings import Twilio
from config.settings import Settings
from domain.contact import Channel
from domain.costs import MICROS, message_cost
from domain.sms_segments import sms_size
from records import contacts
from records.tables import Contact, Person


class ContactCosts:
    """By the table that `settings` name; works in the transaction it is called in, and opens none."""

    def __init__(self, settings: Settings) -> None:
        self._costs = load_costs(settings.costs)
        self._ways = WhatsAppWays(settings)

    def segments(self, text: str, twilio: Twilio, country: str) -> int:
        """Counted and priced before it leaves. Raises Unwritable for more than the lender wants to pay for."""
        segments = sms_size(text).segments
        if twilio.most_segments is not None and segments > twilio.most_segments:
            cost = message_cost(self._costs, Channel.SMS, country, text)
            raise Unwritable(
                f"{segments} SMS ({cost.micros / MICROS:.4f} {cost.currency}) where "
                f"RECOBRO_TWILIO__MOST_SEGMENTS allows {twilio.most_segments}"
            )
        return segments

    def charge(self, session: Session, contact: Contact, person: Person, sheets: int = 1) -> None:
        """What it cost, once it left us. A call is charged by its length when it is over."""
        free_text = self._ways.has_templates and contact.approved_as is None
        cost = message_cost(
            self._costs,
            contact.channel,
            person.country,
            contact.text or "",
            contact.purpose,
            sheets=sheets,
            free_text=free_text,
        )
        contacts.charge(session, contact, cost)
