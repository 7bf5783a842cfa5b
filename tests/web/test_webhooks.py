"""What a provider notices: when it is told 2xx, and what is then certain."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import select

from records import audit, loans, payments, people, person_export, webhooks
from records.database import Database
from records.tables import Lease, LoanState, Webhook
from tests.records.portfolios import LENDER, enter, entered, handed
from tests.web.outside import FakeTemporal, Web, paid, refunded, running, until
from web.ports import SignalAnswer
from web.relay import RelaySettings
from web.sources import MetaWebhooks


def stored(database: Database) -> list[Webhook]:
    with database.reading() as session:
        return list(session.exec(select(Webhook).order_by(Webhook.id)).all())  # type: ignore[arg-type]


def all_relayed(database: Database) -> bool:
    rows = stored(database)
    return bool(rows) and all(row.relayed_at is not None for row in rows)


def loans_in_collection(database: Database, *loan_ids: str) -> None:
    with database.writing() as session:
        entered(session, *loan_ids)


async def test_a_payment_reaches_the_loan_and_the_records(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: all_relayed(database))

    assert temporal.calls == [
        (
            "payment_received",
            "L1",
            {
                "payment_id": "pi_1",
                "amount_minor": 2_500,
                "currency": "EUR",
                "paid_at": "2026-03-02T09:00:00+00:00",
                "provider": "stripe",
                "entry": 1,
            },
        )
    ]
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 7_500
        assert [entry.action for entry in audit.of_loan(session, LENDER, "L1")] == ["payment_recorded"]


async def test_a_new_webhook_does_not_wait_for_the_next_look(database: Database) -> None:
    loans_in_collection(database, "L1", "L2", "L3", "L4", "L5")
    temporal = FakeTemporal()
    took = []
    async with running(database, temporal, relay=RelaySettings(poll=timedelta(seconds=30))) as web:
        for number in range(1, 6):
            await asyncio.sleep(0.05)
            assert await web.stripe(paid(f"L{number}", event=f"e{number}", payment=f"p{number}")) == 200
            answered = time.monotonic()
            await until(lambda expected=number: len(temporal.calls) == expected)  # type: ignore[misc]
            took.append(time.monotonic() - answered)

    assert max(took) < 10, "it would be looked for after 30 seconds"


async def test_the_same_event_again_is_answered_and_changes_nothing(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        answers = await asyncio.gather(*(web.stripe(paid("L1")) for _ in range(8)))
        await until(lambda: all_relayed(database))
        counts = (await web.client.get("/healthz")).json()["webhooks"]

    assert answers == [200] * 8
    assert len(temporal.calls) == 1
    assert len(stored(database)) == 1
    assert counts == {"stripe duplicate": 7, "stripe stored": 1}


async def test_one_payment_told_by_two_events_counts_once(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1", event="evt_1")) == 200
        assert await web.stripe(paid("L1", event="evt_2")) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    assert len(temporal.effects) == 1
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 7_500


async def test_a_refund_that_overtakes_its_payment_still_takes_it_back(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.stripe(refunded()) == 200
        await until(lambda: all_relayed(database))
        assert temporal.calls == []
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    assert [name for name, _, _ in temporal.calls] == ["payment_received", "payment_reversed"]
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 10_000


async def test_a_refund_that_came_to_nothing_is_shown_once_by_however_many_events_stripe_tells_of_it(
    database: Database,
) -> None:
    refund = {"object": "refund", "id": "re_1", "status": "failed", "payment_intent": "pi_1"}
    events = [
        {"id": f"evt_{number}", "object": "event", "type": kind, "created": 1_772_528_400, "data": {"object": refund}}
        for number, kind in enumerate(["refund.failed", "refund.updated", "charge.refund.updated"])
    ]
    async with running(database, FakeTemporal()) as web:
        for event in events:
            assert await web.stripe(event) == 200
        await until(lambda: all_relayed(database))

    with database.reading() as session:
        shown = [row.details["reference"] for row in audit.of_action(session, "webhook_needs_person")]
    assert (shown, len(stored(database))) == (["pi_1"], 1)


async def test_what_is_not_proven_is_refused_counted_and_not_stored(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        with caplog.at_level(logging.WARNING):
            assert await web.stripe(paid("L1"), secret="whsec_of_somebody_else") == 400
            assert await web.stripe(paid("L1"), at=time.time() - 3_600) == 400
            assert await web.twilio({"MessageSid": "SM1", "MessageStatus": "sent"}, token="wrong") == 400
            unsigned = await web.client.post("/webhooks/stripe", content=b"{}")
        other = await web.client.post("/webhooks/nobody", content=b"{}")
        counts = (await web.client.get("/healthz")).json()["webhooks"]

    assert (unsigned.status_code, other.status_code) == (400, 404)
    assert stored(database) == []
    assert counts == {"stripe refused": 3, "twilio refused": 1}
    assert "signature_mismatch" in caplog.text


async def test_a_body_that_is_too_large_is_refused_even_without_a_stated_length(database: Database) -> None:
    async def endless() -> object:
        for _ in range(60):
            yield b"x" * 10_000

    async with running(database, FakeTemporal()) as web:
        stated = await web.client.post("/webhooks/stripe", content=b"x" * (512 * 1024 + 1))
        streamed = await web.client.post("/webhooks/stripe", content=endless())  # type: ignore[arg-type]

    assert (stated.status_code, streamed.status_code) == (413, 413)
    assert stored(database) == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"[]",
        b'{"id": 7}',
        b'{"id":"evt_9","type":"checkout.session.completed","data":{"object":{"payment_status":"paid"}}}',
    ],
)
async def test_signed_nonsense_is_kept_for_a_person_and_stops_nobody(database: Database, body: bytes) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.stripe(body) == 200
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    assert len(temporal.calls) == 1
    first = stored(database)[0]
    assert (first.outcome, first.body) == ("unreadable", body)
    with database.reading() as session:
        assert len(audit.of_action(session, "webhook_needs_person")) == 1


@pytest.mark.parametrize("stranger_first", [True, False])
async def test_what_one_delivery_tells_of_a_stranger_is_not_in_the_export_of_the_one_who_is_known(
    database: Database, stranger_first: bool
) -> None:
    with database.writing() as session:
        entered(session, "L1", phone="+34600000001")
    wrote = [("34600000001", "wamid.1", "pago mañana"), ("34699999999", "wamid.2", "mi hijo está enfermo")]
    others, own = (wrote if not stranger_first else wrote[::-1]), wrote[:1]
    async with running(database, FakeTemporal(), more={"meta": MetaWebhooks((APP,), APP)}) as web:
        for messages in (others, [(own[0][0], "wamid.3", "pago el lunes")]):
            assert await whatsapp(web, messages) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        told = json.dumps(person_export.export(session, person), default=str, ensure_ascii=False)
    assert "34699999999" not in told
    assert "enfermo" not in told
    assert "pago mañana" in told, "their own words stand in their messages"
    assert [row.body == b"" for row in stored(database)] == [True, False]


APP = SecretStr("of the app")


async def whatsapp(web: Web, messages: list[tuple[str, str, str]]) -> int:
    """One delivery of Meta's with these messages: number, id and words."""
    told = [{"from": number, "id": each, "type": "text", "text": {"body": words}} for number, each, words in messages]
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "messages": told}}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()
    signature = hmac.new(APP.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}"}
    return (await web.client.post("/webhooks/meta", content=body, headers=headers)).status_code


async def test_a_payment_for_an_unknown_loan_is_kept_unmatched(database: Database) -> None:
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.stripe(paid("NOBODY")) == 200
        await until(lambda: all_relayed(database))

    with database.reading() as session:
        (payment,) = payments.unmatched(session)
        assert (payment.payment_id, payment.named_loan, payment.amount_minor) == ("pi_1", "NOBODY", 2_500)
        assert len(audit.of_action(session, "payment_unmatched")) == 1
    assert temporal.attempts == 0


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[Database, sqlite3.Connection]]:
    path = tmp_path / "locked.db"
    database = Database(f"sqlite:///{path}", busy_seconds=0.3)
    database.check()
    other = sqlite3.connect(path, isolation_level=None)
    yield database, other
    other.close()
    database.dispose()


async def test_a_locked_database_is_503_and_the_next_attempt_of_the_provider_counts(
    locked: tuple[Database, sqlite3.Connection],
) -> None:
    database, other = locked
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        other.execute("BEGIN IMMEDIATE")
        assert await web.stripe(paid("L1")) == 503
        assert (await web.client.get("/healthz")).status_code == 200
        other.execute("ROLLBACK")
        assert stored(database) == []
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: all_relayed(database))

    assert len(temporal.calls) == 1


async def test_a_database_locked_after_the_answer_delays_the_relay_but_loses_nothing(
    locked: tuple[Database, sqlite3.Connection],
) -> None:
    database, other = locked
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: temporal.attempts > 0)
        other.execute("BEGIN IMMEDIATE")
        temporal.down = False
        await asyncio.sleep(0.8)
        other.execute("ROLLBACK")
        await until(lambda: all_relayed(database))

    assert len(temporal.effects) == 1


async def test_temporal_down_is_still_2xx_and_the_news_arrives_later(database: Database) -> None:
    loans_in_collection(database, "L1", "L2")
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1", event="e1", payment="p1")) == 200
        assert await web.stripe(paid("L2", event="e2", payment="p2")) == 200
        await until(lambda: temporal.attempts >= 3)
        with database.reading() as session:
            # The records know at once, so that nothing is sent meanwhile.
            assert payments.balance_due(session, loans.get(session, LENDER, "L2")) == 7_500
        assert any(row.relay_attempts and row.relay_error == "TemporalUnavailable" for row in stored(database))
        temporal.down = False
        await until(lambda: all_relayed(database))

    assert sorted(loan_id for _, loan_id, _ in temporal.calls) == ["L1", "L2"]
    assert all(row.relay_error is None for row in stored(database))


async def test_what_was_stored_before_a_restart_arrives_after_it(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: temporal.attempts > 0)
    temporal.down = False

    async with running(database, temporal):
        await until(lambda: all_relayed(database))

    assert len(temporal.calls) == 1


async def test_a_signal_whose_answer_was_lost_is_one_in_effect(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    temporal.drops_answer_once = True
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1")) == 200
        await until(lambda: all_relayed(database))

    assert len(temporal.calls) == 2
    assert len(temporal.effects) == 1


async def test_a_webhook_that_never_goes_through_does_not_hold_up_the_others(database: Database) -> None:
    loans_in_collection(database, "L1", "L2")
    temporal = FakeTemporal()
    temporal.breaks_on = {"L1"}
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1", event="e1", payment="p1")) == 200
        assert await web.stripe(paid("L2", event="e2", payment="p2")) == 200
        await until(lambda: [loan_id for _, loan_id, _ in temporal.calls] == ["L2"])
        await until(lambda: stored(database)[0].relay_attempts >= 2)

    assert stored(database)[0].relay_error == "RuntimeError"


async def test_two_web_processes_on_one_database_relay_everything_once_in_effect(database: Database) -> None:
    names = [f"L{number}" for number in range(1, 25)]
    loans_in_collection(database, *names)
    temporal = FakeTemporal()
    async with running(database, temporal) as one, running(database, temporal) as two:
        answers = await asyncio.gather(
            *(
                web.stripe(paid(name, event=f"e-{name}", payment=f"p-{name}"))
                for name, web in zip(names, [one, two] * 12, strict=True)
            )
        )
        await until(lambda: len(stored(database)) == 24 and all_relayed(database))

    assert answers == [200] * 24
    assert sorted(loan_id for _, loan_id, _ in temporal.calls) == sorted(names)


async def test_the_lease_of_a_dead_process_runs_out(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    with database.writing() as session:
        webhooks.take_lease(session, "relay", "dead", at=datetime.now(UTC), lasts=timedelta(seconds=3))
    async with running(database, temporal) as web:
        assert await web.stripe(paid("L1")) == 200
        await asyncio.sleep(0.2)
        assert temporal.calls == []
        await until(lambda: all_relayed(database))

    assert len(temporal.calls) == 1


async def test_money_for_a_loan_that_had_ended_starts_it_again(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    temporal.answers["L1"] = SignalAnswer.LOAN_ENDED
    async with running(database, temporal) as web:
        await web.stripe(paid("L1", event="e1"))
        await web.stripe(refunded())
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))
        assert [news.name for news in temporal.restarted] == ["payment_received", "payment_reversed"]
        await web.stripe(paid("L1", event="e2"))
        await until(lambda: len(stored(database)) == 3 and all_relayed(database))

    assert len(temporal.restarted) == 2


async def test_money_for_a_loan_about_to_start_waits_for_its_workflow(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2")])
        released = loans.get(session, LENDER, "L2")
        loans.release(session, released, datetime(2026, 3, 2, tzinfo=UTC))
    temporal = FakeTemporal()
    temporal.answers = {"L1": SignalAnswer.NOT_FOUND, "L2": SignalAnswer.NOT_FOUND}
    async with running(database, temporal) as web:
        await web.stripe(paid("L1", event="e1", payment="p1"))
        await web.stripe(paid("L2", event="e2", payment="p2"))
        await until(lambda: temporal.attempts >= 4)
        waiting, nobody_waits = stored(database)
        assert (waiting.relayed_at, waiting.relay_error) == (None, "WorkflowMissing")
        assert nobody_waits.relayed_at is not None
        del temporal.answers["L1"]
        await until(lambda: all_relayed(database))

    assert [loan_id for _, loan_id, _ in temporal.calls] == ["L1"]


async def test_ready_says_what_is_missing(locked: tuple[Database, sqlite3.Connection]) -> None:
    database, _ = locked
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        ready = await web.client.get("/readyz")
        temporal.down = True
        without_temporal = await web.client.get("/readyz")

    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "temporal": "ok"})
    assert without_temporal.status_code == 503
    assert without_temporal.json() == {"database": "ok", "temporal": "unreachable"}


async def test_a_rehearsal_takes_the_time_of_a_webhook_from_its_own_world(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    skipped = datetime(2027, 1, 1, 8, 0, tzinfo=UTC)

    async with running(
        database, temporal, now=lambda request: skipped if request is not None else datetime.now(UTC)
    ) as web:
        assert await web.stripe(paid("L1"), at=skipped.timestamp() - 5) == 200
        await until(lambda: all_relayed(database))

    assert stored(database)[0].received_at == skipped
    with database.reading() as session:
        assert loans.get(session, LENDER, "L1").state is LoanState.IN_COLLECTION
        assert payments.find(session, "stripe", "pi_1").received_at == skipped  # type: ignore[union-attr]


async def test_a_stopped_process_leaves_no_lease_behind(database: Database) -> None:
    names = [f"L{number}" for number in range(1, 13)]
    loans_in_collection(database, *names)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        await asyncio.gather(*(web.stripe(paid(name, event=name, payment=name)) for name in names))

    with database.reading() as session:
        assert session.exec(select(Lease)).all() == []
    async with running(database, temporal):
        await until(lambda: all_relayed(database))
    assert len(temporal.effects) == 12
