"""Which loans are suggested for a bank transfer by its amount, and what is kept of one that is nobody's payment."""

from __future__ import annotations

import pytest
from sqlmodel import select

from domain.bank_news import BankEntry, FileKind
from records import bank_entries, payments
from records.database import Database
from records.tables import BankEntryRow, EntryState, PaymentSource
from tests.records.portfolios import LENDER, NOW, entered


def suggested(database: Database, amount_minor: int, currency: str = "EUR") -> list[str]:
    with database.reading() as session:
        return [loan.loan_id for loan in bank_entries.due_amount(session, amount_minor, currency, LENDER, 10)]


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


@pytest.mark.parametrize("credit", [False, True], ids=["went out", "came in"])
def test_of_money_that_went_out_and_is_ignored_no_name_stays_and_it_is_known_when_told_again(
    database: Database, credit: bool
) -> None:
    told = BankEntry(
        line=1, amount_minor=100, currency="EUR", credit=credit, other_iban="ES1", other_name="ANA GARCIA",
        text="devolucion de Ana", booked_on=NOW.date(), value_on=NOW.date(),
    )  # fmt: skip
    with database.writing() as session:
        file = bank_entries.add_file(
            session, sha256="a", kind=FileKind.CAMT_053, name="a", message_id="S", entries=1, at=NOW
        )
        row = bank_entries.add(
            session, file, told, key="a", account="x", lender=None, state=EntryState.WAITING, why="it may undo", at=NOW
        )
        before = bank_entries.particulars_kept(session, row)

    with database.writing() as session:
        waiting = session.exec(select(BankEntryRow)).one()
        bank_entries.settle(session, waiting, EntryState.IGNORED, at=NOW, why="our refund", by="luis")

    with database.reading() as session:
        kept = session.exec(select(BankEntryRow)).one()
        said = (kept.other_name, kept.other_iban, bank_entries.text_of(kept))
        assert said == (("ANA GARCIA", "ES1", "devolucion de Ana") if credit else (None, None, None))
        assert bank_entries.particulars_kept(session, kept) == before
