"""The jurisdictions' rules a second time, as plainly as they can be said, to judge the product by.

Reads the same data as the product's contact rules and shares no code with them: an error would have to be
made twice, in two ways of reckoning, to go unseen. It judges a creditor in the strict profile; what binds only
in some cities or only with a flag of the person is left to the product's own tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from ruamel.yaml import YAML

CONFIG = Path(__file__).resolve().parent.parent / "config"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BY_MESSAGE = frozenset({"attempt", "delivered"})
_ACTOR, _PROFILE = "creditor", "strict"
Rule = dict[str, Any]


@dataclass(frozen=True)
class Residence:
    """Where a person is, as far as the rules ask. `zone` is an IANA name; None: unknown."""

    country: str
    region: str | None
    zone: str | None


@dataclass(frozen=True)
class Sent:
    """A message to one person, as the limits count it."""

    at: datetime
    channel: str
    loan_id: str


@dataclass(frozen=True)
class Limit:
    """A rule a series of contacts broke: `day` is the local date that was one too many."""

    rule: str
    day: date
    text: str


def closed_hours(residence: Residence, channel: str, at: datetime) -> str | None:
    """Why nobody may be contacted at this moment, or None: it is within the lawful hours."""
    if residence.zone is None:
        return "the person's time zone is unknown"
    if _pack(residence.country) is None:
        return f"no rules are known for {residence.country}"
    local = at.astimezone(ZoneInfo(residence.zone))
    day = local.date()
    for rule in _binding("holidays", residence, day, channel):
        if (name := _holiday(residence, day, tuple(rule.get("categories", ("public",))))) is not None:
            return f"{rule['id']}: {day} is {name}"
    for rule in _binding("hours", residence, day, channel):
        if rule["open"] is None:
            return f"{rule['id']}: closed on {local:%A} ({local:%Y-%m-%d %H:%M:%S})"
        opens, closes = (_clock(text) for text in rule["open"].split("-"))
        if not opens <= local.time() < closes:
            return f"{rule['id']}: {local:%Y-%m-%d %H:%M:%S} local is outside {rule['open']}"
    return None


def broken_limits(residence: Residence, contacts: Iterable[Sent]) -> list[Limit]:
    """Every limit on how often that these contacts of one person break together."""
    if _pack(residence.country) is None or residence.zone is None:
        return []
    dated = [(local_date(residence, sent.at), sent) for sent in contacts]
    found: dict[Limit, None] = {}
    for last, latest in dated:
        for rule in _binding("caps", residence, last, latest.channel):
            if not set(rule.get("counts", _BY_MESSAGE)) & _BY_MESSAGE:
                continue
            within, span = _window(rule["per"], last)
            number = sum(1 for day, sent in dated if within(day) and _counted(rule, sent, latest))
            if number > rule["max"]:
                text = f"{number} contacts in {span} to {last}, at most {rule['max']}"
                found[Limit(rule["id"], last, text)] = None
        for rule in _binding("gaps", residence, last, latest.channel):
            days = sorted({day for day, sent in dated if day <= last and _counted(rule, sent, latest)})
            for before, after in pairwise(days):
                if after == last and (after - before).days < rule["dates"]:
                    text = f"{before} and {after} lie less than {rule['dates']} days apart"
                    found[Limit(rule["id"], after, text)] = None
    return list(found)


def local_date(residence: Residence, at: datetime) -> date:
    """The calendar date where the person is; UTC's where that is unknown."""
    return at.astimezone(ZoneInfo(residence.zone or "UTC")).date()


def windows(residence: Residence, week_of: date, channel: str = "sms") -> list[tuple[float, float] | None]:
    """Lawful local hours from Monday to Sunday as decimals, holidays left out, for drawing; None: closed."""
    drawn: list[tuple[float, float] | None] = []
    monday = week_of - timedelta(days=week_of.weekday())
    for number in range(7):
        said = [rule["open"] for rule in _binding("hours", residence, monday + timedelta(days=number), channel)]
        if None in said:
            drawn.append(None)
            continue
        ranges = [[_decimal(text) for text in hours.split("-")] for hours in said]
        drawn.append((max([0.0, *(opens for opens, _ in ranges)]), min([24.0, *(closes for _, closes in ranges)])))
    return drawn


def _binding(part: str, residence: Residence, day: date, channel: str) -> Iterator[Rule]:
    """The rules of one part of the pack that bind a creditor here, on this day, by this channel."""
    pack = _pack(residence.country)
    rules = (pack or {}).get(part) or ()
    for written in [rules] if isinstance(rules, dict) else rules:
        rule = {key: _strictly(value) for key, value in written.items()}
        regions, ends = rule.get("regions", ()), rule.get("until")
        if (
            _PROFILE in rule.get("profiles", (_PROFILE,))
            and _ACTOR in rule.get("binds", (_ACTOR,))
            and channel in rule.get("channels", (channel,))
            and _DAYS[day.weekday()] in rule.get("days", _DAYS)
            and (not regions or residence.region in regions)
            and residence.region not in rule.get("except_regions", ())
            and not rule.get("cities")
            and not rule.get("only_with")
            and _as_date(rule.get("from", date.min)) <= day
            and (ends is None or day <= _as_date(ends))
        ):
            yield rule


def _strictly(value: Any) -> Any:
    return value[_PROFILE] if isinstance(value, dict) and _PROFILE in value else value


def _as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _window(per: str, last: date) -> tuple[Callable[[date], bool], str]:
    """Which days count together with `last`; a "week" is any seven days, the narrower reading."""
    if per == "day":
        return lambda day: day == last, "the day"
    if per == "iso_week":
        return lambda day: day <= last and day.isocalendar()[:2] == last.isocalendar()[:2], "the week"
    return lambda day: timedelta(0) <= last - day < timedelta(days=7), "seven days"


def _counted(rule: Rule, sent: Sent, with_this: Sent) -> bool:
    return (
        sent.channel in rule.get("channels", (sent.channel,))
        and (rule.get("scope") != "loan" or sent.loan_id == with_this.loan_id)
        and (not rule.get("each_channel") or sent.channel == with_this.channel)
    )


def _holiday(residence: Residence, day: date, categories: tuple[str, ...]) -> str | None:
    """The name of a holiday; of any region's where the strictest reading is asked and none is known."""
    pack = _pack(residence.country)
    assert pack is not None
    known = _subdivisions(residence.country)
    regions: tuple[str | None, ...] = (residence.region if residence.region in known else None,)
    if residence.region is None and _strictly(pack["missing_region"]) == "strictest":
        regions = (None, *known)
    for change in _calendar_changes(residence.country):
        dates = {str(one) for one in change["dates"]} & {f"{day:%Y-%m-%d}", f"{day:%m-%d}"}
        here = not change.get("regions") or residence.region in change["regions"]
        if dates and here and change["effect"] == "only_in_cities":
            return None
        if dates and here and not change.get("cities") and change.get("category", "public") in categories:
            if change["effect"] == "add":
                return str(change["name"])
    for region in regions:
        name = _calendar(residence.country, region, categories, day.year).get(day)
        if name is not None:
            return name
    return None


@cache
def _subdivisions(country: str) -> tuple[str, ...]:
    return tuple(str(code) for code in holidays.country_holidays(country).subdivisions)


@lru_cache(maxsize=2048)
def _calendar(country: str, region: str | None, categories: tuple[str, ...], year: int) -> dict[date, str]:
    known = holidays.country_holidays(country).supported_categories
    asked = tuple(category for category in categories if category in known) or ("public",)
    return dict(holidays.country_holidays(country, subdiv=region, years=year, categories=asked))


@cache
def _pack(country: str) -> Rule | None:
    return _read(CONFIG / "jurisdictions" / f"{country}.yaml")


@cache
def _calendar_changes(country: str) -> tuple[Rule, ...]:
    return tuple((_read(CONFIG / "holidays" / f"{country}.yaml") or {}).get("calendar", ()))


def _read(file: Path) -> Rule | None:
    if not file.exists():
        return None
    found: Rule = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return found


def _clock(text: str) -> time:
    """24:00 is the end of the day: no moment of it is later."""
    return time.max if text == "24:00" else time.fromisoformat(text)


def _decimal(text: str) -> float:
    hours, minutes = text.split(":")
    return int(hours) + int(minutes) / 60
