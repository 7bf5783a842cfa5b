import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.running import Posted, World, http_date, running

STATUS = "/status?loan={loan}"


def text_to(world: World, person: dict[str, Any], at: str = "2026-03-20T10:00:00+00:00") -> None:
    callback = world.listener.url + STATUS.format(loan=person["loan_id"])
    assert world.sms(person["phone"], at=at, StatusCallback=callback).status_code == 201


def test_the_conductor_hears_of_an_earlier_event_before_the_request_is_answered(world: World) -> None:
    [person] = world.enrol("told")
    order: list[str] = []

    def hear(posted: Posted) -> int:
        if posted.path == "/clock" and posted.json["loan_id"] == "told":
            time.sleep(0.3)
            order.append("clock")
        return 200

    world.listener.answer = hear
    text_to(world, person)
    order.append("answer")
    text_to(world, person, at="2026-03-20T10:00:30+00:00")

    told = [p.json for p in world.listener.at("/clock") if p.json["loan_id"] == "told"]
    next_at = world.http.get("/_world/next", params={"loan_id": "told"}).json()["next_at"]
    assert order == ["clock", "answer"]  # the second message changed nothing about what comes first
    assert told[-1] == {"loan_id": "told", "now": "2026-03-20T10:00:00+00:00", "next_at": next_at}


def test_a_silent_conductor_is_logged_and_told_again(world: World) -> None:
    [person] = world.enrol("silent")
    world.listener.answer = lambda posted: 503 if posted.path == "/clock" else 200

    text_to(world, person)
    world.listener.answer = lambda posted: 200
    before = len(world.listener.at("/clock"))
    text_to(world, person, at="2026-03-20T10:00:30+00:00")

    assert world.entries("clock_unreachable", "silent")[0]["reason"] == "status 503"
    assert len(world.listener.at("/clock")) == before + 1


def test_advancing_delivers_what_is_due_in_order_and_only_once(world: World) -> None:
    [person] = world.enrol("order")
    for second in (0, 10, 20):
        text_to(world, person, at=f"2026-03-20T10:00:{second:02d}+00:00")
    first = world.http.get("/_world/next", params={"loan_id": "order"}).json()["next_at"]

    exactly = world.advance("order", first)
    rest = world.advance("order", "2026-03-20T20:00:00+00:00")
    again = world.advance("order", "2026-03-20T20:00:00+00:00")

    assert {d["at"] for d in exactly["delivered"]} == {first}
    assert [d["kind"] for d in exactly["delivered"]] == ["sms_status", "webhook"]
    times = [d["at"] for d in rest["delivered"]]
    assert times == sorted(times)
    assert again["delivered"] == []
    assert again["next_at"] == rest["next_at"]
    assert len(world.listener.at(STATUS.format(loan="order"))) == 6
    many = world.http.post("/_world/next", json={"loan_ids": ["order", "unknown"]}).json()["next_at"]
    assert many == {"order": again["next_at"], "unknown": None}


def test_two_loans_of_one_person_share_one_purse_and_time_still_passes(world: World) -> None:
    for n in range(12):
        world.enrol(f"purse{n}a", f"purse{n}b", person=f"purse{n}", due_date="2026-03-28")

    for n in range(12):
        for loan in (f"purse{n}a", f"purse{n}b"):
            for act in ("pay_twice", "salary"):
                world.act(f"purse{n}a", act, amount_minor=5_000, at="2026-03-25T10:00:00+00:00")
            told = world.advance(loan, "2026-07-01T10:00:00+00:00")
            assert len(told["delivered"]) < 60

    paid = {e["loan_id"] for e in world.entries("payment") if e["loan_id"].startswith("purse")}
    assert len(paid) > 15


def test_what_is_next_can_be_reached_exactly(world: World) -> None:
    people = world.enrol(*(f"exact{i}" for i in range(60)))

    for person in (p for p in people if p["next_at"]):
        assert datetime.fromisoformat(person["next_at"]).microsecond == 0
        told = world.advance(person["loan_id"], person["next_at"])
        assert told["delivered"][0]["at"] == person["next_at"]


def test_a_webhook_nobody_takes_comes_again_an_hour_later(world: World) -> None:
    world.enrol("deaf")
    world.listener.answer = lambda posted: 500 if posted.path == "/stripe" else 200

    told = world.act("deaf", "pay").json()
    world.listener.answer = lambda posted: 200
    paid_at = datetime.fromisoformat(world.entries("payment", "deaf")[0]["at"])
    later = world.advance("deaf", (paid_at + timedelta(hours=1)).isoformat())

    tries = world.entries("webhook", "deaf")
    assert [t["status"] for t in tries] == [500] * 5 + [200]
    assert [t["try"] for t in tries] == [1, 2, 3, 4, 5, 6]
    assert told["delivered"][0]["status"] == 500
    assert datetime.fromisoformat(told["next_at"]) == paid_at + timedelta(hours=1)
    assert later["delivered"][0]["status"] == 200
    bodies = {p.body for p in world.listener.at("/stripe") if b'"deaf"' in p.body}
    assert len(bodies) == 1


def test_many_loans_advance_at_once(world: World) -> None:
    people = world.enrol(*(f"crowd{i}" for i in range(200)))
    for person in people:
        world.sms(person["phone"], StatusCallback=world.listener.url + STATUS.format(loan=person["loan_id"]))

    def go(person: dict[str, Any]) -> list[dict[str, Any]]:
        delivered: list[dict[str, Any]] = world.advance(person["loan_id"], "2026-03-21T10:00:00+00:00")["delivered"]
        return delivered

    with ThreadPoolExecutor(40) as pool:
        told = list(pool.map(go, people))

    posted = sum(1 for d in told for x in d if x["kind"] == "webhook" and x["type"] in {"sent", "delivered"})
    heard = [p for p in world.listener.at("/status?loan=crowd") if p.form["MessageStatus"] in {"sent", "delivered"}]
    assert posted == len(heard) > 300


def test_one_loan_advanced_by_two_conductors_happens_once(world: World) -> None:
    [person] = world.enrol("race")
    for second in range(10):
        text_to(world, person, at=f"2026-03-20T10:00:{second:02d}+00:00")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.advance("race", "2026-03-20T22:00:00+00:00"), range(8)))

    heard = world.listener.at(STATUS.format(loan="race"))
    assert len(heard) == len({(p.form["MessageSid"], p.form["MessageStatus"]) for p in heard}) == 20


def test_a_product_may_call_the_world_from_inside_a_webhook(world: World) -> None:
    world.enrol("inside")
    link = world.link("inside")
    closed = threading.Event()

    def close_link(posted: Posted) -> int:
        if posted.path == "/stripe" and b"inside" in posted.body:
            assert world.stripe(f"/v1/payment_links/{link['id']}", active="false").status_code == 200
            closed.set()
        return 200

    world.listener.answer = close_link
    world.act("inside", "pay")

    assert closed.is_set()
    assert world.entries("link_updated", "inside")[0]["active"] is False


def test_an_act_can_be_put_on_the_agenda(world: World) -> None:
    world.enrol("later")

    told = world.act("later", "pay_part", at="2026-03-20T12:00:00+00:00", amount_minor=100).json()
    before = world.entries("payment", "later")
    world.advance("later", "2026-03-20T12:00:00+00:00")

    assert told["delivered"] == []
    assert before == []
    assert [p["at"] for p in world.entries("payment", "later")] == ["2026-03-20T12:00:00+00:00"]


def test_the_same_loan_again_is_the_same_person_and_the_order_does_not_matter(tmp_path: Path, world: World) -> None:
    ids = [f"id{i}" for i in range(30)]
    first = world.enrol(*ids)
    again = world.enrol(*ids)

    with running(tmp_path / "other.jsonl") as other:
        reversed_order = other.enrol(*ids[::-1])[::-1]

    assert first == again
    assert reversed_order == first


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"as_of": "2026-03-20T09:00:00"}, "offset"),
        ({"due_date": "soon"}, "soon"),
        ({"amount_minor": "much"}, "much"),
    ],
)
def test_a_loan_with_a_fault_is_refused_by_field(world: World, change: dict[str, Any], field: str) -> None:
    spec = {
        "loan_id": "bad",
        "country": "ES",
        "currency": "EUR",
        "amount_minor": 1,
        "due_date": "2026-03-15",
        "as_of": "2026-03-20T09:00:00+00:00",
    }

    answer = world.http.post("/_world/loans", json={"loans": [spec | change]})

    assert answer.status_code == 400
    assert field in answer.json()["error"]


def test_killed_in_the_middle_the_world_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "log.jsonl") as world:
        people = world.enrol(*(f"k{i}" for i in range(20)))
        person = next(p for p in people if p["bank_consent"])
        link = world.link(person["loan_id"], 30_000, **{"metadata[note]": "kept"})
        price = world.stripe("/v1/prices", key="k", currency="eur", unit_amount="5", **{"product_data[name]": "x"})
        for _ in range(4):
            world.balance(person)
        text_to(world, person)
        world.advance(person["loan_id"], "2026-03-20T10:00:03+00:00")
        world.listener.answer = lambda posted: 500
        world.act(person["loan_id"], "pay")
        world.listener.answer = lambda posted: 200
        before = world.http.get("/_world/log").json()["entries"]
        next_before = world.http.post("/_world/next", json={"loan_ids": [p["loan_id"] for p in people]}).json()

        world.kill()
        world.start()

        assert world.http.get("/_world/log").json()["entries"] == before
        next_after = world.http.post("/_world/next", json={"loan_ids": [p["loan_id"] for p in people]}).json()
        assert next_after == next_before
        shown = world.http.get(f"/v1/payment_links/{link['id']}", headers={"Authorization": "Bearer x"}).json()
        assert shown["metadata"]["note"] == "kept"
        again = world.stripe("/v1/prices", key="k", currency="eur", unit_amount="5", **{"product_data[name]": "x"})
        assert again.json() == price.json()
        assert world.balance(person).status_code == 429
        assert world.enrol(person["loan_id"])[0]["phone"] == person["phone"]
        delivered = world.advance(person["loan_id"], "2026-03-20T23:00:00+00:00")["delivered"]
        assert "checkout.session.completed" in [d.get("type") for d in delivered]
        assert world.stop() == 0


def test_a_log_cut_by_a_crash_is_made_whole_from_the_database(tmp_path: Path) -> None:
    with running(tmp_path / "log.jsonl") as world:
        world.enrol("cut")
        world.act("cut", "pay")
        world.kill()
        whole = world.log.read_bytes()
        world.log.write_bytes(whole[:-20])

        world.start()

        assert world.log.read_bytes() == whole
        assert [json.loads(line)["seq"] for line in whole.decode().splitlines()] == [1, 2]


def test_requests_without_a_date_do_not_move_a_loans_clock(world: World) -> None:
    [person] = world.enrol("undated")
    path = world.link("undated")["url"].split("/", 3)[3]

    world.http.post("/_world/act", json={"loan_id": "undated", "act": "salary"})
    world.http.post(f"/{path}")

    assert world.entries("payment", "undated")[0]["at"] == "2026-03-20T10:00:00+00:00"
    assert person["next_at"] is None or person["next_at"] > "2026-03-20"


def test_live_mode_delivers_by_the_wall_clock(tmp_path: Path) -> None:
    now = datetime.now().astimezone()
    with running(tmp_path / "live.jsonl", "--clock", "live") as world:
        people = world.enrol(
            *(f"live{i}" for i in range(5)),
            as_of=now.isoformat(),
            due_date=(now.date() - timedelta(days=5)).isoformat(),
        )
        for person in people:
            text_to(world, person, at="2020-01-01T00:00:00+00:00")
        world.act("live0", "pay")

        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and len(world.listener.at("/status")) < 5:
            time.sleep(0.05)

        assert len(world.listener.at("/status")) >= 5
        paid = datetime.fromisoformat(world.entries("payment", "live0")[0]["at"])
        assert abs(paid.timestamp() - time.time()) < 60
        stamp = world.listener.at("/stripe")[0].headers["Stripe-Signature"].split(",")[0]
        assert abs(int(stamp.removeprefix("t=")) - time.time()) < 60
        assert http_date(now.isoformat())[:16] in world.listener.at("/stripe")[0].headers["Date"]
        assert world.stop() == 0
