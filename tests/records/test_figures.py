"""Figures for monitoring, as the records give them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from records import figures, payments
from records.database import Database
from records.tables import GatewayCheck, PaymentSource
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


def test_the_last_payment_is_told_of_each_provider_so_that_one_which_falls_silent_shows(database: Database) -> None:
    """Given a gateway whose payments stopped a week ago and a bank that still brings some, when the figures are read,
    then each has its own last payment, over all currencies and in whatever order they were booked."""
    ago = {"p1": ("stripe", "EUR", 9), "p2": ("stripe", "USD", 7), "p3": ("bank", "EUR", 0), "p4": ("stripe", "EUR", 8)}
    with database.writing() as session:
        for payment_id, (provider, currency, days) in ago.items():
            payments.record(
                session,
                provider=provider,
                payment_id=payment_id,
                lender=None,
                loan_id=None,
                amount_minor=100,
                currency=currency,
                paid_at=NOW - timedelta(days=days),
                received_at=NOW - timedelta(days=days),
                source=PaymentSource.WEBHOOK,
            )

    with database.reading() as session:
        told = figures.read(session, NOW)

    assert told.last_payment == {"stripe": NOW - timedelta(days=7), "bank": NOW}


def test_where_nobody_paid_yet_there_is_no_last_payment(database: Database) -> None:
    with database.reading() as session:
        assert figures.read(session, NOW).last_payment == {}


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
