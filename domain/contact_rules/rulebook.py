"""The packs in force, and the calendars worked out from them."""

from __future__ import annotations

from collections.abc import Iterable

from domain.contact import Channel
from domain.contact_rules.calendar import OpenDays, known_regions
from domain.contact_rules.model import MissingRegion, Pack


class RuleBook:
    """One pack for each country. Build it once and share it: it keeps the calendars it worked out.

    Raises ValueError when two packs are given for one country.
    """

    def __init__(self, packs: Iterable[Pack]) -> None:
        self._packs: dict[str, Pack] = {}
        self._open_days: dict[tuple[str, str | None, Channel], OpenDays] = {}
        for pack in packs:
            if pack.country in self._packs:
                raise ValueError(f"two packs for {pack.country}")
            self._packs[pack.country] = pack
        self._regions = {
            country: known_regions(country) | {region for rule in pack.hours for region in rule.regions}
            for country, pack in self._packs.items()
        }

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
        """Whether the region says enough to pick hours and holidays in this country."""
        if region is None:
            return pack.missing_region is not MissingRegion.REFUSE
        return not self._regions[pack.country] or region in self._regions[pack.country]

    def open_days(self, pack: Pack, region: str | None, channel: Channel) -> OpenDays:
        if not self._regions[pack.country]:
            region = None
        key = (pack.country, region, channel)
        known = self._open_days.get(key)
        if known is None:
            known = self._open_days[key] = OpenDays(pack, region, channel)
        return known
