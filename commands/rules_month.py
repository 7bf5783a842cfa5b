"""`rules calendar`: the lawful hours of a month, day by day, by channel."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.contact import Actor, Channel
from domain.contact_rules import Pack, RuleBook

_TEMPLATE = "rules_month.html.j2"


@dataclass(frozen=True)
class OpenHours:
    """`hours` is "08:00-20:00", or None: closed. `why` is the rule's sentence, `rule` its id."""

    hours: str | None
    rule: str
    why: str
    share: tuple[float, float] | None


@dataclass(frozen=True)
class MonthDay:
    day: date
    by_group: tuple[OpenHours, ...]


@dataclass(frozen=True)
class Month:
    """A month of one country, place, actor and profile. Channels with the same hours all month are one group."""

    title: str
    place: str
    groups: tuple[str, ...]
    days: tuple[MonthDay, ...]
    version: str


def month_of(
    book: RuleBook,
    pack: Pack,
    year: int,
    month: int,
    *,
    region: str | None,
    city: str | None,
    actor: Actor,
    flags: frozenset[str],
    channels: tuple[Channel, ...],
) -> Month:
    """Hours in the person's local time; a channel that no one may use at all is closed every day."""
    days = [date(year, month, number) for number in range(1, monthrange(year, month)[1] + 1)]
    columns: dict[tuple[OpenHours, ...], list[Channel]] = {}
    for channel in channels:
        bound = book.bound(pack, region, city, channel, actor, flags)
        column: list[OpenHours] = []
        for day in days:
            ban = next((rule for rule in bound.banned if rule.in_force(day.toordinal())), None)
            if ban is not None:
                column.append(OpenHours(None, ban.id, ban.text, None))
                continue
            found = bound.day(day.toordinal())
            if found.hours is None:
                column.append(OpenHours(None, found.closes_by.rule, found.closes_by.text, None))
            else:
                start, end = found.hours
                why = " ".join(dict.fromkeys(reason.text for reason in found.why))
                rules = ", ".join(dict.fromkeys(reason.rule for reason in found.why))
                column.append(OpenHours(f"{_clock(start)}-{_clock(end)}", rules, why, (start / 14.4, end / 14.4)))
        columns.setdefault(tuple(column), []).append(channel)
    where = ", ".join(part for part in (city, region) if part) or "no region given"
    return Month(
        title=f"{pack.name}, {days[0]:%B %Y}",
        place=f"{where}; {actor}; {pack.profile} profile",
        groups=tuple(", ".join(names) for names in columns.values()),
        days=tuple(MonthDay(day, tuple(column[number] for column in columns)) for number, day in enumerate(days)),
        version=pack.version,
    )


def page(month: Month) -> str:
    """The month as one self-contained HTML page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(month=month, blank=month.days[0].day.weekday())


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
