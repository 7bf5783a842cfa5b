"""What is kept of an entry of a statement that is nobody's payment."""

from __future__ import annotations

import pytest
from sqlmodel import select

from domain.bank_news import BankEntry, FileKind
from records import bank_entries, bank_entry_particulars
from records.database import Database
from records.tables import BankEntryRow, EntryState
from tests.records.portfolios import NOW


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
        before = bank_entry_particulars.particulars_kept(session, row)

    with database.writing() as session:
        waiting = session.exec(select(BankEntryRow)).one()
        bank_entries.settle(session, waiting, EntryState.IGNORED, at=NOW, why="our refund", by="luis")

    with database.reading() as session:
        kept = session.exec(select(BankEntryRow)).one()
        said = (kept.other_name, kept.other_iban, bank_entry_particulars.text_of(kept))
        assert said == (("ANA GARCIA", "ES1", "devolucion de Ana") if credit else (None, None, None))
        assert bank_entry_particulars.particulars_kept(session, kept) == before
