"""One campaign by the code of a release, handed over in the middle to the code of `--then`: run by `drill.py`.

It runs inside the release's own checkout and uses what that release has; what it asks of the code it hands over to
is only what an operator would do: stop, `starter.py database migrate`, start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from commands import processes
from commands.rehearsal import Progress, rehearse
from commands.results import collect
from commands.stack import Stack
from config.strategies import find_strategy
from domain.strategy import Ends
from tests.system import campaigns

PATIENCE = 240.0
"""Seconds a process may take to get ready: the drill also runs on machines that are busy with other tests."""
processes.Processes.wait_ready.__defaults__ = (PATIENCE,)


def hand_over(then: Path, old: datetime, told: dict[str, Any]) -> Any:
    """What an operator does at an upgrade, when half of the loans have lived for eleven days."""

    async def disturb(stack: Stack, progress: Progress) -> None:
        while sum(at >= old for at in progress.reached.values()) * 2 < progress.total:
            await asyncio.sleep(0.02)
        for name in ("worker-0", "web", "temporal"):
            await asyncio.to_thread(stack.processes.stop, name)
        told["ended_before"] = len(progress.ended)
        migrated = subprocess.run(
            [sys.executable, "starter.py", "database", "migrate"],
            cwd=then,
            env={**os.environ, **stack.environment},
            capture_output=True,
            text=True,
        )
        told["migrated"] = (migrated.stdout + migrated.stderr).strip()
        assert migrated.returncode == 0, told["migrated"]
        processes.ROOT = then
        await asyncio.to_thread(stack.start_temporal)
        await asyncio.to_thread(stack.start_web)
        await asyncio.to_thread(stack.start_worker)

    return disturb


async def run(folder: Path, loans: int, begin: date, then: Path | None) -> dict[str, Any]:
    campaigns.FIRST_DAY = begin
    told: dict[str, Any] = {}
    strategy = find_strategy("us-consumer").model_copy(update={"ends": Ends(after_days=30)})
    the_plan = campaigns.plan(folder, loans, days=40, strategy=strategy)
    disturb = hand_over(then, the_plan.begins + timedelta(days=11), told) if then else None
    async with rehearse(the_plan, Progress(), disturb=disturb) as done:
        results = await asyncio.to_thread(collect, done)
        found = campaigns.story(done)
        told |= {
            "ends": found["ends"],
            "contacts": sorted([*map(str, key), count] for key, count in found["contacts"].items()),
            "payments": sorted([str(loan), amount, count] for (loan, amount), count in found["payments"].items()),
            "violations": [str(violation) for violation in results.violations],
            "looked_at": sum(check.looked_at for check in results.checks),
        }
    await asyncio.sleep(0.05)
    return told


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--loans", type=int, required=True)
    asked.add_argument("--begin", type=date.fromisoformat, required=True)
    asked.add_argument("--then", type=Path)
    given = asked.parse_args()
    told = asyncio.run(run(given.folder, given.loans, given.begin, given.then))
    (given.folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
