"""Loans carried from start to cure a second, beside the bare workflow; and what a loan costs one and two workers.

Each loan is started, falls asleep with its watch and its timer, is told of the payment, and ends cured with a
receipt. Ours on one worker process, ours on two and the bare one take turns on one server; a figure is the median of
the rounds' ratios. Where a loan costs two processes no more CPU than one, twice the cores carry twice the loans.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import LEAST_CPU, Figure, progress, sized
from benchmarks.ground import Ground, Workers, cpu_seconds, ground
from benchmarks.loans import BareLoans, OurLoans, Side, all_of, asleep

ROUNDS = 5
LOANS = 100
ASLEEP = 6
"""Events of a loan that sleeps: started, one task of three, the watch, the timer."""


@dataclass(frozen=True)
class Carried:
    """`seconds` on the clock, and CPU seconds of the worker and of the server, for `loans` loans."""

    loans: int
    seconds: float
    worker_cpu: float
    server_cpu: float

    @property
    def rate(self) -> float:
        return self.loans / self.seconds


async def carry(on: Ground, side: Side, workers: Workers, numbers: Sequence[int]) -> Carried:
    worker_before, server_before = workers.cpu_seconds(), cpu_seconds(on.server_pid)
    begun = time.monotonic()
    handles = await all_of(side.start, numbers)
    await asleep(handles, ASLEEP)
    await all_of(side.pay, handles)
    await all_of(lambda handle: handle.result(), handles)
    seconds = time.monotonic() - begun
    return Carried(
        len(numbers), seconds, workers.cpu_seconds() - worker_before, cpu_seconds(on.server_pid) - server_before
    )


def measure(scale: float = 1.0) -> list[Figure]:
    return asyncio.run(_measure(sized(LOANS, scale), ROUNDS if scale >= 0.5 else 2))


async def _measure(loans: int, rounds: int) -> list[Figure]:
    found: dict[str, list[Carried]] = {"ours": [], "two": [], "bare": []}
    async with (
        ground() as on,
        on.workers("product") as one,
        on.workers("product", 2) as two,
        on.workers("bare") as plain,
    ):
        # One round more than counts: the first fills caches on all sides.
        number = loans * (rounds + 1)
        sides: dict[str, tuple[Side, Workers]] = {
            "ours": (OurLoans(on, one.queue, number), one),
            "bare": (BareLoans(on, plain.queue), plain),
            "two": (OurLoans(on, two.queue, number), two),
        }
        for turn in range(rounds + 1):
            progress(f"round {turn} of {rounds}")
            for name in sides if turn % 2 else reversed(sides):
                side, workers = sides[name]
                carried = await carry(on, side, workers, range(turn * loans, (turn + 1) * loans))
                if turn:
                    found[name].append(carried)
    ours, both, bare = found["ours"], found["two"], found["bare"]
    to_bare = median(our.rate / plain.rate for our, plain in zip(ours, bare, strict=True))
    two_to_one = median(two.worker_cpu / max(one.worker_cpu, LEAST_CPU) for one, two in zip(ours, both, strict=True))
    size = f"{rounds} rounds of {loans} loans each"
    return [
        Figure("carrying.rate", median(one.rate for one in ours), "loans/s", note=f"one worker, SQLite; {size}"),
        Figure("carrying.bare_rate", median(one.rate for one in bare), "loans/s", note="the bare workflow"),
        Figure("carrying.to_bare", to_bare, "of the bare workflow", 0.8, note=size),
        Figure("carrying.worker_cpu", _milliseconds(ours), "ms/loan", note="CPU of the worker"),
        Figure("carrying.bare_worker_cpu", _milliseconds(bare), "ms/loan", note="CPU of the bare workflow's worker"),
        Figure("carrying.server_cpu", _server(ours), "ms/loan", note="CPU of Temporal's development server"),
        Figure("carrying.bare_server_cpu", _server(bare), "ms/loan", note="CPU of the server for a bare workflow"),
        Figure(
            "carrying.two_to_one", two_to_one, "times", 1.1, at_most=True, note="worker CPU for a loan, two processes"
        ),
    ]


def _milliseconds(carried: Sequence[Carried]) -> float:
    return 1000 * median(one.worker_cpu / one.loans for one in carried)


def _server(carried: Sequence[Carried]) -> float:
    return 1000 * median(one.server_cpu / one.loans for one in carried)
