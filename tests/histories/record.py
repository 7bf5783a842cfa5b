"""Record the histories that `tests/test_replay.py` replays: `python -m tests.histories.record NAME...`

A recorded history stands for loans that are running somewhere. So a file that exists is never written over:
when the workflow changes, the old files must still replay, and a new name is recorded beside them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from tests.domain.simulated_loan import facts, strategy
from tests.workflows.skipping import Stage, failed_tasks, stage

FOLDER = Path(__file__).parent
Handle = WorkflowHandle[Any, Any]


def payment(payment_id: str, amount_minor: int, paid_at: str) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "amount_minor": amount_minor,
        "currency": "EUR",
        "paid_at": paid_at,
        "provider": "stripe",
    }


async def begun(on: Stage, days_past_due: int = 1, **changes: Any) -> Handle:
    begin = await on.morning()
    loan = facts(due_date=begin.date() - timedelta(days=days_past_due), **changes)
    return await on.start(loan, strategy())


async def cured_by_watch(on: Stage) -> Handle:
    handle = await begun(on, consent=True)
    seen_from = await on.now() + timedelta(days=12)
    on.world.funds_at = lambda at: at >= seen_from
    await on.pass_days(13)
    await handle.signal("payment_received", payment("p-1", 30_000, seen_from.isoformat()))
    await handle.result()
    return handle


async def decided_by_agent(on: Stage) -> Handle:
    handle = await begun(on, days_past_due=40)
    await on.pass_days(2.5)
    status = await handle.query("status")
    order = {"case_id": status["cases"][0]["case_id"], "decision": "write_off", "by": "agent-1", "note": ""}
    await handle.execute_update("decide", order)
    await handle.result()
    return handle


async def not_cured(on: Stage) -> Handle:
    handle = await begun(on, consent=True)
    await handle.result()
    return handle


async def reversed_while_the_receipt_waits(on: Stage) -> Handle:
    """A reversal finds the loan still running only while its receipt waits for a lawful slot."""
    handle = await begun(on)
    morning = await on.now() + timedelta(days=6)
    on.world.answer = lambda at, order: morning if order.step == "receipt" and at < morning else None
    await on.pass_days(3)
    await handle.signal("payment_received", payment("p-1", 30_000, (await on.now()).isoformat()))
    await on.pass_days(1)
    await handle.signal("payment_reversed", {"payment_id": "p-1"})
    await on.pass_days(12)
    await handle.signal("payment_received", payment("p-2", 30_250, (await on.now()).isoformat()))
    await handle.result()
    return handle


async def paused(on: Stage) -> Handle:
    handle = await begun(on, consent=True)
    await on.pass_days(4)
    await handle.execute_update("pause", {"until": (await on.now() + timedelta(days=30)).isoformat()})
    await on.pass_days(10)
    await handle.execute_update("resume")
    await on.pass_days(5)
    await handle.execute_update("close", {"reason": "recalled"})
    await handle.result()
    return handle


async def opted_out(on: Stage) -> Handle:
    handle = await begun(on, consent=True)
    await handle.signal("opt_out", {"channel": "sms"})
    await on.pass_days(10)
    await handle.signal("nonsense", {"a": 1})
    await handle.signal("opt_out", {"channel": "all"})
    await handle.result()
    return handle


STORIES: dict[str, Callable[[Stage], Awaitable[Handle]]] = {
    story.__name__: story
    for story in (cured_by_watch, decided_by_agent, not_cured, reversed_while_the_receipt_waits, paused, opted_out)
}


def anonymous(value: Any) -> Any:
    """Without the name of the machine and process that recorded it."""
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else anonymous(item) for key, item in value.items()}
    return [anonymous(item) for item in value] if isinstance(value, list) else value


async def record(name: str) -> None:
    file = FOLDER / f"{name}.json"
    if file.exists():
        print(f"{file.name} exists and stays: give the story a new name")
        return
    async with stage() as on:
        handle = await STORIES[name](on)
        assert await failed_tasks(handle) == []
        history = (await handle.fetch_history()).to_json_dict()
    begun_with = history["events"][0]["workflowExecutionStartedEventAttributes"]
    assert "continuedExecutionRunId" not in begun_with, "only a part: the story went on as a fresh run"
    file.write_text(json.dumps(anonymous(history), separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{file.name}: {len(history['events'])} events")


async def main(names: list[str]) -> None:
    for name in names or list(STORIES):
        await record(name)
    await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
