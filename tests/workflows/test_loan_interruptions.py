"""The table of interruptions on the real workflow: promises, plans and settlements of many loans on one server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from domain.agreements.model import AgreementKind
from tests.domain.agreements.interruption_table import PLAN, PROMISE, SETTLEMENT, TABLE, agreement_of
from tests.domain.simulated_loan import CATALOGUE, SimulatedLoan, facts, strategy
from tests.workflows.skipping import Stage, failed_tasks, settled, stage
from tests.workflows.test_loan_agrees_with_core import WARRANTS, tell
from workflows.authority import believe

ROWS = ("dispute", "hardship", "vulnerability", "payment reversed", "paid in full")


@pytest.fixture(autouse=True)
def _orders_are_proven() -> Iterator[None]:
    believe(WARRANTS)
    yield
    believe(None)


async def interrupted(on: Stage, kind: AgreementKind, row: str) -> dict[str, Any]:
    """How a loan with such an agreement stands after that interruption."""
    begin = await on.now()
    loan = facts(loan_id=f"{kind}-{row.replace(' ', '-')}", due_date=begin.date() - timedelta(days=1))
    alone = SimulatedLoan.entered(loan, strategy(**CATALOGUE), begin)
    handle = await on.start(loan, strategy(**CATALOGUE))
    await settled(handle)
    agreed = agreement_of(kind, alone.state, begin)
    assert alone.hear(agreed) is None
    assert await tell(handle, agreed) is None
    for event in TABLE[row].events(alone.state, begin):
        alone.hear(event)
        await settled(handle)
        await tell(handle, event)
    await settled(handle)
    found: dict[str, Any] = await handle.query("status")
    assert found["hold"] == alone.state.hold, "the workflow says what the core says"
    assert await failed_tasks(handle) == []
    return found


async def test_the_rows_hold_on_the_real_workflow() -> None:
    wanted = [(kind, row) for kind in (PROMISE, PLAN, SETTLEMENT) for row in ROWS]
    async with stage() as on:
        await on.morning()
        # One after the other: the test server loses answers of activities that are cancelled while it skips for others.
        found = [await interrupted(on, kind, row) for kind, row in wanted]

    for (kind, row), status in zip(wanted, found, strict=True):
        [agreement] = status["agreements"]
        expected = TABLE[row].promise if kind is PROMISE else TABLE[row].then
        assert (kind, row, agreement["state"]) == (kind, row, expected)
        assert (kind, row, status["end"]) == (kind, row, TABLE[row].but.get(kind, TABLE[row].end))
        in_force = status["agreement"] is not None
        assert in_force == (expected in ("open", "active"))
