"""The contact rules a third time, only for judging: reads config/jurisdictions/*.yaml and nothing else of the product.

It judges a creditor in the strict profile, by minute and by local date, as plainly as it can be said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from ruamel.yaml import YAML

CONFIG = Path(__file__).resolve().parents[2] / "config"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Rule = dict[str, Any]


@dataclass(frozen=True)
class Place:
    country: str
    region: str | None
    zone: str


@dataclass(frozen=True)
class Told:
    """A message or a call that reached or may have reached a person. `was_talk`: a call on which they talked."""

    at: datetime
    channel: str
    loan_id: str
    was_talk: bool = False


def closed(place: Place, channel: str, at: datetime) -> str | None:
    """Which rule closes this moment; None when it is open."""
    local = at.astimezone(ZoneInfo(place.zone))
    for rule in _rules(place, "holidays", channel, local.date()):
        if local.date() in _holidays(place, local.year, tuple(rule.get("categories", ["public"]))):
            return f"{rule['id']}: {local.date()} is a public holiday"
    for rule in _rules(place, "hours", channel, local.date()):
        if rule["open"] is None:
            return f"{rule['id']}: closed all of {local.date()}"
        opens, closes = rule["open"].split("-")
        if not _minute(opens) <= local.hour * 60 + local.minute < _minute(closes):
            return f"{rule['id']}: {local:%H:%M} is outside {rule['open']}"
    return None


def too_many(place: Place, told: Sequence[Told]) -> list[str]:
    """Each cap and gap that the contacts of one person break together."""
    zone = ZoneInfo(place.zone)
    found: list[str] = []
    for latest in sorted(told, key=lambda one: one.at):
        day = latest.at.astimezone(zone).date()
        for rule in _rules(place, "caps", latest.channel, day):
            if not {"attempt", "delivered"} & set(rule.get("counts", ["attempt", "delivered"])):
                continue
            same = [one.at.astimezone(zone).date() for one in told if _counts(rule, one, latest)]
            number = sum(1 for other in same if _within(rule["per"], other, day))
            if number > rule["max"]:
                found.append(f"{rule['id']}: {number} contacts to {day}, at most {rule['max']} per {rule['per']}")
        for rule in _rules(place, "gaps", latest.channel, day):
            same = [one.at.astimezone(zone).date() for one in told if _counts(rule, one, latest)]
            if any(0 < (day - other).days < rule["dates"] for other in same):
                found.append(f"{rule['id']}: less than {rule['dates']} days before {day}")
    return sorted(set(found))


def too_soon(place: Place, told: Sequence[Told]) -> list[str]:
    """Each silence after a talk on the telephone that one of these breaks; the talk's own date is the first of it."""
    zone = ZoneInfo(place.zone)
    found: list[str] = []
    for talk in (one for one in told if one.was_talk):
        talked_on = talk.at.astimezone(zone).date()
        for later in (one for one in told if one.at > talk.at):
            day = later.at.astimezone(zone).date()
            for rule in _rules(place, "after_contact", later.channel, day):
                silent = "conversation" in rule["trigger"] and talk.channel in rule.get("trigger_channels", ["call"])
                about_it = rule.get("scope") != "loan" or later.loan_id == talk.loan_id
                if silent and about_it and (day - talked_on).days < rule.get("silent_dates", 0):
                    found.append(f"{rule['id']}: {later.channel} on {day} after a talk on {talked_on}")
    return sorted(set(found))


def _within(per: str, other: date, day: date) -> bool:
    if per == "day":
        return other == day
    if per == "iso_week":
        return other <= day and other.isocalendar()[:2] == day.isocalendar()[:2]
    return timedelta(0) <= day - other < timedelta(days=7)


def _counts(rule: Rule, one: Told, latest: Told) -> bool:
    if one.channel not in rule.get("channels", [one.channel]):
        return False
    if rule.get("each_channel") and one.channel != latest.channel:
        return False
    return rule.get("scope") != "loan" or one.loan_id == latest.loan_id


def _rules(place: Place, section: str, channel: str, day: date) -> Iterator[Rule]:
    for written in _pack(place.country).get(section) or []:
        rule = {key: _strict(value) for key, value in written.items()}
        if "strict" not in rule.get("profiles", ["strict"]) or "creditor" not in rule.get("binds", ["creditor"]):
            continue
        if channel not in rule.get("channels", [channel]) or _WEEKDAYS[day.weekday()] not in rule.get(
            "days", _WEEKDAYS
        ):
            continue
        if rule.get("cities") or rule.get("only_with"):
            continue  # binds only where more is known of a person than the world tells
        if rule.get("regions") and place.region not in rule["regions"]:
            continue
        if place.region in rule.get("except_regions", []):
            continue
        if rule.get("from", date.min) <= day <= rule.get("until", date.max):
            yield rule


def _strict(value: Any) -> Any:
    return value["strict"] if isinstance(value, dict) and "strict" in value else value


@cache
def _holidays(place: Place, year: int, categories: tuple[str, ...]) -> frozenset[date]:
    country = holidays.country_holidays(place.country)
    known = tuple(name for name in categories if name in country.supported_categories)
    region = place.region if place.region in country.subdivisions else None
    found = set(holidays.country_holidays(place.country, subdiv=region, years=year, categories=known or ("public",)))
    for change in _yaml(CONFIG / "holidays" / f"{place.country}.yaml").get("calendar", []):
        days = {date.fromisoformat(text if len(text) > 5 else f"{year}-{text}") for text in map(str, change["dates"])}
        here = not change.get("regions") or place.region in change["regions"]
        if here and change["effect"] == "add" and not change.get("cities"):
            found |= days
    return frozenset(found)


@cache
def _pack(country: str) -> Rule:
    return _yaml(CONFIG / "jurisdictions" / f"{country}.yaml")


def _yaml(file: Path) -> Rule:
    return YAML(typ="safe").load(file.read_text(encoding="utf-8")) if file.exists() else {}


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
