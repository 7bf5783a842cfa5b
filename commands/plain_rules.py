"""The jurisdictions' rules a second time, as plainly as they can be said, to judge the product by.

Reads the same data as the product's contact rules and shares no code with them: an error would have to be
made twice, in two ways of reckoning, to go unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from ruamel.yaml import YAML

FOLDER = Path(__file__).resolve().parent.parent / "config" / "jurisdictions"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK_LONG = ("week", "rolling_7_dates")
_BY_MESSAGE = ("attempt", "delivered")


@dataclass(frozen=True)
class Residence:
    """Where a person is, as far as the rules ask. `zone` is an IANA name; None: unknown."""

    country: str
    region: str | None
    zone: str | None


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
    pack = _pack(residence.country)
    if pack is None:
        return f"no rules are known for {residence.country}"
    local = at.astimezone(ZoneInfo(residence.zone))
    holiday = _holiday(residence, local.date())
    if pack.get("holidays") and holiday is not None:
        return f"{pack['holidays']['id']}: {local:%Y-%m-%d} is {holiday}"
    rule = _hours(pack, residence.region, channel, _DAYS[local.weekday()])
    if rule["open"] is None:
        return f"{rule['id']}: closed on {local:%A} ({local:%Y-%m-%d %H:%M:%S})"
    opens, closes = (_clock(text) for text in rule["open"].split("-"))
    if not opens <= local.time() < closes:
        return f"{rule['id']}: {local:%Y-%m-%d %H:%M:%S} local is outside {rule['open']}"
    return None


def broken_limits(residence: Residence, contacts: Iterable[tuple[datetime, str]]) -> list[Limit]:
    """Every limit on how often that these (moment, channel) contacts of one person break together."""
    pack = _pack(residence.country)
    if pack is None or residence.zone is None:
        return []
    dated = [(local_date(residence, at), channel) for at, channel in contacts]
    found: list[Limit] = []
    for cap in pack.get("caps") or ():
        if not set(cap.get("counts") or _BY_MESSAGE) & set(_BY_MESSAGE):
            continue
        days = Counter(day for day, channel in dated if channel in cap.get("channels", (channel,)))
        for day in sorted(days):
            span = 7 if cap["per"] in _WEEK_LONG else 1
            number = sum(days[day - timedelta(days=back)] for back in range(span))
            if number > cap["max"]:
                over = f"{number} contacts in {span} day{'s'[: span - 1]} to {day}, at most {cap['max']}"
                found.append(Limit(cap["id"], day, over))
    for gap in pack.get("gaps") or ():
        days_used = sorted({day for day, channel in dated if channel in gap.get("channels", (channel,))})
        for before, after in pairwise(days_used):
            if (after - before).days < gap["dates"]:
                found.append(Limit(gap["id"], after, f"{before} and {after} lie less than {gap['dates']} days apart"))
    return found


def local_date(residence: Residence, at: datetime) -> date:
    """The calendar date where the person is; UTC's where that is unknown."""
    return at.astimezone(ZoneInfo(residence.zone or "UTC")).date()


def windows(residence: Residence, channel: str = "sms") -> dict[str, tuple[float, float] | None]:
    """Lawful local hours of each weekday as decimals, for drawing; None: closed."""
    pack = _pack(residence.country)
    if pack is None:
        return {}
    drawn: dict[str, tuple[float, float] | None] = {}
    for day in _DAYS:
        said = _hours(pack, residence.region, channel, day)["open"]
        drawn[day] = None if said is None else tuple(_decimal(text) for text in said.split("-"))  # type: ignore[assignment]
    return drawn


def _hours(pack: dict[str, Any], region: str | None, channel: str, day: str) -> dict[str, Any]:
    fitting = [rule for rule in pack["hours"] if day in rule["days"] and channel in rule.get("channels", (channel,))]
    here = [rule for rule in fitting if region is not None and region in rule.get("regions", ())]
    return dict((here or [rule for rule in fitting if not rule.get("regions")])[0])


def _holiday(residence: Residence, day: date) -> str | None:
    """The name of a public holiday; of any region's where the strictest reading is asked and none is known."""
    pack = _pack(residence.country)
    assert pack is not None
    categories = tuple((pack.get("holidays") or {}).get("categories", ("public",)))
    regions: tuple[str | None, ...] = (residence.region,)
    known = _subdivisions(residence.country)
    if residence.region not in known:
        regions = (None, *known) if pack["missing_region"] == "strictest" and residence.region is None else (None,)
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
    return dict(holidays.country_holidays(country, subdiv=region, years=year, categories=categories))


@cache
def _pack(country: str) -> dict[str, Any] | None:
    file = FOLDER / f"{country}.yaml"
    if not file.exists():
        return None
    read: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return read


def _clock(text: str) -> time:
    """24:00 is the end of the day: no moment of it is later."""
    return time.max if text == "24:00" else time.fromisoformat(text)


def _decimal(text: str) -> float:
    hours, minutes = text.split(":")
    return int(hours) + int(minutes) / 60
