"""Two hosts whose clocks are ten minutes apart: what one left undone, the other goes on with at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request
from sqlmodel import select

from domain.contact import Channel
from records import people, webhooks
from records.clock import shared_time
from records.database import Database
from records.tables import Person
from tests.web.outside import FakeTemporal, paid, running, until
from tests.web.test_webhooks import all_relayed, loans_in_collection

TEN_MINUTES = timedelta(minutes=10)


def ahead(_request: Request | None) -> datetime:
    return datetime.now(UTC) + TEN_MINUTES


async def test_a_webhook_stored_by_a_host_ahead_of_time_is_relayed_at_once_by_the_next(database: Database) -> None:
    """Given a host ten minutes ahead that took a payment in, could not tell Temporal, and died with the lease."""
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal, now=ahead) as web:
        assert await web.stripe(paid("L1"), at=time.time() + TEN_MINUTES.total_seconds()) == 200
        await until(lambda: temporal.attempts > 0)
    with database.writing() as session:
        at = shared_time(session, ahead(None))
        assert webhooks.take_lease(session, "relay", "the dead host", at=at, lasts=timedelta(seconds=2))
    temporal.down = False

    async with running(database, temporal):
        # By its own clock the next host would wait for ten minutes.
        await until(lambda: all_relayed(database))

    assert [name for name, *_ in temporal.calls] == ["payment_received"]


@pytest.mark.parametrize("wrong", [TEN_MINUTES, -TEN_MINUTES])
def test_on_postgresql_everybody_goes_by_the_servers_clock(database: Database, wrong: timedelta) -> None:
    ours = datetime.now(UTC) + wrong
    with database.reading() as session:
        shared = shared_time(session, ours)

    if database.embedded:
        assert shared == ours
    else:
        assert abs(shared - datetime.now(UTC)) < timedelta(minutes=1)


def behind(_request: Request | None) -> datetime:
    return datetime.now(UTC) - TEN_MINUTES


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_start_written_before_a_stop_that_a_slow_host_took_in_does_not_undo_it(database: Database) -> None:
    """Given a web host ten minutes behind that takes in a STOP, when a START that Twilio says was written a minute
    before it is fetched later, then the channel stays closed."""
    loans_in_collection(database, "L1")
    with database.reading() as session:
        phone = session.exec(select(Person)).one().phone
    assert phone is not None
    said = {"MessageSid": "SM1", "From": phone, "To": "+34900000000", "Body": "STOP", "SmsStatus": "received"}
    before = datetime.now(UTC) - timedelta(minutes=1)

    async with running(database, FakeTemporal(), now=behind, by_our_host=True) as web:
        assert await web.twilio(said) == 200
        await until(lambda: all_relayed(database))

    with database.writing() as session:
        person = session.exec(select(Person)).one()
        assert Channel.SMS in people.opted_out(session, person)
        people.opt_in(session, person, Channel.SMS, at=before)
        assert Channel.SMS in people.opted_out(session, person)


async def test_a_lease_that_is_kept_holds_others_off(database: Database) -> None:
    with database.writing() as session:
        now = shared_time(session, datetime.now(UTC))
        assert webhooks.take_lease(session, "relay", "a", at=now, lasts=timedelta(seconds=20))
        assert not webhooks.take_lease(session, "relay", "b", at=now, lasts=timedelta(seconds=20))
        assert webhooks.take_lease(session, "relay", "b", at=now + timedelta(seconds=21), lasts=timedelta(seconds=20))
