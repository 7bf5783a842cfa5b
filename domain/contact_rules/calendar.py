"""Which local dates are holidays at a place: the `holidays` library and our own changes to it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from domain.contact_rules.model import city_key
from domain.contact_rules.pack import CalendarChange, CalendarEffect, MissingRegion, Pack

if TYPE_CHECKING:
    from holidays import HolidayBase

Dates = dict[date, str]


def library_of(country: str, **more: Any) -> HolidayBase:
    """The library's calendar of a country. Raises NotImplementedError where it has none."""
    # Loaded when the first day is asked about: it is dear, and most commands ask about none.
    import holidays

    return holidays.country_holidays(country, **more)


@lru_cache(maxsize=64)
def known_regions(country: str) -> frozenset[str]:
    """ISO 3166-2 codes (without the country) that have a calendar; empty: one calendar for all."""
    return frozenset(str(code) for code in library_of(country).subdivisions)


@lru_cache(maxsize=64)
def known_categories(country: str) -> frozenset[str]:
    return frozenset(library_of(country).supported_categories)


@lru_cache(maxsize=4096)
def holidays_of(country: str, region: str | None, categories: tuple[str, ...], year: int) -> Dates:
    """What the library knows; region None is the national calendar. Raises NotImplementedError, ValueError."""
    if not categories:
        return {}
    found = library_of(country, subdiv=region, years=year, categories=categories, language="en_US")
    return {day: name for day, name in found.items() if day.year == year}


def holidays_at(pack: Pack, region: str | None, city: str | None, categories: tuple[str, ...], year: int) -> Dates:
    """The holidays by date for a person in `region` and `city`; None is not known.

    Without a region a `strictest` pack gives the holidays of every region together.
    """
    regions = known_regions(pack.country)
    if region is not None or not regions or pack.missing_region is not MissingRegion.STRICTEST:
        return _of_place(pack, region, city, categories, year)
    found = _of_place(pack, None, city, categories, year)
    for each in sorted(regions):
        for day, name in _of_place(pack, each, city, categories, year).items():
            found.setdefault(day, f"{name}, {each}")
    return found


def _of_place(pack: Pack, region: str | None, city: str | None, categories: tuple[str, ...], year: int) -> Dates:
    supported = tuple(name for name in categories if name in known_categories(pack.country))
    regions = known_regions(pack.country)
    found = dict(holidays_of(pack.country, region if region in regions else None, supported, year))
    for name, own in pack.city_calendars.items():
        if _is(city, (name,), pack) and (region == own.region or (region is None and city is not None)):
            for day, title in holidays_of(pack.country, own.calendar, supported, year).items():
                found.setdefault(day, f"{title}, {name}")
    for change in pack.calendar:
        if change.category in categories:
            _apply(change, found, pack, region, city, year)
    return found


def _apply(change: CalendarChange, found: Dates, pack: Pack, region: str | None, city: str | None, year: int) -> None:
    surely_there = not change.regions or region in change.regions
    perhaps_there = surely_there or (region is None and pack.any_region)
    if change.effect is CalendarEffect.ADD:
        if perhaps_there and (not change.cities or _is(city, change.cities, pack)):
            for day in change.days(year):
                found.setdefault(day, change.name)
    elif surely_there:
        if change.effect is CalendarEffect.REMOVE:
            gone = not change.cities or (city is not None and _is(city, change.cities, pack))
        else:
            gone = not _is(city, change.cities, pack)
        if gone:
            for day in change.days(year):
                found.pop(day, None)


def _is(city: str | None, names: tuple[str, ...], pack: Pack) -> bool:
    """Whether the city is one of these; one that is not known counts as the pack says."""
    if city is None:
        return pack.any_city
    return city_key(city) in {city_key(name) for name in names}
