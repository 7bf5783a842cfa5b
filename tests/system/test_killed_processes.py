"""Killing what runs in the middle of a campaign changes nothing that anyone outside could notice."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from commands.rehearsal import Progress, rehearse
from commands.results import collect
from commands.stack import Stack
from config.strategies import find_strategy
from domain.strategy import Ends, Strategy
from tests.system.campaigns import plan, story

LOANS = 5
NO_DIFFERENCE: tuple[Counter[Any], Counter[Any]] = (Counter(), Counter())
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


async def kill_worker_and_server(stack: Stack, progress: Progress) -> None:
    """Wait until loans have lived a few days, then kill -9 the worker and Temporal, and start both again."""
    while len(progress.reached) < 3:
        await asyncio.sleep(0.05)
    stack.processes.stop("worker-0", kill=True)
    await asyncio.sleep(0.5)
    stack.processes.stop("temporal", kill=True)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(stack.start_temporal)
    await asyncio.to_thread(stack.start_worker)


def short() -> Strategy:
    """The shipped strategy for twenty days: enough for several contacts and the watch."""
    whole = find_strategy("us-consumer")
    return whole.model_copy(update={"ends": Ends(after_days=20)})


async def run(folder: Path, disturb: Any) -> tuple[dict[str, Any], list[Any], dict[str, int]]:
    async with rehearse(plan(folder, LOANS, days=26, strategy=short()), Progress(), disturb=disturb) as rehearsal:
        results = await asyncio.to_thread(collect, rehearsal)
        return story(rehearsal), list(results.violations), results.ends


async def test_killing_the_worker_and_the_server_changes_no_result(tmp_path: Path) -> None:
    """Given a campaign that nothing disturbs, and the same one with its worker and Temporal killed in the middle."""
    calm, calm_violations, _ = await run(tmp_path / "calm", None)
    disturbed, violations, ends = await run(tmp_path / "disturbed", kill_worker_and_server)

    assert calm_violations == []
    assert violations == []
    assert sum(ends.values()) == LOANS
    assert disturbed["ends"] == calm["ends"]
    assert disturbed["payments"] == calm["payments"]
    assert (disturbed["contacts"] - calm["contacts"], calm["contacts"] - disturbed["contacts"]) == NO_DIFFERENCE
