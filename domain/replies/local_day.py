"""Which day it is where the borrower lives."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

ZONES: dict[str, tuple[str, ...]] = {
    "AR": ("America/Argentina/Buenos_Aires",),
    "BO": ("America/La_Paz",),
    "BR": ("America/Sao_Paulo", "America/Manaus", "America/Rio_Branco", "America/Noronha"),
    "CL": ("America/Santiago", "America/Punta_Arenas", "Pacific/Easter"),
    "CO": ("America/Bogota",),
    "CR": ("America/Costa_Rica",),
    "DO": ("America/Santo_Domingo",),
    "EC": ("America/Guayaquil", "Pacific/Galapagos"),
    "ES": ("Europe/Madrid", "Atlantic/Canary"),
    "GB": ("Europe/London",),
    "GT": ("America/Guatemala",),
    "MX": ("America/Mexico_City", "America/Cancun", "America/Hermosillo", "America/Tijuana", "America/Mazatlan"),
    "PA": ("America/Panama",),
    "PE": ("America/Lima",),
    "PT": ("Europe/Lisbon", "Atlantic/Azores"),
    "PY": ("America/Asuncion",),
    "US": (
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Phoenix",
        "America/Los_Angeles",
        "America/Anchorage",
        "Pacific/Honolulu",
    ),
    "UY": ("America/Montevideo",),
    "VE": ("America/Caracas",),
}
"""The zone most people of a country live in comes first."""


def local_day(sent_at: datetime, country: str, zone: str | None = None) -> date:
    """The borrower's day at `sent_at`.

    In `zone` (IANA) where it is known. Otherwise an offset that some zone of the country has at that moment is taken
    as the borrower's own, and anything else is turned into the zone most people of the country live in. A moment
    without an offset is local already.
    """
    offset = sent_at.utcoffset()
    if offset is None:
        return sent_at.date()
    if zone is not None:
        return sent_at.astimezone(ZoneInfo(zone)).date()
    zones = ZONES.get(country.upper(), ())
    if offset != timedelta(0) and any(sent_at.astimezone(ZoneInfo(name)).utcoffset() == offset for name in zones):
        return sent_at.date()
    return sent_at.astimezone(ZoneInfo(zones[0])).date() if zones else sent_at.date()
