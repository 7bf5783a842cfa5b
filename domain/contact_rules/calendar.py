"""Which hours a local date is open for a channel in a region, and by which rule."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

import holidays

from domain.contact import Channel, Reason
from domain.contact_rules.model import WEEK, ClockRange, HoursRule, MissingRegion, Pack


class Day(NamedTuple):
    """`hours` None: closed. `reason` is the rule that says so."""

    hours: ClockRange | None
    reason: Reason


def known_regions(country: str) -> frozenset[str]:
    """ISO 3166-2 codes (without the country) that have a calendar; empty: one calendar for all."""
    return frozenset(str(code) for code in holidays.country_holidays(country).subdivisions)


@lru_cache(maxsize=4096)
def holidays_of(country: str, region: str | None, categories: tuple[str, ...], year: int) -> dict[date, str]:
    """Public holidays by date; region None is the national calendar."""
    found = holidays.country_holidays(country, subdiv=region, years=year, categories=categories, language="en_US")
    return {day: name for day, name in found.items() if day.year == year}


@lru_cache(maxsize=1024)
def holidays_anywhere(country: str, categories: tuple[str, ...], year: int) -> dict[date, str]:
    """The holidays of every region together: what must be avoided when the region is not known."""
    found = dict(holidays_of(country, None, categories, year))
    for region in sorted(known_regions(country)):
        for day, name in holidays_of(country, region, categories, year).items():
            found.setdefault(day, f"{name}, {region}")
    return found


class OpenDays:
    """The calendar of one pack for one channel in one region; days are kept once worked out."""

    def __init__(self, pack: Pack, region: str | None, channel: Channel) -> None:
        self._pack = pack
        regions = known_regions(pack.country)
        self._calendar_region = region if region in regions else None
        self._anywhere = region is None and bool(regions) and pack.missing_region is MissingRegion.STRICTEST
        self._by_weekday = tuple(_hours_rule(pack, region, channel, number) for number in range(7))
        self._reasons = tuple(rule.reason() for rule in self._by_weekday)
        self._days: dict[int, Day] = {}

    def day(self, ordinal: int) -> Day:
        known = self._days.get(ordinal)
        if known is None:
            known = self._days[ordinal] = self._work_out(date.fromordinal(ordinal))
        return known

    def _work_out(self, on: date) -> Day:
        rule = self._pack.holidays
        if rule is not None:
            if self._anywhere:
                names = holidays_anywhere(self._pack.country, rule.categories, on.year)
            else:
                names = holidays_of(self._pack.country, self._calendar_region, rule.categories, on.year)
            if on in names:
                text = f"{rule.text} ({on.isoformat()}: {names[on]})"
                return Day(None, Reason(rule=rule.id, source=rule.source, text=text))
        weekday = on.weekday()
        return Day(self._by_weekday[weekday].open, self._reasons[weekday])


def _hours_rule(pack: Pack, region: str | None, channel: Channel, weekday: int) -> HoursRule:
    """The region's own rule before the national one; the pack's checks make sure there is one."""
    national: HoursRule | None = None
    for rule in pack.hours:
        if channel in rule.channels and WEEK[weekday] in rule.days:
            if region is not None and region in rule.regions:
                return rule
            if not rule.regions:
                national = rule
    assert national is not None
    return national
