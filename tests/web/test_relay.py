"""What many webhooks at once meet: they are recorded together, and their loans hear of them side by side."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event
from sqlmodel import Session, select

from records import bank_entries, loans, payments, people, webhooks
from records.database import Database
from records.locks import one_at_a_time
from records.tables import Person, Webhook
from tests.records.portfolios import LENDER, NOW, enter, handed
from tests.web.outside import STRIPE_SECRET, FakeTemporal, paid, refunded, running, until
from tests.web.test_webhooks import all_relayed, loans_in_collection, stored
from web import relay_records
from web.consequence import Consequence
from web.hearing import MessageReader
from web.ports import OwedSignal, SignalAnswer, SignalName
from web.receiving import Intake
from web.relay import Relay
from web.relay_sending import RelaySender
from web.sources import StripeWebhooks

NAMES = [f"L{number}" for number in range(1, 31)]


class SlowTemporal(FakeTemporal):
    """Each signal takes a moment; `busy` are the loans that are being told something now."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.busy: list[str] = []
        self.most_at_once = 0
        self.twice_at_once = False

    async def payment_received(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._slowly("payment_received", loan_id, payload)

    async def payment_reversed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._slowly("payment_reversed", loan_id, payload)

    async def _slowly(self, name: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        self.twice_at_once |= loan_id in self.busy
        self.busy.append(loan_id)
        self.most_at_once = max(self.most_at_once, len(self.busy))
        await asyncio.sleep(self.seconds)
        self.busy.remove(loan_id)
        return self._take(name, loan_id, payload)


def relay(database: Database, temporal: FakeTemporal) -> Relay:
    source = StripeWebhooks(SecretStr(STRIPE_SECRET))
    return Relay(database, temporal, {"stripe": source}, lambda: datetime.now(UTC))


def store(database: Database, *events: dict[str, Any]) -> None:
    """As the web app keeps them, long since due."""
    now = datetime.now(UTC)
    proven = [
        webhooks.Proven("stripe", one["id"], "https://x/webhooks/stripe", json.dumps(one).encode(), {}, now)
        for one in events
    ]
    with database.writing() as session:
        webhooks.store_many(session, proven, now - timedelta(days=1))


async def test_webhooks_that_wait_are_recorded_together_and_their_loans_told_side_by_side(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_records, "_BATCH_SECONDS", 10)  # however busy this machine is
    loans_in_collection(database, *NAMES)
    store(database, *(paid(name, event=f"e-{name}", payment=f"p-{name}") for name in NAMES))
    temporal = SlowTemporal(0.02)
    commits: list[int] = []
    event.listen(database._engine, "commit", lambda _connection: commits.append(1))

    await relay(database, temporal).work_off(20)

    assert all_relayed(database)
    assert sorted(loan_id for _, loan_id, _ in temporal.calls) == sorted(NAMES)
    assert 4 <= temporal.most_at_once <= 16
    assert len(commits) < len(NAMES)


async def test_a_loan_hears_its_news_one_after_the_other_in_the_order_it_came(database: Database) -> None:
    loans_in_collection(database, "L1", "L2")
    events = [paid("L1", event="e1"), refunded(), paid("L1", event="e2", payment="pi_2"), paid("L2", payment="pi_3")]
    store(database, *events[:-1], events[-1] | {"id": "e3"})
    temporal = SlowTemporal(0.02)

    await relay(database, temporal).work_off(20)

    told = [(name, payload["payment_id"]) for name, loan_id, payload in temporal.calls if loan_id == "L1"]
    assert told == [("payment_received", "pi_1"), ("payment_reversed", "pi_1"), ("payment_received", "pi_2")]
    assert not temporal.twice_at_once


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_money_that_a_statement_may_be_bringing_waits_for_it_and_nothing_else_does(database: Database) -> None:
    loans_in_collection(database, "L1", "L2")
    store(database, paid("L1", event="e1"))
    await relay(database, FakeTemporal()).work_off(20)
    store(database, refunded(), paid("L2", event="e3", payment="pi_3"))

    with Session(database._engine) as statement:
        one_at_a_time(statement, bank_entries.TAKING_IN)
        for _ in range(webhooks.GIVEN_UP_AT + 1):
            await relay(database, FakeTemporal()).work_off(20)
            with database.writing() as session:
                session.connection().exec_driver_sql("UPDATE webhook SET next_try_at = received_at")
        recorded = [row.recorded_at is not None for row in stored(database)]
        with database.reading() as session:
            unread = webhooks.unheard(session)
        statement.commit()

    assert recorded == [True, True, False]
    assert unread is not None, "whoever paid is not asked for it, however long the statement takes"
    with database.writing() as session:
        session.connection().exec_driver_sql("UPDATE webhook SET next_try_at = received_at")
    await relay(database, FakeTemporal()).work_off(20)
    assert all_relayed(database)
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L2")) == 7_500


async def test_one_that_cannot_be_recorded_takes_none_of_the_others_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    loans_in_collection(database, *NAMES)
    store(database, *(paid(name, event=f"e-{name}", payment=f"p-{name}") for name in NAMES))
    whole = relay_records.record_news

    def breaks(session: Any, news: Any, at: datetime, reader: MessageReader) -> Consequence:
        consequence = whole(session, news, at, reader)
        if news[0].loan_id == "L7":
            raise RuntimeError("this one cannot be recorded")
        return consequence

    monkeypatch.setattr(relay_records, "record_news", breaks)
    temporal = FakeTemporal()
    async with running(database, temporal):
        await until(lambda: sum(row.relayed_at is not None for row in stored(database)) == len(NAMES) - 1)
        failed = stored(database)[6]

    assert (failed.recorded_at, failed.relay_error) == (None, "RuntimeError")
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L7")) == 10_000
        assert payments.balance_due(session, loans.get(session, LENDER, "L8")) == 7_500
    assert len(temporal.effects) == len(NAMES) - 1


async def test_in_a_flood_the_relay_falls_behind_and_never_off(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given webhooks that pour in while as many wait, it gives way between its turns and works all of them off."""
    loans_in_collection(database, *NAMES[:6])
    store(database, *(paid(name, event=f"f-{name}", payment=f"f-{name}") for name in NAMES[:6]))
    monkeypatch.setattr(relay_records, "_BATCH_SECONDS", 0.0)
    asked: list[float] = []

    def flooded() -> bool:
        asked.append(time.monotonic())
        return len(asked) % 3 != 0

    source = StripeWebhooks(SecretStr(STRIPE_SECRET))
    temporal = FakeTemporal()
    flooding = Relay(database, temporal, {"stripe": source}, lambda: datetime.now(UTC), flooded=flooded)
    await flooding.work_off(20)

    assert all_relayed(database)
    assert len(temporal.effects) == 6
    assert len(asked) > 6, "between its turns it asks whether it is to give way"


def test_ten_deliveries_within_a_fifth_of_a_second_are_a_flood(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("web.receiving.time.monotonic", lambda: clock[0])
    intake = Intake(database)
    delivery = webhooks.Proven("stripe", "e1", "https://x", b"{}", {}, datetime.now(UTC))

    async def pour(number: int) -> None:
        await asyncio.gather(*(intake.store(delivery, datetime.now(UTC)) for _ in range(number)))

    asyncio.run(pour(9))
    nine = intake.flooded()
    asyncio.run(pour(1))
    ten = intake.flooded()
    clock[0] += 0.25
    later = intake.flooded()

    assert (nine, ten, later) == (False, True, False)


async def test_killed_between_recording_and_telling_nothing_is_lost_or_counted_twice(database: Database) -> None:
    """Given a process that died after each of its steps in turn, its successor does the rest."""
    loans_in_collection(database, *NAMES[:4])
    store(database, *(paid(name, event=f"e-{name}", payment=f"p-{name}") for name in NAMES[:4]))
    temporal = FakeTemporal()
    first, second, third = (relay(database, temporal) for _ in range(3))

    turn = first._records.record_some()  # dies here: recorded, nobody told
    first._records.step_down()
    turn = second._records.record_some()
    await second._sender.send(turn.owed)  # dies here: told, not noted
    second._records.step_down()
    await third.work_off(20)

    assert all_relayed(database)
    assert len(temporal.effects) == 4
    with database.reading() as session:
        assert [payments.balance_due(session, loans.get(session, LENDER, name)) for name in NAMES[:4]] == [7_500] * 4
        assert len(payments.of_loan(session, loans.get(session, LENDER, "L1"))) == 1


def test_people_locked_together_never_wait_for_each_other_in_a_circle(database: Database) -> None:
    loans_in_collection(database, *NAMES[:8])
    with database.reading() as session:
        refs = [ref for ref in session.exec(select(Person.id)).all() if ref is not None]
    errors: list[BaseException] = []

    def lock(order: list[int]) -> None:
        try:
            for _ in range(5):
                with database.writing() as session:
                    people.lock_many(session, order)
                    time.sleep(0.005)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=lock, args=(order,)) for order in (refs, refs[::-1], refs[4:] + refs[:4])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


def test_the_lease_is_not_lost_to_one_who_waited_for_it(database: Database) -> None:
    """Given another process that read the time, then waited while the holder renewed."""
    lasts = timedelta(seconds=20)
    earlier = datetime.now(UTC)
    with database.writing() as session:
        webhooks.take_lease(session, "relay", "a", at=earlier + timedelta(seconds=2), lasts=lasts)
    with database.writing() as session:
        assert not webhooks.take_lease(session, "relay", "b", at=earlier, lasts=lasts)


def test_a_webhook_that_is_gone_holds_up_nobody(database: Database) -> None:
    store(database, paid("L1", event="e1"))
    with database.writing() as session:
        kept = session.exec(select(Webhook)).one()
        assert [row.id for row in webhooks.get_many(session, [kept.id or 0, 999])] == [kept.id]


@pytest.mark.parametrize(
    ("held", "error"), [(True, "WorkflowMissing"), (False, None)], ids=["in collection", "held by nobody"]
)
async def test_what_was_chosen_on_a_call_waits_for_a_workflow_that_is_not_there_yet(
    database: Database, held: bool, error: str | None
) -> None:
    """Given keys pressed on a call, and no workflow that knows the loan, then they wait while one may come."""
    with database.writing() as session:
        enter(session, [handed("L1")])
        if not held:
            loans.release(session, loans.get(session, LENDER, "L1"), NOW)
    temporal = FakeTemporal()
    temporal.answers = {"L1": SignalAnswer.NOT_FOUND}
    chosen = OwedSignal(
        lender=LENDER, loan_id="L1", name=SignalName.CALL_CHOICE,
        payload={"step": "call", "occurrence": 1, "wish": "promise"},
    )  # fmt: skip

    [told], _ = await RelaySender(database, temporal, timedelta(seconds=5)).send([(1, chosen)])

    assert told.error == error
