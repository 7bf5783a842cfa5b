"""Money that a loan was told of by itself, when the records hear of it and of its reversal by other ways."""

from __future__ import annotations

from sqlmodel import col, select

from domain.ledger_entries import EndEntry, LoanEnd, ReversalEntry
from domain.webhook_news import PaymentNews, ReversalNews
from records.tables import Webhook
from tests.activities.outside import TUESDAY, Desk, enter_loan, pay
from tests.activities.test_ledger import balance, paid
from tests.records.portfolios import handed_over_again
from web.news import record_news


def owed(desk: Desk, loan_id: str) -> list[tuple[str, str, bool]]:
    """What the loan is to be told of money: the signal, the payment, and whether it goes on because of it."""
    with desk.database.reading() as session:
        signals = [one for row in session.exec(select(Webhook).order_by(col(Webhook.id))).all() for one in row.signals]
    return [(s["name"], s["payload"]["payment_id"], s["restart"]) for s in signals if s["loan_id"] == loan_id]


async def test_a_loan_hears_of_a_reversal_that_was_told_before_its_own_entry_was_written(both: Desk) -> None:
    """Given a payment signalled to the loan alone, when a webhook takes it back before the loan writes it down, then
    the loan is owed the news, ended or not; told again it is owed once."""
    loan_id = enter_loan(both.database)
    payment_id = f"pi_{loan_id}"
    with both.database.writing() as session:
        record_news(session, [ReversalNews(payment_id=payment_id, provider="stripe", reversed_at=TUESDAY)], TUESDAY)

    await both.write(loan_id, paid(10_000, payment_id), EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))
    await both.write(loan_id, paid(10_000, payment_id), EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))

    assert balance(both, loan_id) == 10_000
    assert owed(both, loan_id) == [("payment_reversed", payment_id, True)]


async def test_a_payment_nobody_could_place_brings_its_reversal_when_the_loan_writes_it(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    payment_id = f"pi_{loan_id}"
    lost = PaymentNews(
        payment_id=payment_id,
        provider="stripe",
        amount_minor=4_000,
        currency="EUR",
        paid_at=TUESDAY,
        lender=None,
        loan_id=None,
        link_id=None,
    )
    taken_back = ReversalNews(payment_id=payment_id, provider="stripe", reversed_at=TUESDAY)
    with both.database.writing() as session:
        record_news(session, [lost, taken_back], TUESDAY)

    await both.write(loan_id, paid(4_000, payment_id))

    assert balance(both, loan_id) == 10_000
    assert owed(both, loan_id) == [("payment_reversed", payment_id, True)]


async def test_a_loan_that_knows_of_the_reversal_is_not_told_again(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    known = paid(4_000, f"pi_{loan_id}")
    taken_back = known.model_copy(update={"payment": known.payment.model_copy(update={"reversed": True})})
    reversal = ReversalEntry(at=TUESDAY, provider="stripe", payment_id=known.payment.payment_id)

    await both.write(loan_id, reversal, taken_back)

    assert owed(both, loan_id) == []


async def test_a_payment_of_an_earlier_hand_over_does_not_count_in_the_next_and_said_so(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    payment_id = f"pi_{loan_id}"
    pay(both.database, loan_id, 6_000, payment_id)
    with both.database.writing() as session:
        handed_over_again(session, loan_id)

    await both.write(loan_id, paid(6_000, payment_id), entry=2)

    assert balance(both, loan_id) == 6_000
    [row] = both.audit(loan_id, "payment")
    assert (row["known_before"], row["counts_here"]) == (True, False)


async def test_what_an_earlier_run_was_told_late_is_told_to_the_hand_over_it_counts_in(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    payment_id = f"pi_{loan_id}"
    with both.database.writing() as session:
        handed_over_again(session, loan_id)

    await both.write(loan_id, paid(4_000, payment_id), entry=1)

    assert balance(both, loan_id) == 2_000
    assert owed(both, loan_id) == [("payment_received", payment_id, True)]
