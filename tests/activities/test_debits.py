"""What a loan hears when it orders a direct debit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from activities.debit_files import DebitFiles
from activities.debit_submission import DebitSubmission
from domain.events.debits import DebitOutcome
from records.database import Database
from tests.activities.debit_desk import (
    MONDAY,
    Desk,
    announce,
    debit_desk,
    loan_with_mandate,
)
from tests.activities.other_bank import OtherBank
from tests.records.portfolios import entered


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({"currency": "USD"}, DebitOutcome.NOT_POSSIBLE), ({}, DebitOutcome.NO_MANDATE)],
)
async def test_what_cannot_be_debited_says_why(desk: Desk, changes: dict[str, Any], outcome: DebitOutcome) -> None:
    with desk.database.writing() as session:
        entered(session, "L1", **changes)

    assert (await desk.order("L1")).outcome is outcome


@pytest.mark.parametrize(("days", "outcome"), [(2, DebitOutcome.PLANNED), (21, DebitOutcome.NOT_POSSIBLE)])
async def test_a_loan_that_lets_its_debit_go_again_hears_whether_its_notice_still_holds(
    desk: Desk, bank: OtherBank, days: int, outcome: DebitOutcome
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1", noticed=True, notice_days=1)
    announce(desk, "L1", MONDAY)
    await desk.order("L1", released=False)

    told = await desk.order("L1", MONDAY + timedelta(days=days))

    assert told.outcome is outcome


async def test_a_loan_hears_how_early_the_bank_wants_the_file_and_the_day_it_was_filed_for(
    desk: Desk, bank: OtherBank
) -> None:
    direct_debit = desk.settings.direct_debit
    assert direct_debit is not None
    desk.settings = desk.settings.model_copy(update={"direct_debit": direct_debit.model_copy(update={"lead_days": 5})})
    desk.files = DebitFiles(desk.database, desk.settings)
    desk.submission = DebitSubmission(desk.database, desk.settings)
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))

    planned = await desk.order("L1")
    await desk.day(MONDAY)
    filed = await desk.order("L1")

    assert (planned.outcome, planned.lead_days, planned.collect_on) == (DebitOutcome.PLANNED, 5, None)
    assert (filed.outcome, filed.collect_on) == (DebitOutcome.FILED, date(2026, 12, 7))
