"""A second, slow opinion on the contact decision: it walks minute by minute and shares only the files.

It reads the packs' YAML itself and works out profiles, places, calendars, clocks and counts on its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from ruamel.yaml import YAML

from domain.contact import Channel, ContactEvent, ContactRequest, Purpose
from domain.contact_rules import Caps

CONFIG = Path(__file__).parents[3] / "config"
MINUTE = timedelta(minutes=1)
DAYS_AHEAD = 60
OUTBOUND = ["attempt", "delivered", "two_way", "conversation"]
EVERY_CHANNEL = [channel.value for channel in Channel]
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CALENDARS: dict[tuple[object, ...], set[date]] = {}


@cache
def raw(country: str, folder: str = "jurisdictions") -> Any:
    file = CONFIG / folder / f"{country}.yaml"
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) if file.exists() else {}


def bare(city: str) -> str:
    letters = unicodedata.normalize("NFKD", city.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


class Oracle:
    """For collection, and for calls and visits that carry no demand; stop states are not its business."""

    def __init__(
        self, profile: str, request: ContactRequest, events: Iterable[ContactEvent], lender: Caps, pack: Any = None
    ) -> None:
        self.profile, self.request, self.lender = profile, request, lender
        self.pack = raw(request.country) if pack is None else pack
        self.collects = request.purpose is Purpose.COLLECTION
        self.events = list(events) if self.collects else []
        self.zones = [ZoneInfo(name) for name in request.timezones]
        self._open: dict[tuple[int, date], tuple[int, int] | None] = {}
        self._taken: dict[tuple[int, date], bool] = {}
        self._rules: dict[str, list[dict[str, Any]]] = {}

    def first_moment(self, at: datetime) -> datetime | None:
        moment = at.astimezone(UTC)
        if self.collects and self._shut(moment):
            return None
        end = moment + timedelta(days=DAYS_AHEAD)
        while moment <= end:
            if self.is_open(moment):
                return moment
            moment += MINUTE
        return None

    def is_open(self, moment: datetime) -> bool:
        """Open now, and in every zone for as long as the guard asks."""
        for number, zone in enumerate(self.zones):
            wall = moment.astimezone(zone)
            if not self._in_hours(number, wall) or self._ledger_closes(number, wall.date()):
                return False
            if self.collects and self._shut_on(wall.date()):
                return False
            # Begun with the guard before it: one that starts in the window's last `guard` minutes is too late.
            for minute in range(1, self.lender.guard_minutes + 1):
                if not self._in_hours(number, (moment + minute * MINUTE).astimezone(zone)):
                    return False
        return True

    # The rules of the file that bind this request.

    def rules(self, section: str) -> list[dict[str, Any]]:
        if section not in self._rules:
            self._rules[section] = self._find_rules(section)
        return self._rules[section]

    def _find_rules(self, section: str) -> list[dict[str, Any]]:
        found = []
        for rule in self.pack.get(section) or []:
            if self.profile not in rule.get("profiles", ["literal", "strict"]):
                continue
            if self._binds({key: self._value(value) for key, value in rule.items()}):
                found.append({key: self._value(value) for key, value in rule.items()})
        return found

    def _value(self, value: Any) -> Any:
        both = isinstance(value, dict) and set(value) == {"literal", "strict"}
        return value[self.profile] if both else value

    def _binds(self, rule: dict[str, Any]) -> bool:
        wish = self.request
        return (
            wish.channel.value in rule.get("channels", EVERY_CHANNEL)
            and wish.actor.value in rule.get("binds", ["creditor", "agency"])
            and not set(rule.get("unless", [])) & wish.flags
            and ("only_with" not in rule or bool(set(rule["only_with"]) & wish.flags))
            and wish.region not in rule.get("except_regions", [])
            and self._at_region(rule.get("regions", []), self._value(self.pack["missing_region"]) == "strictest")
            and self._at_city(rule.get("cities", []))
        )

    def _at_region(self, regions: list[str], unknown: bool) -> bool:
        if not regions:
            return True
        return unknown if self.request.region is None else self.request.region in regions

    def _at_city(self, cities: list[str]) -> bool:
        if not cities:
            return True
        if self.request.city is None:
            return self.profile == "strict"
        return bare(self.request.city) in [bare(city) for city in cities]

    @staticmethod
    def _in_force(rule: dict[str, Any], day: date) -> bool:
        begins, ends = rule.get("from", date.min), rule.get("until", date.max)
        return bool(begins <= day <= ends)

    # Channels that are closed altogether.

    def _shut(self, moment: datetime) -> bool:
        return any(self._shut_on(moment.astimezone(zone).date()) for zone in self.zones)

    def _shut_on(self, day: date) -> bool:
        authorised = self.request.authorised_channels
        shut = self.rules("banned")
        if authorised is not None and self.request.channel not in authorised:
            shut = shut + self.rules("authorised")
        return any(self._in_force(rule, day) for rule in shut)

    # Hours.

    def _in_hours(self, number: int, wall: datetime) -> bool:
        day = wall.date()
        if (number, day) not in self._open:
            self._open[number, day] = self._hours(day)
        hours = self._open[number, day]
        return hours is not None and hours[0] <= wall.hour * 60 + wall.minute < hours[1]

    def _hours(self, day: date) -> tuple[int, int] | None:
        for rule in self.rules("holidays"):
            if self._in_force(rule, day) and day in self._holidays(day.year, tuple(rule.get("categories", ["public"]))):
                return None
        fitting = [
            rule
            for rule in self.rules("hours")
            if self._in_force(rule, day) and NAMES[day.weekday()] in rule.get("days", NAMES)
        ]
        if not fitting:
            return None if self.profile == "strict" else (0, 1440)
        if any(rule["open"] is None for rule in fitting):
            return None
        spans = [[_minutes(clock) for clock in rule["open"].split("-")] for rule in fitting]
        start, end = max(span[0] for span in spans), min(span[1] for span in spans)
        return (start, end) if start < end else None

    def _holidays(self, year: int, categories: tuple[str, ...]) -> set[date]:
        country, region, city = self.request.country, self.request.region, self.request.city
        key = (country, region, city, categories, year, self.profile, id(self.pack))
        if key not in _CALENDARS:
            regions = list(getattr(holidays, country).subdivisions)
            wanted: list[str | None] = [region if region in regions or not regions else None]
            if region is None and self._value(self.pack["missing_region"]) == "strictest":
                wanted += regions
            found: set[date] = set()
            for part in wanted:
                found |= self._holidays_of(part, part if region is None else region, year, categories)
            _CALENDARS[key] = found
        return _CALENDARS[key]

    def _holidays_of(self, part: str | None, region: str | None, year: int, categories: tuple[str, ...]) -> set[date]:
        country = getattr(holidays, self.request.country)
        known = tuple(name for name in categories if name in country.supported_categories)
        part = part if part in country.subdivisions else None
        found = self._library(part, year, known)
        for city, own in (self.pack.get("city_calendars") or {}).items():
            here = self._at_city([city])
            if here and (region == own["region"] or (region is None and self.request.city is not None)):
                found |= self._library(own["calendar"], year, known)
        for change in raw(self.request.country, "holidays").get("calendar", []):
            if self.profile not in change.get("profiles", ["literal", "strict"]):
                continue
            if change.get("category", "public") not in categories:
                continue
            given = [_date(text, year) for text in change["dates"]]
            days = {day for day in given if day is not None and day.year == year}
            regions = change.get("regions", [])
            there = not regions or region in regions
            unknown = self._value(self.pack["missing_region"]) == "strictest"
            in_city = self._at_city(change.get("cities", []))
            if change["effect"] == "add" and (there or (region is None and unknown)) and in_city:
                found |= days
            if change["effect"] == "only_in_cities" and there and not in_city:
                found -= days
        return found

    def _library(self, part: str | None, year: int, categories: tuple[str, ...]) -> set[date]:
        if not categories:
            return set()
        calendar = holidays.country_holidays(self.request.country, subdiv=part, categories=categories)
        first = date(year, 1, 1)
        return {first + timedelta(days=n) for n in range(366) if first + timedelta(days=n) in calendar}

    # The ledger.

    def _ledger_closes(self, number: int, day: date) -> bool:
        key = (number, day)
        if key not in self._taken:
            self._taken[key] = bool(self.events) and self._closed_by_ledger(self.zones[number], day)
        return self._taken[key]

    def _closed_by_ledger(self, zone: ZoneInfo, day: date) -> bool:
        channel = self.request.channel.value
        for cap in self.rules("caps"):
            if self._in_force(cap, day):
                among = [channel] if cap.get("each_channel") else cap.get("channels", EVERY_CHANNEL)
                count = self._counter(zone, among, cap.get("counts", OUTBOUND), cap.get("scope", "person"))
                if self._full(count, day, cap["per"], cap["max"], self.profile == "strict"):
                    return True
        of_person = self._counter(zone, EVERY_CHANNEL, OUTBOUND, "person")
        for per, most in (("day", self.lender.per_day), ("week", self.lender.per_week)):
            if most is not None and self._full(of_person, day, per, most, True):
                return True
        for gap in self.rules("gaps"):
            if self._in_force(gap, day):
                among = gap.get("channels", EVERY_CHANNEL)
                count = self._counter(zone, among, gap.get("counts", OUTBOUND), gap.get("scope", "person"))
                if any(count(day + timedelta(days=n)) for n in range(1 - gap["dates"], gap["dates"])):
                    return True
        return any(
            self._quiet_after(after, zone, day, channel)
            for after in self.rules("after_contact")
            if self._in_force(after, day)
        )

    def _quiet_after(self, after: dict[str, Any], zone: ZoneInfo, day: date, channel: str) -> bool:
        scope = after.get("scope", "person")
        count = self._counter(zone, after.get("channels", EVERY_CHANNEL), OUTBOUND, scope)
        for spoken in self._in_scope(scope):
            if spoken.kind.value not in after["trigger"]:
                continue
            if spoken.channel.value not in after.get("trigger_channels", EVERY_CHANNEL):
                continue
            then = spoken.at.astimezone(zone).date()
            since = (day - then).days
            if since < 0:
                continue
            if since < after.get("silent_dates", 0):
                return True
            if after.get("one_channel_for_week") and spoken.channel.value != channel:
                same_week = then.isocalendar()[:2] == day.isocalendar()[:2]
                if same_week or (self.profile == "strict" and since <= 6):
                    return True
            if "further_same_day" in after and since == 0:
                if count(day) - self._answered_that_day(after, zone, day) >= after["further_same_day"]:
                    return True
                if after["further_same_day"] == 0:
                    return True
        return False

    def _answered_that_day(self, after: dict[str, Any], zone: ZoneInfo, day: date) -> int:
        """1 where the day's first talk or word of the person followed a contact of that day by its channel, else 0."""
        here = [e for e in self._in_scope(after.get("scope", "person")) if e.at.astimezone(zone).date() == day]
        there = after.get("trigger_channels", EVERY_CHANNEL)
        starts = [e for e in here if e.kind.value in after["trigger"] and e.channel.value in there]
        begins = min(e.at for e in starts)
        for start in starts:
            by_it = [e for e in here if e.channel is start.channel]
            before = {e.kind.value for e in by_it if e.at <= begins}
            if start.at == begins and "inbound" not in {e.kind.value for e in by_it}:
                before |= {"attempt"} if before & {"two_way", "conversation"} else set()
            if start.at == begins and before & {"attempt", "delivered"}:
                return 1
        return 0

    def _in_scope(self, scope: str) -> list[ContactEvent]:
        loan = self.request.loan_id
        return [e for e in self.events if scope == "person" or not loan or e.loan_id in (None, loan)]

    def _full(self, count: Callable[[date], int], day: date, per: str, most: int, strict: bool) -> bool:
        if per == "day":
            return count(day) >= most
        monday = day - timedelta(days=day.weekday())
        if per in ("week", "iso_week") and sum(count(monday + timedelta(days=n)) for n in range(7)) >= most:
            return True
        if per == "rolling_7_dates" or (per == "week" and strict):
            starts = [day - timedelta(days=n) for n in range(7)]
            return any(sum(count(first + timedelta(days=n)) for n in range(7)) >= most for first in starts)
        return False

    def _counter(self, zone: ZoneInfo, channels: list[str], counts: list[str], scope: str) -> Callable[[date], int]:
        by_day: dict[date, list[ContactEvent]] = {}
        for event in self._in_scope(scope):
            by_day.setdefault(event.at.astimezone(zone).date(), []).append(event)

        def number(day: date) -> int:
            total = 0
            for channel in channels:
                here = [e for e in by_day.get(day, []) if e.channel.value == channel]
                theirs = len([e for e in here if e.kind.value == "inbound"])
                for loan in sorted({e.loan_id or "" for e in here if e.kind.value != "inbound"}):
                    kinds = [e.kind.value for e in here if (e.loan_id or "") == loan and e.kind.value in counts]
                    talks = max(kinds.count("two_way"), kinds.count("conversation"))
                    excused = min(talks, theirs)
                    theirs -= excused
                    total += max(talks - excused, kinds.count("attempt"), kinds.count("delivered"))
            return total

        return number


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _date(text: str, year: int) -> date | None:
    try:
        return date.fromisoformat(text if len(text) > 5 else f"{year}-{text}")
    except ValueError:
        return None
