from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from domain.money import Money
from domain.payment_references import reference_of
from providers.errors import Effect, ProviderError, WhatNext
from providers.payments.berlin_group_pis import BerlinGroupPayments, BerlinGroupPisSettings, InitiationRequest
from providers.payments.berlin_group_pis_codes import STATES, TransactionStatus
from providers.ports import PaymentState
from tests.providers.official_json import request_faults
from tests.providers.stand_in import AT, Answer, StandIn

SETTINGS = BerlinGroupPisSettings(
    base_url="https://api.testbank.com/psd2",
    access_token=SecretStr("tok-secret"),
    creditor_name="Credialba",
    creditor_iban=SecretStr("ES7921000813610123456789"),
)
REFERENCE = reference_of("acme:L1:1:balance:12345:1")
JSON = {"X-Request-ID": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}
ASKED = InitiationRequest(
    request_id=uuid.UUID("99391c7e-ad88-49ec-a2ad-99ddcb1f7721"),
    reference=REFERENCE,
    amount=Money(amount_minor=12345, currency="EUR"),
    debtor_iban=SecretStr("ES9121000418450200051332"),
    psu_ip="192.0.2.7",
    description="L1",
    return_url="https://lender.example/back",
    failed_url="https://lender.example/sorry",
    at=AT,
)


def begun(status: str = "RCVD", **links: str) -> httpx.Response:
    href = {name: {"href": address} for name, address in links.items()}
    body = {"transactionStatus": status, "paymentId": "pay-1", "_links": href}
    return httpx.Response(201, json=body, headers={**JSON, "Location": "/v1/payments/pay-1"})


def bank(*answers: Answer) -> tuple[BerlinGroupPayments, StandIn]:
    side = StandIn("berlin_group_ais_pis.json", *answers)
    return BerlinGroupPayments(SETTINGS, side.client()), side


def refused(status: int, code: str | None) -> httpx.Response:
    body = {} if code is None else {"tppMessages": [{"category": "ERROR", "code": code, "text": "María owes"}]}
    return httpx.Response(status, json=body, headers={"Retry-After": "60"})


async def test_a_payment_is_begun_for_the_exact_amount_and_the_borrower_sent_to_their_bank() -> None:
    adapter, side = bank(begun(scaRedirect="https://bank.example/sca/1"))

    made = await adapter.initiate(ASKED)

    assert (made.payment_id, made.status) == ("pay-1", TransactionStatus.RECEIVED)
    assert made.redirect_url == "https://bank.example/sca/1"
    [request] = side.requests
    body = json.loads(request.content)
    assert body["instructedAmount"] == {"currency": "EUR", "amount": "123.45"}
    assert body["endToEndIdentification"] == REFERENCE
    assert body["creditorAccount"] == {"iban": "ES7921000813610123456789"}
    assert request.headers["PSU-IP-Address"] == "192.0.2.7"
    assert request.headers["X-Request-ID"] == str(ASKED.request_id)
    assert "ES91" not in repr(ASKED)
    assert "192.0.2.7" not in repr(ASKED)


async def test_an_address_no_browser_should_follow_is_not_handed_on() -> None:
    adapter, _ = bank(begun(scaRedirect="javascript:alert(1)"))

    assert (await adapter.initiate(ASKED)).redirect_url is None


SERVER = "https://bank.example/oauth/.well-known/oauth-authorization-server"
START = "https://bank.example/v1/payments/sepa-credit-transfers/pay-1/authorisations"


@pytest.mark.parametrize(
    ("status", "links", "not_confirmable"),
    [
        ("RCVD", {"scaOAuth": SERVER}, True),
        ("RCVD", {"startAuthorisation": START}, True),
        ("PATC", {"startAuthorisationWithPsuIdentification": START}, True),
        ("RCVD", {"scaRedirect": "javascript:alert(1)"}, True),
        ("RCVD", {"scaStatus": f"{START}/1"}, False),  # in the bank's own app
        ("ACSP", {}, False),  # no confirmation wanted
        ("RCVD", {"scaRedirect": "https://bank.example/sca/1", "scaOAuth": SERVER}, False),
    ],
)
async def test_a_bank_without_a_page_of_confirmation_is_told_from_one_that_wants_none(
    status: str, links: dict[str, str], not_confirmable: bool
) -> None:
    adapter, _ = bank(begun(status, **links))

    made = await adapter.initiate(ASKED)

    assert made.not_confirmable is not_confirmable
    assert made.redirect_url in (None, "https://bank.example/sca/1")


@pytest.mark.parametrize("change", [{"debtor_iban": SecretStr("ES91")}, {"psu_ip": "not an address"}])
async def test_the_official_file_refuses_what_a_bank_would(change: dict[str, Any]) -> None:
    seen: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request_faults(request))
        return begun()

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    await BerlinGroupPayments(SETTINGS, client).initiate(ASKED.model_copy(update=change))

    assert seen[0]


@pytest.mark.parametrize("amount", [Money(amount_minor=100, currency="MXN"), Money(amount_minor=0, currency="EUR")])
async def test_only_euros_can_be_transferred(amount: Money) -> None:
    adapter, side = bank(begun())

    with pytest.raises(ProviderError):
        await adapter.initiate(ASKED.model_copy(update={"amount": amount}))

    assert side.requests == []


NEVER_AGAIN = (WhatNext.TERMINAL, Effect.UNKNOWN)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("lost"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(500, json={}),
        httpx.Response(503, json={}),
        httpx.Response(201, content=b"<html>"),
        httpx.Response(201, json={"transactionStatus": "RCVD"}),
    ],
)
async def test_when_the_bank_may_have_taken_it_the_payment_is_never_begun_again(answer: Answer) -> None:
    side = StandIn("berlin_group_ais_pis.json", answer)
    side._is_json = False  # these answers break the standard on purpose
    adapter = BerlinGroupPayments(SETTINGS, side.client())

    with pytest.raises(ProviderError) as caught:
        await adapter.initiate(ASKED)

    assert (caught.value.what_next, caught.value.effect) == NEVER_AGAIN


async def test_a_bank_that_was_never_reached_may_be_tried_again() -> None:
    adapter, _ = bank(httpx.ConnectError("down"))

    with pytest.raises(ProviderError) as caught:
        await adapter.initiate(ASKED)

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.NONE)


A, D, T = WhatNext.STOP_SENDER, WhatNext.DEBTOR_ACTS, WhatNext.TERMINAL
TABLE = [
    (401, "CERTIFICATE_EXPIRED", A),
    (401, "SIGNATURE_INVALID", A),
    (401, "TOKEN_INVALID", A),
    (401, "PSU_CREDENTIALS_INVALID", D),
    (403, "FORBIDDEN", A),
    (403, "SERVICE_BLOCKED", T),
    (404, "PRODUCT_UNKNOWN", A),
    (400, "FORMAT_ERROR", A),
    (400, "EXECUTION_DATE_INVALID", A),
    (400, "PAYMENT_FAILED", T),
    (405, "SERVICE_INVALID", T),
    (406, "REQUESTED_FORMATS_INVALID", A),
    (409, "STATUS_INVALID", T),
    (429, None, WhatNext.LATER),
    (400, None, A),
]


@pytest.mark.parametrize(("status", "code", "what_next"), TABLE)
async def test_what_is_done_after_each_refusal(status: int, code: str | None, what_next: WhatNext) -> None:
    adapter, _ = bank(refused(status, code))

    with pytest.raises(ProviderError) as caught:
        await adapter.initiate(ASKED)

    assert (caught.value.what_next, caught.value.effect) == (what_next, Effect.NONE)
    assert caught.value.delay == (timedelta(seconds=60) if what_next is WhatNext.LATER else None)
    assert "María" not in str(caught.value)


@pytest.mark.parametrize("status", list(TransactionStatus))
async def test_every_status_is_understood_and_only_settled_money_counts(status: TransactionStatus) -> None:
    adapter, side = bank(httpx.Response(200, json={"transactionStatus": status.value}, headers=JSON))

    assert await adapter.status("pay/1", AT) is status

    assert side.requests[0].url.raw_path.endswith(b"/v1/payments/sepa-credit-transfers/pay%2F1/status")
    expected = {"ACSC": PaymentState.PAID, "ACCC": PaymentState.PAID}
    expected |= {"RJCT": PaymentState.FAILED, "CANC": PaymentState.FAILED}
    assert STATES[status] is expected.get(status.value, PaymentState.PENDING)


async def test_a_status_that_cannot_be_had_is_asked_for_again() -> None:
    adapter, _ = bank(httpx.Response(503, json={}))

    with pytest.raises(ProviderError) as caught:
        await adapter.status("pay-1", AT)

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.NONE)
