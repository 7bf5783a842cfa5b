"""Webhooks of Meta, GoCardless, Mercado Pago and senders of Standard Webhooks, over real HTTP into real records."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from domain.contact import Channel, Purpose
from domain.message_names import of_whatsapp
from records import audit, contacts, inquiries, loans
from records.database import Database
from records.tables import ContactState, Payment, Webhook
from tests.providers.test_meta_examples import EXAMPLES
from tests.records.portfolios import LENDER, NOW, entered
from tests.web.outside import FakeTemporal, Web, running, until
from tests.web.test_messages import PHONE
from tests.web.test_webhooks import loans_in_collection, stored
from web.sources import GoCardlessWebhooks, MercadoPagoWebhooks, MetaWebhooks, StandardWebhooks, WebhookSource

OLD, NEW = SecretStr("the old one"), SecretStr("the new one")
STANDARD_SECRET = "whsec_" + base64.b64encode(b"between the lender's systems").decode()
MORE: dict[str, WebhookSource] = {
    "meta": MetaWebhooks((NEW, OLD), SecretStr("verify-me")),
    "gocardless": GoCardlessWebhooks((NEW, OLD)),
    "mercadopago": MercadoPagoWebhooks((NEW, OLD)),
    "standard": StandardWebhooks(SecretStr(STANDARD_SECRET)),
}


def digest(signed: bytes, secret: SecretStr = NEW) -> str:
    return hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()


async def meta(web: Web, value: dict[str, Any], secret: SecretStr = NEW) -> int:
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", **value}}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()
    headers = {"X-Hub-Signature-256": f"sha256={digest(body, secret)}"}
    return (await web.client.post("/webhooks/meta", content=body, headers=headers)).status_code


async def gocardless(web: Web, events: list[dict[str, Any]]) -> int:
    body = json.dumps({"events": events}).encode()
    headers = {"Webhook-Signature": digest(body)}
    return (await web.client.post("/webhooks/gocardless", content=body, headers=headers)).status_code


async def mercadopago(web: Web, about: str, request_id: str, body: bytes = b"{}") -> int:
    stamp = str(int(time.time() * 1000))
    signature = digest(f"id:{about};request-id:{request_id};ts:{stamp};".encode())
    headers = {"x-signature": f"ts={stamp},v1={signature}", "x-request-id": request_id}
    path = f"/webhooks/mercadopago?data.id={about}&type=payment"
    return (await web.client.post(path, content=body, headers=headers)).status_code


async def standard(web: Web, webhook_id: str, event: dict[str, Any], *, at: float | None = None) -> httpx.Response:
    body, stamp = json.dumps(event).encode(), str(int(time.time() if at is None else at))
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    signed = hmac.new(key, f"{webhook_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    return await web.client.post("/webhooks/standard", content=body, headers=headers)


def text(message_id: str, words: str, sender: str = PHONE.removeprefix("+")) -> dict[str, Any]:
    return {"messages": [{"from": sender, "id": message_id, "type": "text", "text": {"body": words}}]}


async def relayed(database: Database, count: int) -> list[Webhook]:
    def done() -> bool:
        return len(stored(database)) == count and all(row.relayed_at for row in stored(database))

    await until(done)
    return stored(database)


def shown(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [row.details for row in audit.of_action(session, "webhook_needs_person")]


async def test_each_of_metas_own_examples_is_answered_stored_and_read(database: Database) -> None:
    async with running(database, FakeTemporal(), more=MORE) as web:
        for example in EXAMPLES.values():
            body = json.dumps(example).encode()
            headers = {"X-Hub-Signature-256": f"sha256={digest(body)}"}
            assert (await web.client.post("/webhooks/meta", content=body, headers=headers)).status_code == 200
        told = {json.dumps(one, sort_keys=True) for one in EXAMPLES.values()}
        rows = await relayed(database, len({row.event_key for row in stored(database)}))

    assert 0 < len(rows) <= len(told)
    assert all(row.outcome and row.outcome != "unreadable" for row in rows)
    kinds = {detail["kind"] for detail in shown(database)}
    assert {"change:group_lifecycle_update", "change:group_settings_update"} <= kinds


async def test_a_stop_among_hundreds_of_other_messages_in_one_post_is_heard(database: Database) -> None:
    loans_in_collection(database, "L1")
    others = [text(f"wamid.o{number}", "x" * 3_000, "34600999888")["messages"][0] for number in range(300)]
    temporal = FakeTemporal()
    async with running(database, temporal, more=MORE) as web:
        assert await meta(web, {"messages": [*others, *text("wamid.1", "BAJA")["messages"]]}) == 200
        await relayed(database, 1)

    assert {(name, payload["channel"]) for name, _, payload in temporal.calls} == {("opt_out", "whatsapp")}


async def test_a_stop_beside_a_message_that_names_nobody_is_heard(database: Database) -> None:
    loans_in_collection(database, "L1")
    nobody = {"id": "wamid.o", "type": "text", "text": {"body": "hola"}, "from_user_id": "ES.1"}
    temporal = FakeTemporal()
    async with running(database, temporal, more=MORE) as web:
        assert await meta(web, {"messages": [nobody, *text("wamid.1", "BAJA")["messages"]]}) == 200
        [row] = await relayed(database, 1)

    assert row.outcome == "ignored message_unreadable, message_opt_out"
    assert {(name, payload["channel"]) for name, _, payload in temporal.calls} == {("opt_out", "whatsapp")}
    assert shown(database) == [{"kind": "message_unreadable", "reference": of_whatsapp("wamid.o")}]


async def test_a_stop_on_whatsapp_closes_that_channel_and_a_repeat_changes_nothing(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal, more=MORE) as web:
        assert await meta(web, text("wamid.1", "BAJA")) == 200
        assert await meta(web, text("wamid.1", "BAJA"), OLD) == 200
        (row,) = await relayed(database, 1)

    assert row.outcome == "message_opt_out"
    assert {(name, payload["channel"]) for name, _, payload in temporal.calls} == {("opt_out", "whatsapp")}


async def test_statuses_messages_and_unknown_changes_of_one_delivery_are_all_kept(database: Database) -> None:
    value = {
        "statuses": [{"id": "wamid.x", "status": "delivered"}, {"id": "wamid.y", "status": "dreamt"}],
        "messages": [{"from": "34600000001", "id": "wamid.z", "type": "image", "image": {"id": "1"}}],
    }
    async with running(database, FakeTemporal(), more=MORE) as web:
        assert await meta(web, value) == 200
        assert await meta(web, {"account_alerts": {}}) == 200
        rows = await relayed(database, 2)

    assert rows[0].outcome == "unknown_sender, unknown_message, ignored status:dreamt"
    assert rows[1].event_key.startswith("sha256:")
    assert shown(database) == [{"kind": "change:messages"}]


async def test_meta_is_answered_only_with_our_verify_token(database: Database) -> None:
    async with running(database, FakeTemporal(), more=MORE) as web:

        async def ask(provider: str = "meta", **change: str) -> httpx.Response:
            query = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158201444", **change}
            return await web.client.get(f"/webhooks/{provider}", params=query)

        answer = await ask()
        refused = [await ask(**{"hub.verify_token": "no"}), await ask(**{"hub.mode": "x"})]
        script = await ask(**{"hub.challenge": "<script>"})
        others = [await ask("stripe"), await ask("nobody")]

    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert [one.status_code for one in (*refused, script)] == [403] * 3
    assert [one.status_code for one in others] == [404] * 2


async def test_gocardless_money_is_shown_to_a_person_with_its_id(database: Database) -> None:
    paid = {"id": "EV1", "resource_type": "payments", "action": "paid_out", "links": {"payment": "PM1"}}
    mandate = {"id": "EV2", "resource_type": "mandates", "action": "created", "links": {"mandate": "MD1"}}
    async with running(database, FakeTemporal(), more=MORE) as web:
        assert await gocardless(web, [paid, mandate]) == 200
        assert await gocardless(web, [paid, mandate]) == 200
        assert await gocardless(web, [paid]) == 200
        rows = await relayed(database, 2)

    assert rows[0].outcome == "ignored payments.paid_out, ignored mandates.created"
    assert rows[1].event_key == "EV1"
    assert shown(database)[0] == {"kind": "payments.paid_out", "reference": "PM1"}


async def test_one_odd_event_of_gocardless_hides_none_of_the_others(database: Database) -> None:
    paid = {"id": "EV1", "resource_type": "payments", "action": "paid_out", "links": {"payment": "PM1"}}
    odd = {"id": "EV2", "resource_type": "NEW-KIND", "action": None}
    async with running(database, FakeTemporal(), more=MORE) as web:
        assert await gocardless(web, [odd, paid]) == 200
        await relayed(database, 1)

    assert shown(database) == [
        {"kind": "event_unreadable", "reference": "EV2"},
        {"kind": "payments.paid_out", "reference": "PM1"},
    ]


async def test_a_mercado_pago_notice_counts_once_whatever_its_unsigned_body_says(database: Database) -> None:
    async with running(database, FakeTemporal(), more=MORE) as web:
        assert await mercadopago(web, "123", "r-1") == 200
        assert await mercadopago(web, "123", "r-1", b'{"action": "payment.refunded"}') == 200
        assert await mercadopago(web, "an-order", "r-2") == 200
        rows = await relayed(database, 2)

    assert [row.outcome for row in rows] == ["payment_pointed_at", "ignored notice"]
    with database.reading() as session:
        [asked] = inquiries.due(session, datetime.now(UTC), 10)
        assert (asked.provider, asked.reference) == ("mercadopago", "123")
    assert shown(database) == [{"kind": "notice", "reference": "an-order"}]


async def test_a_payment_told_by_the_lenders_own_system_reaches_its_loan(database: Database) -> None:
    loans_in_collection(database, "L1")
    data = {
        "payment_id": "core-1",
        "amount_minor": 2_500,
        "currency": "EUR",
        "paid_at": "2026-03-02T09:00:00+01:00",
        "lender": LENDER,
        "loan_id": "L1",
    }
    temporal = FakeTemporal()
    async with running(database, temporal, more=MORE) as web:
        answer = await standard(web, "msg_1", {"type": "payment.received", "data": data})
        again = await standard(web, "msg_1", {"type": "payment.received", "data": data})
        late = await standard(web, "msg_2", {"type": "payment.received", "data": data}, at=time.time() - 400)
        await standard(web, "msg_3", {"type": "payment.received", "data": {**data, "amount_minor": "2500"}})
        await standard(web, "msg_4", {"type": "loan.restructured", "data": {}})
        rows = await relayed(database, 3)
        back = {"payment_id": "core-1", "reversed_at": data["paid_at"]}
        await standard(web, "msg_5", {"type": "payment.reversed", "data": back})
        await relayed(database, 4)

    assert (answer.status_code, again.status_code, late.status_code) == (200, 200, 400)
    assert [row.outcome for row in rows] == ["payment", "unreadable", "ignored loan.restructured"]
    assert [name for name, _, _ in temporal.calls] == ["payment_received", "payment_reversed"]
    with database.reading() as session:
        (payment,) = session.exec(select(Payment)).all()
    assert (payment.provider, payment.amount_minor) == ("standard", 2_500)


WROTE = "wamid.HBgLMzQ2MDAwMDAwMDEVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="
SENT = "wamid.HBgLMzQ2MDAwMDAwMDEVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA"


async def test_neither_the_loan_nor_the_records_hear_a_number_by_a_message_id_of_whatsapps(database: Database) -> None:
    loans_in_collection(database, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal, more=MORE) as web:
        assert await meta(web, text(WROTE, "cómo puedo pagar?")) == 200
        (row,) = await relayed(database, 1)

    (told,) = [payload for name, _, payload in temporal.calls if name == "reply_understood"]
    assert told["message_id"] == f"meta:{of_whatsapp(WROTE)}"
    assert row.event_key == of_whatsapp(WROTE)


@pytest.mark.parametrize("held", [of_whatsapp(SENT), SENT])
async def test_a_status_finds_its_message_also_where_a_worker_of_the_build_before_had_sent_it(
    database: Database, held: str
) -> None:
    loans_in_collection(database, "L1")
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        told = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "channel": Channel.WHATSAPP}
        contact = contacts.reserve(session, loan, person, template="first", at=NOW, **told).contact  # type: ignore[arg-type]
        contacts.advance(session, contact, ContactState.SENT, at=NOW, provider="meta", provider_message_id=held)
    status = {"id": SENT, "status": "delivered", "biz_opaque_callback_data": contact.message_id}
    async with running(database, FakeTemporal(), more=MORE) as web:
        assert await meta(web, {"statuses": [status]}) == 200
        await relayed(database, 1)

    with database.reading() as session:
        (kept,) = contacts.of_loan(session, loans.get(session, LENDER, "L1"))
    assert (kept.state, kept.provider_message_id) == (ContactState.DELIVERED, of_whatsapp(SENT))


async def test_a_stop_of_an_argentine_whose_number_is_kept_without_the_9_is_heard(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", phone="+541123456789", country="AR", timezone="America/Argentina/Buenos_Aires")
        loans.begin(session, loans.get(session, LENDER, "L1"))
    temporal = FakeTemporal()
    async with running(database, temporal, more=MORE) as web:
        assert await meta(web, text("wamid.1", "BAJA", "5491123456789")) == 200
        [row] = await relayed(database, 1)

    assert row.outcome == "message_opt_out"
    assert ("opt_out", "whatsapp") in {(name, payload["channel"]) for name, _, payload in temporal.calls}


async def test_whose_number_changed_is_shown_to_a_person_with_the_loan(database: Database) -> None:
    """Given a borrower and a stranger who take other numbers, then a person sees whose loan it is, and no number."""
    loans_in_collection(database, "L1")
    changes = [
        {"from": sender, "id": f"wamid.{sender}", "type": "system", "system": {"type": "user_changed_number"}}
        for sender in (PHONE.removeprefix("+"), "34699887766")
    ]
    async with running(database, FakeTemporal(), more=MORE) as web:
        assert await meta(web, {"messages": changes}) == 200
        [row] = await relayed(database, 1)

    assert row.outcome == "number_changed, unknown_sender"
    with database.reading() as session:
        [told] = audit.of_action(session, "webhook_needs_person")
    assert (told.lender, told.loan_id) == (LENDER, "L1")
    assert told.details == {"kind": "number_changed", "reference": of_whatsapp(f"wamid.{PHONE.removeprefix('+')}")}
