"""When wages arrive, by each country's calendar and law."""

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

import holidays

# Extra pay by law, (month, day): ES two payments, MX aguinaldo, CO prima, AR SAC, PE gratificación, BR 13º.
BONUS_DAYS: dict[str, list[tuple[int, int]]] = {
    "ES": [(6, 28), (12, 20)],
    "MX": [(12, 20)],
    "CO": [(6, 30), (12, 20)],
    "AR": [(6, 30), (12, 18)],
    "PE": [(7, 15), (12, 15)],
    "BR": [(11, 30), (12, 20)],
}


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def is_business_day(country: str, day: date, saturday: bool = False) -> bool:
    last = 5 if saturday else 4
    return day.weekday() <= last and day not in public_holidays(country, day.year)


def _before(country: str, day: date) -> date:
    while not is_business_day(country, day):
        day -= timedelta(days=1)
    return day


def _nth_business_day(country: str, year: int, month: int, n: int, saturday: bool) -> date:
    day = date(year, month, 1)
    while True:
        if is_business_day(country, day, saturday):
            n -= 1
            if n == 0:
                return day
        day += timedelta(days=1)


def _month_end(country: str, year: int, month: int, anchor: int) -> list[date]:
    return [_before(country, date(year, month, calendar.monthrange(year, month)[1]))]


def _monthly_fixed(country: str, year: int, month: int, anchor: int) -> list[date]:
    return [_before(country, date(year, month, min(25 + anchor % 6, calendar.monthrange(year, month)[1])))]


def _pension_es(country: str, year: int, month: int, anchor: int) -> list[date]:
    # Banks advance the state pension to 21-25 of the month.
    return [_before(country, date(year, month, 21 + anchor % 5))]


def _quincena(country: str, year: int, month: int, anchor: int) -> list[date]:
    return [_before(country, date(year, month, 15)), *_month_end(country, year, month, anchor)]


def _fourth_business_day(country: str, year: int, month: int, anchor: int) -> list[date]:
    return [_nth_business_day(country, year, month, 4, saturday=False)]


def _fifth_business_day(country: str, year: int, month: int, anchor: int) -> list[date]:
    # Saturdays count for the term, but the bank credits the Friday before.
    return [_before(country, _nth_business_day(country, year, month, 5, saturday=True))]


def _br_advance(country: str, year: int, month: int, anchor: int) -> list[date]:
    return [*_fifth_business_day(country, year, month, anchor), _before(country, date(year, month, 20))]


def _every(days: int) -> Callable[[str, int, int, int], list[date]]:
    def paid(country: str, year: int, month: int, anchor: int) -> list[date]:
        first = date(2020, 1, 3) + timedelta(days=7 * (anchor % (days // 7)))  # a Friday
        start = date(year, month, 1)
        day = first + timedelta(days=-(-(start - first).days // days) * days)
        found = []
        while day.month == month:
            found.append(_before(country, day))
            day += timedelta(days=days)
        return found

    return paid


SCHEDULES: dict[str, Callable[[str, int, int, int], list[date]]] = {
    "month_end": _month_end,
    "monthly_fixed": _monthly_fixed,
    "pension_es": _pension_es,
    "quincena": _quincena,
    "fourth_business_day": _fourth_business_day,
    "fifth_business_day": _fifth_business_day,
    "br_advance": _br_advance,
    "weekly": _every(7),
    "biweekly": _every(14),
}
PAYS_A_MONTH = {"quincena": 2.0, "br_advance": 2.0, "weekly": 52 / 12, "biweekly": 26 / 12}


@lru_cache(maxsize=65536)
def pay_days(schedule: str, country: str, year: int, month: int, anchor: int) -> tuple[date, ...]:
    """Pay days that belong to the month; a shifted one may fall in the month before.

    `anchor` is the person's own number: which day of a range, which week of two.
    """
    return tuple(SCHEDULES[schedule](country, year, month, anchor))


def bonus_days(country: str, year: int) -> list[date]:
    return [_before(country, date(year, month, day)) for month, day in BONUS_DAYS.get(country, [])]
