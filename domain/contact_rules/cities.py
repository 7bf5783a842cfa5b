"""Cities that rules and calendars name, and what may stand for one: a name nearly like it, or none at all."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

from domain.contact_rules.model import city_key
from domain.contact_rules.pack import Pack
from domain.contact_rules.regions import region_code

_ALIKE = 0.75
"""From here on, of 1, a name counts as perhaps misspelt: "Brooklin" is 0.88 of Brooklyn, "Bklyn" 0.77."""


_LETTERS = re.compile(r"[^\W\d_]{2}")
_NOT_GIVEN = frozenset(
    {
        "na", "nd", "sn", "nan", "nil", "null", "none", "unknown", "undefined", "not known", "not available",
        "not given", "tbd", "city", "other", "sin dato", "sin datos", "sin ciudad", "sin informacion", "desconocido",
        "desconocida", "no informado", "no informada", "no disponible", "no aplica", "no consta", "ninguno", "ninguna",
        "otro", "otra", "ciudad", "nao informado", "nao informada", "nao disponivel", "nao consta", "desconhecido",
        "desconhecida", "sem dado", "sem dados", "nenhum", "nenhuma", "outro", "outra", "cidade",
    }
)  # fmt: skip
"""Keys of what is written where nothing is known."""


def names_no_city(key: str) -> bool:
    """Whether `key` is what stands where no city does: no word, a word for nothing, an address or a ZIP code."""
    if key in _NOT_GIVEN or len(set(key.replace(" ", ""))) < 2:
        return True
    return _LETTERS.search(key) is None or any(letter.isdigit() for letter in key)


def bare_city(pack: Pack | None, region: str | None, name: str) -> str:
    """The key of a city's name without the region and ZIP code that may follow it ("Houston TX 77001" of TX).

    Empty where it names no city. Where a region follows that is not `region` it stays: it tells two cities apart.
    """
    words = [word for word in city_key(name).split() if not any(letter.isdigit() for letter in word)]
    if pack is not None and region is not None:
        end = next((at for at in range(1, len(words)) if region_code(pack, " ".join(words[at:])) == region), None)
        words = words[:end]
    key = " ".join(words)
    return "" if names_no_city(key) else key


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


def may_stand_for_one(key: str, named: tuple[tuple[str, str], ...], elsewhere: frozenset[str] = frozenset()) -> bool:
    """Whether `key` is none of the cities that are named, and yet nobody can say that it is another one."""
    if not named or key in elsewhere or any(key == known for known, _ in named):
        return False
    return names_no_city(key) or likest(key, named, elsewhere) is not None


@lru_cache(maxsize=8192)
def likest(key: str, named: tuple[tuple[str, str], ...], elsewhere: frozenset[str] = frozenset()) -> str | None:
    """The name whose key `key` begins with ("Brooklyn NY", "Brooklyn Heights") or is most like.

    None where `key` is one of them or of `elsewhere`, or like none.
    """
    if key in elsewhere or any(key == known for known, _ in named):
        return None
    begun_with = max(((known, name) for known, name in named if key.startswith(f"{known} ")), default=None)
    if begun_with is not None:
        return begun_with[1]
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
