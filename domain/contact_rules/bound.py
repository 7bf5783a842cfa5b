"""The rules of a pack that bind one kind of contact: one channel, one actor, one place, the same flags."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple, TypeVar

from domain.contact import Actor, Channel, Reason
from domain.contact_rules.calendar import Dates, holidays_at
from domain.contact_rules.model import WEEK, ChannelRule, HolidayRule, Profile, Rule
from domain.contact_rules.pack import Pack

AnyRule = TypeVar("AnyRule", bound=ChannelRule)
ALL_DAY = (0, 1440)

_NO_HOURS = Reason(
    rule="hours.none", source="policy", text="No rule in force sets hours for this contact, nor closes the day."
)
_NO_HOURS_KNOWN = Reason(
    rule="hours.unknown",
    source="policy",
    text="The strict profile knows no hours for this date: refused, not guessed.",
)


class Day(NamedTuple):
    """`hours` in minutes since midnight, half-open; None: closed. `opens_by` and `closes_by` set its ends,

    `why` are all rules that the hours rest on. `bounded` is false where nothing sets hours at all.
    """

    hours: tuple[int, int] | None
    opens_by: Reason
    closes_by: Reason
    why: tuple[Reason, ...]
    bounded: bool = True


class BoundRules:
    """Worked out once and shared; the days are kept once worked out."""

    def __init__(
        self,
        pack: Pack,
        region: str | None,
        city: str | None,
        channel: Channel,
        actor: Actor,
        flags: frozenset[str],
    ) -> None:
        self.pack = pack
        self.channel = channel
        self._region, self._city = region, city

        def binding(rules: tuple[AnyRule, ...]) -> tuple[AnyRule, ...]:
            return tuple(
                rule
                for rule in rules
                if channel in rule.channels
                and actor in rule.binds
                and rule.awake(flags)
                and pack.binds_there(rule, region, city)
            )

        self.caps = binding(pack.caps)
        self.gaps = binding(pack.gaps)
        self.after_contact = binding(pack.after_contact)
        self.authorised = binding(pack.authorised)
        self.banned = binding(pack.banned)
        self._hours = binding(pack.hours)
        self._holidays = binding(pack.holidays)
        self._reasons = {rule.id: rule.reason(pack.version) for rule in self._all()}
        self._days: dict[int, Day] = {}
        self._calendars: dict[tuple[str, int], Dates] = {}
        longest = [7, *(gap.dates for gap in self.gaps), *(rule.silent_dates for rule in self.after_contact)]
        self.days_that_matter = max(longest) + 2
        """How many days before a decision an event can still close something, with room for zones."""

    def _all(self) -> tuple[Rule, ...]:
        return (
            *self.caps,
            *self.gaps,
            *self.after_contact,
            *self.authorised,
            *self.banned,
            *self._hours,
            *self._holidays,
        )

    def reason(self, rule: Rule) -> Reason:
        return self._reasons[rule.id]

    def day(self, ordinal: int) -> Day:
        known = self._days.get(ordinal)
        if known is None:
            known = self._days[ordinal] = self._work_out(ordinal)
        return known

    def _work_out(self, ordinal: int) -> Day:
        on = date.fromordinal(ordinal)
        for holiday in self._holidays:
            if holiday.in_force(ordinal):
                name = self._calendar(holiday, on.year).get(on)
                if name is not None:
                    told = f"{holiday.text} ({on.isoformat()}: {name})"
                    return _closed(self._reasons[holiday.id].model_copy(update={"text": told}))
        start, end = ALL_DAY
        opens_by = closes_by = _NO_HOURS
        why: list[Reason] = []
        weekday = WEEK[on.weekday()]
        for rule in self._hours:
            if weekday not in rule.days or not rule.in_force(ordinal):
                continue
            reason = self._reasons[rule.id]
            if rule.open is None:
                return _closed(reason)
            if rule.open.start > start or not why:
                start, opens_by = rule.open.start, reason
            if rule.open.end < end or not why:
                end, closes_by = rule.open.end, reason
            why.append(reason)
        if not why:
            if self.pack.profile is Profile.STRICT:
                return _closed(_NO_HOURS_KNOWN)
            return Day(ALL_DAY, _NO_HOURS, _NO_HOURS, (_NO_HOURS,), bounded=bool(self._hours or self._holidays))
        if start >= end:
            return _closed(opens_by)
        return Day((start, end), opens_by, closes_by, tuple(why))

    def _calendar(self, rule: HolidayRule, year: int) -> Dates:
        key = (rule.id, year)
        known = self._calendars.get(key)
        if known is None:
            known = holidays_at(self.pack, self._region, self._city, rule.categories, year)
            self._calendars[key] = known
        return known


def _closed(by: Reason) -> Day:
    return Day(None, by, by, (by,))
