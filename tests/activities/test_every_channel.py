"""Whatever channel a message leaves by, it was decided, kept, and may not arrive after the lawful window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.lender_settings import Lender
from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from providers.ports import DeliveryReport, Messenger, OutgoingMessage, Sent
from records import contact_ledger, contacts
from records.database import Database
from records.platform_notices import acknowledge_whatsapp
from tests.activities.outside import desk_for, enter_loan, remind, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

LATE = datetime(2026, 3, 10, 19, 30, tzinfo=UTC)
"""Half an hour before nine in Madrid, when the hours end."""
SENT_BY_US = (Channel.SMS, Channel.EMAIL, Channel.WHATSAPP)


class Carrier:
    """Takes everything, and cannot be asked."""

    can_look_up = False

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Sent:
        self.taken.append(message)
        return Sent(provider="carrier", provider_message_id=message.message_id)

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        raise NotImplementedError

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise NotImplementedError


@pytest.mark.parametrize("channel", SENT_BY_US)
async def test_a_message_is_decided_kept_and_valid_only_until_the_hours_end(
    lite: Database, world: World, channel: Channel
) -> None:
    carrier = Carrier()
    loan_id = enter_loan(lite)
    with lite.writing() as session:
        acknowledge_whatsapp(session, LENDER, actor="operator", rule="whatsapp.policy", source="s", at=LATE)
        _, person = contacts.lock_person(session, LENDER, loan_id)
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, LATE - timedelta(hours=1))
    order = remind(loan_id, channels=(channel,))
    own = settings_for(world, lender=Lender(name="Credialba", phone="900 555 010"), whatsapp_enabled=True)

    def carriers(given: dict[Channel, Messenger]) -> dict[Channel, Messenger]:
        return dict.fromkeys(SENT_BY_US, carrier)

    async with desk_for(lite, own, messengers=carriers) as desk:
        put_off = await desk.refused(order, LATE + timedelta(minutes=30))
        report = await desk.contact(order, LATE)
        kept = desk.decisions(loan_id)

    assert "ES.hours.weekday" in str(put_off)
    assert report.outcome is ContactOutcome.SENT
    assert [(message.channel, message.valid_until) for message in carrier.taken] == [
        (channel, LATE + timedelta(minutes=30))
    ]
    assert [(asked, verdict) for asked, verdict, _ in kept] == [(channel, "not_before"), (channel, "allowed")]
