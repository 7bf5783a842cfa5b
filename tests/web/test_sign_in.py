"""Signing in: by password only, not by guessing, not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from domain.access import Role
from records import accounts
from records.database import Database
from records.tables import Audit
from tests.web.calling import NOW, PASSWORD, Clock, account, app_on, browser, sign_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(database: Database, clock: Clock) -> FastAPI:
    account(database, "ana", Role.SUPERVISOR)
    return app_on(database, clock)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with browser(app) as client:
        yield client


def test_the_right_password_leads_to_where_they_wanted_to_go(client: TestClient) -> None:
    away = client.get("/password")
    assert away.headers["location"] == "/sign-in?next=/password"

    answer = sign_in(client, "Ana", next="/password")

    assert (answer.status_code, answer.headers["location"]) == (303, "/password")
    assert "ana" in client.get("/password").text


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/\r\nX: y"])
def test_signing_in_never_leads_to_another_site(client: TestClient, elsewhere: str) -> None:
    assert sign_in(client, "ana", next=elsewhere).headers["location"] == "/"


def test_a_wrong_password_an_unknown_name_and_a_closed_account_look_alike(
    database: Database, client: TestClient
) -> None:
    wrong = sign_in(client, "ana", "not this one at all")
    unknown = sign_in(client, "nobody", PASSWORD)
    with database.writing() as session:
        accounts.set_disabled(session, accounts.get(session, "ana"), True, at=NOW, by="test")
    closed = sign_in(client, "ana")

    assert [answer.status_code for answer in (wrong, unknown, closed)] == [401, 401, 401]
    assert wrong.text.replace("ana", "") == unknown.text.replace("nobody", "") == closed.text.replace("ana", "")


def test_guessing_has_to_wait_and_the_right_password_waits_with_it(client: TestClient, clock: Clock) -> None:
    for _ in range(5):
        assert sign_in(client, "ana", "a wrong password").status_code == 401

    refused = sign_in(client, "ana")
    assert refused.status_code == 429
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= 31

    clock.pass_by(timedelta(seconds=wait))
    assert sign_in(client, "ana").status_code == 303
    client.cookies.clear()
    assert sign_in(client, "ana", "a wrong password").status_code == 401, "success forgets what failed before"


def test_one_address_cannot_try_many_names(client: TestClient) -> None:
    answers = [sign_in(client, f"name{number}", "a wrong password").status_code for number in range(32)]
    assert answers[:30] == [401] * 30
    assert answers[30:] == [429, 429]


def test_a_session_ends_when_it_is_idle_and_after_a_day_of_work(client: TestClient, clock: Clock) -> None:
    sign_in(client, "ana")
    for _ in range(20):
        clock.pass_by(timedelta(minutes=29))
        assert client.get("/").status_code == 200
    clock.pass_by(timedelta(minutes=25))
    assert client.get("/").status_code == 303, "ten hours are over"

    sign_in(client, "ana")
    clock.pass_by(timedelta(minutes=30))
    assert client.get("/").status_code == 303, "half an hour without a request"


def test_a_new_password_ends_the_other_sessions(app: FastAPI, client: TestClient, database: Database) -> None:
    with browser(app) as other:
        sign_in(other, "ana")
        sign_in(client, "ana")

        for _ in range(5):
            assert client.post("/password", data={"current": PASSWORD, "new": "short"}).status_code == 422
        assert client.post("/password", data={"current": "wrong", "new": "a much longer secret"}).status_code == 401
        assert client.post("/password", data={"current": PASSWORD, "new": "short"}).status_code == 422
        assert client.post("/password", data={"current": PASSWORD, "new": "ana has a long one"}).status_code == 422
        changed = client.post("/password", data={"current": PASSWORD, "new": "a much longer secret"})

        assert changed.status_code == 303
        assert "Your password has been changed." in client.get(changed.headers["location"]).text
        assert client.get("/").status_code == 200
        assert other.get("/").status_code == 303
        assert sign_in(other, "ana").status_code == 401
        assert sign_in(other, "ana", "a much longer secret").status_code == 303
    with database.reading() as session:
        actions = set(session.exec(select(Audit.action)).all())
    assert {"account_created", "account_password_changed", "signed_in"} <= actions


@pytest.mark.parametrize("meanwhile", ["reset", "closed"])
def test_a_new_password_does_not_undo_what_an_operator_did_meanwhile(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Given a change of password that is being checked, when an operator resets it or closes the account, then theirs
    counts and nobody is signed in."""
    sign_in(client, "ana")

    def checked(kept: str | None, password: str) -> bool:
        with database.writing() as session:
            found = accounts.get(session, "ana")
            if meanwhile == "reset":
                accounts.set_password(session, found, "of the operator", at=NOW, by="operator")
            else:
                accounts.set_disabled(session, found, True, at=NOW, by="operator")
        return True

    monkeypatch.setattr("web.passwords.matches", checked)
    changed = client.post("/password", data={"current": PASSWORD, "new": "a much longer secret"})

    assert changed.status_code == 403
    assert client.get("/").status_code == 303
    with database.reading() as session:
        found = accounts.get(session, "ana")
    assert (found.password_hash == "of the operator", found.disabled_at is None) == (
        meanwhile == "reset",
        meanwhile == "reset",
    )


def test_neither_password_nor_session_can_be_read_from_the_records(client: TestClient, database: Database) -> None:
    sign_in(client, "ana")
    token = client.cookies["recobro"]
    with database.reading() as session:
        kept = str(session.connection().exec_driver_sql("SELECT * FROM sign_in_session").all())
        kept += str(session.connection().exec_driver_sql("SELECT * FROM account").all())
    assert token not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


@pytest.mark.parametrize(
    ("asked", "language", "heading"),
    [("es-CL,es;q=0.9,en;q=0.5", "es", "Iniciar sesión"), ("de", "en", "Sign in"), ("", "en", "Sign in"),
     ("en;q=0.3, es;q=0.8", "es", "Iniciar sesión"), ("es;q=x", "en", "Sign in")],
)  # fmt: skip
def test_pages_speak_the_browsers_language(client: TestClient, asked: str, language: str, heading: str) -> None:
    text = client.get("/sign-in", headers={"accept-language": asked}).text
    assert f'<html lang="{language}">' in text
    assert f"<h1>{heading}</h1>" in text


def test_what_people_type_comes_back_as_text_only(client: TestClient) -> None:
    answer = sign_in(client, '"><script>alert(1)</script>', "x")
    assert "<script>" not in answer.text
