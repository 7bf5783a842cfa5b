"""Cities that rules and calendars name, and cities that are written nearly like one."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

from domain.contact_rules.model import city_key
from domain.contact_rules.pack import Pack

_ALIKE = 0.75
"""From here on, of 1, a name counts as perhaps misspelt: "Brooklin" is 0.88 of Brooklyn, "Bklyn" 0.77."""


def named_cities(pack: Pack, region: str | None) -> dict[str, str]:
    """Names of the cities that something of the pack is about, by key; None: in the whole country."""
    named = [
        city
        for rule in pack.rules()
        if region is None or not rule.regions or region in rule.regions
        for city in rule.cities
    ]
    named += [
        city
        for change in pack.calendar
        if region is None or not change.regions or region in change.regions
        for city in change.cities
    ]
    named += [city for city, own in pack.city_calendars.items() if region is None or own.region == region]
    return {city_key(city): city for city in named}


def alike_elsewhere(pack: Pack) -> frozenset[str]:
    """Keys of other places whose names are nearly those of cities that the pack is about."""
    return frozenset(city_key(place) for place in pack.alike_elsewhere)


@lru_cache(maxsize=8192)
def likest(key: str, named: tuple[tuple[str, str], ...], elsewhere: frozenset[str] = frozenset()) -> str | None:
    """The name whose key is most like `key`; None where `key` is one of them or of `elsewhere`, or like none."""
    if key in elsewhere or any(key == known for known, _ in named):
        return None
    alike = ((_likeness(key, known), name) for known, name in named)
    best, name = max(alike, default=(0.0, ""))
    return name if best >= _ALIKE else None


def _likeness(one: str, other: str) -> float:
    """0 to 1, and 0 below `_ALIKE`. Blanks are of no account: "New York" is written "Newyork" too."""
    compared = SequenceMatcher(None, one.replace(" ", ""), other.replace(" ", ""), autojunk=False)
    # Both are upper bounds of `ratio`, and far cheaper.
    if compared.real_quick_ratio() < _ALIKE or compared.quick_ratio() < _ALIKE:
        return 0.0
    return compared.ratio()
