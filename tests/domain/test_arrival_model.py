from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from config.pay_calendars import pay_calendar
from domain.arrival_model import SLOTS, Arrival, ArrivalModel, hours_of, jump, learn, of_weight, slots_of, spread
from domain.pay_calendar import PayCalendar

MADRID = ZoneInfo("Europe/Madrid")
MEXICO = ZoneInfo("America/Mexico_City")


def seen(day: date, zone: ZoneInfo = MADRID, hour: int = 7, amount: int = 100_000, within: int = 2) -> Arrival:
    by = datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)
    return Arrival(by - timedelta(hours=within), by, amount)


def expected(
    calendar: PayCalendar, zone: ZoneInfo, arrivals: list[Arrival], today: date, since: date, ahead: int = 40
) -> ArrivalModel:
    def noon(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 12, tzinfo=zone)

    return learn(calendar, zone, arrivals, noon(since), noon(today), ahead=ahead)


def likeliest(model: ArrivalModel, count: int) -> set[date]:
    return set(sorted(model.days, key=lambda day: -model.days[day])[:count])


def test_before_anything_is_known_mexico_expects_its_quincenas() -> None:
    model = expected(pay_calendar("MX"), MEXICO, [], date(2026, 8, 1), date(2026, 8, 1), ahead=31)

    assert likeliest(model, 2) == {date(2026, 8, 14), date(2026, 8, 31)}


def test_two_wages_on_the_27th_are_enough_to_expect_the_third_before_the_weekend() -> None:
    arrivals = [seen(date(2026, 3, 27)), seen(date(2026, 4, 27)), seen(date(2026, 5, 27))]

    model = expected(pay_calendar("ES"), MADRID, arrivals, date(2026, 6, 1), date(2026, 3, 1))

    # 27 June 2026 is a Saturday.
    assert likeliest(model, 1) == {date(2026, 6, 26)}
    assert model.chance(date(2026, 6, 26)) > 0.5
    assert model.chance(date(2026, 6, 12)) < 0.1


def test_a_weekly_wage_is_told_from_a_fortnightly_one() -> None:
    fridays = [date(2026, 3, 6) + timedelta(days=7 * n) for n in range(5)]

    model = expected(pay_calendar("MX"), MEXICO, [seen(d, MEXICO) for d in fridays], date(2026, 4, 8), date(2026, 3, 2))

    assert model.chance(date(2026, 4, 10)) > 0.5
    assert model.chance(date(2026, 4, 15)) < 0.3


def test_money_on_no_fixed_day_is_expected_a_little_on_every_day() -> None:
    days = [date(2026, 3, d) for d in (3, 4, 9, 12, 19, 24, 26)] + [date(2026, 4, 2), date(2026, 4, 8)]

    model = expected(
        pay_calendar("CO"), ZoneInfo("America/Bogota"), [seen(d) for d in days], date(2026, 4, 9), date(2026, 3, 1), 28
    )

    assert max(model.days.values()) < 0.45
    assert min(model.days.values()) > 0.05


def test_pay_days_without_money_speak_against_a_pattern() -> None:
    ends = [seen(day, MEXICO) for day in (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 29))]

    at_first = expected(pay_calendar("MX"), MEXICO, [], date(2026, 6, 10), date(2026, 6, 9))
    watched = expected(pay_calendar("MX"), MEXICO, ends, date(2026, 6, 10), date(2026, 3, 2))

    assert watched.chance(date(2026, 6, 15)) < at_first.chance(date(2026, 6, 15)) < watched.chance(date(2026, 6, 30))


def test_a_wage_two_days_late_does_not_change_the_pattern() -> None:
    arrivals = [seen(date(2026, 3, 31)), seen(date(2026, 5, 4)), seen(date(2026, 5, 29))]

    model = expected(
        pay_calendar("CL"), ZoneInfo("America/Santiago"), arrivals, date(2026, 6, 15), date(2026, 3, 2), 20
    )

    assert likeliest(model, 1) == {date(2026, 6, 30)}


def test_own_arrivals_and_those_of_others_move_the_hours() -> None:
    base = slots_of(pay_calendar("ES").booking_hours)
    crowd = [0.0] * SLOTS
    crowd[26] = 200.0  # 13:00 to 13:30

    alone = hours_of(base, MADRID, [seen(date(2026, 3, 27), hour=17, within=1)] * 4)
    taught = hours_of(base, MADRID, [], crowd)

    assert sum(alone[32:34]) > 5 * sum(base[32:34])
    assert taught[26] > 0.9
    assert sum(taught) == pytest.approx(1)


def test_an_arrival_between_two_reads_is_spread_over_the_half_hours_between() -> None:
    base = slots_of([1.0] * 24)

    shares = dict(spread(seen(date(2026, 3, 27), hour=1, within=2), MADRID, base))
    credit = spread(Arrival(*[datetime(2026, 3, 27, 6, 40, tzinfo=UTC)] * 2, 5), UTC_ZONE, base)
    vague = spread(seen(date(2026, 3, 27), within=31), MADRID, base)

    assert shares == pytest.approx({46: 0.25, 47: 0.25, 0: 0.25, 1: 0.25})
    assert credit == [(13, 1.0)]
    assert vague == []


UTC_ZONE = ZoneInfo("UTC")


def test_only_a_rise_is_an_arrival_and_pocket_money_is_none_beside_a_wage() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    later = at + timedelta(hours=6)

    assert jump(500, at, 400, later) is None
    assert jump(500, at, 500, later) is None
    assert jump(-500, at, 700, later) == Arrival(at, later, 1200)
    assert of_weight([Arrival(at, later, 1000), Arrival(at, later, 249)]) == [Arrival(at, later, 1000)]
