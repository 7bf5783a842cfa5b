"""From local wall-clock hours of a date to moments, right on nights when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Interval = tuple[int, int]
"""Half-open [start, end) in seconds since 1970-01-01 UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone, or None where the name is not one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def moment(seconds: float) -> datetime:
    """An aware UTC datetime. UTC, because two datetimes of one ZoneInfo subtract as wall clocks."""
    return _EPOCH + timedelta(seconds=seconds)


def local_ordinal(zone: ZoneInfo, seconds: float) -> int:
    """The proleptic ordinal of the local date."""
    return datetime.fromtimestamp(seconds, zone).toordinal()


@lru_cache(maxsize=65_536)
def open_intervals(zone: ZoneInfo, ordinal: int, opens: int, closes: int) -> tuple[Interval, ...]:
    """The moments of a local date whose wall clock reads opens <= t < closes (minutes since midnight), in order.

    A wall time that occurs twice counts both times; one that is skipped, never. So the result can be
    empty, or two intervals when a boundary lies within the repeated hour.
    """
    midnight = (date.fromordinal(ordinal) - _EPOCH.date()).days * _DAY
    start, end = midnight + opens * 60, midnight + closes * 60
    found: list[Interval] = []
    for begins, ends, offset in _constant_offsets(zone, ordinal):
        left, right = max(begins, start - offset), min(ends, end - offset)
        if left < right:
            if found and found[-1][1] == left:
                found[-1] = (found[-1][0], right)
            else:
                found.append((left, right))
    return tuple(found)


@lru_cache(maxsize=16_384)
def _constant_offsets(zone: ZoneInfo, ordinal: int) -> tuple[tuple[int, int, int], ...]:
    """(from, until, UTC offset) in seconds, over every moment that may be on this local date.

    Probed hour by hour: no zone changes its offset twice within an hour.
    """
    midnight = (date.fromordinal(ordinal) - _EPOCH.date()).days * _DAY
    begins, until = midnight - 15 * 3600, midnight + _DAY + 15 * 3600
    first = _offset(zone, begins)
    noon, last = _offset(zone, midnight + _DAY // 2), _offset(zone, until)
    if first == noon == last:
        return ((begins, until, first),)
    pieces: list[tuple[int, int, int]] = []
    piece_start, offset = begins, first
    for probe in range(begins + 3600, until + 1, 3600):
        if _offset(zone, probe) == offset:
            continue
        low, high = probe - 3600, probe
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(zone, middle) == offset:
                low = middle
            else:
                high = middle
        pieces.append((piece_start, high, offset))
        piece_start, offset = high, _offset(zone, high)
    pieces.append((piece_start, until, offset))
    return tuple(pieces)


def _offset(zone: ZoneInfo, seconds: int) -> int:
    offset = moment(seconds).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
