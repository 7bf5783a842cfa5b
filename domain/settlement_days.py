"""The days on which euro payments settle: Monday to Friday but six closing days a year.

Source: ECB decision of 14 December 2000 on the long-term calendar of TARGET closing days, in force since 2002.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_FIXED = ((1, 1), (5, 1), (12, 25), (12, 26))


def is_settlement_day(day: date) -> bool:
    """Whether TARGET is open on `day`."""
    return day.weekday() < 5 and day not in _closing_days(day.year)


def on_or_after(day: date) -> date:
    """`day` itself where TARGET is open on it, else the next such day."""
    while not is_settlement_day(day):
        day += timedelta(days=1)
    return day


def days_after(day: date, count: int) -> date:
    """`count` settlement days after `day`; with 0 as `on_or_after`."""
    day = on_or_after(day)
    for _ in range(count):
        day = on_or_after(day + timedelta(days=1))
    return day


def days_before(day: date, count: int) -> date:
    """The settlement day from which `count` settlement days lead to `day`."""
    for _ in range(count):
        day -= timedelta(days=1)
        while not is_settlement_day(day):
            day -= timedelta(days=1)
    return day


@lru_cache(maxsize=64)
def _closing_days(year: int) -> frozenset[date]:
    easter = _easter_sunday(year)
    return frozenset(
        {date(year, month, day) for month, day in _FIXED} | {easter - timedelta(days=2), easter + timedelta(days=1)}
    )


def _easter_sunday(year: int) -> date:
    """Gregorian Easter by Oudin's rule of 1940 (as the US Naval Observatory gives it)."""
    century = year // 100
    moon = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * (year % 19) + 15) % 30
    moon -= (moon // 28) * (1 - (29 // (moon + 1)) * ((21 - year % 19) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    offset = moon - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))
