"""Where in the day the few reads of a balance are spent: just after the money has probably come.

Reads keep to a number within any 24 hours, so a late read today would be missing tomorrow morning. A day's reads are
therefore never placed later than those of the day after, and one that would come too late is left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from domain.arrival_model import SLOT_MINUTES, SLOTS, STRAY, ArrivalModel, Weights

DAY = timedelta(days=1)
WAITED_FOR = timedelta(minutes=20)
"""A read that is free so shortly after its moment is waited for; a later one is left out."""
_LEVELS = 4
_PHASES = 8
_PASSES = 3


@dataclass(frozen=True)
class ReadPlan:
    """The slots, by local day and in order, at whose ends the balance is read."""

    zone: ZoneInfo
    reads_per_day: int
    slots: dict[date, tuple[int, ...]]


def place(model: ArrivalModel, reads_per_day: int) -> ReadPlan:
    """The day's reads for each day the model speaks of but its last, which only bounds the one before."""
    levels = {day: _level(chance) for day, chance in model.days.items()}
    placed = {
        level: placed_reads(model.hours, model.any_hours, level / _LEVELS, reads_per_day)
        for level in set(levels.values())
    }
    slots = {}
    for day, level in levels.items():
        after = levels.get(day + DAY)
        if after is not None:
            slots[day] = tuple(min(pair) for pair in zip(placed[level], placed[after], strict=True))
    return ReadPlan(model.zone, reads_per_day, slots)


def next_read(plan: ReadPlan, now: datetime, taken: Sequence[datetime], offset: timedelta = timedelta(0)) -> datetime:
    """When to look next; after `now`.

    `taken` are the reads that count, oldest first. `offset`, below half an hour, keeps people apart who would
    otherwise all be read at the same minute. Beyond the plan's days reads are spread evenly.
    """
    reads = plan.reads_per_day
    free = taken[-reads] + DAY + timedelta(seconds=1) if len(taken) >= reads else now
    today = now.astimezone(plan.zone).date()
    for day, slots in plan.slots.items():
        if day < today:
            continue
        for slot in slots:
            moment = _end_of(day, slot, plan.zone) + offset
            if moment > now and free <= moment + WAITED_FOR:
                return max(moment, free)
    return max(free, now + DAY / reads)


def placed_reads(hours: Weights, any_hours: Weights, chance: float, reads: int) -> tuple[int, ...]:
    """The slots that keep the wait from arrival to read shortest, on average over what may arrive.

    `chance` is how likely pay comes, by `hours`; beside it anything else comes by `any_hours`. The mean wait is least
    where reads are about as dense as the root of what arrives; from the best such cut each read is moved while that
    helps.
    """
    arrives = [chance * pay + STRAY * other for pay, other in zip(hours, any_hours, strict=True)]
    roots = list(accumulate(weight**0.5 for weight in arrives))
    wait = _Wait(arrives)
    cuts = [
        [min(SLOTS - 1, bisect_left(roots, roots[-1] / reads * (n + phase / _PHASES))) for n in range(reads)]
        for phase in range(1, _PHASES + 1)
    ]
    found = min(cuts, key=wait.of_day)
    for _ in range(_PASSES):
        before = list(found)
        for n in range(reads):
            low = found[n - 1] + 1 if n else 0
            high = found[n + 1] if n + 1 < reads else SLOTS
            found[n] = min(
                range(low, max(high, low + 1)), key=lambda slot: wait.of_day([*found[:n], slot, *found[n + 1 :]])
            )
        if found == before:
            break
    return tuple(found)


class _Wait:
    """What arrives, times the slots until the next read, over a day like this one again and again."""

    def __init__(self, arrives: Sequence[float]) -> None:
        self._mass = [0.0, *accumulate(arrives)]
        self._moment = [0.0, *accumulate(weight * slot for slot, weight in enumerate(arrives))]

    def of_day(self, reads: Sequence[int]) -> float:
        """If only tomorrow's first read came, less what each earlier read saves on all that has arrived by then."""
        following = reads[0] + SLOTS
        total = following * self._mass[SLOTS] - self._moment[SLOTS]
        for read in reversed(reads):
            total -= (following - read) * self._mass[read + 1]
            following = read
        return total


def _level(chance: float) -> int:
    return max(1, min(_LEVELS, round(chance * _LEVELS)))


def _end_of(day: date, slot: int, zone: ZoneInfo) -> datetime:
    """The end of a slot by the wall clock of the person's place."""
    minutes = (slot + 1) * SLOT_MINUTES
    wall = datetime.combine(day + timedelta(days=minutes // 1440), time(minutes % 1440 // 60, minutes % 60))
    # In UTC: two moments of one zone would be compared and added to by their wall clocks.
    return wall.replace(tzinfo=zone).astimezone(UTC)
