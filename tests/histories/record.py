"""Record the histories that `tests/test_replay.py` replays: `python -m tests.histories.record [NAME...]`

They go into the folder of this version (`make release-histories`, docs/upgrades.md). A recorded history stands for
loans and campaigns that are running somewhere, so a file that exists is never written over: when a workflow
changes, the old files must still replay, and a new name is recorded beside them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from temporalio.client import WorkflowHandle

import workflows.loan
from config.strategies import find_strategy, list_strategies
from domain.loan_snapshot import restore
from tests.domain.simulated_loan import facts, strategy
from tests.histories.campaign_stories import CAMPAIGNS, campaign_stage
from tests.workflows.skipping import Stage, failed_tasks, stage
from workflows.messages import Signal

ROOT = Path(__file__).parents[2]
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


async def paid_but_for_centavos(on: Stage) -> Handle:
    """All that can be paid of a debt in Colombian pesos: 0.1.0 went on for what is left."""
    pesos: dict[str, Any] = {
        "country": "CO",
        "timezone": "America/Bogota",
        "currency": "COP",
        "amount_due_minor": 15_000_037,
    }
    handle = await begun(on, **pesos)
    await on.pass_days(1)
    paid = payment("p-1", 15_000_000, (await on.now()).isoformat())
    await handle.signal("payment_received", paid | {"currency": "COP"})
    await on.pass_days(6)
    return handle


async def goes_on_after_its_end(on: Stage) -> Handle:
    """Starts from the state an earlier run ended with, as after a payment that was reversed."""
    handle = await begun(on)
    await on.pass_days(3)
    await handle.signal("payment_received", payment("p-1", 30_000, (await on.now()).isoformat()))
    await on.pass_days(0.1)
    loan = facts(due_date=(await on.now()).date() - timedelta(days=4))
    state = restore(on.world.snapshots[-1], loan, strategy())
    signals = (Signal(name="payment_reversed", payload={"payment_id": "p-1"}),)
    again = await on.start(loan, strategy(), state=state, signals=signals)
    await on.pass_days(12)
    return again


async def started_afresh(on: Stage) -> Handle:
    """The second run of a loan: its whole state came with its input."""
    with mock.patch.object(workflows.loan, "CONTINUE_AS_NEW_AT", 25):
        handle = await begun(on, days_past_due=8)
        first = (await handle.describe()).run_id
        now = await on.now()
        for number in range(8):
            await handle.signal("payment_received", payment(f"n-{number}", 100, now.isoformat()))
            await on.pass_days(0.5)
        latest = on.client.get_workflow_handle(handle.id)
        run = (await latest.describe()).run_id
        assert run != first, "it never started afresh"
        await latest.signal("payment_received", payment("rest", 29_200, now.isoformat()))
        await latest.result()
        # The last run of the chain.
        return on.client.get_workflow_handle(handle.id, run_id=(await latest.describe()).run_id)


CURRENCY = {"ES": "EUR", "US": "USD"}


def of_strategy(name: str, days: float | None) -> Callable[[Stage], Awaitable[Handle]]:
    """A loan under a strategy as shipped: `days` old and going on, or carried to its end."""

    async def story(on: Stage) -> Handle:
        plan = find_strategy(name)
        begin = await on.morning()
        country = "US" if plan.currency == "USD" else "ES"
        zone = "America/New_York" if country == "US" else "Europe/Madrid"
        loan = facts(
            due_date=begin.date() - timedelta(days=1),
            consent=True,
            country=country,
            timezone=zone,
            currency=plan.currency or CURRENCY[country],
        )
        handle = await on.start(loan, plan)
        if days is None:
            await handle.result()
        else:
            await on.pass_days(days)
        return handle

    return story


STORIES: dict[str, Callable[[Stage], Awaitable[Handle]]] = {
    story.__name__: story
    for story in (
        cured_by_watch,
        decided_by_agent,
        not_cured,
        reversed_while_the_receipt_waits,
        paused,
        opted_out,
        paid_but_for_centavos,
        goes_on_after_its_end,
        started_afresh,
    )
}
for shipped in {found.strategy.name for found in list_strategies()}:
    key = shipped.replace("-", "_")
    STORIES |= {f"{key}_open": of_strategy(shipped, 20), f"{key}_closed": of_strategy(shipped, None)}
CONTINUED = {"started_afresh", "es_microloan_closed", "us_consumer_closed"}
"""Stories whose recording may be a later run of the loan."""


def anonymous(value: Any) -> Any:
    """Without the name of the machine and process that recorded it."""
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else anonymous(item) for key, item in value.items()}
    return [anonymous(item) for item in value] if isinstance(value, list) else value


def this_version() -> str:
    found: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return found


def folder() -> Path:
    return Path(__file__).parent / this_version()


def name_the_release() -> None:
    """Note which commit recorded them: `make upgrade-drill` takes the last release's code from there."""
    file = folder() / "release.json"
    if file.exists():
        return
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    file.write_text(json.dumps({"version": this_version(), "commit": commit.stdout.strip()}, indent=1) + "\n")


async def record(name: str) -> None:
    file = folder() / f"{name}.json"
    if file.exists():
        print(f"{file.name} exists and stays: give the story a new name")
        return
    if name in CAMPAIGNS:
        async with campaign_stage() as desk:
            handle: Handle = await CAMPAIGNS[name](desk)
            history = (await handle.fetch_history()).to_json_dict()
    else:
        async with stage() as on:
            handle = await STORIES[name](on)
            assert await failed_tasks(handle) == []
            history = (await handle.fetch_history()).to_json_dict()
    begun_with = history["events"][0]["workflowExecutionStartedEventAttributes"]
    whole = "continuedExecutionRunId" not in begun_with
    assert whole or name in CONTINUED, "only a part: the story went on as a fresh run"
    file.write_text(json.dumps(anonymous(history), separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{file.name}: {len(history['events'])} events")


async def main(names: list[str]) -> None:
    folder().mkdir(exist_ok=True)
    name_the_release()
    for name in names or [*STORIES, *CAMPAIGNS]:
        await record(name)
    await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
