"""The holidays that contact hours rest on, as generated: kept in a file, compared when the library moves.

`config/holidays/generated/dates.yaml` holds every date of 2026 to 2028 that some pack asks the library or our
own changes for, one a line: country, region (`*`: the whole country), category, date, name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from config.jurisdictions import HOLIDAYS
from domain.contact_rules.calendar import Dates, holidays_at, known_regions
from domain.contact_rules.pack import MissingRegion, Pack

GENERATED = HOLIDAYS / "generated" / "dates.yaml"
YEARS = (2026, 2027, 2028)
_ELSEWHERE = ""
"""A city that is known and that no rule names."""
_HEAD = "# Written by `starter.py rules holidays --write`; what changed since is shown by `rules holidays --diff`."


@dataclass(frozen=True)
class Changes:
    """What the calendar of today has that the kept one had not, and the other way round."""

    library_then: str
    library_now: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def generate(packs: Iterable[Pack]) -> tuple[str, ...]:
    """Every date, sorted; names of cities that have days of their own follow their region after a slash."""
    lines: set[str] = set()
    for pack in packs:
        categories = sorted({name for rule in pack.holidays for name in rule.categories})
        cities = {own.region: name for name, own in pack.city_calendars.items()}
        cities |= {region: city for change in pack.calendar for region in change.regions for city in change.cities[:1]}
        for category in categories:
            for year in YEARS:
                national = holidays_at(_national(pack), None, _ELSEWHERE, (category,), year)
                lines |= {f"{pack.country} * {category} {day} {name}" for day, name in national.items()}
                for region in sorted(known_regions(pack.country) | set(cities)):
                    found = holidays_at(pack, region, _ELSEWHERE, (category,), year)
                    lines |= _beside(f"{pack.country} {region} {category}", found, national)
                    if region in cities:
                        own = holidays_at(pack, region, cities[region], (category,), year)
                        lines |= _beside(f"{pack.country} {region}/{cities[region]} {category}", own, found)
    return tuple(sorted(lines))


def _beside(prefix: str, here: Dates, around: Dates) -> set[str]:
    """The dates of a place that differ from those around it: its own, and with `not` those it lacks."""
    own = {f"{prefix} {day} {name}" for day, name in here.items() if day not in around}
    return own | {f"{prefix} {day} not {name}" for day, name in around.items() if day not in here}


def _national(pack: Pack) -> Pack:
    """Without the regions that stand in where none is known."""
    return pack.model_copy(update={"missing_region": MissingRegion.NATIONAL})


def kept(file: Path = GENERATED) -> tuple[str, tuple[str, ...]]:
    """The library's version and the dates of the kept file. Raises OSError."""
    lines = file.read_text(encoding="utf-8").splitlines()
    then = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("library:")), "unknown")
    return then, tuple(line.removeprefix("  - ") for line in lines if line.startswith("  - "))


def write(lines: Iterable[str], file: Path = GENERATED) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(f"  - {line}" for line in lines)
    file.write_text(f"{_HEAD}\nlibrary: holidays {version('holidays')}\ndates:\n{body}\n", encoding="utf-8")


def changes(packs: Iterable[Pack], file: Path = GENERATED) -> Changes:
    """Today's calendar against the kept one. Raises OSError when there is no kept one."""
    then, before = kept(file)
    now = generate(packs)
    return Changes(
        library_then=then,
        library_now=f"holidays {version('holidays')}",
        added=tuple(sorted(set(now) - set(before))),
        removed=tuple(sorted(set(before) - set(now))),
    )
