"""How rules and months are shown: tables in the terminal, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from commands.console import table
from commands.rules_month import Month
from domain.contact import Actor
from domain.contact_rules import Pack, Profile, RuleBook
from domain.contact_rules.model import (
    ALL_CHANNELS,
    OUTBOUND_KINDS,
    WEEK,
    AfterContactRule,
    BannedRule,
    CapRule,
    ChannelRule,
    ConsentRule,
    Evidence,
    GapRule,
    HolidayRule,
    HoursRule,
    Rule,
    StopRule,
)

_DOUBTFUL = (Evidence.UNVERIFIED, Evidence.CONFLICTING)


def countries(book: RuleBook) -> Iterator[str]:
    for pack in book.packs:
        yield f"{pack.country}  {pack.name}, rules {pack.version}, {len(pack.rules())} rules"


def pack_lines(packs: Mapping[Profile, Pack]) -> Iterator[Any]:
    """A heading, the rules, what is doubtful, and our changes to the calendar; strings and rich tables."""
    pack = next(iter(packs.values()))
    yield f"{pack.name} ({pack.country}), rules {pack.version}"
    yield "Without a region: " + ", ".join(f"{name}: {_missing(each)}" for name, each in packs.items())
    if pack.not_researched:
        yield f"Not researched: {pack.not_researched.strip()}"
    yield ""
    shown = table("rule", "profile", "binds", "says", "where, since", "evidence", "source")
    shown.columns[0].min_width = max(map(len, _by_id(packs)))
    for rules in _by_id(packs).values():
        rule = rules.get(Profile.STRICT) or next(iter(rules.values()))
        shown.add_row(
            rule.id,
            "both" if len(rules) == 2 else next(iter(rules)).value,
            _by_profile({profile: _binds(each) for profile, each in rules.items()}),
            _by_profile({profile: _says(each) for profile, each in rules.items()}),
            _where(rule),
            rule.evidence.value + (" (!)" if rule.evidence in _DOUBTFUL else ""),
            rule.source,
        )
    yield shown
    first = [next(iter(rules.values())) for rules in _by_id(packs).values()]
    notes = [rule for rule in first if rule.note or rule.evidence in _DOUBTFUL]
    if notes:
        yield ""
        yield "Read with care: what nobody confirmed is no law; the strict profile takes the narrower reading."
        for rule in notes:
            mark = f"{rule.evidence}: " if rule.evidence in _DOUBTFUL else ""
            yield f"  {rule.id}: {mark}{rule.note or rule.text}"
    strict = packs.get(Profile.STRICT, pack)
    if strict.calendar:
        yield ""
        yield "Changes to the library's calendar:"
        for change in strict.calendar:
            places = ", ".join((*change.cities, *change.regions)) or "everywhere"
            dates = ", ".join(change.dates)
            kind = change.effect.replace("_", " ")
            yield f"  {change.id}: {kind}, {dates}, {change.name} ({places}; {change.category}; {change.evidence})"


def pack_as_json(packs: Mapping[Profile, Pack]) -> dict[str, Any]:
    pack = next(iter(packs.values()))
    return {
        "country": pack.country,
        "name": pack.name,
        "version": pack.version,
        "not_researched": pack.not_researched or None,
        "rules": [
            {
                "rule": rule.id,
                "profile": profile.value,
                "doubtful": rule.evidence in _DOUBTFUL,
                **rule.model_dump(mode="json", by_alias=True, exclude={"id"}),
            }
            for profile, each in packs.items()
            for rule in each.rules()
        ],
        "calendar": [change.model_dump(mode="json") for change in packs.get(Profile.STRICT, pack).calendar],
    }


def _by_id(packs: Mapping[Profile, Pack]) -> dict[str, dict[Profile, Rule]]:
    found: dict[str, dict[Profile, Rule]] = {}
    for profile, pack in packs.items():
        for rule in pack.rules():
            found.setdefault(rule.id, {})[profile] = rule
    return found


def _by_profile(said: Mapping[Profile, str]) -> str:
    """Once where the readings agree, else each with its name."""
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{profile}: {text}" for profile, text in sorted(said.items()))


def _missing(pack: Pack) -> str:
    return {"refuse": "refused", "strictest": "every region's rules bind", "national": "national rules only"}[
        pack.missing_region.value
    ]


def _binds(rule: Rule) -> str:
    return "all" if rule.binds == frozenset(Actor) else ", ".join(sorted(rule.binds))


def _channels(rule: Rule) -> str:
    channels = rule.channels if isinstance(rule, ChannelRule) else ALL_CHANNELS
    if channels == ALL_CHANNELS:
        return ""
    left = ALL_CHANNELS - channels
    return f"all but {' '.join(left)}: " if len(left) == 1 else f"{', '.join(sorted(channels))}: "


def _says(rule: Rule) -> str:
    said = _channels(rule)
    if isinstance(rule, HoursRule):
        days = "every day" if set(rule.days) == set(WEEK) else _days(rule)
        said += f"{days} {rule.open if rule.open is not None else 'closed'}"
    elif isinstance(rule, HolidayRule):
        said += f"closed on {'+'.join(rule.categories)} holidays"
    elif isinstance(rule, CapRule):
        each = " each" if rule.each_channel else ""
        counts = "" if rule.counts == OUTBOUND_KINDS else f" ({', '.join(sorted(rule.counts))})"
        said += f"{rule.max}{counts} per {rule.per.replace('_', ' ')}{each}, by {rule.scope}"
    elif isinstance(rule, GapRule):
        said += f"{rule.dates} dates apart, by {rule.scope}"
    elif isinstance(rule, AfterContactRule):
        parts = [f"silent {rule.silent_dates} dates"] if rule.silent_dates else []
        parts += [f"{rule.further_same_day} more that day"] if rule.further_same_day is not None else []
        parts += ["one channel that week"] if rule.one_channel_for_week else []
        said += f"after {'+'.join(sorted(rule.trigger))}: {', '.join(parts)}, by {rule.scope}"
    elif isinstance(rule, ConsentRule):
        said += "only where authorised"
    elif isinstance(rule, BannedRule):
        said += "never"
    elif isinstance(rule, StopRule):
        still = "+".join(sorted(rule.still_open)) or "nothing"
        said += f"stop at {rule.flag}; still open: {still}"
    if rule.unless:
        said += f" (unless {', '.join(sorted(rule.unless))})"
    if rule.only_with:
        said += f" (only with {', '.join(sorted(rule.only_with))})"
    return said


def _days(rule: HoursRule) -> str:
    numbers = sorted(WEEK.index(day) for day in rule.days)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{WEEK[numbers[0]]}-{WEEK[numbers[-1]]}"
    return ",".join(WEEK[number] for number in numbers)


def _where(rule: Rule) -> str:
    parts = [", ".join(rule.regions)] if rule.regions else []
    parts += [f"not {', '.join(rule.except_regions)}"] if rule.except_regions else []
    parts += [f"{rule.cities[0]}{' ...' if len(rule.cities) > 1 else ''}"] if rule.cities else []
    parts += [f"from {rule.valid_from}"] if rule.valid_from else []
    parts += [f"until {rule.valid_until}"] if rule.valid_until else []
    return "; ".join(parts)


def month_lines(month: Month) -> Iterator[Any]:
    yield f"{month.title}: lawful hours on the person's clock, the end excluded"
    yield f"{month.place}; rules {month.version}"
    never = [
        number
        for number in range(len(month.groups))
        if all(day.by_group[number].hours is None for day in month.days)
        and len({day.by_group[number].rule for day in month.days}) == 1
    ]
    groups = [number for number in range(len(month.groups)) if number not in never]
    shown = table("day", *(month.groups[number] for number in groups), "closed because")
    for day in month.days:
        cells = [day.by_group[number] for number in groups]
        why = " ".join(dict.fromkeys(cell.why for cell in cells if cell.hours is None))
        shown.add_row(f"{day.day:%a %d}", *(cell.hours or "[red]closed[/red]" for cell in cells), why)
    if groups:
        yield shown
    for number in never:
        yield f"{month.groups[number]}: closed all month. {month.days[0].by_group[number].why}"


def month_as_json(month: Month) -> dict[str, Any]:
    return {
        "title": month.title,
        "version": month.version,
        "days": [
            {
                "day": day.day.isoformat(),
                "hours": [
                    {"channels": group.split(", "), "open": open_.hours, "rule": open_.rule, "text": open_.why}
                    for group, open_ in zip(month.groups, day.by_group, strict=True)
                ],
            }
            for day in month.days
        ],
    }
