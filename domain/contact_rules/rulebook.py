"""The packs in force, and what was worked out from them."""

from __future__ import annotations

from collections.abc import Iterable

from domain.contact import Actor, Channel
from domain.contact_rules.bound import BoundRules
from domain.contact_rules.cities import alike_elsewhere, may_stand_for_one, named_cities
from domain.contact_rules.model import city_key
from domain.contact_rules.pack import MissingRegion, Pack
from domain.contact_rules.regions import regions_of

_ELSEWHERE = ""
"""Stands for every city that no rule names, so that what is kept stays small."""


class RuleBook:
    """One pack for each country. Build it once and share it: it keeps the days it worked out.

    Raises ValueError when two packs are given for one country.
    """

    def __init__(self, packs: Iterable[Pack]) -> None:
        self._packs: dict[str, Pack] = {}
        self._bound: dict[tuple[object, ...], BoundRules] = {}
        for pack in packs:
            if pack.country in self._packs:
                raise ValueError(f"two packs for {pack.country}")
            self._packs[pack.country] = pack
        self._regions = {country: regions_of(pack) for country, pack in self._packs.items()}
        self._cities: dict[tuple[str, str | None], tuple[tuple[str, str], ...]] = {}
        self._elsewhere = {country: alike_elsewhere(pack) for country, pack in self._packs.items()}
        self._flags = {country: _flags(pack) for country, pack in self._packs.items()}

    @property
    def packs(self) -> tuple[Pack, ...]:
        return tuple(self._packs.values())

    @property
    def versions(self) -> dict[str, str]:
        """The version of each country's pack, to be kept with every decision."""
        return {country: pack.version for country, pack in self._packs.items()}

    def pack(self, country: str) -> Pack | None:
        """The pack of an ISO 3166-1 alpha-2 code, upper case; None where there is none."""
        return self._packs.get(country)

    def region_is_known(self, pack: Pack, region: str | None) -> bool:
        """Whether the region says enough to pick rules and holidays in this country."""
        if region is None:
            return pack.missing_region is not MissingRegion.REFUSE
        known = self._regions[pack.country]
        return not known or region in known

    def bound(
        self, pack: Pack, region: str | None, city: str | None, channel: Channel, actor: Actor, flags: frozenset[str]
    ) -> BoundRules:
        """The rules of one place and kind of contact. A city that may be misspelt, or is none, is not known."""
        if city is not None:
            city = self._told_apart(pack, region, city_key(city))
        if flags:
            flags &= self._flags[pack.country]
        key = (pack.country, region, city, channel, actor, flags)
        known = self._bound.get(key)
        if known is None:
            known = self._bound[key] = BoundRules(pack, region, city, channel, actor, flags)
        return known

    def _told_apart(self, pack: Pack, region: str | None, key: str) -> str | None:
        named = self._cities.get((pack.country, region))
        if named is None:
            named = self._cities[pack.country, region] = tuple(named_cities(pack, region).items())
        if any(key == known for known, _ in named):
            return key
        return None if may_stand_for_one(key, named, self._elsewhere[pack.country]) else _ELSEWHERE


def _flags(pack: Pack) -> frozenset[str]:
    return frozenset().union(*(rule.unless | rule.only_with for rule in pack.rules()))
