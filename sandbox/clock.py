"""Moments of the world: seconds since the epoch (UTC), as floats, and the texts they are exchanged in."""

import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo

Moment = float

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0


def wall() -> Moment:
    return time.time()


def iso(moment: Moment) -> str:
    """ISO 8601 with offset, UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def parse_iso(text: str) -> Moment:
    """Raises ValueError for a text without a UTC offset: a moment without a zone is a guess."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return value.timestamp()


def parse_http_date(text: str) -> Moment | None:
    """The Date header of HTTP and of mail; None if it cannot be read."""
    try:
        value = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def http_date(moment: Moment) -> str:
    return format_datetime(datetime.fromtimestamp(int(moment), UTC), usegmt=True)


def rfc2822(moment: Moment) -> str:
    return format_datetime(datetime.fromtimestamp(int(moment), UTC))


def local(moment: Moment, zone: str) -> datetime:
    return datetime.fromtimestamp(moment, ZoneInfo(zone))


def at_local(day: date, hours: float, zone: str) -> Moment:
    """The moment `hours` after midnight by the wall clock of `zone` on `day`."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (midnight + timedelta(seconds=round(hours * 3600))).timestamp()
