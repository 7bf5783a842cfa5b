"""Belvo's adapter against its own OpenAPI file, and the sandbox's Belvo against the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from providers.banks.belvo import BelvoBank, BelvoSettings
from providers.banks.belvo_codes import CODES
from providers.errors import Effect, ProviderError, WhatNext
from providers.ports import BankAccount, ConsentRequest, ConsentStatus
from tests.activities.outside import TUESDAY
from tests.providers.official_json import answer_faults, request_faults
from tests.providers.stand_in import AT, Answer, StandIn
from tests.sandbox.running import World, running

SPEC = "belvo.json"
LINK, ACCOUNT = "30cb4806-6e00-48a4-91c9-ca55968576c8", "0d3ffb69-f83b-456e-ad8e-208d0998d71d"
SETTINGS = BelvoSettings(base_url="https://sandbox.belvo.com", secret_id="sid", secret_password=SecretStr("secret"))
ASKED = ConsentRequest(
    reference="ref-0001",
    language="pt",
    valid_until=date(2026, 9, 1),
    psu_ip="192.0.2.7",
    return_url="https://lender.example/consent/x/back",
)


def belvo(*answers: Answer) -> tuple[BelvoBank, StandIn]:
    side = StandIn(SPEC, *answers)
    return BelvoBank(SETTINGS, side.client()), side


def link(**more: Any) -> httpx.Response:
    return httpx.Response(
        200, json={"id": LINK, "status": "valid", "access_mode": "recurrent", "external_id": "ref-0001", **more}
    )


def account(**more: Any) -> dict[str, Any]:
    return {
        "id": ACCOUNT,
        "link": LINK,
        "name": "Cuenta",
        "number": "4057068115181",
        "type": "Cuentas de efectivo",
        "category": "CHECKING_ACCOUNT",
        "public_identification_name": "CLABE",
        "public_identification_value": "150194683119900273",
        "currency": "MXN",
        "balance": {"current": 5874.13, "available": 5621.12},
        "balance_type": "ASSET",
        "credit_data": None,
        "loan_data": None,
        "collected_at": "2026-03-14T09:26:00Z",
        "last_accessed_at": "2026-03-14T09:26:00Z",
        **more,
    }


def balances(*rows: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json=list(rows))


def row(day: str = "2026-03-14", **more: Any) -> dict[str, Any]:
    return {"id": LINK, "account": account(**more), "value_date": day, "balance": 5874.13}


def refused(status: int, code: str | None) -> httpx.Response:
    body = [] if code is None else [{"code": code, "message": "María owes", "request_id": "9" * 32}]
    return httpx.Response(status, json=body)


async def test_the_debtor_is_sent_to_the_widget_and_their_credentials_never_pass_by_us() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access": "tok-1", "refresh": "tok-2"})

    bank = BelvoBank(SETTINGS, httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    given = await bank.create_consent(ASKED, AT)

    [request] = seen
    assert str(request.url) == "https://sandbox.belvo.com/api/token/"
    assert json.loads(request.content)["widget"]["callback_urls"]["success"] == ASKED.return_url
    url = urlsplit(given.authorise_url or "")
    assert (url.scheme, url.netloc) == ("https", "widget.belvo.io")
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert asked["external_id"] == "ref-0001"
    assert asked["access_mode"] == "recurrent"
    assert (given.id, given.status, given.valid_until) == ("", ConsentStatus.RECEIVED, None)
    assert "tok-1" not in repr(given)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, ConsentStatus.VALID),
        ({"status": "invalid"}, ConsentStatus.EXPIRED),
        ({"status": "unconfirmed"}, ConsentStatus.RECEIVED),
        ({"status": "token_required"}, ConsentStatus.PARTIALLY_AUTHORISED),
        ({"access_mode": "single"}, ConsentStatus.REJECTED),
    ],
)
async def test_a_link_is_a_consent_without_an_end(told: dict[str, Any], status: ConsentStatus) -> None:
    bank, _ = belvo(link(**told))

    found = await bank.consent(LINK, AT)

    assert (found.status, found.valid_until, found.reference) == (status, None, "ref-0001")


async def test_a_link_that_is_gone_has_ended_and_may_be_revoked_again() -> None:
    bank, side = belvo(refused(404, "not_found"))

    assert await bank.consent_status(LINK, AT) is ConsentStatus.EXPIRED
    await bank.revoke_consent(LINK, AT)
    assert [request.method for request in side.requests] == ["GET", "DELETE"]


async def test_only_accounts_that_hold_money_to_spend_are_offered_current_accounts_first() -> None:
    saving = account(id=LINK, category="SAVINGS_ACCOUNT")
    card = account(category="CREDIT_CARD", balance_type="LIABILITY")
    bank, _ = belvo(httpx.Response(201, json=[card, saving, account()]))

    found = await bank.accounts(LINK, AT)

    assert found == (BankAccount(id=ACCOUNT, currency="MXN"), BankAccount(id=LINK, currency="MXN"))


async def test_a_balance_is_asked_for_today_and_not_kept_at_belvo() -> None:
    bank, side = belvo(balances(row("2026-03-13"), row()))

    read = await bank.balance(ACCOUNT, LINK, AT)

    assert (read.amount_minor, read.currency, read.balance_type, read.read_at) == (562_112, "MXN", "available", AT)
    body = json.loads(side.requests[0].content)
    assert body == {
        "link": LINK, "account": ACCOUNT, "date_from": "2026-03-14", "date_to": "2026-03-14", "save_data": False
    }  # fmt: skip


async def test_today_is_that_of_the_country_and_never_ahead_of_it() -> None:
    bank, side = belvo(balances(row()))

    await bank.balance(ACCOUNT, LINK, AT.replace(hour=2))

    assert json.loads(side.requests[0].content)["date_to"] == "2026-03-13"


@pytest.mark.parametrize(
    ("more", "minor"),
    [
        ({"balance": {"current": 12.34, "available": None}}, 1_234),
        ({"balance": {"current": -0.01}}, -1),
        ({"balance": {"current": 0.29999999, "available": 0.29999999}}, 29),
        ({"currency": "CLP", "balance": {"current": 1234.9}}, 1_234),
        ({"balance_type": "LIABILITY"}, -562_112),
    ],
)
async def test_an_amount_is_cut_to_the_smallest_unit_and_never_raised(more: dict[str, Any], minor: int) -> None:
    bank, _ = belvo(balances(row(**more)))

    assert (await bank.balance(ACCOUNT, LINK, AT)).amount_minor == minor


@pytest.mark.parametrize("answer", [balances(), balances(row(id=LINK))])
async def test_no_balance_of_the_account_is_asked_for_again(answer: httpx.Response) -> None:
    bank, _ = belvo(answer)

    with pytest.raises(ProviderError) as caught:
        await bank.balance(ACCOUNT, LINK, AT)

    assert (caught.value.code, caught.value.what_next) == ("no_usable_balance", WhatNext.RETRY)


TABLE = [
    (400, "login_error", WhatNext.DEBTOR_ACTS),
    (400, "invalid_link", WhatNext.DEBTOR_ACTS),
    (400, "unconfirmed_link", WhatNext.DEBTOR_ACTS),
    (428, "token_required", WhatNext.DEBTOR_ACTS),
    (404, "not_found", WhatNext.DEBTOR_ACTS),
    (400, "session_expired", WhatNext.LATER),
    (400, "too_many_sessions", WhatNext.LATER),
    (400, "institution_down", WhatNext.RETRY),
    (400, "institution_unavailable", WhatNext.RETRY),
    (408, "request_timeout", WhatNext.RETRY),
    (500, "unexpected_error", WhatNext.RETRY),
    (400, "institution_inactive", WhatNext.STOP_SENDER),
    (401, "authentication_failed", WhatNext.STOP_SENDER),
    (400, "unsupported_operation", WhatNext.TERMINAL),
    (400, "required", WhatNext.STOP_SENDER),
    (502, None, WhatNext.RETRY),
    (429, None, WhatNext.LATER),
    (403, None, WhatNext.STOP_SENDER),
    (404, None, WhatNext.STOP_SENDER),
    (409, None, WhatNext.STOP_SENDER),
]


@pytest.mark.parametrize(("status", "code", "what_next"), TABLE)
async def test_each_error_leads_to_what_the_table_says(status: int, code: str | None, what_next: WhatNext) -> None:
    bank, _ = belvo(refused(status, code))

    with pytest.raises(ProviderError) as caught:
        await bank.balance(ACCOUNT, LINK, AT)

    assert caught.value.what_next is what_next
    assert caught.value.code == (code or str(status))
    assert "María" not in str(caught.value)


def test_every_code_of_the_table_is_tried() -> None:
    assert CODES.keys() <= {code for _, code, _ in TABLE}


@pytest.mark.parametrize("code", ["not_found", None])
async def test_a_link_that_belvo_no_longer_finds_is_deleted(code: str | None) -> None:
    bank, _ = belvo(refused(404, code))

    await bank.revoke_consent(LINK, AT)


async def test_an_answer_lost_while_a_link_is_deleted_may_be_asked_again() -> None:
    bank, _ = belvo(httpx.ReadTimeout("x"), httpx.Response(204))

    with pytest.raises(ProviderError) as caught:
        await bank.revoke_consent(LINK, AT)
    await bank.revoke_consent(LINK, AT)

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.UNKNOWN)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[1]", b"[{}]", b"null"])
async def test_what_cannot_be_read_is_no_balance(body: bytes) -> None:
    answer = httpx.Response(200, content=body, headers={"Content-Type": "application/json"})
    transport = httpx.MockTransport(lambda _: answer)

    with pytest.raises(ProviderError) as caught:
        await BelvoBank(SETTINGS, httpx.AsyncClient(transport=transport)).balance(ACCOUNT, LINK, AT)

    assert caught.value.what_next is WhatNext.RETRY


# The sandbox's Belvo


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as started:
        yield started


async def test_the_sandboxs_belvo_answers_as_the_official_file_says(world: World) -> None:
    [person] = world.enrol("belvo-1", as_of=TUESDAY.isoformat())
    here = str(world.http.base_url).rstrip("/")
    exchanged: list[tuple[httpx.Request, httpx.Response]] = []

    async def keep(response: httpx.Response) -> None:
        await response.aread()
        exchanged.append((response.request, response))

    settings = SETTINGS.model_copy(update={"base_url": here, "widget_url": f"{here}/belvo-widget/"})
    async with httpx.AsyncClient(trust_env=False, event_hooks={"response": [keep]}) as client:
        bank = BelvoBank(settings, client)
        asked = await bank.create_consent(ASKED, TUESDAY)
        sent_back = world.http.post(asked.authorise_url or "", data={"person": person["person_id"]})
        [link_id] = parse_qs(urlsplit(sent_back.headers["location"]).query)["link"]
        found = await bank.consent(link_id, TUESDAY)
        [its_account] = await bank.accounts(link_id, TUESDAY)
        read = await bank.balance(its_account.id, link_id, TUESDAY)
        later = await bank.balance(its_account.id, link_id, TUESDAY + timedelta(days=1))
        await bank.revoke_consent(link_id, TUESDAY)
        with pytest.raises(ProviderError) as gone:
            await bank.balance(its_account.id, link_id, TUESDAY)

    assert (found.status, found.reference) == (ConsentStatus.VALID, "ref-0001")
    assert read.amount_minor >= 0
    assert later.read_at > read.read_at
    assert gone.value.what_next is WhatNext.DEBTOR_ACTS
    official = [pair for pair in exchanged if "/api/token/" not in str(pair[0].url)]
    assert len(official) == 6
    for request, response in official:
        assert request_faults(_at_belvo(request), SPEC) == []
        assert response.status_code == 404 or answer_faults(_at_belvo(request), response, SPEC) == []


def _at_belvo(request: httpx.Request) -> httpx.Request:
    """The same request as if it had gone to Belvo: the file knows its own addresses alone."""
    url = request.url.copy_with(scheme="https", host="sandbox.belvo.com", port=None)
    headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() != "host"]
    return httpx.Request(request.method, url, headers=headers, content=request.content)
