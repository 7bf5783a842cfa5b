"""How little history a loan leaves, and that a fresh run goes on where the old one stood."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import workflows.loan
from domain.contact import Channel
from domain.strategy import Ends, Step, StepKind
from tests.domain.simulated_loan import facts, strategy
from tests.workflows.skipping import World, executable, failed_tasks, replays, stage
from workflows.loan import LoanCollection
from workflows.messages import LoanInput
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner
from workflows.search_attributes import ALL

BUDGET = 110
SMS = (Channel.SMS,)


def counted(history: WorkflowHistory) -> Counter[str]:
    return Counter(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events)


async def test_ninety_days_leave_at_most_110_events() -> None:
    """Six contacts, one of them with a link, 360 balance reads, one payment and its receipt."""
    steps = tuple(
        Step(
            id=f"day-{day}",
            kind=StepKind.OFFER_LINK if day == 30 else StepKind.REMIND,
            dpd=day,
            channels=SMS,
            template="t",
        )
        for day in (3, 10, 20, 30, 45, 60)
    )
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1), consent=True)
        handle = await on.start(loan, strategy(steps=steps, ends=Ends(after_days=120)))
        await on.reach(begin + timedelta(days=90))
        paid = {"amount_minor": 30_000, "currency": "EUR", "paid_at": (await on.now()).isoformat()}
        await handle.signal("payment_received", {"payment_id": "p-1", "provider": "stripe", **paid})
        result = await handle.result()
        assert (result.end, result.contacts) == ("cured", 6)
        assert on.world.sent() == [*(step.id for step in steps), "receipt"]
        assert [order.step for _, order in on.world.contacts if order.with_link] == ["day-30"]
        assert 360 <= len(on.world.reads) <= 361
        history = await replays(handle)
        assert len(history.events) <= BUDGET, counted(history)
        assert len(history.to_json()) < 120_000
        assert await failed_tasks(handle) == []


async def test_a_link_sent_because_money_was_seen_fits_the_budget_too() -> None:
    async with stage() as on:
        begin = await on.morning()
        on.world.funds_at = lambda at: at >= begin + timedelta(days=88)
        steps = tuple(
            Step(id=f"day-{day}", kind=StepKind.REMIND, dpd=day, channels=SMS, template="t")
            for day in (3, 10, 20, 30, 45)
        )
        loan = facts(due_date=begin.date() - timedelta(days=1), consent=True)
        handle = await on.start(loan, strategy(steps=steps, ends=Ends(after_days=120)))
        await on.reach(begin + timedelta(days=89))
        paid = {"amount_minor": 30_000, "currency": "EUR", "paid_at": (await on.now()).isoformat()}
        await handle.signal("payment_received", {"payment_id": "p-1", "provider": "stripe", **paid})
        assert (await handle.result()).contacts == 6
        assert on.world.sent() == [*(step.id for step in steps), "funds", "receipt"]
        assert len(on.world.reads) >= 350
        assert len((await replays(handle)).events) <= BUDGET


async def test_waiting_for_a_lawful_slot_leaves_no_events() -> None:
    """Asking again each hour for four days costs nothing."""
    lengths = []
    for hours in (0, 96):
        async with stage() as on:
            begin = await on.morning()
            slot = begin + timedelta(days=2, hours=hours)
            asked: list[object] = []

            def answer(now, order, slot=slot, asked=asked):  # type: ignore[no-untyped-def]
                asked.append(now)
                return min(slot, now + timedelta(hours=1)) if now < slot else None

            on.world.answer = answer
            steps = (Step(id="one", kind=StepKind.REMIND, dpd=2, channels=SMS, template="t"),)
            handle = await on.start(
                facts(due_date=begin.date()), strategy(watch=None, steps=steps, ends=Ends(after_days=10))
            )
            assert (await handle.result()).end == "not_cured"
            assert on.world.sent() == ["one"]
            assert len(asked) >= hours - 2, "it was asked again each hour"
            lengths.append(len((await handle.fetch_history()).events))
    assert lengths[0] == lengths[1], lengths


async def test_a_long_history_goes_on_as_a_fresh_run_and_nothing_is_sent_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workflows.loan, "CONTINUE_AS_NEW_AT", 25)
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=executable("temporal"),
        search_attributes=list(ALL),
        data_converter=compact_data_converter,
    ) as env:
        world, queue = World(), str(uuid4())
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[LoanCollection],
            activities=[world.contact, world.watch, world.write],
            workflow_runner=workflow_runner(),
        ):
            now = await env.get_current_time()
            # A day late for the last step: at any hour of the clock it has fallen due.
            loan = facts(due_date=now.date() - timedelta(days=61), consent=True)
            handle = await env.client.start_workflow(
                LoanCollection.run,
                LoanInput(facts=loan, strategy=strategy()),
                id=loan.workflow_id,
                task_queue=queue,
            )
            first = (await handle.describe()).run_id
            for number in range(40):
                part = {"amount_minor": 100, "currency": "EUR", "paid_at": now.isoformat(), "provider": "bank"}
                await handle.signal("payment_received", {"payment_id": f"n-{number}", **part})
            latest = env.client.get_workflow_handle_for(LoanCollection.run, loan.workflow_id)
            for _ in range(100):
                entries = [entry for entry in world.entries if entry.entry == "payment"]
                if len(entries) == 40 and (await latest.describe()).run_id != first:
                    break
                await asyncio.sleep(0.05)
            assert (await latest.describe()).run_id != first, "it never started afresh"
            status = await latest.query(LoanCollection.status)
            assert status.balance_minor == 26_000
            assert status.watching_balance
            await latest.signal(
                "payment_received",
                {
                    "payment_id": "rest",
                    "amount_minor": 26_000,
                    "currency": "EUR",
                    "paid_at": now.isoformat(),
                    "provider": "bank",
                },
            )
            assert (await latest.result()).end == "cured"
            assert sorted(world.sent()) == ["last", "receipt"]
            assert len(world.reads) >= 2, "the watch goes on in the new run"
            assert len(world.entries) == len(world.seen) == 42
            runs = [run async for run in env.client.list_workflows(f"WorkflowId='{loan.workflow_id}'")]
            for run in runs:
                of_run = env.client.get_workflow_handle(run.id, run_id=run.run_id)
                messages = [text for text in await failed_tasks(of_run) if "UnhandledCommand" not in text]
                assert messages == []
