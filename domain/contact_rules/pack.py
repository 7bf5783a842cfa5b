"""A jurisdiction pack: all contact rules of one country, in one profile and version."""

from __future__ import annotations

from calendar import isleap
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.contact import Actor, Channel
from domain.contact_rules.model import (
    WEEK,
    AfterContactRule,
    BannedRule,
    CapRule,
    ConsentRule,
    Evidence,
    GapRule,
    HolidayRule,
    HoursRule,
    Profile,
    Rule,
    StopRule,
)
from domain.contact_rules.windows import zone_named

_COVERED_SINCE = date(2026, 1, 1)
"""From here on a strict pack must know hours for every day; before that, a day without is closed."""


class MissingRegion(StrEnum):
    """What to do when the person's region is not known.

    `refuse`: no contact. `strictest`: every rule and holiday that any region or city has binds.
    `national`: only what holds in the whole country binds.

    A city that is not known is taken for any city of its region in the strict profile.
    """

    REFUSE = "refuse"
    STRICTEST = "strictest"
    NATIONAL = "national"


class CalendarEffect(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    ONLY_IN_CITIES = "only_in_cities"


class CalendarChange(BaseModel):
    """Where our calendar differs from the `holidays` library: a day it lacks, has too much, or has too widely.

    `dates` are "2026-04-03", or "12-06" for every year. `regions` empty: the whole country. `cities` with
    `add`: only there, and where the city is not known; with `only_in_cities` the library's holiday of the
    regions is kept for these cities alone, and where the city is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Z]{2}(\.[a-z0-9_]+)+$")]
    effect: CalendarEffect
    name: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    evidence: Evidence
    dates: Annotated[tuple[Annotated[str, Field(pattern=r"^(\d{4}-)?\d{2}-\d{2}$")], ...], Field(min_length=1)]
    category: str = "public"
    regions: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()

    def days(self, year: int) -> tuple[date, ...]:
        """The dates that lie in `year`; a 29 February only where there is one."""
        found: list[date] = []
        for text in self.dates:
            given, month, day = (int(part) for part in (text if len(text) > 5 else f"{year}-{text}").split("-"))
            if given == year and ((month, day) != (2, 29) or isleap(year)):
                found.append(date(year, month, day))
        return tuple(found)

    @model_validator(mode="after")
    def _names_dates_and_cities(self) -> Self:
        for text in self.dates:
            try:
                date.fromisoformat(text if len(text) > 5 else f"2028-{text}")
            except ValueError:
                raise ValueError(f"{text!r} is no date") from None
        if self.effect is CalendarEffect.ONLY_IN_CITIES and not (self.regions and self.cities):
            raise ValueError("expected regions and cities with only_in_cities")
        return self


class CityCalendar(BaseModel):
    """A calendar of the `holidays` library that a city has beside its region's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendar: Annotated[str, Field(min_length=1)]
    region: Annotated[str, Field(min_length=1)]


def _known_zones(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if zone_named(name) is None:
            raise ValueError(f"expected IANA time zones; {name!r} is none")
    return names


ZoneNames = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_known_zones)]


class Zones(BaseModel):
    """The time zones that a region may have; `elsewhere`: those of the regions that are not named.

    Against them the zone of a person is held before a contact is decided on (`candidate_zones`), and commands take
    them where an operator names only a place. A region may stand under every code that people write for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    elsewhere: ZoneNames
    regions: dict[str, ZoneNames] = {}

    def of(self, region: str | None) -> tuple[str, ...]:
        """None: all of the country's."""
        if region is not None:
            return self.regions.get(region, self.elsewhere)
        found = dict.fromkeys(self.elsewhere)
        for names in self.regions.values():
            found.update(dict.fromkeys(names))
        return tuple(found)


class Pack(BaseModel):
    """All contact rules of one country in one profile and version.

    Region codes are ISO 3166-2 without the country.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}(\.\d+)?(\+[A-Za-z0-9.-]+)?$")]
    profile: Profile
    missing_region: MissingRegion
    zones: Zones
    region_names: dict[str, tuple[str, ...]] = {}
    """Further names of regions, and those of a country that the `holidays` library does not divide."""
    not_researched: str = ""
    """What nobody looked into, in a sentence for operators; empty: nothing of that kind is known."""
    hours: tuple[HoursRule, ...] = ()
    holidays: tuple[HolidayRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    gaps: tuple[GapRule, ...] = ()
    after_contact: tuple[AfterContactRule, ...] = ()
    authorised: tuple[ConsentRule, ...] = ()
    banned: tuple[BannedRule, ...] = ()
    stops: tuple[StopRule, ...] = ()
    city_calendars: dict[str, CityCalendar] = {}
    alike_elsewhere: tuple[str, ...] = ()
    """Other places, called nearly like a city that rules name: written just so they are no such city misspelt."""
    calendar: tuple[CalendarChange, ...] = ()

    @property
    def any_region(self) -> bool:
        """Whether a rule of some regions binds when the region is not known."""
        return self.missing_region is MissingRegion.STRICTEST

    @property
    def any_city(self) -> bool:
        """Whether a rule of some cities binds when the city is not known."""
        return self.profile is Profile.STRICT

    def binds_there(self, rule: Rule, region: str | None, city: str | None) -> bool:
        return rule.binds_there(region, city, any_region=self.any_region, any_city=self.any_city)

    def rules(self) -> tuple[Rule, ...]:
        return (
            *self.hours,
            *self.holidays,
            *self.caps,
            *self.gaps,
            *self.after_contact,
            *self.authorised,
            *self.banned,
            *self.stops,
        )

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        seen: set[str] = set()
        for name in (*(rule.id for rule in self.rules()), *(change.id for change in self.calendar)):
            if not name.startswith(f"{self.country}."):
                raise broken(name, f"expected an id that begins with {self.country}.")
            if name in seen:
                raise broken(name, "this id is given twice")
            seen.add(name)
        for rule in self.rules():
            if rule.unless & rule.only_with:
                raise broken(rule.id, "the same flag in unless and only_with")
            if rule.regions and rule.except_regions:
                raise broken(rule.id, "expected regions or except_regions, not both")
        if self.profile is Profile.STRICT:
            self._knows_every_day()
        return self

    def _knows_every_day(self) -> None:
        """A strict pack without hours for some day would leave it closed unseen."""
        mentioned = {region for rule in self.hours for region in (*rule.regions, *rule.except_regions)}
        every_day = {(channel, weekday) for channel in Channel for weekday in WEEK}
        for day in sorted(self._turning_days()):
            in_force = [rule for rule in self.hours if rule.in_force(day.toordinal()) and not rule.only_with]
            for region in (*sorted(mentioned), "any other"):
                rules = [rule for rule in in_force if rule.binds_there(region, None, any_region=False, any_city=False)]
                for actor in Actor:
                    covered = {
                        (channel, weekday)
                        for rule in rules
                        if actor in rule.binds
                        for channel in rule.channels
                        for weekday in rule.days
                    }
                    for channel, weekday in sorted(every_day - covered):
                        where = f"for {channel} on {weekday}, {actor}, {region} region, {day}"
                        context = {"field": "hours", "where": where}
                        raise PydanticCustomError("pack", "expected strict hours {where}; found none", context)

    def _turning_days(self) -> set[date]:
        days = {_COVERED_SINCE}
        for rule in self.hours:
            if rule.valid_from is not None and rule.valid_from > _COVERED_SINCE:
                days.add(rule.valid_from)
            if rule.valid_until is not None and rule.valid_until >= _COVERED_SINCE:
                days.add(date.fromordinal(rule.valid_until.toordinal() + 1))
        return days


def broken(rule_id: str, problem: str) -> PydanticCustomError:
    """A fault between rules, with the id from which the loader finds the line."""
    return PydanticCustomError("pack", "{rule_id}: {problem}", {"rule_id": rule_id, "problem": problem})
