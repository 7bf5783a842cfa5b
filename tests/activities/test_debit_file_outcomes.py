"""The debits of a file of which the bank collects nothing wait for another, or come back to their loans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from activities.debit_submission import NotWithTheBank
from domain.direct_debit import DebitState
from records import audit, loans
from records.database import Database
from tests.activities.debit_desk import (
    MONDAY,
    Desk,
    debit_desk,
    loan_with_mandate,
    needs_person,
    refused_whole,
    tell,
)
from tests.activities.other_bank import OtherBank
from tests.records.portfolios import LENDER


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


async def test_a_file_the_bank_refuses_whole_leaves_its_debits_for_the_next(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    bank.change("ACME", behaviour="reject-file")

    refused = await desk.day(MONDAY)
    await desk.fetch(MONDAY)
    bank.change("ACME", behaviour="accept")
    taken = await desk.day(MONDAY + timedelta(hours=2))
    await desk.fetch(bank.advance(2))

    assert list(refused.values()) == ["FF01"]
    assert list(taken.values()) == ["accepted"]
    assert list(refused) != list(taken)
    assert desk.due("L1") == 0
    with desk.database.reading() as session:
        assert [row.details["code"] for row in audit.of_action(session, "debit_file_refused")] == ["FF01"]


async def test_a_file_refused_after_the_bank_took_it_is_left_to_a_person_who_may_take_it_back(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)

    tell(desk, refused_whole(message_id, "FF01"), MONDAY)
    next_day = await desk.day(MONDAY + timedelta(days=1))
    shown = needs_person(desk)
    number = desk.submission.take_back(message_id, "marta", MONDAY + timedelta(days=1))

    assert (next_day, shown) == ({}, ["debit_file:refused_after_accepted"])
    assert (number, desk.debit("L1").state) == (1, DebitState.PLANNED)
    with pytest.raises(NotWithTheBank, match="is taken back"):
        desk.submission.take_back(message_id, "marta", MONDAY)


@pytest.mark.parametrize(("days", "number", "state"), [(8, 1, DebitState.PLANNED), (9, 0, DebitState.DROPPED)])
async def test_a_debit_taken_back_when_its_loan_has_given_it_up_goes_into_no_other_file(
    desk: Desk, bank: OtherBank, days: int, number: int, state: DebitState
) -> None:
    """Given a debit for 1 December, when its file is taken back after the 8th, by which its outcome is known at the
    latest, then it is not collected on top of what the loan does since."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)

    waiting = desk.submission.take_back(message_id, "marta", MONDAY + timedelta(days=days))

    assert (waiting, desk.debit("L1").state, desk.signals()) == (number, state, [])


@pytest.mark.parametrize("left", [False, True])
async def test_a_debit_kept_back_while_it_was_filed_comes_back_to_its_loan_when_the_bank_refuses_the_file(
    desk: Desk, bank: OtherBank, left: bool
) -> None:
    """Given a dispute while the debit is with the bank, when that collects nothing of it, then the loan, which could
    let it go no more, does not wait for it; one that left collection meanwhile hears nothing."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)
    await desk.order("L1", released=False)
    if left:
        with desk.database.writing() as session:
            loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=MONDAY, final_state={})

    number = desk.submission.take_back(message_id, "marta", MONDAY + timedelta(days=1))

    assert (number, desk.debit("L1").state) == (0, DebitState.DROPPED)
    assert desk.signals() == ([] if left else [("L1", "debit_returned", "DT01")])
