"""How many clocks a place has, by the jurisdiction packs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from config.jurisdictions import load_both
from domain.contact_rules.zones import has_several_clocks


@lru_cache(maxsize=4096)
def several_clocks(rules: Path, country: str, region: str | None) -> bool:
    """Whether two people there may live by different clocks; so it counts where the folder has no pack for the country.

    Reads the country's pack when it is first asked about: few files ever need it. Raises JurisdictionError.
    """
    file = rules / f"{country}.yaml"
    if not file.is_file():
        return True
    # Both readings have the same zones.
    return has_several_clocks(next(iter(load_both(file).values())), region)
