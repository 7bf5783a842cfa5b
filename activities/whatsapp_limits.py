"""How many people and how fast WhatsApp lets us write, by the contact ledger at the moment of dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from config.platform_rules import load_whatsapp
from domain.contact import Reason
from domain.platform_rules import Form, Sent, allowed_form, pair_not_before, tier_reached, tier_room_at
from records import whatsapp_sends
from records.locks import one_at_a_time
from records.tables import Person

_PAIR_LOOKBACK = timedelta(hours=2)


@dataclass(frozen=True)
class Held:
    """WhatsApp takes the message at `until` and no earlier, as far as our own ledger tells."""

    until: datetime
    reason: Reason


class WhatsAppLimits:
    """All lenders of one installation write from one business portfolio, so they share its tier."""

    def __init__(self, tier: int | None) -> None:
        """`tier` is Meta's for the portfolio; None: unlimited."""
        self._tier = tier

    def held(self, session: Session, person: Person, at: datetime) -> Held | None:
        """What holds a message to `person` back at `at`; None: it may go.

        Call it in the person's writing transaction: for a message outside the person's window it also waits for
        every other such message, since the tier is counted over all people.
        """
        rules = load_whatsapp()
        earlier = whatsapp_sends.to_person(session, person, at - _PAIR_LOOKBACK, at)
        free = pair_not_before(earlier, at, rules)
        if free > at:
            return Held(free, rules.pair.reason)
        window = timedelta(hours=rules.window.hours)
        last = whatsapp_sends.last_inbound(session, person, at - window, at)
        if self._tier is None or allowed_form(at, last, rules) is Form.FREE_TEXT:
            return None
        one_at_a_time(session, "whatsapp:tier")
        period = timedelta(hours=rules.tier.hours)
        sent = [Sent(at=when, person=who) for when, who in whatsapp_sends.outside_window(session, at, period, window)]
        reached = tier_reached(sent, str(person.id), at, self._tier, rules)
        return None if reached is None else Held(tier_room_at(sent, at, self._tier, rules), reached)
