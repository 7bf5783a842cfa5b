"""The day that money counts from, where a system knows no more than the day and writes it as its midnight in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo


def is_a_day(told: datetime) -> bool:
    """Whether a moment, as it was written, is midnight in UTC: that is the evening before in America."""
    return told.utcoffset() == timedelta(0) and told.time() == time()


def on_its_day(told: datetime, zone: tzinfo) -> datetime:
    """The moment in UTC; of a day alone the first moment of that day in `zone`, where the borrower lives."""
    meant = datetime.combine(told.date(), time(), zone) if is_a_day(told) else told
    return meant.astimezone(UTC)
