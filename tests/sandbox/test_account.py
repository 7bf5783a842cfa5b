import statistics
from datetime import date, timedelta

import pytest

from sandbox.account import Account, Income, draw_income
from sandbox.clock import DAY, at_local
from sandbox.odds import load_odds
from sandbox.paydays import SCHEDULES, is_business_day, pay_days

ODDS = load_odds()
FIRST = date(2026, 3, 1)


def account(schedule: str = "month_end", country: str = "ES", zone: str = "Europe/Madrid", key: str = "k") -> Account:
    income = Income(monthly=150_000, schedule=schedule, anchor=3, buffer=10_000, decay_tau_days=9)
    return Account(ODDS, 1, key, country, income, FIRST, zone)


@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
@pytest.mark.parametrize("country", ["ES", "MX", "BR", "AR", "US"])
def test_wages_arrive_on_business_days(schedule: str, country: str) -> None:
    for month in range(1, 13):
        for day in pay_days(schedule, country, 2026, month, 4):
            assert is_business_day(country, day)


@pytest.mark.parametrize(
    ("schedule", "country", "month", "expected"),
    [
        ("month_end", "ES", 1, [date(2026, 1, 30)]),  # the 31st is a Saturday
        ("month_end", "MX", 5, [date(2026, 5, 29)]),
        ("quincena", "MX", 2, [date(2026, 2, 13), date(2026, 2, 27)]),  # the 15th is a Sunday
        ("fourth_business_day", "AR", 4, [date(2026, 4, 8)]),  # Malvinas on the 2nd and Good Friday do not count
        ("fifth_business_day", "BR", 8, [date(2026, 8, 6)]),  # Saturday the 1st counts
        ("fifth_business_day", "BR", 3, [date(2026, 3, 6)]),
    ],
)
def test_the_law_of_each_country_places_pay_day(schedule: str, country: str, month: int, expected: list[date]) -> None:
    assert list(pay_days(schedule, country, 2026, month, 0)) == expected


def test_fifth_business_day_on_a_saturday_is_credited_on_friday() -> None:
    moved = [
        m
        for y in (2026, 2027)
        for m in range(1, 13)
        for d in pay_days("fifth_business_day", "BR", y, m, 0)
        if d.weekday() == 4
    ]

    assert 10 <= len(moved) <= 14  # 12 of 24 by the calendar


def test_money_jumps_on_pay_day_and_fades_until_the_next() -> None:
    mine = account()
    pay_day = next(d for d in range(FIRST.toordinal(), FIRST.toordinal() + 40) if mine.pay_on(d) > 0)

    after = mine.noon(pay_day + 1)
    week = mine.noon(pay_day + 7)
    later = mine.noon(pay_day + 25)

    assert mine.noon(pay_day - 1) < 0.3 * after
    assert after > week > later >= 10_000


def test_money_never_falls_below_nothing_and_does_not_drift() -> None:
    highs = []
    for n in range(40):
        mine = account(key=f"drift{n}", schedule="quincena", country="MX", zone="America/Mexico_City")
        year = [mine.noon(FIRST.toordinal() + d) for d in range(365)]
        assert min(year) >= 0
        highs.append(max(year[-60:]) / max(max(year[:60]), 1))

    assert 0.5 < statistics.median(highs) < 2


def test_money_spent_outside_the_pattern_fades_from_the_balance() -> None:
    plain, paid = account(), account()
    moment = at_local(date(2026, 4, 2), 12, "Europe/Madrid")
    before = plain.at(moment - 1)

    paid.adjust(moment, -30_000)

    assert paid.at(moment - 1) == before
    assert plain.at(moment + 60) - paid.at(moment + 60) == pytest.approx(30_000, rel=0.01)
    assert plain.at(moment + 40 * DAY) - paid.at(moment + 40 * DAY) < 500


def test_a_day_is_the_persons_own() -> None:
    madrid, lima = account(), account(zone="America/Lima")
    pay_day = date(2026, 3, 31)
    payday_start = at_local(pay_day, 11, "Europe/Madrid")

    assert madrid.at(payday_start) > lima.at(payday_start)
    assert lima.at(payday_start + 7 * 3600) > 100_000


def test_half_of_mexicans_end_the_cycle_with_next_to_nothing() -> None:
    incomes = [draw_income(ODDS, 3, f"p{n}", "MX", "MXN", 100_000) for n in range(2_000)]

    empty = sum(1 for i in incomes if i.buffer < i.monthly / 30)
    assert 0.40 < empty / len(incomes) < 0.52
    irregular = sum(1 for i in incomes if i.schedule == "irregular")
    assert 0.45 < irregular / len(incomes) < 0.55


def test_irregular_money_swings() -> None:
    mine = account(schedule="irregular", country="PE", zone="America/Lima")
    weeks = [sum(mine.pay_on((FIRST + timedelta(days=7 * w + d)).toordinal()) for d in range(7)) for w in range(50)]

    assert min(weeks) < statistics.mean(weeks) / 2
    assert max(weeks) > statistics.mean(weeks) * 1.5
