"""What people write for a region, as the code that rules and calendars know."""

from __future__ import annotations

import re
from functools import lru_cache

from domain.contact_rules.calendar import known_regions, library_of
from domain.contact_rules.model import folded_name
from domain.contact_rules.pack import Pack

_KIND = re.compile(
    r"(?:comunidad(?: autonoma)?|comunitat|principado|provincia|region|estado|state|departamento|commonwealth)"
    r"(?: (?:de la|de los|de|del|do|da|of))? "
)
"""The kind of region before its name: "Comunidad de Madrid", "Estado de São Paulo"."""


def region_code(pack: Pack, text: str) -> str | None:
    """The code of a region given as "MD", "es-md", "Madrid" or "Comunidad de Madrid"; None where it is no region.

    In a country whose regions make no difference to any rule every code is taken, and no name is known.
    """
    written = text.strip()
    code = written.upper().removeprefix(f"{pack.country}-")
    known = regions_of(pack)
    if written in known:
        return written
    if not known:
        return code if re.fullmatch(r"[A-Z0-9]{1,3}", code) else None
    if code in known:
        return code
    names = _names(pack.country, tuple(pack.region_names.items()))
    named = folded_name(written)
    return names.get(named) or names.get(_KIND.sub("", named, count=1))


def regions_of(pack: Pack) -> frozenset[str]:
    """The region codes a pack can tell apart; empty: it takes any, since none changes anything."""
    calendars = known_regions(pack.country)
    if not calendars and not pack.region_names:
        return frozenset()
    named = {region for rule in pack.rules() for region in (*rule.regions, *rule.except_regions)}
    changed = {region for change in pack.calendar for region in change.regions}
    return calendars | named | changed | frozenset(pack.region_names)


def region_names(pack: Pack) -> dict[str, str]:
    """A name for each code that has one."""
    aliases = library_of(pack.country).get_subdivision_aliases()
    return {code: names[0] for code, names in ({**pack.region_names, **aliases}).items() if names}


@lru_cache(maxsize=64)
def _names(country: str, own: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, str]:
    """Codes by folded name. A name that two regions share names neither."""
    aliases = library_of(country).get_subdivision_aliases()
    found: dict[str, str] = {}
    shared: set[str] = set()
    for code, names in (*((code, tuple(names)) for code, names in aliases.items()), *own):
        for name in map(folded_name, names):
            if found.setdefault(name, code) != code:
                shared.add(name)
    return {name: code for name, code in found.items() if name not in shared}
