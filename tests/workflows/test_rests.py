"""A rest of centavos: new runs count it as paid, those that an earlier version began go by its rule until they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from domain.entering import enter
from domain.ledger_entries import LoanEnd
from domain.loan_state import LoanState
from tests.domain.simulated_loan import facts, strategy
from tests.workflows.skipping import Stage, failed_tasks, replays, stage

PESOS: dict[str, Any] = {
    "country": "CO",
    "timezone": "America/Bogota",
    "currency": "COP",
    "amount_due_minor": 15_000_037,
}
EUROS: dict[str, Any] = {}


def markers(history: WorkflowHistory, besides: str | None = None) -> int:
    """How many there are, but for those whose name begins with `besides`."""
    marked = [one for one in history.events if one.event_type == EventType.EVENT_TYPE_MARKER_RECORDED]
    return sum(besides is None or besides.encode() not in one.SerializeToString() for one in marked)


def paid(minor: int, at: str) -> dict[str, Any]:
    return {"payment_id": "p-1", "amount_minor": minor, "currency": "COP", "paid_at": at, "provider": "mercadopago"}


@pytest.mark.parametrize(("where", "expected"), [(PESOS, 1), (EUROS, 0)], ids=["pesos", "euros"])
async def test_only_a_loan_in_pesos_notes_by_which_rule_it_began(where: dict[str, Any], expected: int) -> None:
    async with stage() as on:
        begin = await on.morning()
        handle = await on.start(facts(due_date=begin.date() - timedelta(days=1), **where), strategy(watch=None))
        await on.pass_days(1)
        if where:
            await handle.signal("payment_received", paid(15_000_000, begin.isoformat()))
            await on.pass_days(0.1)
            status = await handle.query("status")
            assert (status["end"], status["balance_minor"]) == (LoanEnd.CURED, 37)

        assert await failed_tasks(handle) == []
        assert markers(await replays(handle)) == expected


async def test_a_run_that_goes_on_with_what_an_earlier_version_kept_ends_where_centavos_are_left() -> None:
    """Given the state of such a run, which owed the rest, when a fresh run takes it up, then the loan is over."""
    async with stage() as on:
        handle = await a_fresh_run_of_an_earlier_version(on)
        await on.pass_days(0.1)

        status = await handle.query("status")
        assert (status["end"], status["balance_minor"]) == (LoanEnd.CURED, 37)
        assert on.world.sent() == ["receipt"]
        assert await failed_tasks(handle) == []
        await replays(handle)


async def a_fresh_run_of_an_earlier_version(on: Stage) -> Any:
    begin = await on.morning()
    loan = facts(due_date=begin.date() - timedelta(days=1), **PESOS)
    counted = {"provider": "mercadopago", "payment_id": "p-1", "amount_minor": 15_000_000, "paid_at": begin}
    kept = enter(loan, strategy(watch=None), begin).model_dump(exclude={"rests_count_as_paid"})
    return await on.start(loan, strategy(watch=None), state=LoanState.model_validate(kept | {"payments": [counted]}))
