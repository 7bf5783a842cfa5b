"""A person closes a debit of which the bank tells nothing, and nothing is collected or counted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from activities.bank_files import BankDesk
from activities.unheard_debits import NotToSettle, settle
from domain.bank_news import BankEntry, FileKind, Statement
from domain.direct_debit import DebitState
from domain.events.debits import DebitOutcome
from providers.errors import ProviderError
from records import bank_entries
from records.database import Database
from records.tables import EntryState
from tests.activities.debit_desk import (
    MONDAY,
    Desk,
    NeverKnows,
    debit_desk,
    loan_with_mandate,
)
from tests.activities.other_bank import OURS, OtherBank
from tests.activities.outside import pay


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


def settle_by_hand(desk: Desk, reference: str, *, came: bool, at: datetime) -> None:
    with desk.database.writing() as session:
        settle(session, reference, came=came, by="marta", at=at)


async def test_after_a_debit_the_bank_never_told_of_was_settled_by_hand_another_may_be_collected(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    await desk.day(MONDAY)
    later = MONDAY + timedelta(days=10)
    before = await desk.order("L1", later, step="second")

    settle_by_hand(desk, desk.debit("L1").reference, came=False, at=later)
    after = await desk.order("L1", later, step="second")

    assert (before.outcome, after.outcome) == (DebitOutcome.NOT_POSSIBLE, DebitOutcome.PLANNED)
    assert desk.signals() == [], "its loan gave it up days ago"


async def test_money_of_a_debit_that_a_person_said_had_come_waits_for_a_person_and_is_not_counted_twice(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    await desk.day(MONDAY)
    settle_by_hand(desk, desk.debit("L1").reference, came=True, at=MONDAY + timedelta(days=10))
    pay(desk.database, "L1", 10_000)

    await desk.fetch(bank.advance(2))

    assert (desk.debit("L1").state, desk.due("L1")) == (DebitState.COLLECTED, 0)
    with desk.database.reading() as session:
        [waiting] = bank_entries.listing(session, state=EntryState.WAITING)
        assert "a person said that it came" in (waiting.why or "")


async def test_a_debit_is_not_settled_by_hand_against_what_the_records_know(desk: Desk, bank: OtherBank) -> None:
    """Given a file of which nobody knows whether the bank has it, or a bank that told of money with the debit's
    reference, then a person is sent there first."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    real = desk.bank
    desk.bank = NeverKnows(real, after=True)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)

    with pytest.raises(NotToSettle, match="debit submit"):
        settle_by_hand(desk, desk.debit("L1").reference, came=False, at=MONDAY + timedelta(days=10))
    with pytest.raises(NotToSettle, match="no direct debit"):
        settle_by_hand(desk, "RCBX", came=True, at=MONDAY)
    desk.bank = real
    await desk.submission.submit(real, MONDAY)
    entry = BankEntry(
        line=1,
        amount_minor=9_000,
        currency="EUR",
        credit=True,
        booked_on=MONDAY.date(),
        value_on=MONDAY.date(),
        end_to_end_id=desk.debit("L1").reference,
    )
    statement = Statement(kind=FileKind.CAMT_053, message_id="S", account=OURS, currency="EUR", entries=(entry,))
    BankDesk(desk.database, desk.settings).take_in((statement,), b"s", "s.xml", MONDAY)
    with pytest.raises(NotToSettle, match="reconcile list"):
        settle_by_hand(desk, desk.debit("L1").reference, came=False, at=MONDAY + timedelta(days=10))
