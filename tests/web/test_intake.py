"""Webhooks that come in at once are stored together, and each provider is still told the truth about its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DataError, OperationalError
from sqlmodel import Session

from records import webhooks
from records.database import Database
from tests.web.outside import FakeTemporal, paid, running, until
from tests.web.test_webhooks import all_relayed, loans_in_collection, stored


@contextmanager
def commits_fail(error: Exception, failing: dict[str, bool]) -> Iterator[None]:
    """While `failing["now"]`, no transaction gets through its commit."""

    def refuse(_session: Session) -> None:
        if failing["now"]:
            raise error

    event.listen(Session, "before_commit", refuse)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", refuse)


async def test_two_hundred_at_once_with_duplicates_are_each_answered_rightly_and_stored_once(
    database: Database,
) -> None:
    temporal = FakeTemporal()
    events = [paid("NOBODY", event=f"e{number % 120}", payment=f"p{number % 120}") for number in range(200)]
    async with running(database, temporal) as web:
        answers = await asyncio.gather(*(web.stripe(one) for one in events))
        counts = (await web.client.get("/healthz")).json()["webhooks"]
        rows = stored(database)

    assert answers == [200] * 200
    assert counts == {"stripe stored": 120, "stripe duplicate": 80}
    assert sorted(row.event_key for row in rows) == sorted({f"e{number}" for number in range(120)})


async def test_two_processes_told_the_same_in_opposite_order_store_it_once_and_refuse_nobody(
    database: Database,
) -> None:
    events = [paid("NOBODY", event=f"e{number}", payment=f"p{number}") for number in range(60)]
    async with running(database, FakeTemporal()) as one, running(database, FakeTemporal()) as two:
        answers = await asyncio.gather(
            *(one.stripe(each) for each in events), *(two.stripe(each) for each in reversed(events))
        )

    assert answers == [200] * 120
    assert len(stored(database)) == 60


@pytest.mark.parametrize("error", [OperationalError("COMMIT", None, OSError("disk is full")), RuntimeError("no")])
async def test_a_failing_commit_is_503_to_all_in_it_and_the_next_attempt_of_each_counts(
    database: Database, error: Exception
) -> None:
    names = [f"L{number}" for number in range(12)]
    loans_in_collection(database, *names)
    events = [paid(name, event=f"e-{name}", payment=f"p-{name}") for name in names]
    temporal, failing = FakeTemporal(), {"now": True}
    with commits_fail(error, failing):
        async with running(database, temporal) as web:
            refused = await asyncio.gather(*(web.stripe(one) for one in events))
            assert stored(database) == []
            failing["now"] = False
            accepted = await asyncio.gather(*(web.stripe(one) for one in events))
            await until(lambda: len(stored(database)) == 12 and all_relayed(database))

    assert (refused, accepted) == ([503] * 12, [200] * 12)
    assert sorted(loan_id for _, loan_id, _ in temporal.calls) == sorted(names)


async def test_one_that_cannot_be_stored_does_not_sink_those_that_came_with_it(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given one among good ones that the database refuses."""
    good = [paid("NOBODY", event=f"e{number}", payment=f"p{number}") for number in range(20)]
    bad = paid("NOBODY", event="refused", payment="p-bad")
    store_many = webhooks.store_many

    def refusing(session: Session, deliveries: Sequence[webhooks.Proven], due_at: datetime) -> list[bool]:
        if any(one.event_key == "refused" for one in deliveries):
            raise DataError("INSERT", {}, ValueError("pi_p-bad cannot be kept"))
        return store_many(session, deliveries, due_at)

    monkeypatch.setattr(webhooks, "store_many", refusing)
    async with running(database, FakeTemporal()) as web:
        answers = await asyncio.gather(*(web.stripe(one) for one in [*good[:10], bad, *good[10:]]))

    assert Counter(answers) == {200: 20, 503: 1}
    assert answers[10] == 503
    assert sorted(row.event_key for row in stored(database)) == sorted(f"e{number}" for number in range(20))
    assert "pi_" not in caplog.text


async def test_an_event_id_that_no_database_keeps_is_stored_under_another_among_good_ones(database: Database) -> None:
    """Given half a character in an event id."""
    good = [paid("NOBODY", event=f"e{number}", payment=f"p{number}") for number in range(5)]
    bad = paid("NOBODY", event="e\ud800", payment="p-bad")
    async with running(database, FakeTemporal()) as web:
        answers = await asyncio.gather(*(web.stripe(one) for one in [*good, bad]))

    assert answers == [200] * 6
    kept = {row.event_key for row in stored(database)} - {f"e{number}" for number in range(5)}
    assert [key.split(":")[0] for key in kept] == ["sha256"]
