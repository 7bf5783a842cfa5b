"""A day alone, written as its midnight in UTC, is that day where the borrower lives; moments stay what they are."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from domain.value_dates import on_its_day


@pytest.mark.parametrize(
    ("zone", "told", "meant"),
    [
        ("America/Mexico_City", "2026-03-10T00:00:00Z", "2026-03-10T00:00:00-06:00"),
        ("Europe/Madrid", "2026-07-10T00:00:00Z", "2026-07-10T00:00:00+02:00"),
        ("Atlantic/Canary", "2026-03-10T00:00:00+00:00", "2026-03-10T00:00:00+00:00"),
        ("America/Santiago", "2026-09-06T00:00:00Z", "2026-09-06T01:00:00-03:00"),
        ("America/Mexico_City", "2026-03-10T00:00:01Z", "2026-03-10T00:00:01+00:00"),
        ("America/Mexico_City", "2026-03-09T18:00:00-06:00", "2026-03-10T00:00:00+00:00"),
        ("America/Mexico_City", "2026-03-10T00:00:00-06:00", "2026-03-10T00:00:00-06:00"),
    ],
)
def test_a_day_alone_begins_where_the_borrower_lives(zone: str, told: str, meant: str) -> None:
    assert on_its_day(datetime.fromisoformat(told), ZoneInfo(zone)) == datetime.fromisoformat(meant)
