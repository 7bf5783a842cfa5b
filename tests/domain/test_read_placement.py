from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.arrival_model import SLOTS, STRAY, ArrivalModel, normal
from domain.read_placement import ReadPlan, next_read, place, placed_reads

MADRID = ZoneInfo("Europe/Madrid")
FLAT = normal([1.0] * SLOTS)
MORNING = normal([1.0 if 10 <= slot < 18 else 0.0001 for slot in range(SLOTS)])
DAY = timedelta(days=1)


def model(chances: dict[date, float]) -> ArrivalModel:
    return ArrivalModel(MADRID, chances, MORNING, FLAT)


def mean_wait(hours: tuple[float, ...], chance: float, reads: tuple[int, ...]) -> float:
    total = 0.0
    for slot, weight in enumerate(hours):
        ahead = min((read - slot) % SLOTS for read in reads)
        total += (chance * weight + STRAY / SLOTS) * ahead
    return total


def test_reads_stand_where_money_comes() -> None:
    reads = placed_reads(MORNING, FLAT, 0.9, 4)

    assert sum(1 for read in reads if 10 <= read <= 18) >= 3
    assert reads[0] >= 10


def test_where_money_comes_at_any_hour_reads_are_spread_evenly() -> None:
    reads = placed_reads(FLAT, FLAT, 0.5, 4)

    assert [b - a for a, b in pairwise(reads)] == [12, 12, 12]


def test_no_other_two_reads_wait_less() -> None:
    reads = placed_reads(MORNING, FLAT, 0.5, 2)

    best = min(mean_wait(MORNING, 0.5, pair) for pair in combinations(range(SLOTS), 2))
    assert mean_wait(MORNING, 0.5, reads) <= best * 1.02


def test_the_next_read_is_the_next_placed_one_by_the_persons_clock() -> None:
    plan = ReadPlan(MADRID, 4, {date(2026, 3, 10): (11, 13, 15, 17), date(2026, 3, 11): (11, 13, 15, 17)})
    ten = datetime(2026, 3, 10, 10, 0, tzinfo=MADRID)

    assert next_read(plan, ten - timedelta(hours=3), []) == datetime(2026, 3, 10, 8, 0, tzinfo=MADRID)
    assert next_read(plan, ten, []) == datetime(2026, 3, 11, 6, 0, tzinfo=MADRID)
    assert next_read(plan, ten, [], timedelta(minutes=7)) == datetime(2026, 3, 11, 6, 7, tzinfo=MADRID)


def test_a_read_that_is_not_free_in_time_is_left_out_and_a_moment_is_waited_for() -> None:
    plan = ReadPlan(UTC_ZONE, 2, {date(2026, 3, 10): (11, 17), date(2026, 3, 11): (11, 17)})
    six = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)

    late = next_read(plan, six + timedelta(hours=4), [six + timedelta(hours=2), six + timedelta(hours=3)])
    soon = next_read(plan, six + timedelta(hours=4), [six + timedelta(minutes=5), six + timedelta(hours=3)])

    assert late == six + DAY + timedelta(hours=3)
    assert soon == six + DAY + timedelta(minutes=5, seconds=1)


UTC_ZONE = ZoneInfo("UTC")


def test_the_day_before_a_pay_day_keeps_its_late_read_for_the_morning() -> None:
    pay = date(2026, 3, 12)
    quiet, busy = 0.02, 0.95
    plan = place(model({pay + n * DAY: busy if n == 0 else quiet for n in range(-3, 3)}), 4)

    assert all(early <= late for early, late in zip(plan.slots[pay - DAY], plan.slots[pay], strict=True))
    assert plan.slots[pay] == placed_reads(MORNING, FLAT, 1.0, 4)


@settings(max_examples=40, deadline=None)
@given(
    reads=st.integers(1, 4),
    chances=st.lists(st.floats(0, 1), min_size=21, max_size=21),
    start=st.integers(0, 1439),
    weights=st.lists(st.floats(0.001, 1), min_size=SLOTS, max_size=SLOTS),
)
def test_never_more_reads_in_24_hours_than_are_allowed(
    reads: int, chances: list[float], start: int, weights: list[float]
) -> None:
    """Through the spring change of clocks, whatever the model expects."""
    first = date(2026, 3, 20)
    expects = ArrivalModel(MADRID, {first + n * DAY: c for n, c in enumerate(chances)}, normal(weights), FLAT)
    plan = place(expects, reads)
    now = datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=start)
    taken = [now]
    while now < datetime(2026, 4, 6, tzinfo=UTC):
        following = next_read(plan, now, taken, timedelta(minutes=11))
        assert following > now
        now = following
        taken.append(now)

    for moment in taken:
        assert sum(1 for other in taken if moment - DAY < other <= moment) <= reads
    assert len(taken) >= 17 * reads * 0.6


@pytest.mark.parametrize("reads", [1, 2, 3, 4])
def test_beyond_the_plan_reads_are_spread_evenly(reads: int) -> None:
    now = datetime(2026, 3, 20, tzinfo=UTC)

    assert next_read(ReadPlan(MADRID, reads, {}), now, []) == now + DAY / reads
