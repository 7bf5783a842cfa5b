"""When money arrives in a country: the days its laws and customs pay on, before anything is known of a person."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.contact_rules.calendar import holidays_of

HOURS = 24


class Shift(StrEnum):
    """What becomes of a pay day that is no bank day."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PayPattern(_Data):
    """One way in which money may come, regularly.

    `month_days` are days of the month, 31 the last one of any month. `business_days` count bank days of the month
    from its beginning, -1 the last one; with `saturdays` the count takes Saturdays for bank days. `weekday` (Monday
    0) comes every `every_weeks` weeks; `phase` tells the weeks apart. Days that are no bank days are shifted.
    """

    month_days: tuple[int, ...] = ()
    business_days: tuple[int, ...] = ()
    saturdays: bool = False
    weekday: int | None = Field(None, ge=0, le=6)
    every_weeks: int = Field(1, ge=1, le=4)
    phase: int = Field(0, ge=0, le=3)
    shift: Shift = Shift.BEFORE

    def __hash__(self) -> int:
        # Asked for at every look-up of days; pydantic's own goes through all fields each time.
        return hash((self.month_days, self.business_days, self.weekday, self.phase))


class PayRule(_Data):
    """A custom and the share of people it pays. `one_of_month_days`: each person has one of these days."""

    id: str
    share: float = Field(gt=0, le=1)
    pattern: PayPattern = PayPattern()
    one_of_month_days: tuple[int, ...] = ()
    one_of_weekdays: tuple[int, ...] = ()
    source: str

    @model_validator(mode="after")
    def _pays_some_day(self) -> PayRule:
        pattern = self.pattern
        named = [pattern.month_days, pattern.business_days, self.one_of_month_days, self.one_of_weekdays]
        if not any(named) and pattern.weekday is None:
            raise ValueError("the rule names no day")
        for day in (*pattern.month_days, *self.one_of_month_days):
            if not 1 <= day <= 31:
                raise ValueError(f"no day {day} in a month; the last one is 31")
        if any(not (1 <= n <= 15 or n == -1) for n in pattern.business_days):
            raise ValueError("business_days count from 1 to 15; -1 is the last one")
        return self

    @property
    def patterns(self) -> tuple[tuple[float, PayPattern], ...]:
        """Each pattern a person under the rule may have, with its share of all people."""
        found = [self.pattern.model_copy(update={"month_days": (day,)}) for day in self.one_of_month_days]
        for weekday in self.one_of_weekdays:
            found += [
                self.pattern.model_copy(update={"weekday": weekday, "phase": phase})
                for phase in range(self.pattern.every_weeks)
            ]
        found = found or [self.pattern]
        return tuple((self.share / len(found), pattern) for pattern in found)


class ExtraPay(_Data):
    """Pay beside the wages, such as the aguinaldo; whoever has regular pay may get it."""

    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    share: float = Field(gt=0, le=1)
    source: str


class PayCalendar(_Data):
    """How a country pays. `irregular` is the share of people whose money comes on no fixed day.

    `weekday_rates` (Monday first) are the chances that money comes to them on such a day. `booking_hours` weigh the
    24 hours of the local day in which banks book what comes in; only their proportions count.
    """

    country: str = Field(pattern=r"^([A-Z]{2}|other)$")
    rules: tuple[PayRule, ...]
    irregular: float = Field(ge=0, lt=1)
    irregular_source: str
    weekday_rates: tuple[float, ...] = Field(min_length=7, max_length=7)
    extra_pays: tuple[ExtraPay, ...] = ()
    booking_hours: tuple[float, ...] = Field(min_length=HOURS, max_length=HOURS)
    booking_hours_source: str

    @model_validator(mode="after")
    def _whole(self) -> PayCalendar:
        total = self.irregular + sum(rule.share for rule in self.rules)
        if abs(total - 1) > 0.001:
            raise ValueError(f"the shares and irregular add up to {total:.3f}, not to 1")
        if min(self.booking_hours) <= 0:
            raise ValueError("every hour needs some weight: what is thought impossible is never found")
        if not all(0 < rate < 1 for rate in self.weekday_rates):
            raise ValueError("weekday_rates are chances between 0 and 1")
        return self

    def __hash__(self) -> int:
        return hash((self.country, len(self.rules)))

    @property
    def patterns(self) -> tuple[tuple[float, PayPattern], ...]:
        return tuple(each for rule in self.rules for each in rule.patterns)


@lru_cache(maxsize=1024)
def patterns_days(
    calendar_: PayCalendar, first: tuple[int, int], last: tuple[int, int]
) -> tuple[tuple[float, frozenset[date]], ...]:
    """Each pattern's share and its pay days in the months (year, month) from `first` to `last`."""
    months = [divmod(n, 12) for n in range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])]
    return tuple(
        (
            share,
            frozenset(day for year, month in months for day in pay_days(pattern, calendar_.country, year, month + 1)),
        )
        for share, pattern in calendar_.patterns
    )


@lru_cache(maxsize=65_536)
def pay_days(pattern: PayPattern, country: str, year: int, month: int) -> tuple[date, ...]:
    """The days on which a month's pay comes; a shifted one may lie outside the month."""
    last = calendar.monthrange(year, month)[1]
    days = [_shifted(date(year, month, min(day, last)), pattern.shift, country) for day in pattern.month_days]
    for n in pattern.business_days:
        days.append(_shifted(_business_day(country, year, month, n, pattern.saturdays), pattern.shift, country))
    if pattern.weekday is not None:
        for day in range(1, last + 1):
            one = date(year, month, day)
            if one.weekday() == pattern.weekday and one.toordinal() // 7 % pattern.every_weeks == pattern.phase:
                days.append(_shifted(one, pattern.shift, country))
    return tuple(sorted(set(days)))


@lru_cache(maxsize=4096)
def extra_days(calendar_: PayCalendar, year: int) -> tuple[tuple[date, float], ...]:
    """Days of extra pay in a year, each with the share of people who get it; the bank day before where it is none."""
    found = []
    for extra in calendar_.extra_pays:
        last = calendar.monthrange(year, extra.month)[1]
        day = date(year, extra.month, min(extra.day, last))
        found.append((_shifted(day, Shift.BEFORE, calendar_.country), extra.share))
    return tuple(found)


@lru_cache(maxsize=16_384)
def is_bank_day(country: str, day: date, saturdays: bool = False) -> bool:
    if day.weekday() > (5 if saturdays else 4):
        return False
    try:
        return day not in holidays_of(country, None, ("public",), day.year)
    except (NotImplementedError, ValueError):
        return True


def _shifted(day: date, shift: Shift, country: str) -> date:
    if shift is Shift.NONE:
        return day
    step = timedelta(days=-1 if shift is Shift.BEFORE else 1)
    while not is_bank_day(country, day):
        day += step
    return day


def _business_day(country: str, year: int, month: int, n: int, saturdays: bool) -> date:
    if n < 0:
        day = date(year, month, calendar.monthrange(year, month)[1])
        while not is_bank_day(country, day, saturdays):
            day -= timedelta(days=1)
        return day
    day = date(year, month, 1)
    while True:
        n -= is_bank_day(country, day, saturdays)
        if n == 0:
            return day
        day += timedelta(days=1)
