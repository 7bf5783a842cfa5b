"""Figures for monitoring, as the records give them."""

from __future__ import annotations

from datetime import timedelta

from records import figures
from records.database import Database
from records.tables import GatewayCheck
from tests.records.portfolios import NOW


def test_a_day_that_has_not_come_yet_hides_no_differences_with_a_gateway(database: Database) -> None:
    today = NOW.date()
    compared = {today - timedelta(days=2): 1, today - timedelta(days=1): 3, today + timedelta(days=13_000): 0}
    with database.writing() as session:
        session.add_all(
            GatewayCheck(provider="stripe", day=day, differences=number, checked_at=NOW)
            for day, number in compared.items()
        )

    with database.reading() as session:
        told = figures.read(session, NOW)

    assert told.gateway_differences == {"stripe": 3}
