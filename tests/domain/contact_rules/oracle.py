"""A second, slow opinion on the contact decision: it walks minute by minute and shares only the packs.

It reads the rules from the packs as data, and works out calendars, clocks and counts on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

from domain.contact import Channel, ContactEvent, ContactEventKind, ContactRequest, Purpose
from domain.contact_rules import Caps, Pack

MINUTE = timedelta(minutes=1)
DAYS_AHEAD = 60
OUTBOUND = ["attempt", "delivered", "two_way", "conversation"]
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CALENDARS: dict[tuple[str, str | None, tuple[str, ...], int], set[date]] = {}


class Oracle:
    """For collection, and for calls and visits that carry no demand."""

    def __init__(self, pack: Pack, request: ContactRequest, events: list[ContactEvent], lender: Caps) -> None:
        self.pack, self.request, self.lender = pack, request, lender
        self.events = events if request.purpose is Purpose.COLLECTION else []
        self.zones = [ZoneInfo(name) for name in request.timezones]
        self._open: dict[tuple[int, date], tuple[int, int] | None] = {}

    def first_moment(self, at: datetime) -> datetime | None:
        moment = at.astimezone(UTC)
        end = moment + timedelta(days=DAYS_AHEAD)
        while moment <= end:
            if self.is_open(moment):
                return moment
            moment += MINUTE
        return None

    def is_open(self, moment: datetime) -> bool:
        for number, zone in enumerate(self.zones):
            wall = moment.astimezone(zone)
            day = wall.date()
            if (number, day) not in self._open:
                self._open[number, day] = None if self._closed_by_ledger(zone, day) else self._hours(day)
            hours = self._open[number, day]
            if hours is None or not hours[0] <= wall.hour * 60 + wall.minute < hours[1]:
                return False
        return True

    def _hours(self, day: date) -> tuple[int, int] | None:
        if self.pack.holidays is not None and day in self._holidays(day.year):
            return None
        fitting = [
            rule
            for rule in self.pack.hours
            if self.request.channel in rule.channels
            and NAMES[day.weekday()] in rule.days
            and (not rule.regions or self.request.region in rule.regions)
        ]
        fitting.sort(key=lambda rule: not rule.regions)
        return None if fitting[0].open is None else (fitting[0].open.start, fitting[0].open.end)

    def _holidays(self, year: int) -> set[date]:
        assert self.pack.holidays is not None
        country, region = self.pack.country, self.request.region
        names = tuple(self.pack.holidays.categories)
        key = (country, region, names, year)
        if key not in _CALENDARS:
            regions = list(getattr(holidays, country).subdivisions)
            wanted: list[str | None] = [region if region in regions else None]
            if region is None and self.pack.missing_region == "strictest":
                wanted += regions
            found: set[date] = set()
            for part in wanted:
                calendar = holidays.country_holidays(country, subdiv=part, categories=names)
                first = date(year, 1, 1)
                found |= {first + timedelta(days=n) for n in range(366) if first + timedelta(days=n) in calendar}
            _CALENDARS[key] = found
        return _CALENDARS[key]

    def _closed_by_ledger(self, zone: ZoneInfo, day: date) -> bool:
        channel = self.request.channel
        for cap in self.pack.caps:
            if channel in cap.channels:
                number = self._counter(zone, cap.channels, cap.counts, cap.scope)
                if self._full(number, day, cap.per, cap.max):
                    return True
        everything = frozenset(Channel)
        outbound = frozenset(ContactEventKind(name) for name in OUTBOUND)
        of_person = self._counter(zone, everything, outbound, "person")
        for per, most in (("day", self.lender.per_day), ("week", self.lender.per_week)):
            if most is not None and self._full(of_person, day, per, most):
                return True
        for gap in self.pack.gaps:
            if channel in gap.channels:
                number = self._counter(zone, gap.channels, gap.counts, gap.scope)
                if any(number(day + timedelta(days=n)) for n in range(1 - gap.dates, gap.dates)):
                    return True
        for after in self.pack.after_contact:
            if channel not in after.channels:
                continue
            number = self._counter(zone, after.channels, outbound, after.scope)
            for spoken in self._in_scope(after.scope):
                if spoken.kind not in after.trigger or spoken.channel not in after.trigger_channels:
                    continue
                since = (day - spoken.at.astimezone(zone).date()).days
                if since < 0:
                    continue
                if since < after.silent_dates:
                    return True
                if after.one_channel_for_week and spoken.channel != channel and since <= 6:
                    return True
                if after.further_same_day is not None and since == 0:
                    if number(day) - 1 >= after.further_same_day or after.further_same_day == 0:
                        return True
        return False

    def _in_scope(self, scope: str) -> list[ContactEvent]:
        return [e for e in self.events if scope == "person" or e.loan_id in (None, self.request.loan_id)]

    def _full(self, number: Callable[[date], int], day: date, per: str, most: int) -> bool:
        if per == "day":
            return number(day) >= most
        starts = [day - timedelta(days=n) for n in range(7)]
        if any(sum(number(first + timedelta(days=n)) for n in range(7)) >= most for first in starts):
            return True
        monday = day - timedelta(days=day.weekday())
        return per == "week" and sum(number(monday + timedelta(days=n)) for n in range(7)) >= most

    def _counter(
        self,
        zone: ZoneInfo,
        channels: frozenset[Channel],
        counts: frozenset[ContactEventKind],
        scope: str,
    ) -> Callable[[date], int]:
        def number(day: date) -> int:
            of_day = [e for e in self._in_scope(scope) if e.at.astimezone(zone).date() == day]
            total = 0
            for channel in channels:
                here = [e for e in of_day if e.channel == channel]
                theirs = len([e for e in here if e.kind == "inbound"])
                for loan in sorted({e.loan_id or "" for e in here if e.kind != "inbound"}):
                    kinds = [str(e.kind) for e in here if (e.loan_id or "") == loan and e.kind in counts]
                    talks = max(kinds.count("two_way"), kinds.count("conversation"))
                    excused = min(talks, theirs)
                    theirs -= excused
                    total += max(talks - excused, kinds.count("attempt"), kinds.count("delivered"))
            return total

        return number
