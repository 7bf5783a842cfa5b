"""What a file says of where people are, held against what the contact rules in force know of the place."""

from functools import cache, lru_cache
from pathlib import Path

import polars as pl

from config.jurisdictions import load_both
from domain.contact_rules import Pack, candidate_zones
from domain.contact_rules.cities import alike_elsewhere, likest, may_stand_for_one, named_cities
from domain.contact_rules.model import Profile, city_key
from domain.contact_rules.pack import MissingRegion
from domain.contact_rules.regions import regions_of
from domain.contact_rules.zones import contradicts
from intake.findings import CityInDoubt, UnruledPlace

_PLACE = ["country", "region", "city", "timezone"]


def judged(loans: pl.DataFrame, rules: Path) -> pl.DataFrame:
    """By the packs in the folder `rules`, for each row: `no_clock`, whether no zone is known to go by; `zone_at_odds`,
    whether it contradicts the region or country; `city_in_doubt`, whether `city` may stand for one that rules name
    there; `perhaps`, the one it is nearly the name of, null where it is none; `no_rules`, whether no contact rules can
    be told for its country and region, so that nobody there is contacted.
    """
    places = loans.select(_PLACE).unique()
    answers = [_judged(rules, *row) for row in places.iter_rows()]
    found = pl.DataFrame(
        answers,
        schema={
            "no_clock": pl.Boolean,
            "zone_at_odds": pl.Boolean,
            "city_in_doubt": pl.Boolean,
            "perhaps": pl.String,
            "no_rules": pl.Boolean,
        },
        orient="row",
    )
    told = pl.concat([places, found], how="horizontal")
    return loans.select(_PLACE).join(told, on=_PLACE, how="left", nulls_equal=True, maintain_order="left")


def cities_in_doubt(kept: pl.DataFrame) -> list[CityInDoubt]:
    """Of rows as `judged`, each such name once, the commonest first."""
    named = kept.filter("city_in_doubt")
    counted = named.group_by("country", "region", "city", "perhaps").len("rows")
    ordered = counted.sort(["rows", "country", "city"], descending=[True, False, False])
    return [CityInDoubt(**row) for row in ordered.iter_rows(named=True)]


def unruled_places(kept: pl.DataFrame, rules: Path) -> list[UnruledPlace]:
    """Of rows as `judged`, each such place once, the commonest first."""
    counted = kept.filter(pl.col("no_rules")).group_by("country", "region").len("rows")
    ordered = counted.sort(["rows", "country", "region"], descending=[True, False, False])
    return [
        UnruledPlace(known_country=_pack(rules, row["country"]) is not None, **row)
        for row in ordered.iter_rows(named=True)
    ]


@lru_cache(maxsize=65_536)
def _judged(
    rules: Path, country: str, region: str | None, city: str | None, zone: str | None
) -> tuple[bool, bool, bool, str | None, bool]:
    pack = _pack(rules, country)
    if pack is None:
        return zone is None, False, False, None, True
    at_odds = zone is not None and contradicts(pack, region, zone)
    named = _cities(rules, country, region)
    in_doubt = city is not None and may_stand_for_one(city_key(city), named, alike_elsewhere(pack))
    perhaps = likest(city_key(city), named, alike_elsewhere(pack)) if in_doubt and city is not None else None
    no_rules = not _region_is_known(rules, pack, region)
    return not candidate_zones(pack, region, zone), at_odds, in_doubt, perhaps, no_rules


def _region_is_known(rules: Path, pack: Pack, region: str | None) -> bool:
    """As `RuleBook.region_is_known`."""
    if region is None:
        return pack.missing_region is not MissingRegion.REFUSE
    known = _regions(rules, pack.country)
    return not known or region in known


@cache
def _regions(rules: Path, country: str) -> frozenset[str]:
    pack = _pack(rules, country)
    return regions_of(pack) if pack is not None else frozenset()


@lru_cache(maxsize=4096)
def _cities(rules: Path, country: str, region: str | None) -> tuple[tuple[str, str], ...]:
    """Cities that rules of the place name, by key."""
    pack = _pack(rules, country)
    return tuple(named_cities(pack, region).items()) if pack is not None else ()


@cache
def _pack(rules: Path, country: str) -> Pack | None:
    """In the strict reading, or the only one it has."""
    file = rules / f"{country}.yaml"
    if not file.is_file():
        return None
    both = load_both(file)
    return both.get(Profile.STRICT) or next(iter(both.values()))
