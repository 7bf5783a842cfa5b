"""Signing in through the lender's own provider: a real OpenID Connect provider in a process of its own."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.starlette_client.apps import StarletteOAuth2App
from fastapi.testclient import TestClient
from joserfc.jwk import KeySet, RSAKey
from pydantic import SecretStr
from sqlmodel import select

from config.web_settings import OpenIdConnect
from domain.access import Role
from records import accounts, audit
from records.database import Database
from records.tables import SignInSession
from tests.web.calling import NOW, app_on, browser
from web.provider_sign_in import _free_name, role_of

PEOPLE = [
    {"sub": "u-ana", "preferred_username": "ana", "roles": ["staff", "collections-ops"]},
    {"sub": "u-eve", "preferred_username": "eve", "roles": ["kitchen"]},
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).with_name("oidc-provider-mock"))
    people = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    process = subprocess.Popen(
        [program, "--port", str(port), "--require-nonce", "true", *people],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/.well-known/openid-configuration").raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def settings(issuer: str) -> OpenIdConnect:
    return OpenIdConnect(
        issuer=issuer,
        client_id="recobro",
        client_secret=SecretStr("secret"),
        state_secret=SecretStr("s" * 32),
        roles={"collections-ops": Role.OPERATOR, "collections-audit": Role.AUDITOR},
        name="Lender SSO",
    )


@pytest.fixture
def client(database: Database, issuer: str) -> Iterator[TestClient]:
    with browser(app_on(database, oidc=settings(issuer))) as client:
        yield client


def answer_of(client: TestClient, sub: str, next: str = "/") -> str:
    """Where the provider sends `sub` back to, with its code."""
    away = client.get("/sign-in/provider", params={"next": next})
    assert away.status_code == 302
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    assert asked["state"]
    back = httpx.post(away.headers["location"], data={"sub": sub}, follow_redirects=False)
    assert back.status_code in (302, 303), back.text
    found = urlsplit(back.headers["location"])
    return f"{found.path}?{found.query}"


def test_whoever_has_a_role_there_has_it_here(database: Database, client: TestClient) -> None:
    assert "Lender SSO" in client.get("/sign-in").text

    landed = client.get(answer_of(client, "u-ana", next="/password"))

    assert (landed.status_code, landed.headers["location"]) == (303, "/password")
    assert client.get("/api/v1/me").json()["role"] == "operator"
    with database.reading() as session:
        [account] = accounts.listing(session)
    assert (account.login, account.subject, account.password_hash) == ("ana", "u-ana", None)

    client.get(answer_of(client, "u-ana"))
    with database.reading() as session:
        assert len(accounts.listing(session)) == 1
    assert "/password" not in client.get("/").text
    with pytest.raises(accounts.NoPassword), database.writing() as session:
        accounts.set_password(session, accounts.get(session, "ana"), "$argon2id$", at=NOW, by="test")


def test_whoever_has_none_stays_outside(database: Database, client: TestClient) -> None:
    landed = client.get(answer_of(client, "u-eve"))

    assert landed.status_code == 403
    assert "no role" in landed.text
    assert client.get("/").status_code == 303
    with database.reading() as session:
        assert accounts.listing(session) == []


def test_whoever_lost_their_role_there_loses_what_they_had_open_here(
    database: Database, client: TestClient, issuer: str
) -> None:
    """Given somebody signed in, when the provider says at another sign-in that they have no role, then their sessions
    are over, nobody else's are, and the audit trail says so."""
    made: dict[str, Any] = {"role": Role.AUDITOR, "password_hash": None, "at": NOW, "by": "test", "issuer": issuer}
    with database.writing() as session:
        for name in ("eve", "ada"):
            account = accounts.create(session, login=name, subject=f"u-{name}", **made)
            accounts.sign_in(session, account, f"token-{name}", at=NOW, login_tried=name, attempt=None)

    answers = [client.get(answer_of(client, "u-eve")).status_code for _ in range(2)]

    with database.reading() as session:
        left = [row.account_ref for row in session.exec(select(SignInSession)).all()]
        assert [accounts.get(session, "ada").id] == left
        ended = audit.of_action(session, "account_sessions_ended")
        assert [(row.actor, row.details) for row in ended] == [
            ("provider", {"account": accounts.get(session, "eve").id})
        ]
    assert answers == [403, 403]


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "Ana.Ruiz"}, "ana.ruiz"),
        ({"email": "ana@lender.example", "email_verified": True}, "ana@lender.example"),
        ({"email": "berta@lender.example"}, None),
        ({"email": "berta@lender.example", "email_verified": "false"}, None),
        ({"preferred_username": "berta (supervisor)"}, None),
        ({"preferred_username": "<b>"}, None),
        ({"preferred_username": "a" * 65}, None),
        ({"preferred_username": "ana\n"}, None),
        ({}, None),
    ],
)
def test_nobody_is_called_what_the_command_line_would_not_call_them(
    database: Database, claims: dict[str, Any], name: str | None
) -> None:
    with database.reading() as session:
        called = _free_name(session, claims, "u-1")

    assert called == name if name is not None else called.startswith("provider-")


def test_an_answer_that_was_not_asked_for_is_refused(client: TestClient) -> None:
    mine = answer_of(client, "u-ana")
    client.cookies.clear()

    assert client.get(mine).status_code == 400, "another browser's answer"
    assert client.get("/sign-in/provider/back").status_code == 400
    altered = re.sub(r"state=\w+", "state=x", answer_of(client, "u-ana"))
    assert client.get(altered).status_code == 400
    once = answer_of(client, "u-ana")
    assert client.get(once).status_code == 303
    assert client.get(once).status_code == 400, "a second time"


def test_a_closed_account_stays_closed(database: Database, client: TestClient) -> None:
    client.get(answer_of(client, "u-ana"))
    with database.writing() as session:
        accounts.set_disabled(session, accounts.get(session, "ana"), True, at=NOW, by="test")

    assert client.get("/").status_code == 303
    assert client.get(answer_of(client, "u-ana")).status_code == 403


def test_a_provider_takes_no_password_account_over(database: Database, client: TestClient) -> None:
    with database.writing() as session:
        accounts.create(session, login="ana", role=Role.AUDITOR, password_hash="x", at=NOW, by="test")

    client.get(answer_of(client, "u-ana"))

    me = client.get("/api/v1/me").json()
    assert me["role"] == "operator"
    assert me["name"].startswith("provider-")


def test_a_provider_that_is_away_is_said_in_words(database: Database) -> None:
    with browser(app_on(database, oidc=settings("http://127.0.0.1:9"))) as client:
        answer = client.get("/sign-in/provider")
    assert answer.status_code == 400
    assert "Please try again" in answer.text


def test_a_token_that_another_key_signed_lets_nobody_in_and_is_said_in_words(
    database: Database,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Given a provider whose published keys are not the one that signed, when somebody comes back from it, then nobody
    is signed in, the page says to try again, and the line that doctors look for is written."""

    async def other_keys(_self: object, force: bool = False) -> dict[str, Any]:
        return dict(KeySet([RSAKey.generate_key(2048)]).as_dict(private=False))

    back = answer_of(client, "u-ana")
    monkeypatch.setattr(StarletteOAuth2App, "fetch_jwk_set", other_keys)

    landed = client.get(back)

    assert (landed.status_code, "Please try again" in landed.text) == (400, True)
    assert client.get("/").status_code == 303
    assert "sign-in through the provider failed" in caplog.text
    with database.reading() as session:
        assert accounts.listing(session) == []


def test_of_several_roles_the_first_in_the_settings_counts() -> None:
    given = settings("http://x.test")
    assert role_of({"roles": ["collections-audit", "collections-ops"]}, given) is Role.OPERATOR
    assert role_of({"roles": "collections-audit"}, given) is Role.AUDITOR
    assert role_of({"roles": [1, None]}, given) is None
    assert role_of({}, given) is None
