"""The rules a jurisdiction pack is made of.

Every rule carries its id, the law it comes from (or "policy"), how well that is known, whom and where it
binds, since when, and a sentence for operators. Every rule that binds a contact must allow it: more rules
are never laxer. Hours are local wall-clock time of the person, half-open: the end is no longer allowed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.contact import Actor, Channel, ContactEventKind, Purpose, Reason

ALL_CHANNELS: frozenset[Channel] = frozenset(Channel)
EVERYONE: frozenset[Actor] = frozenset(Actor)
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
    """How well a rule is known. The strict profile holds doubtful rules in their narrower reading."""

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

    WEEK stands for a law that says "week" and no more: literally the ISO week, Monday to Sunday; in the
    strict profile the ISO week and every run of seven dates must both allow. ISO_WEEK and ROLLING_7_DATES
    are laws that say which they mean.
    """

    DAY = "day"
    WEEK = "week"
    ISO_WEEK = "iso_week"
    ROLLING_7_DATES = "rolling_7_dates"


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

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


_CLOCK_RANGE = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def _clock_range(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _CLOCK_RANGE.fullmatch(value)
    if match is None:
        raise ValueError('expected hours like "08:00-20:00"')
    h1, m1, h2, m2 = (int(part) for part in match.groups())
    return {"start": h1 * 60 + m1, "end": h2 * 60 + m2}


_AFTER_CITY = re.compile(r"[,/(]| - ")


def city_key(name: str) -> str:
    """A city's name for comparison: without case, accents, marks, and what follows it ("Flushing, NY")."""
    return folded_name(_AFTER_CITY.split(name, maxsplit=1)[0])


def folded_name(name: str) -> str:
    """A place's name without case, accents, marks and needless blanks."""
    bare = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w\s]", " ", plain).split())


class Rule(BaseModel):
    """What every rule has. `id` begins with the pack's country; `text` never holds personal data.

    It binds the `binds` on local dates `from` to `until` (both inclusive) in `regions` (all when empty)
    except `except_regions`, there in `cities` (all when empty). `unless`: flags of the request any of which
    sets the rule aside. `only_with`: flags any of which the request must have, or the rule is asleep.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: Annotated[str, Field(pattern=r"^[A-Z]{2}(\.[a-z0-9_]+)+$")]
    source: Annotated[str, Field(min_length=1)]
    basis: Basis
    evidence: Evidence
    text: Annotated[str, Field(min_length=1)]
    note: str = ""
    binds: Annotated[frozenset[Actor], Field(min_length=1)] = EVERYONE
    valid_from: Annotated[date | None, Field(alias="from")] = None
    valid_until: Annotated[date | None, Field(alias="until")] = None
    regions: tuple[str, ...] = ()
    except_regions: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    unless: frozenset[str] = frozenset()
    only_with: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.valid_from is not None and self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("expected until to be no earlier than from")
        return self

    def reason(self, version: str = "") -> Reason:
        return Reason(rule=self.id, source=self.source, text=self.text, version=version)

    def in_force(self, ordinal: int) -> bool:
        """Whether the rule is law on a local date (a proleptic ordinal)."""
        return (self.valid_from is None or ordinal >= self.valid_from.toordinal()) and (
            self.valid_until is None or ordinal <= self.valid_until.toordinal()
        )

    def binds_there(self, region: str | None, city: str | None, *, any_region: bool, any_city: bool) -> bool:
        """Whether it holds at a place. `any_region`, `any_city`: the answers where that would decide and is None."""
        if region is not None and region in self.except_regions:
            return False
        if self.regions and region is None:
            if not any_region:
                return False
        elif self.regions and region not in self.regions:
            return False
        if not self.cities:
            return True
        if city is None:
            return any_city
        return city_key(city) in {city_key(name) for name in self.cities}

    def awake(self, flags: frozenset[str]) -> bool:
        return not self.unless & flags and (not self.only_with or bool(self.only_with & flags))


class ChannelRule(Rule):
    channels: Annotated[frozenset[Channel], Field(min_length=1)] = ALL_CHANNELS


class HoursRule(ChannelRule):
    """Open hours of some weekdays; `open` null closes these days."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEK
    open: Annotated[ClockRange, BeforeValidator(_clock_range)] | None


class HolidayRule(ChannelRule):
    """Holidays are closed. `categories` are those of the `holidays` library or of our own calendar changes."""

    categories: Annotated[tuple[str, ...], Field(min_length=1)] = ("public",)


def _outbound(kinds: frozenset[ContactEventKind]) -> frozenset[ContactEventKind]:
    if not kinds or not kinds <= OUTBOUND_KINDS:
        raise ValueError("expected some of attempt, delivered, two_way and conversation")
    return kinds


CountedKinds = Annotated[frozenset[ContactEventKind], AfterValidator(_outbound)]


class CapRule(ChannelRule):
    """At most `max` contacts in a period, counted together over `channels`, or each by itself."""

    counts: CountedKinds = OUTBOUND_KINDS
    scope: Scope = Scope.PERSON
    per: Period
    max: Annotated[int, Field(ge=1)]
    each_channel: bool = False


class GapRule(ChannelRule):
    """Contacts over `channels` lie at least `dates` local dates apart; 2 leaves one free date between."""

    counts: CountedKinds = OUTBOUND_KINDS
    scope: Scope = Scope.PERSON
    dates: Annotated[int, Field(ge=1, le=31)]


class AfterContactRule(ChannelRule):
    """What is closed once the person has been spoken with.

    `trigger` events on `trigger_channels` start it; it binds contacts on `channels`.
    `silent_dates`: none for so many local dates, the first being the date of the trigger.
    `further_same_day`: so many more contacts on the date of the trigger than the one of that date it answered.
    `one_channel_for_week`: only the trigger's channel for the rest of its ISO week; in the strict profile
    also in the seven dates from it.
    """

    trigger: Annotated[frozenset[ContactEventKind], Field(min_length=1)]
    trigger_channels: frozenset[Channel] = ALL_CHANNELS
    scope: Scope = Scope.PERSON
    silent_dates: Annotated[int, Field(ge=0, le=31)] = 0
    further_same_day: Annotated[int, Field(ge=0)] | None = None
    one_channel_for_week: bool = False

    @model_validator(mode="after")
    def _closes_something(self) -> Self:
        if not self.silent_dates and self.further_same_day is None and not self.one_channel_for_week:
            raise ValueError("expected silent_dates, further_same_day or one_channel_for_week")
        return self


class ConsentRule(ChannelRule):
    """The channels may be used only where the person authorised them."""


class BannedRule(ChannelRule):
    """The channels may not be used for collection at all."""


class StopRule(Rule):
    """What a stop state rests on in this country, and what may still be sent under it.

    Takes the place of our own policy for `flag`; the strongest reading of several binds. `still_open` are
    purposes that go on; with a flag of `unless` the stop does not hold.
    """

    flag: Annotated[str, Field(min_length=1)]
    still_open: frozenset[Purpose] = frozenset()


class Caps(BaseModel):
    """A lender's own limits for each person, over all channels and loans; None leaves it to the pack.

    They are checked beside the pack's own, so a lender can only be stricter. `guard_minutes`: nothing is
    begun in the last so many minutes of a window.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_day: Annotated[int, Field(ge=1)] | None = None
    per_week: Annotated[int, Field(ge=1)] | None = None
    guard_minutes: Annotated[int, Field(ge=0, le=240)] = 0
