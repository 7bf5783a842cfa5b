"""A step that is to be said again is looked up first: what was read by then is not repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from records import contact_ledger, contacts
from records.tables import ContactState
from tests.activities.outside import TUESDAY, Desk, enter_loan, mails_to, person_of, remind, texts_to
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

LATER = TUESDAY + timedelta(days=2)


@pytest.mark.parametrize(
    ("first", "known", "outcome"),
    [
        (Channel.EMAIL, None, ContactOutcome.SENT),
        (Channel.EMAIL, ContactState.DELIVERED, ContactOutcome.SENT),
        (Channel.EMAIL, ContactState.READ, ContactOutcome.SEEN),
        (Channel.SMS, ContactState.DELIVERED, ContactOutcome.SEEN),
        (Channel.EMAIL, "answered", ContactOutcome.SEEN),
    ],
)
async def test_only_what_was_not_read_goes_out_by_the_next_channel(
    desk: Desk, world: World, first: Channel, known: ContactState | str | None, outcome: ContactOutcome
) -> None:
    # Given a reminder that went out two days ago, and what is known of it since
    loan_id = enter_loan(desk.database)
    phone, email = person_of(desk.database, loan_id)
    order = remind(loan_id).model_copy(update={"channels": (first,)})
    await desk.contact(order)
    with desk.database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        contact = contacts.find(session, loan, order.step, 1)
        assert contact is not None
        if isinstance(known, ContactState):
            contacts.advance(session, contact, known, at=TUESDAY + timedelta(hours=1))
        elif known is not None:
            contact_ledger.add_inbound(session, person, Channel.SMS, TUESDAY + timedelta(hours=1))

    # When its time to be read is over
    other = Channel.SMS if first is Channel.EMAIL else Channel.EMAIL
    again = order.model_copy(update={"occurrence": 2, "channels": (other,), "unless_read": 1})
    report = await desk.contact(again, LATER)

    # Then it was said once more only where nobody is known to have read it
    said = texts_to(world, phone) + mails_to(world, email)
    assert (report.outcome, len(said)) == (outcome, 2 if outcome is ContactOutcome.SENT else 1)
