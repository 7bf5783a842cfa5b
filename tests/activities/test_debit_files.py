"""A debit that is due goes into one file of its lender."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from activities.debit_files import DebitFiles, message_id_of
from domain.direct_debit import DebitState, SequenceType
from domain.events.debits import DebitOutcome
from records import loans, mandates, people, webhooks
from records.database import Database
from records.tables import DebitFile, Payment
from tests.activities.debit_desk import (
    MONDAY,
    Desk,
    debit_desk,
    loan_with_mandate,
)
from tests.activities.other_bank import OtherBank
from tests.records.portfolios import LENDER, enter, handed


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


async def test_a_debit_is_collected_once_however_often_the_days_work_is_done(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    assert (await desk.order("L1")).outcome is DebitOutcome.PLANNED
    assert (await desk.order("L1")).outcome is DebitOutcome.PLANNED

    first, again = await desk.day(MONDAY), await desk.day(MONDAY + timedelta(hours=1))
    now = bank.advance(2)
    await desk.fetch(now)
    once = desk.signals()
    await desk.fetch(now)

    assert (list(first.values()), again) == (["accepted"], {})
    assert [(one["amount"], one["status"], one["sequence_type"]) for one in bank.collections()] == [
        (10_000, "accepted", "FRST")
    ]
    assert (desk.debit("L1").state, desk.due("L1")) == (DebitState.COLLECTED, 0)
    reference = desk.debit("L1").reference
    assert once == desk.signals() == [("L1", "payment_received", reference)]
    with desk.database.reading() as session:
        mandate = mandates.get(session, LENDER, "M-L1")
        assert (mandate.sequence, mandate.last_used_on) == (SequenceType.RCUR, date(2026, 12, 1))
        [payment] = session.exec(select(Payment)).all()
        assert (payment.provider, payment.paid_at) == ("sepa-dd", datetime(2026, 11, 30, 23, 0, tzinfo=UTC))


def test_a_message_id_fits_and_is_unique() -> None:
    names = {message_id_of(lender, date(2026, 11, 30), n) for lender in ("a", "b" * 64) for n in (1, 999)}

    assert len(names) == 4
    assert max(map(len, names)) <= 31  # with a batch's number it still fits 35


async def test_no_account_number_stands_readable_in_the_records(desk: Desk, bank: OtherBank) -> None:
    iban = bank.open_account("ANA", 11)
    loan_with_mandate(desk.database, "L1", iban)
    await desk.order("L1")
    await desk.day(MONDAY)
    await desk.fetch(bank.advance(2))

    with desk.database.reading() as session:
        from sqlalchemy import text

        for name in ("mandate", "debit", "debit_file", "bank_file", "bank_entry", "webhook", "audit"):
            for row in session.execute(text(f"SELECT * FROM {name}")).all():
                assert iban not in str(row), name
        assert session.exec(select(DebitFile)).all()
        assert webhooks.newest(session) == 1


async def test_a_lender_whose_file_cannot_be_made_holds_up_no_other(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    with desk.database.writing() as session:
        enter(session, [handed("L2")], campaign_id="c2", lender="another")
        loan = loans.get(session, "another", "L2")
        loans.begin(session, loan)
        mandates.add(
            session,
            people.of_loan(session, loan),
            reference="M-L2",
            iban=bank.open_account("BEA", 12),
            signed_on=date(2025, 3, 1),
            sequence=SequenceType.FRST,
            at=MONDAY,
        )
    await desk.order("L1")
    await desk.order("L2", lender="another")
    direct_debit = desk.settings.direct_debit
    assert direct_debit is not None
    only_one = direct_debit.model_copy(update={"creditor": None, "creditors": {LENDER: direct_debit.creditor}})
    files = DebitFiles(desk.database, desk.settings.model_copy(update={"direct_debit": only_one}))

    made = files.make(MONDAY)

    assert (made.debits, list(made.not_made)) == (1, ["another"])
    assert "has no SEPA creditor" in made.not_made["another"]
