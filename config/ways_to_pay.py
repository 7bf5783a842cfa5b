"""Ways to pay by country, as the settings give them, held against those there are."""

from __future__ import annotations

from domain.gateway_choice import KNOWN


def known_ways(given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """By country, or `*` for every other, names of ways to pay. Raises ValueError naming what is none."""
    for country, names in given.items():
        if country != "*" and not (len(country) == 2 and country.isascii() and country.isupper()):
            raise ValueError(f"{country[:10]!r} is no country: expected two letters such as MX, or *")
        if unknown := [name for name in names if name not in KNOWN]:
            raise ValueError(f"{unknown[0][:40]!r} is no way to pay: expected {', '.join(sorted(KNOWN))}")
    return given
