"""Schedules: exact to the minor unit, on working days, with arithmetic that can be followed by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agreements.schedule import due_dates, effective_rate_bp, next_working_day, repayment, split
from domain.agreements.terms import Every
from domain.agreements.working_days import public_holidays


@given(parts=st.integers(1, 60), extra=st.integers(0, 10**9))
def test_parts_add_up_exactly_and_differ_by_one_unit_at_most(parts: int, extra: int) -> None:
    amounts = split(parts + extra, parts)
    assert sum(amounts) == parts + extra
    assert max(amounts) - min(amounts) <= 1
    assert list(amounts) == sorted(amounts, reverse=True)


def test_a_hundred_euros_in_three_parts() -> None:
    assert split(10_000, 3) == (3_334, 3_333, 3_333)
    with pytest.raises(ValueError, match="3 parts"):
        split(2, 3)


@given(
    debt=st.integers(1_000, 10**8),
    parts=st.integers(2, 60),
    every=st.sampled_from(Every),
    rate=st.integers(0, 6_000),
)
def test_a_schedule_repays_the_debt_whatever_the_rate(debt: int, parts: int, every: Every, rate: int) -> None:
    rows = repayment(debt, parts, every, rate)
    assert sum(row.principal_minor for row in rows) == debt
    assert rows[-1].left_minor == 0
    assert all(row.amount_minor == row.interest_minor + row.principal_minor for row in rows)
    assert all(row.interest_minor >= 0 and row.principal_minor >= 0 for row in rows)
    left = debt
    for row in rows:
        left -= row.principal_minor
        assert row.left_minor == left


def test_twelve_percent_over_three_months_as_by_hand() -> None:
    rows = repayment(30_000, 3, Every.MONTH, 1_200)
    assert [(r.amount_minor, r.interest_minor, r.principal_minor, r.left_minor) for r in rows] == [
        (10_201, 300, 9_901, 20_099),
        (10_201, 201, 10_000, 10_099),
        (10_200, 101, 10_099, 0),
    ]


def test_due_dates_keep_their_day_and_step_over_weekends_and_holidays() -> None:
    holidays = public_holidays("ES", "MD", date(2026, 1, 1), date(2027, 1, 1))
    assert date(2026, 12, 25) in holidays
    assert due_dates(date(2026, 1, 31), 4, Every.MONTH, holidays) == (
        date(2026, 2, 2),
        date(2026, 3, 2),
        date(2026, 3, 31),
        date(2026, 4, 30),
    )
    assert due_dates(date(2026, 12, 18), 2, Every.WEEK, holidays) == (date(2026, 12, 18), date(2026, 12, 28))
    assert due_dates(date(2026, 3, 3), 2, Every.FORTNIGHT, ()) == (date(2026, 3, 3), date(2026, 3, 17))


def test_nobody_knows_the_holidays_of_nowhere() -> None:
    assert public_holidays("XX", None, date(2026, 1, 1), date(2026, 12, 31)) == ()
    assert next_working_day(date(2026, 3, 7), ()) == date(2026, 3, 9)


def test_the_effective_rate_is_that_of_the_days_and_not_of_the_periods() -> None:
    """Given 3,000.00 at 24 % in three months, when the first payment comes after fifteen days, then a whole month's
    interest for them makes it 37.04 % a year; after a month it is about what twelve months of 2 % come to."""
    on, rows = date(2026, 3, 9), repayment(300_000, 3, Every.MONTH, 2_400)
    soon, later = (
        [
            (due, row.amount_minor)
            for due, row in zip(due_dates(on + timedelta(days=days), 3, Every.MONTH, ()), rows, strict=True)
        ]
        for days in (15, 30)
    )

    assert effective_rate_bp(300_000, soon, on) == 3_704
    assert effective_rate_bp(300_000, later, on) == 2_708


@pytest.mark.parametrize(
    ("payments", "rate"),
    [
        ([(365, 110_000)], 1_000),
        ([(730, 121_000)], 1_000),
        ([(365, 60_000), (730, 60_000)], 1_307),
        ([(365, 100_000)], 0),
        ([(1, 100_100)], 4_403),
        ([(0, 60_000), (365, 60_000)], 5_000),
        ([(0, 101_000)], None),
        ([(1, 120_000)], None),
    ],
    ids=[
        "a year",
        "two years",
        "two payments",
        "no interest",
        "a day",
        "half at once",
        "all at once",
        "no rate to tell",
    ],
)
def test_what_1000_cost_by_the_day(payments: list[tuple[int, int]], rate: int | None) -> None:
    """Given 1,000.00 that are paid back by these days, when the yearly cost is worked out, then it is the rate at which
    the payments are worth the debt, and none where no rate makes them so."""
    on = date(2026, 3, 9)

    assert effective_rate_bp(100_000, [(on + timedelta(days=days), minor) for days, minor in payments], on) == rate
