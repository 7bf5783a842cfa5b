"""Public holidays between two dates: what a schedule is asked with, so that the same request gives the same dates."""

from __future__ import annotations

from datetime import date

from domain.contact_rules.calendar import holidays_of


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
