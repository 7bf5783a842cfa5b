"""Whatever a proven body holds: news, or one refusal by name; whatever an unproven one holds: a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.webhooks import belvo, gocardless, mercadopago, meta, standard_webhooks, stripe, twilio
from providers.webhooks.refused import WebhookRefused
from tests.nasty import JSON, TEXT, fuzzing

NOW = datetime(2026, 3, 14, tzinfo=UTC)
SECRET = SecretStr("s3cret")
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(
        [
            b"[" * 200_000,
            b'{"a":' * 50_000,
            b"9" * 10_000,
            b'{"id": ' + b"9" * 10_000 + b"}",
            b'"\\ud800"',
            b"NaN",
            b"\x00",
        ]
    )
)
VALUE = TEXT | JSON


def likely(shape: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """The shape with any value in any place of it."""

    def filled(part: Any) -> st.SearchStrategy[Any]:
        if isinstance(part, dict):
            return st.fixed_dictionaries({name: filled(value) for name, value in part.items()}) | VALUE
        if isinstance(part, list):
            return st.tuples(*(filled(one) for one in part)).map(list) | VALUE
        return st.just(part) | VALUE

    return filled(shape).map(lambda value: json.dumps(value).encode())


BELVO = likely(
    {
        "webhook_id": "w",
        "webhook_type": "CONSENT",
        "webhook_code": "openfinance_consent_about_to_expire",
        "link_id": "16f68516-bcbc-4cf7-b815-c500d4204e28",
        "data": {"consent_due_date": "2024-12-26T10:45:58.000Z"},
    }
)
META = likely(
    {
        "entry": [
            {
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "messages": [{"from": "34600", "id": "w", "type": "text", "text": {"body": "BAJA"}}],
                            "statuses": [{"id": "w", "status": "failed", "errors": [{"code": 131026}]}],
                        },
                    }
                ]
            }
        ]
    }
)
STRIPE = likely(
    {
        "id": "e",
        "type": "checkout.session.completed",
        "created": 1,
        "data": {"object": {"payment_status": "paid", "payment_intent": "p", "amount_total": 1, "currency": "eur"}},
    }
)
GOCARDLESS = likely({"events": [{"id": "E", "resource_type": "payments", "action": "x", "links": {"payment": "P"}}]})
STANDARD = likely(
    {
        "type": "payment.received",
        "data": {"payment_id": "p", "amount_minor": 1, "currency": "EUR", "paid_at": "2026-03-02T09:00:00Z"},
    }
)


def refused_or(work: Callable[[], object]) -> None:
    try:
        found = work()
    except WebhookRefused:
        return
    assert found


@fuzzing(80)
@given(body=BODIES | META)
def test_any_body_of_meta(body: bytes) -> None:
    refused_or(lambda: meta.parse(body))
    refused_or(lambda: meta.event_key(body))


@fuzzing(80)
@given(body=BODIES | STRIPE)
def test_any_body_of_stripe(body: bytes) -> None:
    refused_or(lambda: stripe.parse(body))
    refused_or(lambda: stripe.event_key(body))


@fuzzing(60)
@given(body=BODIES | GOCARDLESS)
def test_any_body_of_gocardless(body: bytes) -> None:
    refused_or(lambda: gocardless.parse(body))
    refused_or(lambda: gocardless.event_key(body))


@fuzzing(60)
@given(body=BODIES | BELVO)
def test_any_body_of_belvo(body: bytes) -> None:
    refused_or(lambda: belvo.parse(body))
    refused_or(lambda: belvo.event_key(body))


@fuzzing(60)
@given(body=BODIES | STANDARD)
def test_any_body_of_standard_webhooks(body: bytes) -> None:
    refused_or(lambda: standard_webhooks.parse(body))


@fuzzing(60)
@given(
    body=BODIES
    | st.lists(st.tuples(TEXT, TEXT)).map(
        lambda pairs: "&".join(f"{a}={b}" for a, b in pairs).encode(errors="replace")
    ),
    url=TEXT | st.just("https://l.example/webhooks/twilio?message=1") | st.just("https://[::1"),
)
def test_any_form_of_twilio(body: bytes, url: str) -> None:
    refused_or(lambda: twilio.parse(url, body))
    refused_or(lambda: twilio.event_key(body))


@fuzzing(80)
@given(body=BODIES, header=TEXT, other=TEXT, url=TEXT, kind=TEXT)
def test_nothing_unsigned_is_taken_for_proven(body: bytes, header: str, other: str, url: str, kind: str) -> None:
    for prove in (
        lambda: stripe.verify(body, f"t=1,v1={header}", SECRET, NOW),
        lambda: stripe.verify(body, header, SECRET, NOW),
        lambda: twilio.verify(url, body, kind, header, SECRET),
        lambda: meta.verify(body, header, SECRET),
        lambda: meta.verify(body, f"sha256={header}", SECRET),
        lambda: gocardless.verify(body, header, SECRET),
        lambda: standard_webhooks.verify(body, other, "1773446400", f"v1,{header}", SecretStr("c2VjcmV0"), NOW),
        lambda: standard_webhooks.verify(body, other, header, header, SecretStr("c2VjcmV0"), NOW),
        lambda: mercadopago.verify(other, body, f"ts=1,v1={header}", other, SECRET, NOW),
        lambda: mercadopago.verify(mercadopago.data_id(url), body, header, other, SECRET, NOW),
    ):
        with pytest.raises(WebhookRefused):
            prove()


def test_an_empty_secret_proves_nothing() -> None:
    import hashlib
    import hmac

    signature = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()

    with pytest.raises(WebhookRefused):
        gocardless.verify(b"{}", signature, SecretStr(""))
