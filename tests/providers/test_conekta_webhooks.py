from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.webhook_news import Ignored, PaymentNews, PaymentPointer
from providers.webhooks import conekta
from providers.webhooks.refused import RefusedReason, WebhookRefused
from sandbox.webhooks import conekta_digest
from tests.sandbox.running import conekta_keys

ORDER: dict[str, Any] = {
    "id": "ord_1",
    "amount": 12345,
    "currency": "MXN",
    "metadata": {"reference": "rcb" + "0" * 32, "lender": "acme", "loan_id": "L1"},
    "channel": {"checkout_request_id": "chk-1"},
    "charges": {"data": [{"paid_at": 1_773_490_000, "status": "paid"}]},
}


def event(kind: str, thing: Any) -> bytes:
    return json.dumps({"id": "ev1", "type": kind, "data": {"object": thing}}).encode()


def keys() -> Any:
    return conekta.load_keys([conekta_keys()[1]])


def refused(body: bytes, header: str | None) -> RefusedReason | None:
    try:
        conekta.verify(body, header, keys())
    except WebhookRefused as why:
        return why.reason
    return None


def test_only_conektas_own_signature_over_these_bytes_proves_anything() -> None:
    body = event("order.paid", ORDER)
    good = conekta_digest(conekta_keys()[0], body)

    assert refused(body, good) is None
    assert refused(body + b" ", good) is RefusedReason.SIGNATURE_MISMATCH
    assert refused(body, base64.b64encode(b"x" * 256).decode()) is RefusedReason.SIGNATURE_MISMATCH
    assert refused(body, "not base64!") is RefusedReason.MALFORMED_HEADER
    assert refused(body, None) is RefusedReason.MISSING_HEADER
    assert refused(b"x" * (conekta.LARGEST_BODY + 1), good) is RefusedReason.TOO_LARGE


def test_without_a_key_nothing_is_proven() -> None:
    body = event("order.paid", ORDER)

    with pytest.raises(WebhookRefused):
        conekta.verify(body, conekta_digest(conekta_keys()[0], body), ())


def test_a_key_that_is_no_rsa_key_is_refused() -> None:
    public = generate_private_key(SECP256R1()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    with pytest.raises(ValueError, match="RSA"):
        conekta.load_keys([pem])


def test_a_paid_order_is_a_payment_of_its_loan() -> None:
    assert conekta.parse(event("order.paid", ORDER)) == (
        PaymentNews(
            payment_id="ord_1",
            provider="conekta",
            amount_minor=12345,
            currency="MXN",
            paid_at=datetime.fromtimestamp(1_773_490_000, UTC),
            lender="acme",
            loan_id="L1",
            link_id="chk-1",
            reference="rcb" + "0" * 32,
        ),
    )


POINTER = PaymentPointer(payment_id="ord_1", provider="conekta")


@pytest.mark.parametrize(
    ("kind", "thing", "news"),
    [
        ("charge.paid", {"id": "c1", "order_id": "ord_1"}, POINTER),
        ("order.refunded", ORDER, POINTER),
        ("order.partially_refunded", ORDER, POINTER),
        ("charge.chargeback.created", {"order_id": "ord_1"}, POINTER),
        ("charge.chargeback.lost", {"order_id": "ord_1"}, POINTER),
        ("order.paid", {**ORDER, "charges": {"data": []}}, POINTER),
        ("order.paid", {**ORDER, "charges": {"data": [{"paid_at": -62_135_596_800}]}}, POINTER),
        ("order.paid", {**ORDER, "amount": "12345"}, POINTER),
        ("order.created", ORDER, Ignored(kind="order.created")),
        ("webhook_ping", None, Ignored(kind="webhook_ping")),
        ("plan.updated", {}, Ignored(kind="plan.updated")),
        ("charge.paid", {"id": "c1"}, Ignored(kind="charge.paid:no_order", needs_person=True)),
        ("order.refunded", {"id": "../x"}, Ignored(kind="order.refunded:no_order", needs_person=True)),
    ],
)
def test_what_an_event_means(kind: str, thing: Any, news: Any) -> None:
    assert conekta.parse(event(kind, thing)) == (news,)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type": 1}', b'{"type": "order.paid", "data": 3}'])
def test_what_nobody_can_read_is_kept_for_a_person(body: bytes) -> None:
    with pytest.raises(WebhookRefused) as caught:
        conekta.parse(body)

    assert caught.value.reason is RefusedReason.UNREADABLE


def test_an_event_counts_once_by_its_id() -> None:
    assert conekta.event_key(event("order.paid", ORDER)) == "ev1"
    with pytest.raises(WebhookRefused):
        conekta.event_key(b'{"id": 1}')
