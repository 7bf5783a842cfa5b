"""What a person wrote holds their loan's demands from the moment it is read, not only once the loan has heard it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from domain.contact import Channel, Purpose
from domain.events.contacts import ContactOutcome
from records import loans, owed_signals, webhooks
from records.tables import Webhook
from tests.activities.outside import TUESDAY, Desk, enter_loan, remind
from tests.records.portfolios import LENDER


def owed(desk: Desk, loan_id: str, name: str, *, about_one: bool = True) -> None:
    """The web app has read a message, and its loan is still to hear of it. `about_one`: of one person only."""
    with desk.database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        signal = {"lender": LENDER, "loan_id": loan_id, "name": name, "payload": {"kind": "vulnerable"}}
        person = loan.person_ref if about_one else None
        key = f"SM-{loan_id}"
        owed_signals.owe(
            session, provider="twilio", key=key, signals=[signal], at=TUESDAY, outcome="message", person_ref=person
        )


def heard(desk: Desk, loan_id: str) -> None:
    with desk.database.writing() as session:
        webhook = session.exec(select(Webhook).where(Webhook.event_key == f"SM-{loan_id}")).one()
        assert webhook.id is not None
        webhooks.mark_signalled(session, webhook.id, webhook.signals[0], TUESDAY)


@pytest.mark.parametrize("about_one", [True, False])
@pytest.mark.parametrize("name", ["circumstance_reported", "reply_understood"])
async def test_no_demand_leaves_before_the_loan_has_heard_what_its_borrower_wrote(
    both: Desk, name: str, about_one: bool
) -> None:
    """Given words of distress that were read before their loan started, when its first reminder is due, then it is put
    off until the loan has heard of them; nobody else's is, and a receipt goes out."""
    loan_id, other = enter_loan(both.database), enter_loan(both.database)
    owed(both, loan_id, name, about_one=about_one)
    receipt = remind(loan_id, step="told", purpose=Purpose.TRANSACTIONAL, channels=(Channel.EMAIL,))

    put_off = await both.refused(remind(loan_id))
    of_others = [await both.contact(order) for order in (remind(other), receipt)]
    heard(both, loan_id)
    later = await both.contact(remind(loan_id), TUESDAY + timedelta(seconds=5))

    assert "what the borrower wrote" in str(put_off)
    assert put_off.next_retry_delay is not None
    assert put_off.next_retry_delay < timedelta(seconds=10)
    assert [report.outcome for report in [*of_others, later]] == [ContactOutcome.SENT] * 3


async def test_money_that_a_loan_is_still_to_hear_of_holds_no_demand_since_the_records_have_it(desk: Desk) -> None:
    loan_id = enter_loan(desk.database)
    owed(desk, loan_id, "payment_received")

    assert (await desk.contact(remind(loan_id))).outcome is ContactOutcome.SENT
