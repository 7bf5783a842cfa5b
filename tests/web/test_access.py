"""Who gets in where: every route as nobody, as each role, as a key of each scope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import SecretStr

from commands.processes import ROOT
from config.web_settings import OpenIdConnect
from domain.access import Role, Scope
from records import accounts, api_keys
from records.database import Database
from tests.web.calling import Clock, account, app_on, browser, key, sign_in
from web.access import NotDeclared, everything_is_declared

O, A, S, U = Role.OPERATOR, Role.AGENT, Role.SUPERVISOR, Role.AUDITOR  # noqa: E741
ALL = {O, A, S, U}
PUBLIC = None
# Written down by hand, a second time: a change of who may call a route has to be meant.
WHO: dict[tuple[str, str], tuple[set[Role], set[Scope]] | None] = {
    ("POST", "/webhooks/{provider}"): PUBLIC,
    ("GET", "/webhooks/{provider}"): PUBLIC,
    ("GET", "/unsubscribe/{token}"): PUBLIC,
    ("POST", "/unsubscribe/{token}"): PUBLIC,
    ("POST", "/voice/{message_id}/{stage}"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/style.css"): PUBLIC,
    ("GET", "/consent/{token}"): PUBLIC,
    ("POST", "/consent/{token}"): PUBLIC,
    ("GET", "/consent/{token}/back"): PUBLIC,
    ("GET", "/sign-in"): PUBLIC,
    ("POST", "/sign-in"): PUBLIC,
    ("GET", "/sign-in/provider"): PUBLIC,
    ("GET", "/sign-in/provider/back"): PUBLIC,
    ("GET", "/document/{token}"): PUBLIC,
    ("GET", "/pay/{token}"): PUBLIC,
    ("POST", "/pay/{token}"): PUBLIC,
    ("GET", "/pay/{token}/back"): PUBLIC,
    ("OPTIONS", "/codec/{what}"): PUBLIC,
    ("POST", "/codec/decode"): ({O, S}, {Scope.PAYLOADS_DECODE}),
    ("POST", "/codec/encode"): ({O, S}, {Scope.PAYLOADS_DECODE}),
    ("GET", "/"): (ALL, set()),
    ("GET", "/password"): (ALL, set()),
    ("POST", "/password"): (ALL, set()),
    ("POST", "/sign-out"): (ALL, set()),
    ("GET", "/api/v1/me"): (ALL, set(Scope)),
    ("GET", "/api/v1/openapi.json"): (ALL, set(Scope)),
    ("POST", "/api/v1/payments"): (set(), {Scope.PAYMENTS_WRITE}),
    ("POST", "/api/v1/payments/reversals"): (set(), {Scope.PAYMENTS_WRITE}),
    ("GET", "/api/v1/loans/{lender}/{loan_id}"): (ALL, {Scope.LOANS_READ}),
    ("GET", "/api/v1/loans/{lender}/{loan_id}/offers"): ({A, S}, {Scope.AGREEMENTS_WRITE}),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/promises"): ({A, S}, {Scope.AGREEMENTS_WRITE}),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/agreements"): ({A, S}, {Scope.AGREEMENTS_WRITE}),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/agreements/{number}/acceptance"): ({A, S}, {Scope.AGREEMENTS_WRITE}),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/agreements/{number}/due-date"): ({A, S}, {Scope.AGREEMENTS_WRITE}),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/agreements/{number}/approval"): ({A, S}, set()),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/agreements/{number}/cancellation"): ({A, S}, set()),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/talks"): ({A, S}, {Scope.CONTACTS_WRITE}),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/words/preview"): ({A, S}, set()),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/words"): ({A, S}, set()),
    ("POST", "/api/v1/loans/{lender}/{loan_id}/words/{words_id}/withdrawal"): ({A, S}, set()),
    ("GET", "/loans"): (ALL, set()),
    ("GET", "/approvals"): (ALL, set()),
    ("GET", "/cases"): (ALL, set()),
    ("POST", "/cases/{case_id}/decide"): ({A, S}, set()),
    ("GET", "/loans/{lender}/{loan_id}/thread"): ({A, S}, set()),
    ("GET", "/loans/{lender}/{loan_id}/write"): ({A, S}, set()),
    ("GET", "/loans/{lender}/{loan_id}/withdraw-words"): ({A, S}, set()),
    ("GET", "/loans/{lender}/{loan_id}/talked"): ({A, S}, set()),
    ("POST", "/loans/{lender}/{loan_id}/talked"): ({A, S}, set()),
    ("POST", "/loans/{lender}/{loan_id}/write"): ({A, S}, set()),
    ("POST", "/loans/{lender}/{loan_id}/withdraw-words"): ({A, S}, set()),
    ("GET", "/loans/{lender}/{loan_id}"): (ALL, set()),
    ("POST", "/loans/{lender}/{loan_id}/promise"): ({A, S}, set()),
    ("POST", "/loans/{lender}/{loan_id}/agree"): ({A, S}, set()),
    ("POST", "/loans/{lender}/{loan_id}/agreements/{number}/{what}"): ({A, S}, set()),
    ("GET", "/agree/{token}"): PUBLIC,
    ("POST", "/agree/{token}"): PUBLIC,
    ("GET", "/agree/{token}/yes"): PUBLIC,
    ("POST", "/agree/{token}/yes"): PUBLIC,
    ("GET", "/api/v1/campaigns"): ({O, S, U}, {Scope.CAMPAIGNS_READ}),
    ("GET", "/api/v1/cases"): (ALL, {Scope.CASES_READ}),
    ("GET", "/api/v1/audit"): ({S, U}, {Scope.AUDIT_READ}),
}
PAGES = {
    "/",
    "/password",
    "/sign-out",
    "/loans",
    "/approvals",
    "/cases",
    "/cases/{case_id}/decide",
    "/loans/{lender}/{loan_id}/thread",
    "/loans/{lender}/{loan_id}/write",
    "/loans/{lender}/{loan_id}/withdraw-words",
    "/loans/{lender}/{loan_id}/talked",
    "/loans/{lender}/{loan_id}",
    "/loans/{lender}/{loan_id}/promise",
    "/loans/{lender}/{loan_id}/agree",
    "/loans/{lender}/{loan_id}/agreements/{number}/{what}",
}


@pytest.fixture
def app(database: Database) -> FastAPI:
    for role in Role:
        account(database, f"{role.value}-one", role)
    return app_on(database)


NOBODY_THERE = OpenIdConnect(
    issuer="http://127.0.0.1:9",
    client_id="recobro",
    client_secret=SecretStr("secret"),
    state_secret=SecretStr("s" * 32),
    roles={"collections-ops": Role.OPERATOR},
)
"""A provider of sign-ins that is away."""


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with browser(app) as client:
        yield client


def routes(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method, route.path)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
        if method != "HEAD"
    ]


def call(client: TestClient, method: str, path: str, headers: dict[str, str] | None = None) -> int:
    named = {
        "lender": "acme",
        "loan_id": "L1",
        "message_id": "m",
        "stage": "answered",
        "token": "made-up",
        "case_id": "c",
    }
    what = "approve" if path.startswith("/loans") else "decode"
    filled = path.format(provider="stripe", number=1, what=what, words_id="w1", **named)
    return int(client.request(method, filled, headers=headers).status_code)


def test_every_route_lets_in_whom_it_says_and_nobody_else(database: Database, app: FastAPI) -> None:
    """Also the two that are there only where a provider signs people in."""
    assert set(WHO) - set(routes(app)) == {("GET", "/sign-in/provider"), ("GET", "/sign-in/provider/back")}
    app = app_on(database, oidc=NOBODY_THERE)
    assert set(routes(app)) == set(WHO), "a route was added or is gone: say here who may call it"
    keys = {scope: key(database, scope) for scope in Scope}

    with browser(app) as nobody:
        seen = {("nobody", route): call(nobody, *route) for route in WHO}
        for scope, headers in keys.items():
            seen |= {(scope, route): call(nobody, *route, headers) for route in WHO}
    for role in Role:
        for route in WHO:
            with browser(app) as person:
                if WHO[route] is not PUBLIC:
                    person.cookies = signed_in(app, role)
                seen[role, route] = call(person, *route)

    wrong = []
    for (caller, (method, path)), status in seen.items():
        who = WHO[method, path]
        if who is PUBLIC:
            right = (status != 401 or path == "/sign-in") and (status != 403 or path == "/codec/{what}")
        elif caller == "nobody":
            right = status == (303 if path in PAGES else 401)
        elif caller in who[0] | who[1]:
            right = status not in (401, 403) or (path, status) == ("/password", 401)
        else:
            right = status == 403
        if not right:
            wrong.append((str(caller), method, path, status))
    assert wrong == []


_COOKIES: dict[tuple[int, Role], object] = {}


def signed_in(app: FastAPI, role: Role) -> object:
    """A session of its own where one is ended by the call; signing in is dear, so it is shared otherwise."""
    keeper = app.state.doorkeeper
    with browser(app) as fresh, keeper.database.writing() as session:
        token = f"token-{role}-{len(_COOKIES)}"
        _COOKIES[len(_COOKIES), role] = token
        found = accounts.get(session, f"{role.value}-one")
        accounts.sign_in(session, found, token, at=keeper.now(), login_tried=found.login, attempt=None)
        fresh.cookies.set(keeper.cookie, token)
        return fresh.cookies


def test_a_route_that_says_nothing_keeps_the_app_from_starting(app: FastAPI) -> None:
    @app.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(NotDeclared, match="/forgotten"):
        everything_is_declared(app)


def test_a_revoked_an_expired_and_an_altered_key_open_nothing(database: Database) -> None:
    clock = Clock()
    app = app_on(database, clock)
    good = key(database, Scope.CASES_READ)
    short = key(database, Scope.CASES_READ, days=1)
    altered = {"authorization": good["authorization"][:-1] + ("A" if good["authorization"][-1] != "A" else "B")}
    with browser(app) as client:
        assert client.get("/api/v1/cases", headers=good).status_code == 200
        assert client.get("/api/v1/cases", headers=short).status_code == 200
        assert client.get("/api/v1/cases", headers=altered).status_code == 401
        for nonsense in (
            "Bearer",
            "Bearer rcb_",
            "Bearer rcb__",
            "Bearer rcb_a_b",
            "Bearer rcb_\x00_x",
            "Basic eDp5",
            "Bearer \x00",
        ):
            assert client.get("/api/v1/cases", headers={"authorization": f"Bearer{nonsense}"}).status_code == 401

        with database.writing() as session:
            api_keys.revoke(session, good["authorization"].split("_")[1], at=clock.at, by="test")
        clock.pass_by(timedelta(days=1))

        assert client.get("/api/v1/cases", headers=good).status_code == 401
        assert client.get("/api/v1/cases", headers=short).status_code == 401


def test_a_keys_last_use_is_known_and_its_secret_is_not(database: Database) -> None:
    header = key(database, Scope.CASES_READ)
    with browser(app_on(database)) as client:
        client.get("/api/v1/cases", headers=header)

    with database.reading() as session:
        [row] = api_keys.listing(session)
    assert row.last_used_at is not None
    assert header["authorization"].split("_", 2)[2] not in str(row.model_dump())


def test_another_site_cannot_act_with_a_persons_cookie(app: FastAPI) -> None:
    with browser(app) as client:
        sign_in(client, "operator-one")
        elsewhere = [
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "", "origin": "https://evil.example"},
            {"sec-fetch-site": "", "origin": "null"},
        ]
        for headers in elsewhere:
            assert client.post("/sign-out", headers=headers).status_code == 403
            assert client.post("/sign-in", headers=headers, data={"login": "x"}).status_code == 403
        assert client.get("/").status_code == 200

        assert client.post("/sign-out").status_code == 303
        assert client.get("/").status_code == 303


def test_every_answer_tells_the_browser_to_keep_out(client: TestClient) -> None:
    for path in ("/sign-in", "/", "/healthz", "/nothing-here", "/api/v1/me"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin", "else browsers without Sec-Fetch-Site cannot sign in"
        assert headers["cache-control"] == "no-store"


def test_over_https_the_cookie_is_bound_to_this_host(database: Database) -> None:
    account(database, "ana", Role.AGENT)
    app = app_on(database, public_url="https://collect.example.com")
    with TestClient(app, base_url="https://collect.example.com", follow_redirects=False) as client:
        answer = client.post(
            "/sign-in",
            data={"login": "ana", "password": "correct horse battery"},
            headers={"origin": "https://collect.example.com"},
        )

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-recobro=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"))
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_every_address_that_is_open_to_all_is_on_the_page_and_named_where_the_proxy_is_set_up() -> None:
    opened = {path.split("/")[1] for (_, path), who in WHO.items() if who is PUBLIC}
    within = {"healthz", "readyz", "sign-in", "codec"}
    (row,) = [
        line
        for line in (ROOT / "docs" / "access.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| nobody in particular |")
    ]
    (proxy,) = re.findall(
        r"\*\*The reverse proxy\*\*.*?\n\n", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.DOTALL
    )

    assert {name for name in opened if f"`/{name}" not in row} == set()
    assert {name for name in opened - within if f"`/{name}" not in proxy} == set()
