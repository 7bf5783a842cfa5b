"""From a payment webhook's 2xx to the loan's planned contact cancelled, at twenty payments a second.

The moment of the 2xx is the sender's; the other is the server's time of the event by which the loan took its timer
back. Both read the same clock.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median, quantiles
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from benchmarks import Figure, progress, sized
from benchmarks.carrying import ASLEEP
from benchmarks.ground import ground
from benchmarks.loans import AMOUNT_MINOR, LENDER, OurLoans, all_of, asleep
from benchmarks.webapp import Line, payment_event, signed_request, web_app_on

A_SECOND = 20
LOANS = 400
ROUNDS = 3


def measure(scale: float = 1.0) -> list[Figure]:
    return asyncio.run(_measure(sized(LOANS, scale), ROUNDS if scale >= 0.5 else 1))


async def _measure(loans: int, rounds: int) -> list[Figure]:
    found: list[list[float]] = []
    async with ground() as on, on.workers("product") as workers, web_app_on(on) as app:
        side = OurLoans(on, workers.queue, loans * rounds)
        for turn in range(rounds):
            progress(f"round {turn + 1} of {rounds}")
            handles = await all_of(side.start, range(turn * loans, (turn + 1) * loans))
            await asleep(handles, ASLEEP)
            found.append(await _pay_steadily(app.port, handles))
    note = f"{A_SECOND} a second, {rounds} rounds of {loans} loans, the median of their p99"
    p99 = median(quantiles(times, n=100)[98] for times in found)
    half = median(median(times) for times in found)
    return [
        Figure("stopping.p99", 1000 * p99, "ms", 250, at_most=True, note=note),
        Figure("stopping.median", 1000 * half, "ms"),
    ]


async def _pay_steadily(port: int, handles: list[WorkflowHandle[Any, Any]]) -> list[float]:
    answered: dict[str, float] = {}
    lines: asyncio.Queue[Line] = asyncio.Queue()
    for _ in range(10):
        lines.put_nowait(await Line.open(port))

    async def pay(handle: WorkflowHandle[Any, Any]) -> None:
        loan_id = handle.id.rsplit("-", 1)[1]
        request = signed_request(port, payment_event(handle.id, LENDER, loan_id, AMOUNT_MINOR))
        line = await lines.get()
        status = await line.post(request)
        answered[handle.id] = time.time()
        lines.put_nowait(line)
        if status != 200:
            raise AssertionError(f"the web app answered {status}")

    begun = time.monotonic()
    under_way = []
    for number, handle in enumerate(handles):
        await asyncio.sleep(max(0.0, begun + number / A_SECOND - time.monotonic()))
        under_way.append(asyncio.create_task(pay(handle)))
    await asyncio.gather(*under_way)
    await all_of(lambda handle: handle.result(), handles)
    cancelled = await all_of(_plan_cancelled_at, handles)
    return [at - answered[handle.id] for handle, at in zip(handles, cancelled, strict=True)]


async def _plan_cancelled_at(handle: WorkflowHandle[Any, Any]) -> float:
    history = await handle.fetch_history()
    event = next(one for one in history.events if one.event_type == EventType.EVENT_TYPE_TIMER_CANCELED)
    return event.event_time.seconds + event.event_time.nanos / 1e9
