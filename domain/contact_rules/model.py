"""What a jurisdiction pack says: the contact rules of one country, as data.

Every rule carries its id, the law it comes from (or "policy"), how well that is known, and a sentence
for operators. Hours are local wall-clock time of the person, half-open: the end is no longer allowed.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.contact import Channel, ContactEventKind, Reason

ALL_CHANNELS: frozenset[Channel] = frozenset(Channel)
OUTBOUND_KINDS: frozenset[ContactEventKind] = frozenset(
    {
        ContactEventKind.ATTEMPT,
        ContactEventKind.DELIVERED,
        ContactEventKind.TWO_WAY,
        ContactEventKind.CONVERSATION,
    }
)


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEK: tuple[Weekday, ...] = tuple(Weekday)


class Basis(StrEnum):
    """Whether a rule is law or our own choice where the law gives no number."""

    LAW = "law"
    POLICY = "policy"


class Evidence(StrEnum):
    """How well a rule is known. Strict packs hold doubtful rules in their narrower reading."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    UNVERIFIED = "unverified"
    CONFLICTING = "conflicting"
    POLICY = "policy"


class Profile(StrEnum):
    """`literal`: what the text says. `strict`: never laxer than any plausible reading of it."""

    STRICT = "strict"
    LITERAL = "literal"


class Scope(StrEnum):
    """Whose contacts a limit counts: all of the person's, or those about the one loan."""

    PERSON = "person"
    LOAN = "loan"


class Period(StrEnum):
    """What a limit is counted over, always in the person's local calendar dates.

    WEEK stands for a law that says "week" and no more: the ISO week and every run of seven dates must
    both allow. ROLLING_7_DATES is a law that itself speaks of seven consecutive days. In the strict
    reading both close the same dates; they are told apart because the literal readings differ.
    """

    DAY = "day"
    WEEK = "week"
    ROLLING_7_DATES = "rolling_7_dates"


class MissingRegion(StrEnum):
    """What to do when the person's region is not known.

    `refuse`: no contact. `strictest`: a holiday anywhere in the country excludes the day.
    `national`: the region changes nothing that the pack enforces, or only policy hours rest on it.
    """

    REFUSE = "refuse"
    STRICTEST = "strictest"
    NATIONAL = "national"


class ClockRange(BaseModel):
    """Half-open local wall-clock hours, in minutes since midnight: start <= t < end <= 24:00."""

    model_config = ConfigDict(frozen=True)

    start: Annotated[int, Field(ge=0, lt=1440)]
    end: Annotated[int, Field(gt=0, le=1440)]

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end <= self.start:
            raise ValueError("expected hours that end after they start, on the same day")
        return self


_CLOCK_RANGE = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def _clock_range(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _CLOCK_RANGE.fullmatch(value)
    if match is None:
        raise ValueError('expected hours like "08:00-20:00"')
    h1, m1, h2, m2 = (int(part) for part in match.groups())
    return {"start": h1 * 60 + m1, "end": h2 * 60 + m2}


class Rule(BaseModel):
    """What every rule has. `id` begins with the pack's country; `text` never holds personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Z]{2}(\.[a-z0-9_]+)+$")]
    source: Annotated[str, Field(min_length=1)]
    basis: Basis
    evidence: Evidence
    text: Annotated[str, Field(min_length=1)]

    def reason(self) -> Reason:
        return Reason(rule=self.id, source=self.source, text=self.text)


class HoursRule(Rule):
    """Open hours of some weekdays for some channels; `open` null closes these days.

    With `regions` it takes the place, in those regions, of the rule without regions for the same day.
    """

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    open: Annotated[ClockRange, BeforeValidator(_clock_range)] | None
    channels: frozenset[Channel] = ALL_CHANNELS
    regions: tuple[str, ...] = ()


class HolidayRule(Rule):
    """Public holidays are closed. `categories` are those of the `holidays` library."""

    categories: Annotated[tuple[str, ...], Field(min_length=1)] = ("public",)


def _outbound(kinds: frozenset[ContactEventKind]) -> frozenset[ContactEventKind]:
    if not kinds or not kinds <= OUTBOUND_KINDS:
        raise ValueError("expected some of attempt, delivered, two_way and conversation")
    return kinds


CountedKinds = Annotated[frozenset[ContactEventKind], AfterValidator(_outbound)]


class CapRule(Rule):
    """At most `max` contacts in a period, counted together over `channels`."""

    channels: frozenset[Channel] = ALL_CHANNELS
    counts: CountedKinds = OUTBOUND_KINDS
    scope: Scope = Scope.PERSON
    per: Period
    max: Annotated[int, Field(ge=1)]


class GapRule(Rule):
    """Contacts over `channels` lie at least `dates` local dates apart; 2 leaves one free date between."""

    channels: frozenset[Channel] = ALL_CHANNELS
    counts: CountedKinds = OUTBOUND_KINDS
    scope: Scope = Scope.PERSON
    dates: Annotated[int, Field(ge=1, le=31)]


class AfterContactRule(Rule):
    """What is closed once the person has been spoken with.

    `trigger` events on `trigger_channels` start it; it binds contacts on `channels`.
    `silent_dates`: none for so many local dates, the first being the date of the trigger.
    `further_same_day`: so many more contacts on the date of the trigger.
    `one_channel_for_week`: only the trigger's channel in its ISO week and in the seven dates from it.
    """

    trigger: Annotated[frozenset[ContactEventKind], Field(min_length=1)]
    trigger_channels: frozenset[Channel] = ALL_CHANNELS
    channels: frozenset[Channel] = ALL_CHANNELS
    scope: Scope = Scope.PERSON
    silent_dates: Annotated[int, Field(ge=0, le=31)] = 0
    further_same_day: Annotated[int, Field(ge=0)] | None = None
    one_channel_for_week: bool = False

    @model_validator(mode="after")
    def _closes_something(self) -> Self:
        if not self.silent_dates and self.further_same_day is None and not self.one_channel_for_week:
            raise ValueError("expected silent_dates, further_same_day or one_channel_for_week")
        return self


class Caps(BaseModel):
    """A lender's own limits for each person, over all channels and loans; None leaves it to the pack.

    They are checked beside the pack's own, so a lender can only be stricter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_day: Annotated[int, Field(ge=1)] | None = None
    per_week: Annotated[int, Field(ge=1)] | None = None


class Pack(BaseModel):
    """All contact rules of one country in one profile and version.

    `missing_region` also needs `regions` when state law decides: those are the codes (ISO 3166-2 without
    the country) that the pack knows beside the subdivisions of the `holidays` library.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}(\.\d+)?$")]
    profile: Profile
    missing_region: MissingRegion
    hours: Annotated[tuple[HoursRule, ...], Field(min_length=1)]
    holidays: HolidayRule | None
    caps: tuple[CapRule, ...]
    gaps: tuple[GapRule, ...] = ()
    after_contact: tuple[AfterContactRule, ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        closed_days: tuple[Rule, ...] = () if self.holidays is None else (self.holidays,)
        return (*self.hours, *closed_days, *self.caps, *self.gaps, *self.after_contact)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        seen: set[str] = set()
        for rule in self.rules():
            if not rule.id.startswith(f"{self.country}."):
                raise _broken(rule.id, f"expected an id that begins with {self.country}.")
            if rule.id in seen:
                raise _broken(rule.id, "this id is given twice")
            seen.add(rule.id)
        for channel in Channel:
            for day in WEEK:
                self._covered_once(channel, day)
        return self

    def _covered_once(self, channel: Channel, day: Weekday) -> None:
        national = 0
        regional: set[str] = set()
        for rule in self.hours:
            if channel not in rule.channels or day not in rule.days:
                continue
            if not rule.regions:
                national += 1
            elif regional & set(rule.regions):
                raise _broken(rule.id, f"a second rule for {channel} on {day} in the same region")
            regional |= set(rule.regions)
        if national != 1:
            raise PydanticCustomError(
                "pack",
                "expected exactly one rule without regions for {channel} on {day}, found {found}",
                {"field": "hours", "channel": channel.value, "day": day.value, "found": national},
            )


def _broken(rule_id: str, problem: str) -> PydanticCustomError:
    """A fault between rules, with the id from which the loader finds the line."""
    return PydanticCustomError("pack", "{problem}", {"rule_id": rule_id, "problem": problem})
