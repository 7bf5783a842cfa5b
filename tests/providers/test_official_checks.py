"""The checkers themselves must be able to fail: right requests pass, broken ones are refused."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.providers import official_forms, official_json

LINKS = "https://api.stripe.com/v1/payment_links"
MESSAGES = f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
CONSENTS = "https://api.testbank.com/psd2/v1/consents"
BALANCES = "https://api.testbank.com/psd2/v1/accounts/a-1/balances"
REQUEST_ID = {"X-Request-ID": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}
CONSENT = {
    "access": {"balances": [{"iban": "ES9121000418450200051332"}]},
    "recurringIndicator": True,
    "validUntil": "2026-06-01",
    "frequencyPerDay": 4,
    "combinedServiceIndicator": False,
}


def form(url: str, body: str, content_type: str = "application/x-www-form-urlencoded") -> httpx.Request:
    return httpx.Request("POST", url, content=body, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("spec", "request_"),
    [
        ("stripe.json", form(LINKS, "line_items[0][price]=p&line_items[0][quantity]=1&metadata[loan_id]=L1")),
        ("stripe.json", httpx.Request("GET", "https://api.stripe.com/v1/checkout/sessions?payment_link=p&limit=9")),
        ("twilio_api_v2010.json", form(MESSAGES, "To=%2B34600000000&From=%2B34911111111&Body=x")),
        ("twilio_api_v2010.json", httpx.Request("GET", f"{MESSAGES}?To=%2B34600000000")),
    ],
)
def test_a_right_form_request_passes(spec: str, request_: httpx.Request) -> None:
    assert official_forms.request_faults(spec, request_) == []


@pytest.mark.parametrize(
    ("spec", "request_"),
    [
        ("stripe.json", form(LINKS, "metadata[loan_id]=L1")),
        ("stripe.json", form(LINKS, "line_items[0][price]=p")),
        ("stripe.json", form(LINKS, "line_items[0][price]=p&line_items[0][quantity]=two")),
        ("stripe.json", form(LINKS, "line_items[0][price]=p&line_items[0][quantity]=1&loan=L1")),
        ("stripe.json", form(LINKS, "line_items[0][price]=p&line_items[0][quantity]=1", "application/json")),
        ("stripe.json", form("https://api.stripe.com/v1/paymentlinks", "line_items[0][price]=p")),
        ("stripe.json", form("https://api.stripe.com/v1/prices", "currency=eur&unit_amount=10.5")),
        ("stripe.json", httpx.Request("GET", "https://api.stripe.com/v1/checkout/sessions?link=p")),
        ("twilio_api_v2010.json", form(MESSAGES, "From=%2B34911111111&Body=x")),
        ("twilio_api_v2010.json", form(MESSAGES, "To=%2B34600000000&Bodyy=x")),
        ("twilio_api_v2010.json", form(MESSAGES, "To=%2B34600000000&Body=x&ValidityPeriod=soon")),
        ("twilio_api_v2010.json", form(MESSAGES.replace("0" * 32, "0" * 9), "To=%2B34600000000&Body=x")),
        ("twilio_api_v2010.json", httpx.Request("GET", f"{MESSAGES}?Recipient=%2B34600000000")),
    ],
)
def test_a_broken_form_request_is_refused(spec: str, request_: httpx.Request) -> None:
    assert official_forms.request_faults(spec, request_)


def consent(body: dict[str, object], headers: dict[str, str]) -> httpx.Request:
    return httpx.Request("POST", CONSENTS, json=body, headers=headers)


def test_a_right_consent_and_balance_read_pass() -> None:
    asked = consent(CONSENT, {**REQUEST_ID, "PSU-IP-Address": "192.0.2.7"})
    read = httpx.Request("GET", BALANCES, headers={**REQUEST_ID, "Consent-ID": "c-1"})

    assert official_json.request_faults(asked) == []
    assert official_json.request_faults(read) == []


@pytest.mark.parametrize(
    "request_",
    [
        consent(CONSENT, REQUEST_ID),
        consent(CONSENT, {"PSU-IP-Address": "192.0.2.7"}),
        consent(CONSENT, {**REQUEST_ID, "PSU-IP-Address": "at home"}),
        consent({**CONSENT, "validUntil": "90 days"}, {**REQUEST_ID, "PSU-IP-Address": "192.0.2.7"}),
        consent({**CONSENT, "frequencyPerDay": 0}, {**REQUEST_ID, "PSU-IP-Address": "192.0.2.7"}),
        httpx.Request("GET", BALANCES, headers=REQUEST_ID),
        httpx.Request("GET", BALANCES, headers={"Consent-ID": "c-1", "X-Request-ID": "7"}),
        httpx.Request("GET", BALANCES.replace("balances", "balance"), headers={**REQUEST_ID, "Consent-ID": "c"}),
    ],
)
def test_a_broken_bank_request_is_refused(request_: httpx.Request) -> None:
    assert official_json.request_faults(request_)


def test_an_answer_that_breaks_the_standard_is_refused() -> None:
    request = httpx.Request("GET", BALANCES, headers={**REQUEST_ID, "Consent-ID": "c-1"})
    answer = {"balances": [{"balanceType": "banana", "balanceAmount": {"currency": "EUR", "amount": "1,5"}}]}

    assert official_json.answer_faults(request, httpx.Response(200, content=json.dumps(answer)))
