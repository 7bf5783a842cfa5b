"""What every figure of a loan is measured beside: a plain Temporal workflow of the same waits.

It starts the activities a loan starts, in the same order and with the same retries, waits by the same timer for the
same signals, and so leaves the same events; but its activities do nothing, and it holds no rule, no record, no
search attribute and no text for operators. It runs as Temporal's samples do: default sandbox, default converter.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import Worker

_BRIEF = timedelta(minutes=1)


@activity.defn(name="watch_balance")
async def watch(_loan_id: str) -> None:
    raise ApplicationError("no funds", next_retry_delay=timedelta(hours=6), category=ApplicationErrorCategory.BENIGN)


@activity.defn(name="write_ledger")
async def write(_loan_id: str) -> None:
    return None


@activity.defn(name="contact")
async def contact(_loan_id: str) -> str:
    return "sent"


@workflow.defn(name="Bare")
class Bare:
    def __init__(self) -> None:
        self._parts = self._written = 0
        self._paid = False

    @workflow.run
    async def run(self, loan_id: str) -> str:
        watching = workflow.start_activity(watch, loan_id, start_to_close_timeout=_BRIEF)
        while not self._paid:
            try:
                await workflow.wait_condition(self._heard, timeout=timedelta(days=30))
            except TimeoutError:
                break
            if self._parts > self._written:
                await workflow.execute_activity(write, loan_id, start_to_close_timeout=_BRIEF)
                self._written = self._parts
        watching.cancel()
        await workflow.execute_activity(write, loan_id, start_to_close_timeout=_BRIEF)
        await workflow.execute_activity(contact, loan_id, start_to_close_timeout=_BRIEF)
        return "cured"

    def _heard(self) -> bool:
        return self._paid or self._parts > self._written

    @workflow.signal
    def part_paid(self) -> None:
        self._parts += 1

    @workflow.signal
    def paid(self) -> None:
        self._paid = True

    @workflow.signal
    def nudge(self) -> None:
        """News that changes nothing."""


async def serve(client: Client, task_queue: str, cached_workflows: int, stop: asyncio.Event) -> None:
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[Bare],
        activities=[watch, write, contact],
        max_cached_workflows=cached_workflows,
    )
    async with worker:
        print("worker ready", flush=True)
        await stop.wait()
