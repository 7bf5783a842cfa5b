from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from providers.banks.berlin_group import BerlinGroupBank, BerlinGroupSettings
from providers.banks.berlin_group_codes import CODES
from providers.errors import Effect, ProviderError, WhatNext
from providers.ports import BalanceReading, BankAccount, ConsentRequest, ConsentStatus
from tests.providers.stand_in import AT, AT_ON_THE_WIRE, Answer, StandIn

SETTINGS = BerlinGroupSettings(
    base_url="https://api.testbank.com/psd2", access_token=SecretStr("tok-secret"), zone="Europe/Madrid"
)
ASKED = ConsentRequest(
    iban=SecretStr("ES9121000418450200051332"),
    valid_until=date(2026, 9, 1),
    psu_ip="192.0.2.7",
    return_url="https://lender.example/back",
    failed_url="https://lender.example/sorry",
)
JSON = {"Content-Type": "application/json", "X-Request-ID": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}


def ok(body: dict[str, Any], status: int = 200) -> httpx.Response:
    headers = {**JSON, "Location": "https://x.example", "ASPSP-SCA-Approach": "REDIRECT"}
    return httpx.Response(status, json=body, headers=headers)


def refused(status: int, code: str | None, **headers: str) -> httpx.Response:
    body = {} if code is None else {"tppMessages": [{"category": "ERROR", "code": code, "text": "María owes"}]}
    return httpx.Response(status, json=body, headers=headers)


def balances(*rows: tuple[str, str, str] | tuple[str, str, str, bool]) -> httpx.Response:
    return ok(
        {
            "balances": [
                {
                    "balanceType": row[0],
                    "balanceAmount": {"amount": row[1], "currency": row[2]},
                    **({"creditLimitIncluded": row[3]} if len(row) == 4 else {}),
                }
                for row in rows
            ]
        }
    )


def bank(*answers: Answer) -> tuple[BerlinGroupBank, StandIn]:
    side = StandIn("berlin_group_ais_pis.json", *answers)
    return BerlinGroupBank(SETTINGS, side.client()), side


async def read(*answers: Answer, psu_ip: str | None = None) -> BalanceReading:
    return await bank(*answers)[0].balance("acc/1", "c-1", AT, psu_ip)


async def test_asking_for_a_consent_gives_the_debtor_a_place_to_authorise_it() -> None:
    links = {"scaRedirect": {"href": "https://bank.example/sca/1"}}
    adapter, side = bank(ok({"consentId": "c-1", "consentStatus": "received", "_links": links}, 201))

    consent = await adapter.create_consent(ASKED, AT)

    assert (consent.id, consent.status) == ("c-1", ConsentStatus.RECEIVED)
    assert consent.authorise_url == "https://bank.example/sca/1"
    sent = side.requests[0].headers
    assert sent["Date"] == AT_ON_THE_WIRE
    assert sent["PSU-IP-Address"] == "192.0.2.7"
    UUID(sent["X-Request-ID"])


async def test_an_oauth_servers_configuration_is_no_place_to_authorise_a_consent() -> None:
    """As the standard says of `scaOAuth`: it names the configuration of the server, which a browser shows as JSON."""
    links = {"scaOAuth": {"href": "https://bank.example/oauth/.well-known/oauth-authorization-server"}}
    adapter, _ = bank(ok({"consentId": "c-1", "consentStatus": "received", "_links": links}, 201))

    assert (await adapter.create_consent(ASKED, AT)).authorise_url is None


async def test_the_granted_end_of_a_consent_is_the_banks_not_ours() -> None:
    granted = {
        "access": {"balances": []},
        "recurringIndicator": True,
        "validUntil": "2026-06-12",
        "frequencyPerDay": 4,
        "lastActionDate": "2026-03-14",
        "consentStatus": "valid",
    }
    adapter, _ = bank(ok(granted))

    consent = await adapter.consent("c-1", AT)

    assert (consent.status, consent.valid_until) == (ConsentStatus.VALID, date(2026, 6, 12))


async def test_what_the_bank_grants_is_told_with_the_reads_it_allows() -> None:
    granted = {
        "access": {"balances": []},
        "recurringIndicator": True,
        "validUntil": "2026-06-12",
        "frequencyPerDay": 2,
        "lastActionDate": "2026-03-14",
        "consentStatus": "valid",
    }
    adapter, _ = bank(ok(granted))

    consent = await adapter.consent("c-1", AT)

    assert (consent.valid_until, consent.reads_a_day) == (date(2026, 6, 12), 2)


async def test_a_consent_is_ended_at_the_bank_and_one_that_is_over_already_is_no_error() -> None:
    adapter, side = bank(httpx.Response(204, headers=JSON), refused(403, "CONSENT_UNKNOWN"), refused(500, None))

    await adapter.revoke_consent("c-1", AT)
    await adapter.revoke_consent("c-1", AT)
    with pytest.raises(ProviderError) as caught:
        await adapter.revoke_consent("c-1", AT)

    assert {(request.method, request.url.path) for request in side.requests} == {("DELETE", "/psd2/v1/consents/c-1")}
    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.UNKNOWN)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "RESOURCE_UNKNOWN"),
        (403, "RESOURCE_UNKNOWN"),
        (404, "PRODUCT_UNKNOWN"),
        (404, None),
        (409, "STATUS_INVALID"),
        (400, "CONSENT_UNKNOWN"),
    ],
)
async def test_a_consent_that_the_bank_no_longer_knows_is_ended(status: int, code: str | None) -> None:
    adapter, _ = bank(refused(status, code))

    await adapter.revoke_consent("c-1", AT)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "CERTIFICATE_EXPIRED"), (403, None), (405, "SERVICE_INVALID"), (409, None), (503, None)]
)
async def test_a_bank_that_does_not_let_us_end_a_consent_may_hold_it_still(status: int, code: str | None) -> None:
    adapter, _ = bank(refused(status, code))

    with pytest.raises(ProviderError):
        await adapter.revoke_consent("c-1", AT)


@pytest.mark.parametrize("status", list(ConsentStatus))
async def test_every_consent_status_is_understood(status: ConsentStatus) -> None:
    adapter, _ = bank(ok({"consentStatus": status.value}))

    assert await adapter.consent_status("c-1", AT) is status


@pytest.mark.parametrize(
    ("rows", "minor", "kind"),
    [
        ([("closingBooked", "1.00", "EUR"), ("interimAvailable", "5768.2", "EUR")], 576820, "interimAvailable"),
        ([("closingBooked", "1.00", "EUR"), ("expected", "-1.50", "EUR")], -150, "expected"),
        ([("openingBooked", "9", "EUR"), ("closingBooked", "1056", "EUR")], 105600, "closingBooked"),
        ([("closingBooked", "1.00", "EUR"), ("interimBooked", "7.50", "EUR")], 750, "interimBooked"),
        ([("interimBooked", "7.50", "EUR"), ("expected", "6.00", "EUR")], 600, "expected"),
        ([("interimAvailable", "250000", "CLP")], 250000, "interimAvailable"),
        ([("interimAvailable", "250000.50", "COP")], 25000050, "interimAvailable"),
        ([("interimAvailable", "12.345", "KWD")], 12345, "interimAvailable"),
        (
            [("interimAvailable", "900", "EUR", True), ("interimAvailable", "100", "EUR", False)],
            10000,
            "interimAvailable",
        ),
    ],
)
async def test_the_most_spendable_balance_is_read_exactly(rows: Any, minor: int, kind: str) -> None:
    reading = await read(balances(*rows))

    assert (reading.amount_minor, reading.balance_type, reading.read_at) == (minor, kind, AT)


async def test_the_accounts_of_a_new_consent_are_found() -> None:
    adapter, side = bank(
        ok({"accounts": [{"resourceId": "r-1", "iban": "ES9121000418450200051332", "currency": "EUR"}]})
    )

    accounts = await adapter.accounts("c-1", AT)

    assert accounts == (BankAccount(id="r-1", currency="EUR"),)
    assert side.requests[0].headers["Consent-ID"] == "c-1"


@pytest.mark.parametrize("body", [b"{}", b'{"accounts": 1}', b'{"accounts": [1]}', b'{"accounts": [{"iban": "x"}]}'])
async def test_a_senseless_list_of_accounts_is_one_clear_error(body: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    adapter = BerlinGroupBank(SETTINGS, httpx.AsyncClient(transport=transport))

    with pytest.raises(ProviderError, match="cannot be read"):
        await adapter.accounts("c", AT)


async def test_the_debtors_address_is_sent_only_if_the_debtor_is_there() -> None:
    adapter, side = bank(balances(("expected", "1", "EUR")))

    await adapter.balance("a/1", "c-1", AT)
    await adapter.balance("a/1", "c-1", AT, psu_ip="192.0.2.7")

    unattended, attended = side.requests
    assert "PSU-IP-Address" not in unattended.headers
    assert attended.headers["PSU-IP-Address"] == "192.0.2.7"
    assert unattended.headers["Consent-ID"] == "c-1"
    assert unattended.headers["X-Request-ID"] != attended.headers["X-Request-ID"]
    assert unattended.url.raw_path.endswith(b"/accounts/a%2F1/balances")


@pytest.mark.parametrize(
    ("status", "code", "what_next"),
    [
        (401, "CONSENT_EXPIRED", WhatNext.DEBTOR_ACTS),
        (401, "CONSENT_INVALID", WhatNext.DEBTOR_ACTS),
        (403, "CONSENT_UNKNOWN", WhatNext.DEBTOR_ACTS),
        (400, "CONSENT_UNKNOWN", WhatNext.DEBTOR_ACTS),
        (401, "PSU_CREDENTIALS_INVALID", WhatNext.DEBTOR_ACTS),
        (403, "RESOURCE_EXPIRED", WhatNext.DEBTOR_ACTS),
        (401, "TOKEN_EXPIRED", WhatNext.STOP_SENDER),
        (401, "TOKEN_INVALID", WhatNext.STOP_SENDER),
        (401, "TOKEN_UNKNOWN", WhatNext.STOP_SENDER),
        (401, "CERTIFICATE_EXPIRED", WhatNext.STOP_SENDER),
        (401, "CERTIFICATE_OF_A_NEW_KIND", WhatNext.STOP_SENDER),
        (401, "SIGNATURE_INVALID", WhatNext.STOP_SENDER),
        (401, "ROLE_INVALID", WhatNext.STOP_SENDER),
        (403, "SERVICE_BLOCKED", WhatNext.TERMINAL),
        (403, "FORBIDDEN", WhatNext.STOP_SENDER),
        (429, "ACCESS_EXCEEDED", WhatNext.LATER),
        (404, "RESOURCE_UNKNOWN", WhatNext.TERMINAL),
        (404, "PRODUCT_UNKNOWN", WhatNext.STOP_SENDER),
        (409, "STATUS_INVALID", WhatNext.STOP_SENDER),
        (400, "FORMAT_ERROR", WhatNext.STOP_SENDER),
        (400, "PAYMENT_FAILED", WhatNext.STOP_SENDER),
        (400, "EXECUTION_DATE_INVALID", WhatNext.STOP_SENDER),
        (405, "SERVICE_INVALID", WhatNext.TERMINAL),
        (405, "CANCELLATION_INVALID", WhatNext.STOP_SENDER),
        (406, "REQUESTED_FORMATS_INVALID", WhatNext.STOP_SENDER),
        (500, None, WhatNext.RETRY),
        (503, None, WhatNext.RETRY),
        (429, None, WhatNext.LATER),
        (401, None, WhatNext.STOP_SENDER),
        (404, None, WhatNext.STOP_SENDER),
        (409, None, WhatNext.STOP_SENDER),
    ],
)
async def test_what_is_done_after_each_code(status: int, code: str | None, what_next: WhatNext) -> None:
    with pytest.raises(ProviderError) as caught:
        await read(refused(status, code))

    assert caught.value.what_next is what_next
    assert caught.value.effect is Effect.NONE
    assert caught.value.code == (code or str(status))
    assert "María" not in str(caught.value)


def test_the_table_of_codes_has_no_code_that_no_test_names() -> None:
    tested = {
        mark.args[1][i][1]
        for mark in test_what_is_done_after_each_code.pytestmark  # type: ignore[attr-defined]
        for i in range(len(mark.args[1]))
    }
    assert {code for code in CODES if not code.startswith(("CERTIFICATE_", "SIGNATURE_"))} <= tested


@pytest.mark.parametrize(
    ("at", "midnight"),
    [
        (datetime(2026, 3, 14, 9, tzinfo=UTC), datetime(2026, 3, 14, 23, tzinfo=UTC)),
        (datetime(2026, 3, 14, 23, 30, tzinfo=UTC), datetime(2026, 3, 15, 23, tzinfo=UTC)),
        # The night the clocks go forward: the next day begins at 22:00 UTC.
        (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ],
)
async def test_a_used_up_day_waits_for_the_banks_next_day(at: datetime, midnight: datetime) -> None:
    adapter, _ = bank(refused(429, "ACCESS_EXCEEDED"))

    with pytest.raises(ProviderError) as caught:
        await adapter.balance("a", "c", at)

    assert caught.value.not_before == midnight


async def test_retry_after_is_heeded() -> None:
    with pytest.raises(ProviderError) as caught:
        await read(refused(503, None, **{"Retry-After": "120"}))

    assert caught.value.delay == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("fault", "for_a_read", "for_a_consent"),
    [
        (httpx.ConnectError("refused"), Effect.NONE, Effect.NONE),
        (httpx.ConnectTimeout("slow"), Effect.NONE, Effect.NONE),
        (httpx.ReadTimeout("slow"), Effect.NONE, Effect.UNKNOWN),
        (httpx.RemoteProtocolError("cut"), Effect.NONE, Effect.UNKNOWN),
    ],
)
async def test_a_lost_call_is_retried_and_its_effect_told(
    fault: Exception, for_a_read: Effect, for_a_consent: Effect
) -> None:
    with pytest.raises(ProviderError) as reading:
        await read(fault)
    with pytest.raises(ProviderError) as asking:
        await bank(fault)[0].create_consent(ASKED, AT)

    assert (reading.value.what_next, asking.value.what_next) == (WhatNext.RETRY, WhatNext.RETRY)
    assert (reading.value.effect, asking.value.effect) == (for_a_read, for_a_consent)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"balances": {}}',
        b'{"balances": [{"balanceType": "expected"}]}',
        b'{"balances": [{"balanceType": "expected", "balanceAmount": {"amount": "1,5", "currency": "EUR"}}]}',
        b'{"balances": [{"balanceType": "expected", "balanceAmount": {"amount": "1.5", "currency": "XQX"}}]}',
        b'{"balances": [{"balanceType": "expected", "balanceAmount": {"amount": "1.555", "currency": "EUR"}}]}',
        b'{"balances": [{"balanceType": ["expected"]}]}',
        b"[" * 100_000,
    ],
)
async def test_a_senseless_answer_is_one_clear_error(body: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    adapter = BerlinGroupBank(SETTINGS, httpx.AsyncClient(transport=transport))

    with pytest.raises(ProviderError) as caught:
        await adapter.balance("a", "c", AT)

    assert caught.value.code in ("unreadable_answer", "no_usable_balance")


@pytest.mark.parametrize("rows", [(), (("openingBooked", "9", "EUR"),)], ids=["none", "of the morning"])
async def test_an_account_with_no_usable_balance_now_is_named_so_and_looked_at_again(rows: Any) -> None:
    with pytest.raises(ProviderError, match="no balance we can judge by") as caught:
        await read(balances(*rows))

    assert caught.value.what_next is WhatNext.LATER


def test_nothing_secret_is_shown() -> None:
    shown = repr(SETTINGS) + repr(ASKED) + str(SETTINGS)

    assert "tok-secret" not in shown
    assert "ES91" not in shown
    assert "192.0.2.7" not in shown


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected an IANA name"):
        BerlinGroupSettings(base_url="https://b.example", zone="Europe/Madird")


async def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        await bank(balances(("expected", "1", "EUR")))[0].balance("a", "c", datetime(2026, 1, 1))
