"""Conekta's webhooks: `Digest`, an RSA signature (PKCS #1 v1.5, SHA-256, base64) over the raw body.

An `order.paid` brings all that is needed. Whatever else tells of an order is only a pointer: the order is asked for,
so that a refund in part, a refund in full and a chargeback are told apart by what Conekta then says.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.money import MOST_MINOR, is_currency
from domain.webhook_news import Ignored, PaymentNews, PaymentPointer, WebhookNews
from providers.webhooks.json_bodies import LONGEST_NAME, json_object, named, objects
from providers.webhooks.refused import RefusedReason, WebhookRefused

PROVIDER: Final = "conekta"
LARGEST_BODY: Final = 256 * 1024
_KIND = re.compile(r"[a-z0-9_.]{1,80}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_TELLS_OF_MONEY = ("order.", "charge.")
_NOTHING_YET = frozenset({"order.created", "charge.created", "order.pending_payment", "charge.pending_confirmation"})


def load_keys(pem_texts: Sequence[str]) -> tuple[RSAPublicKey, ...]:
    """The public keys of PEM texts. Raises ValueError for what is none."""
    keys = []
    for text in pem_texts:
        key = load_pem_public_key(text.encode())
        if not isinstance(key, RSAPublicKey):
            raise ValueError("expected an RSA public key")
        keys.append(key)
    return tuple(keys)


def verify(raw_body: bytes, header: str | None, public_keys: Sequence[RSAPublicKey]) -> None:
    """Prove that Conekta sent these bytes; raises WebhookRefused. There is no time in it: events count once by id."""
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header or not header.strip():
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    try:
        signature = base64.b64decode(header.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefused(PROVIDER, RefusedReason.MALFORMED_HEADER) from None
    if not any(_signed(key, signature, raw_body) for key in public_keys):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def event_key(raw_body: bytes) -> str:
    """The key under which the event counts once: Conekta's event id."""
    event_id = json_object(PROVIDER, raw_body).get("id")
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return event_id


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a verified body. Raises WebhookRefused (UNREADABLE) where money moved and it cannot be told whose."""
    event = json_object(PROVIDER, raw_body)
    kind, data = event.get("type"), event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    if not kind.startswith(_TELLS_OF_MONEY) or kind in _NOTHING_YET:
        return (Ignored(kind=kind),)
    if not isinstance(thing, dict):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    if kind == "order.paid" and (news := _payment(thing)) is not None:
        return (news,)
    order_id = thing.get("id") if kind.startswith("order.") else thing.get("order_id")
    if not isinstance(order_id, str) or not _ID.fullmatch(order_id):
        return (Ignored(kind=f"{kind}:no_order", needs_person=True),)
    return (PaymentPointer(payment_id=order_id, provider=PROVIDER),)


def _payment(order: Mapping[str, Any]) -> PaymentNews | None:
    """The payment of a paid order; None where the order must be asked for after all."""
    order_id, amount, currency = order.get("id"), order.get("amount"), order.get("currency")
    charges = order.get("charges")
    paid = [each.get("paid_at") for each in objects(charges.get("data") if isinstance(charges, dict) else None)]
    when = min((moment for moment in paid if type(moment) is int), default=None)
    if not isinstance(order_id, str) or not _ID.fullmatch(order_id) or type(amount) is not int:
        return None
    if not 0 < amount <= MOST_MINOR or when is None or not isinstance(currency, str) or not is_currency(currency):
        return None
    channel, metadata = order.get("channel"), order.get("metadata")
    references = metadata if isinstance(metadata, dict) else {}
    try:
        return PaymentNews(
            payment_id=order_id,
            provider=PROVIDER,
            amount_minor=amount,
            currency=currency,
            paid_at=datetime.fromtimestamp(when, UTC),
            lender=named(references.get("lender"), LONGEST_NAME),
            loan_id=named(references.get("loan_id"), LONGEST_NAME),
            link_id=named(channel.get("checkout_request_id")) if isinstance(channel, dict) else None,
            reference=named(references.get("reference")),
        )
    except (ValueError, OverflowError, OSError):
        return None


def _signed(key: RSAPublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
