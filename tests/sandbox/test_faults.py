import time
from datetime import datetime, timedelta

import httpx
import pytest

from tests.sandbox.running import World, http_date

AT = "2026-03-20T10:00:00+00:00"


def test_a_lost_answer_leaves_the_effect_and_the_same_key_finds_it(world: World) -> None:
    world.enrol("lost")
    price = world.stripe("/v1/prices", currency="eur", unit_amount="100", **{"product_data[name]": "x"}).json()
    form = {
        "line_items[0][price]": price["id"],
        "line_items[0][quantity]": "1",
        "metadata[loan_id]": "lost",
    }
    world.fault("stripe", "lost_answer", count=1)

    with pytest.raises(httpx.RemoteProtocolError):
        world.stripe("/v1/payment_links", key="once", **form)
    again = world.stripe("/v1/payment_links", key="once", **form)

    assert again.status_code == 200
    assert [e["link_id"] for e in world.entries("link_created", "lost")] == [again.json()["id"]]


def test_a_lost_answer_at_the_carrier_leaves_the_message_on_its_way(world: World) -> None:
    [person] = world.enrol("gone")
    world.fault("twilio", "lost_answer", count=1)

    with pytest.raises(httpx.TransportError):
        world.sms(person["phone"])

    assert len(world.entries("sms", "gone")) == 1


def test_a_dropped_connection_has_no_effect(world: World) -> None:
    [person] = world.enrol("drop")
    world.fault("twilio", "drop", count=1)

    with pytest.raises(httpx.TransportError):
        world.sms(person["phone"])

    assert world.entries("sms", "drop") == []


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("service", ["bank", "stripe", "twilio"])
def test_refusals_on_request_are_in_each_services_own_body(world: World, service: str, status: int) -> None:
    world.fault(service, str(status), count=1)
    path = {
        "bank": "/v1/accounts",
        "stripe": "/v1/payment_intents/x",
        "twilio": "/2010-04-01/Accounts/AC/Messages.json",
    }
    key = {"bank": "tppMessages", "stripe": "error", "twilio": "code"}

    answer = world.http.get(path[service])
    next_one = world.http.get(path[service])

    assert answer.status_code == status
    assert key[service] in answer.json()
    assert next_one.status_code in {400, 401}


def test_latency_holds_the_answer_back(world: World) -> None:
    world.fault("stripe", "latency", seconds=0.4, count=1)

    started = time.monotonic()
    world.http.get("/v1/payment_intents/x")
    held = time.monotonic() - started
    world.http.get("/v1/payment_intents/x")

    assert 0.4 <= held < 5


def test_a_rate_strikes_that_share(world: World) -> None:
    world.fault("stripe", "500", rate=0.5)

    answers = [world.http.get("/v1/payment_intents/x").status_code for _ in range(100)]

    assert 25 < answers.count(500) < 75


def test_a_duplicate_webhook_is_the_same_event_twice_and_logged_so(world: World) -> None:
    world.enrol("dup")
    world.fault("webhooks", "duplicate", count=1)

    world.act("dup", "pay")

    heard = [p for p in world.listener.at("/stripe") if b'"dup"' in p.body]
    assert len(heard) == 2
    assert heard[0].body == heard[1].body
    assert [e["try"] for e in world.entries("webhook", "dup")] == [1, 2]
    assert len(world.entries("payment", "dup")) == 1


def test_a_reordered_webhook_comes_after_its_successor(world: World) -> None:
    [person] = world.enrol("swap")
    world.fault("webhooks", "reorder", count=1)

    world.sms(person["phone"], StatusCallback=world.listener.url + "/status?loan=swap", at=AT)
    world.advance("swap", "2026-03-20T12:00:00+00:00")

    assert [p.form["MessageStatus"] for p in world.listener.at("/status?loan=swap")] == ["delivered", "sent"]


def test_a_delayed_webhook_arrives_when_told(world: World) -> None:
    world.enrol("slow")
    world.fault("webhooks", "delay", count=1, seconds=7200)

    told = world.act("slow", "pay").json()

    paid = datetime.fromisoformat(world.entries("payment", "slow")[0]["at"])
    assert told["delivered"] == []
    assert datetime.fromisoformat(told["next_at"]) == paid + timedelta(hours=2)
    world.advance("slow", told["next_at"])
    heard = next(p for p in world.listener.at("/stripe") if b'"slow"' in p.body)
    assert heard.headers["Date"] == http_date(told["next_at"])
    assert heard.json["created"] == int(paid.timestamp())


@pytest.mark.parametrize(
    "body",
    [
        {"service": "post", "kind": "500"},
        {"service": "bank", "kind": "flood"},
        {"service": "bank", "kind": "duplicate"},
        {"service": "webhooks", "kind": "429"},
        {"service": "bank", "kind": "500", "rate": 2},
    ],
)
def test_an_impossible_fault_is_refused(world: World, body: dict[str, object]) -> None:
    assert world.http.post("/_world/faults", json=body).status_code == 400
