"""A loan that is handed over again while a contact of the hand-over before is still on its way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities.orders import ContactOrder
from activities.receipts import pdf_of
from domain.contact import Channel, Purpose
from domain.contact_orders import RECEIPT
from domain.events.contacts import ContactOutcome
from domain.ledger_entries import EndEntry, LoanEnd
from records import contacts, documents, loans
from records.database import Database
from records.tables import Contact, ContactState, Document
from tests.activities.outside import TUESDAY, Desk, enter_loan, mails_to, pay, person_of, remind, texts_to
from tests.activities.test_receipts import text_of
from tests.records.portfolios import LENDER, handed_over_again
from tests.sandbox.running import World

LATER = TUESDAY + timedelta(minutes=10)


def receipt(loan_id: str, channel: Channel, entry: int | None = None) -> ContactOrder:
    return remind(
        loan_id,
        entry=entry,
        step=RECEIPT,
        template="payment_received",
        channels=(channel,),
        purpose=Purpose.TRANSACTIONAL,
    )


async def paid_off(desk: Desk) -> str:
    """A loan whose first hand-over is paid and ended; its receipt is still to go out."""
    loan_id = enter_loan(desk.database)
    pay(desk.database, loan_id, 10_000, f"first-{loan_id}")
    await desk.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))
    return loan_id


def hand_over_again(database: Database, loan_id: str) -> None:
    """With 777.00 to pay."""
    with database.writing() as session:
        handed_over_again(session, loan_id, amount_due_minor=77_700)


def contacts_of(database: Database, loan_id: str) -> list[Contact]:
    with database.reading() as session:
        return list(contacts.of_loan(session, loans.get(session, LENDER, loan_id)))


def documents_of(database: Database, loan_id: str) -> list[Document]:
    with database.reading() as session:
        return list(documents.of_loan(session, loans.get(session, LENDER, loan_id)))


async def test_a_receipt_of_unknown_fate_is_looked_up_and_not_sent_again_after_the_next_hand_over(
    both: Desk, world: World
) -> None:
    loan_id = await paid_off(both)
    phone, _ = person_of(both.database, loan_id)
    world.fault("twilio", "lost_answer", count=1)
    await both.refused(receipt(loan_id, Channel.SMS))
    hand_over_again(both.database, loan_id)

    report = await both.contact(receipt(loan_id, Channel.SMS), LATER, attempt=2)

    assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.SMS)
    [text] = texts_to(world, phone)
    [kept] = contacts_of(both.database, loan_id)
    assert (kept.entry, kept.state, kept.provider_message_id) == (1, ContactState.SENT, text["sid"])


async def test_a_receipt_that_surely_did_not_leave_is_not_wanted_after_the_next_hand_over(
    desk: Desk, world: World
) -> None:
    loan_id = await paid_off(desk)
    phone, _ = person_of(desk.database, loan_id)
    world.fault("twilio", "500", count=1)
    await desk.refused(receipt(loan_id, Channel.SMS))
    hand_over_again(desk.database, loan_id)

    report = await desk.contact(receipt(loan_id, Channel.SMS), LATER, attempt=2)

    assert report.outcome is ContactOutcome.NOT_WANTED
    assert texts_to(world, phone) == []
    [kept] = contacts_of(desk.database, loan_id)
    assert (kept.entry, kept.state) == (1, ContactState.DROPPED)


@pytest.mark.parametrize("begun", [True, False])
async def test_nobody_who_owes_again_is_told_that_nothing_is_due_and_the_new_debt_has_its_own_receipt(
    both: Desk, world: World, begun: bool
) -> None:
    """Given a receipt that waits for a mail server, or for its template, when the loan is handed over again, then it is
    not sent; and when the new debt is paid, its own receipt and letter go out."""
    loan_id = await paid_off(both)
    if begun:
        world.fault("smtp", "429", count=1)
        await both.refused(receipt(loan_id, Channel.EMAIL))
    before = len(documents_of(both.database, loan_id))
    hand_over_again(both.database, loan_id)
    _, email = person_of(both.database, loan_id)

    old = await both.contact(receipt(loan_id, Channel.EMAIL), LATER, attempt=2)
    told_of_the_old = (mails_to(world, email), len(documents_of(both.database, loan_id)) - before)
    pay(both.database, loan_id, 77_700, f"second-{loan_id}", LATER)
    new = await both.contact(receipt(loan_id, Channel.EMAIL, entry=2), LATER)

    assert old.outcome is ContactOutcome.NOT_WANTED
    assert told_of_the_old == ([], 0)
    assert (new.outcome, new.channel) == (ContactOutcome.SENT, Channel.EMAIL)
    assert len(mails_to(world, email)) == 1
    assert [(one.entry, one.state) for one in contacts_of(both.database, loan_id)][-1] == (2, ContactState.SENT)
    made, letter = documents_of(both.database, loan_id)[before:]
    assert (made.kind, letter.kind, made.entry, letter.entry) == ("receipt", "paid_in_full", 2, 2)
    assert "777,00 €" in text_of(pdf_of(made))


async def test_a_reminder_of_the_hand_over_before_is_not_sent_and_leaves_its_place_to_the_new_one(
    both: Desk, world: World
) -> None:
    loan_id = enter_loan(both.database)
    phone, _ = person_of(both.database, loan_id)
    hand_over_again(both.database, loan_id)

    old = await both.contact(remind(loan_id))
    new = await both.contact(remind(loan_id, entry=2))

    assert (old.outcome, new.outcome) == (ContactOutcome.NOT_WANTED, ContactOutcome.SENT)
    [text] = texts_to(world, phone)
    assert "777,00 €" in text["body"]
    assert [one.entry for one in contacts_of(both.database, loan_id)] == [2]


async def test_a_reminder_that_was_sent_is_still_reported_as_sent_after_the_next_hand_over(
    desk: Desk, world: World
) -> None:
    """Given a reminder that left and whose report was lost, when its activity is tried again after the loan was handed
    over again, then it is reported as sent, by its channel."""
    loan_id = enter_loan(desk.database)
    phone, _ = person_of(desk.database, loan_id)
    first = await desk.contact(remind(loan_id))
    hand_over_again(desk.database, loan_id)

    again = await desk.contact(remind(loan_id), LATER, attempt=2)

    assert again == first
    assert len(texts_to(world, phone)) == 1
