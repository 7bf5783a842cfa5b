"""Figures for monitoring, as the records give them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from records import figures
from records.database import Database
from records.tables import GatewayCheck
from tests.records.portfolios import NOW


def test_a_day_that_has_not_come_yet_hides_no_differences_with_a_gateway(database: Database) -> None:
    today = NOW.date()
    with database.writing() as session:
        session.add(GatewayCheck(provider="stripe", day=today - timedelta(days=1), differences=3, checked_at=NOW))
        ahead = today + timedelta(days=13_000)
        session.add(GatewayCheck(provider="stripe", day=ahead, differences=0, checked_at=NOW + timedelta(days=3)))

    with database.reading() as session:
        told = figures.read(session, NOW)

    assert told.gateway_differences == {"stripe": 3}


@pytest.mark.parametrize("silent_for", [timedelta(minutes=1), timedelta(days=5)])
def test_differences_of_days_that_were_made_up_for_are_told_until_gateways_are_compared_again(
    database: Database, silent_for: timedelta
) -> None:
    """Given three days that one run made up for, with differences on the first of them, when the figures are read after
    it, then all of them count, whatever the last day came to; what runs of days before found does not."""
    found = {4: (7, timedelta(days=3)), 3: (2, timedelta(hours=1)), 2: (1, timedelta(minutes=30)), 1: (0, timedelta())}
    with database.writing() as session:
        session.add_all(
            GatewayCheck(
                provider="stripe",
                day=NOW.date() - timedelta(days=days),
                differences=number,
                checked_at=NOW - before,
            )
            for days, (number, before) in found.items()
        )

    with database.reading() as session:
        told = figures.read(session, NOW + silent_for)

    assert told.gateway_differences == {"stripe": 3}
