"""CPU that a sleeping loan costs a worker when it wakes and its history must be replayed, beside the bare workflow.

The loan was part-paid three times. Workers that keep nothing in memory wake it with news that changes nothing, so
what is measured is the replay. Both sides take turns; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
from functools import partial
from statistics import median

from benchmarks import LEAST_CPU, Figure, sized
from benchmarks.carrying import ASLEEP
from benchmarks.ground import ground
from benchmarks.loans import BareLoans, OurLoans, Side, all_of, asleep

LOANS = 60
ROUNDS = 5
PARTS = 3
EVENTS_OF_PART, EVENTS_OF_NUDGE = 11, 4


def measure(scale: float = 1.0) -> list[Figure]:
    return asyncio.run(_measure(sized(LOANS, scale), ROUNDS if scale >= 0.5 else 2))


async def _measure(loans: int, rounds: int) -> list[Figure]:
    cpu: dict[str, list[float]] = {"ours": [], "bare": []}
    async with ground() as on:
        queues = {"ours": on.new_queue("product"), "bare": on.new_queue("bare")}
        sides: dict[str, Side] = {"ours": OurLoans(on, queues["ours"], loans), "bare": BareLoans(on, queues["bare"])}
        handles = {}
        async with (
            on.workers("product", queue=queues["ours"], cached=0) as ours,
            on.workers("bare", queue=queues["bare"], cached=0) as bare,
        ):
            workers = {"ours": ours, "bare": bare}
            for name, side in sides.items():
                handles[name] = await all_of(side.start, range(loans))
                await asleep(handles[name], ASLEEP)
                for part in range(PARTS):
                    await all_of(partial(side.pay_part, part=part), handles[name])
                    await asleep(handles[name], ASLEEP + (part + 1) * EVENTS_OF_PART)
            lengths = {name: (await handles[name][0].describe()).history_length for name in handles}
            for turn in range(rounds + 1):
                for name in ("ours", "bare") if turn % 2 else ("bare", "ours"):
                    before = workers[name].cpu_seconds()
                    await all_of(sides[name].nudge, handles[name], at_once=5)
                    await asleep(handles[name], lengths[name] + (turn + 1) * EVENTS_OF_NUDGE)
                    if turn:
                        cpu[name].append((workers[name].cpu_seconds() - before) / loans)
    ratio = median(our / max(plain, LEAST_CPU) for our, plain in zip(cpu["ours"], cpu["bare"], strict=True))
    size = f"{rounds} rounds of {loans} loans with {lengths['ours']} to {lengths['ours'] + rounds * 4} events"
    return [
        Figure("waking.cpu", 1000 * median(cpu["ours"]), "ms", note=f"a cold wake; {size}"),
        Figure("waking.bare_cpu", 1000 * median(cpu["bare"]), "ms", note=f"{lengths['bare']} events and more"),
        Figure("waking.to_bare", ratio, "times the bare workflow's", 2.0, at_most=True),
    ]
