"""Routes against whoever means harm: endless and slow bodies, answers that could not be given, faults, addresses of
IPv6, money of another lender."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.types import Message

from domain.access import Role, Scope
from domain.webhook_news import PaymentNews
from records import accounts, loans, payments
from records.database import Database
from tests.records.portfolios import LENDER, NOW, entered
from tests.web.calling import HERE, account, app_on, browser, key, sign_in
from web.bodies import LARGEST_FORM, BodyLimits
from web.news import record_news
from web.receiving import read_body

READS = {"accept": "text/html", "accept-language": "es", "sec-fetch-site": "same-origin"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def app(database: Database) -> FastAPI:
    with database.writing() as session:
        entered(session, "L1")
    return app_on(database)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/sign-in", "/password", "/api/v1/payments", "/cases/c/decide", "/consent/x"])
def test_nobody_makes_us_read_without_end(app: FastAPI, path: str) -> None:
    """Whoever they are: the body is read before that is known."""

    def endless() -> Any:
        for _ in range(4):
            yield b"a=1&" * (LARGEST_FORM // 12)

    kind = {"content-type": "application/json"} if path.startswith("/api") else FORM
    with browser(app) as client:
        stated = client.post(path, content=b"a" * (LARGEST_FORM + 1), headers=kind)
        unstated = client.post(path, content=endless(), headers=kind)

    told = {stated.status_code, unstated.status_code}
    assert told == {413} if path != "/consent/x" else told <= {413, 404}
    assert "default-src 'none'" in stated.headers["content-security-policy"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_person_who_wrote_too_much_reads_so(app: FastAPI) -> None:
    with browser(app) as client:
        answer = client.post("/sign-in", content=b"a" * (LARGEST_FORM + 1), headers=FORM | READS)

    assert (answer.status_code, "Es más de lo que admite esta página" in answer.text) == (413, True)


async def test_a_body_that_does_not_come_to_its_end_is_given_up() -> None:
    """Given a sender who sends the first byte and then none."""
    app = FastAPI()

    @app.post("/webhooks/one")
    async def one(request: Request) -> str:
        return str(await read_body(request))

    app.add_middleware(BodyLimits, seconds=0.05)
    parts: list[Message] = [{"type": "http.request", "body": b"x", "more_body": True}]
    answered: list[Message] = []

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhooks/one", "raw_path": b"/webhooks/one", "headers": []}
    await app({**scope, "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1"}, receive, send)

    assert answered[0]["status"] == 408
    assert (b"connection", b"close") in answered[0]["headers"]


async def test_whoever_waits_after_a_whole_body_is_not_hurried() -> None:
    """What is asked for after the body is only whether the caller has gone, which may take as long as the answer."""
    seen: list[str] = []
    parts: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"", "more_body": False}]

    async def inner(_scope: Any, receive: Any, _send: Any) -> None:
        seen.append((await receive())["type"])
        await asyncio.sleep(0.05)
        seen.append((await receive())["type"])

    async def receive() -> Message:
        return parts.pop()

    async def send(_message: Message) -> None: ...

    await BodyLimits(inner, seconds=0.01)({"type": "http", "path": "/", "headers": []}, receive, send)

    assert seen == ["http.request", "http.disconnect"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", "1e999", '{"\\ud800": 1}'])
def test_what_no_answer_can_repeat_is_refused_by_its_field(database: Database, app: FastAPI, value: str) -> None:
    with browser(app) as client:
        headers = key(database, Scope.PAYMENTS_WRITE) | {"content-type": "application/json"}
        answer = client.post("/api/v1/payments", content=f'{{"lender": {value}}}', headers=headers)
        surplus = client.post("/api/v1/payments", content='{"\\ud800": 1}', headers=headers)

    assert (answer.status_code, surplus.status_code) == (422, 422)
    assert ["body", "lender"] in [each["loc"] for each in answer.json()["detail"]]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_refusal_does_not_repeat_what_was_sent(app: FastAPI) -> None:
    secret = "correct horse battery " * 20
    with browser(app) as client:
        answer = client.post("/sign-in", data={"login": "ana", "password": secret})

    assert answer.status_code == 422
    assert "horse" not in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_fault_of_ours_is_told_in_words_and_kept_nowhere(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Ana, +34600000001")

    monkeypatch.setattr(accounts, "known_by", broken)
    client = TestClient(app, base_url=HERE, raise_server_exceptions=False, cookies={"recobro": "x"})
    read, asked = client.get("/", headers=READS), client.get("/api/v1/me")

    assert (read.status_code, asked.status_code) == (500, 500)
    assert "No se ha podido hacer" in read.text
    assert set(asked.json()) == {"detail"}
    for answer in (read, asked):
        assert "Ana" not in answer.text
        assert (answer.headers["cache-control"], answer.headers["x-frame-options"]) == ("no-store", "DENY")
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_asks_for_an_endless_address_can_still_sign_in(app: FastAPI) -> None:
    with browser(app) as client:
        away = client.get(f"/loans/a/{'b' * 700}?x=1").headers["location"]

        assert client.get(away).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_subscriber_of_ipv6_is_one_address(database: Database) -> None:
    """Each has 2**64 of them, and could guess as often."""
    account(database, "ana", Role.AGENT)
    app = app_on(database)

    def tried(number: int, host: str) -> int:
        client = TestClient(app, base_url=HERE, client=(host, 1), headers=READS)
        return int(sign_in(client, f"name{number}", "a wrong password").status_code)

    answers = [tried(number, f"2001:db8:1:2::{number:x}") for number in range(1, 32)]
    next_door = tried(99, "2001:db8:1:3::1")

    assert (answers[:30], answers[30], next_door) == ([401] * 30, 429, 401)


def test_an_ipv4_address_is_the_same_however_it_is_written(database: Database) -> None:
    with database.writing() as session:
        for number in range(30):
            host = "192.0.2.1" if number % 2 else "::ffff:192.0.2.1"
            accounts.begin_attempt(session, login=f"name{number}", address=host, at=NOW)
        again = accounts.begin_attempt(session, login="ana", address="192.0.2.1", at=NOW)
        other = accounts.begin_attempt(session, login="ana", address="192.0.2.2", at=NOW)
        named = accounts.begin_attempt(session, login="ana", address="unknown", at=NOW)

    assert isinstance(again, timedelta)
    assert not isinstance(other, timedelta)
    assert not isinstance(named, timedelta)


def test_a_key_of_one_lender_cannot_take_money_that_was_paid_to_another(database: Database, app: FastAPI) -> None:
    """Given money that nobody could place, told of under another lender's name."""
    given = {"payment_id": "TR-7", "provider": "bank", "amount_minor": 2_500, "currency": "EUR", "paid_at": NOW}
    with database.writing() as session:
        news = [PaymentNews(**given, lender="other", loan_id="X9", link_id=None)]
        record_news(session, news, NOW)
    wanted = given | {"paid_at": NOW.isoformat(), "lender": LENDER, "loan_id": "L1"}

    with browser(app) as client:
        bound = client.post("/api/v1/payments", json=wanted, headers=key(database, Scope.PAYMENTS_WRITE, lender=LENDER))
        with database.reading() as session:
            due = payments.balance_due(session, loans.get(session, LENDER, "L1"))
        of_all = client.post("/api/v1/payments", json=wanted, headers=key(database, Scope.PAYMENTS_WRITE))

    assert (bound.status_code, due) == (409, 10_000)
    assert (of_all.status_code, of_all.json()["balance_due_minor"]) == (200, 7_500)
