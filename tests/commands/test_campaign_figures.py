"""What `campaign status` says was recovered."""

from __future__ import annotations

from sqlmodel import Session

from commands.campaign_figures import CurrencyFigures, money
from records import payments
from records.database import Database
from records.tables import Loan, PaymentSource
from tests.records.portfolios import LENDER, NOW, entered


def pay(session: Session, loan: Loan, amount_minor: int, given_back: int = 0, reversed: bool = False) -> None:
    payment = payments.record(
        session,
        provider="bank",
        payment_id=f"{loan.loan_id}-{amount_minor}",
        lender=LENDER,
        loan_id=loan.loan_id,
        amount_minor=amount_minor,
        currency=loan.currency,
        paid_at=NOW,
        received_at=NOW,
        source=PaymentSource.RECORD,
    ).payment
    payment.refunded_minor = given_back
    payment.reversed_at = NOW if reversed else None
    session.add(payment)
    session.flush()


def test_money_given_back_and_money_beyond_what_was_due_is_not_recovered(database: Database) -> None:
    """100.00 EUR are due of each of five loans."""
    with database.writing() as session:
        refunded, overpaid, in_parts, taken_back, _unpaid = entered(session, "L1", "L2", "L3", "L4", "L5")
        pay(session, refunded, 30_000, given_back=20_000)
        pay(session, overpaid, 25_000)
        pay(session, in_parts, 3_000)
        pay(session, in_parts, 4_000)
        pay(session, taken_back, 5_000, reversed=True)

    with database.reading() as session:
        [euros] = money(session, "c1")

    assert euros == CurrencyFigures(currency="EUR", loans=5, due_minor=50_000, recovered_minor=27_000)
