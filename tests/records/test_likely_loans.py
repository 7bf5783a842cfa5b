"""Which loans are suggested for a bank transfer by its amount."""

from __future__ import annotations

from records import likely_loans, payments
from records.database import Database
from records.tables import PaymentSource
from tests.records.portfolios import LENDER, NOW, entered


def suggested(database: Database, amount_minor: int, currency: str = "EUR") -> list[str]:
    with database.reading() as session:
        return [loan.loan_id for loan in likely_loans.due_amount(session, amount_minor, currency, LENDER, 10)]


def test_a_loan_is_found_by_what_is_due_after_a_settlement_and_after_money_given_back(database: Database) -> None:
    with database.writing() as session:
        plain, settled, given_back = entered(session, "L1", "L2", "L3")
        settled.adjusted_minor = -4_000
        paid = payments.record(
            session,
            provider="bank",
            payment_id="b1",
            lender=LENDER,
            loan_id="L3",
            amount_minor=5_000,
            currency="EUR",
            paid_at=NOW,
            received_at=NOW,
            source=PaymentSource.RECORD,
        )
        paid.payment.refunded_minor = 2_000
        session.add_all((settled, paid.payment))
        session.flush()
        due = [payments.balance_due(session, loan) for loan in (plain, settled, given_back)]

    assert due == [10_000, 6_000, 7_000]
    assert suggested(database, 10_000) == ["L1"]
    assert suggested(database, 6_000) == ["L2"]
    assert suggested(database, 7_000) == ["L3"]
    assert suggested(database, 5_000) == []


def test_in_colombia_a_loan_is_found_by_the_whole_pesos_that_it_is_asked_for(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", country="CO", currency="COP", timezone="America/Bogota", amount_due_minor=15_000_037)

    assert suggested(database, 15_000_000, "COP") == ["L1"]
    assert suggested(database, 15_000_037, "COP") == ["L1"]
    assert suggested(database, 14_999_900, "COP") == []
    assert suggested(database, 15_000_100, "COP") == []
