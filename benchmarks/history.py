"""What the standard 90-day loan leaves in Temporal: events and bytes; and how long a run of a busy loan grows.

The standard loan has six contacts, one of them with a link, 360 balance reads, a payment and its receipt. It lives
on the time-skipping test server, which adds no events of its own; bytes are those of the events as they are stored.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from benchmarks import Figure, sized
from benchmarks.carrying import ASLEEP
from benchmarks.ground import ground
from benchmarks.loans import OurLoans, asleep
from domain.contact import Channel
from domain.strategy import Ends, Step, StepKind
from tests.workflows.skipping import facts, stage, strategy

DAYS, PARTS = 90, 60
CONTACT_DAYS = (3, 10, 20, 30, 45, 60)


def measure(scale: float = 1.0) -> list[Figure]:
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    return asyncio.run(_both(sized(PARTS, scale)))


async def _both(parts: int) -> list[Figure]:
    return [*await _standard(), await _busy(parts)]


async def _standard() -> list[Figure]:
    steps = tuple(
        Step(
            id=f"day-{day}",
            kind=StepKind.OFFER_LINK if day == 30 else StepKind.REMIND,
            dpd=day,
            channels=(Channel.SMS,),
            template="payment_link" if day == 30 else "account_overdue",
        )
        for day in CONTACT_DAYS
    )
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1), consent=True, campaign="november")
        handle = await on.start(loan, strategy(steps=steps, ends=Ends(after_days=120)))
        await on.reach(begin + timedelta(days=DAYS))
        paid = {"amount_minor": 30_000, "currency": "EUR", "paid_at": (await on.now()).isoformat()}
        await handle.signal("payment_received", {"payment_id": "pi_3QK1", "provider": "stripe", **paid})
        await handle.result()
        history = await handle.fetch_history()
        sent, reads = len(on.world.sent()), len(on.world.reads)
    size = sum(event.ByteSize() for event in history.events)
    life = f"{sent - 1} contacts and a receipt, {reads} balance reads, one payment"
    return [
        Figure("history.events", len(history.events), "events", 110, at_most=True, note=life),
        Figure("history.bytes", size / 1000, "KB", 12, at_most=True, note=life),
    ]


async def _busy(parts: int) -> Figure:
    """The longest run of a loan that is paid in many small parts."""
    async with ground() as on, on.workers("product") as workers:
        loans = OurLoans(on, workers.queue, 1)
        handle = await loans.start(0)
        current = on.client.get_workflow_handle(handle.id)
        await asleep([current], ASLEEP)
        for part in range(parts):
            await loans.pay_part(current, part)
            await asleep([current], ASLEEP)
        await loans.pay(current, parts)
        await current.result()
        lengths: list[int] = []
        async for run in on.client.list_workflows(f"WorkflowId = '{handle.id}'"):
            lengths.append(run.history_length or 0)
    note = f"{parts} part payments one after another, {len(lengths)} runs"
    return Figure("history.longest_run", max(lengths), "events", 150, at_most=True, note=note)
