"""Public holidays between two dates, so that the same request gives the same dates; and days on which money arrives."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from domain.agreements.schedule import next_working_day
from domain.contact_rules.calendar import holidays_of
from domain.settlement_days import on_or_after


def public_holidays(country: str, region: str | None, first: date, last: date) -> tuple[date, ...]:
    """The public holidays of a place from `first` to `last`; none where nobody knows them."""
    found: set[date] = set()
    for year in range(first.year, last.year + 1):
        try:
            days = holidays_of(country, region, ("public",), year)
        except (NotImplementedError, ValueError, KeyError):
            return ()
        found |= {day for day in days if first <= day <= last}
    return tuple(sorted(found))


def money_arrives_from(day: date, currency: str, holidays: Collection[date]) -> date:
    """`day`, or the first after it on which a transfer can arrive: no weekend, none of `holidays`, and for euros no day
    on which none settle."""
    while (later := _settles_from(next_working_day(day, holidays), currency)) != day:
        day = later
    return day


def _settles_from(day: date, currency: str) -> date:
    return on_or_after(day) if currency == "EUR" else day
