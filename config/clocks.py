"""How many clocks a place has, and which city is meant, by the jurisdiction packs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from config.jurisdictions import load_both
from domain.contact_rules import Pack
from domain.contact_rules.cities import bare_city
from domain.contact_rules.zones import has_several_clocks


@lru_cache(maxsize=4096)
def several_clocks(rules: Path, country: str, region: str | None) -> bool:
    """Whether two people there may live by different clocks; so it counts where the folder has no pack for the country.

    Reads the country's pack when it is first asked about: few files ever need it. Raises JurisdictionError.
    """
    pack = _pack(rules, country)
    return pack is None or has_several_clocks(pack, region)


@lru_cache(maxsize=4096)
def city_meant(rules: Path, country: str, region: str | None, name: str) -> str:
    """As `bare_city`. Raises JurisdictionError."""
    return bare_city(_pack(rules, country), region, name)


@lru_cache(maxsize=4096)
def _pack(rules: Path, country: str) -> Pack | None:
    """In either reading: of zones and regions both have the same."""
    file = rules / f"{country}.yaml"
    return next(iter(load_both(file).values())) if file.is_file() else None
