"""On whose clocks a moment must be lawful: what a lender's file says of the zone, held against country and region."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from domain.contact_rules.pack import Pack
from domain.contact_rules.regions import regions_of
from domain.contact_rules.windows import zone_named

_COMPARED_ON = tuple(datetime(year, month, 15, tzinfo=UTC) for year in range(2026, 2031) for month in range(1, 13))
"""Two zones that agree on all of these have one clock for our purposes, whatever their names."""


def candidate_zones(pack: Pack | None, region: str | None, zone: str | None) -> tuple[str, ...]:
    """The zones in all of which a contact must be lawful; empty: none is known, and nobody is contacted.

    The zone that is given, where the region may have it; it and all that the region may have, where it contradicts the
    region or, without a known region, the country. Without a zone none: due days are counted by a person's own clock,
    and by another's a notice would tell of a delay while the day that it is due still runs.
    """
    if zone is None:
        return ()
    if pack is None or not contradicts(pack, region, zone):
        return (zone,)
    return (zone, *_possible(pack, region))


def contradicts(pack: Pack, region: str | None, zone: str) -> bool:
    """Whether nobody in the region (None, or a code that the pack does not know: in the country) has this clock."""
    return not any(_one_clock(zone, candidate) for candidate in _possible(pack, region))


def has_several_clocks(pack: Pack, region: str | None) -> bool:
    """Whether two people of the region (None, or a code that the pack does not know: of the country) may differ."""
    first, *others = _possible(pack, region)
    return not all(_one_clock(first, other) for other in others)


def _possible(pack: Pack, region: str | None) -> tuple[str, ...]:
    code = region.removeprefix(f"{pack.country}-") if region is not None else None
    # Of a code that nobody knows it must not be said that it is none of the regions with a clock of their own.
    told_apart = code in pack.zones.regions or not pack.zones.regions or code in regions_of(pack)
    return pack.zones.of(code if told_apart else None)


@lru_cache(maxsize=4096)
def _one_clock(one: str, other: str) -> bool:
    if one == other:
        return True
    here, there = zone_named(one), zone_named(other)
    if here is None or there is None:
        return False
    return all(at.astimezone(here).utcoffset() == at.astimezone(there).utcoffset() for at in _COMPARED_ON)
