"""Standard Webhooks 1.0 (standardwebhooks.com): how a lender's own systems tell of payments.

`webhook-signature` holds one or more `v1,` signatures over id, timestamp and raw body. Two kinds are read:

    {"type": "payment.received", "data": {"payment_id", "amount_minor", "currency", "paid_at", "lender", "loan_id"}}
    {"type": "payment.reversed", "data": {"payment_id", "reversed_at", "lender"?, "loan_id"?}}

with the meanings of the loan's signals of these names, `entry` of a hand-over among them; `provider` in `data` says
whose payment id it is and is `standard` where left out. Any other kind comes out for a person.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from domain.events.values import HandOver, Moment, MomentAsWritten
from domain.loans import LENDER
from domain.value_dates import is_a_day
from domain.webhook_news import Ignored, PaymentNews, ReversalNews, WebhookNews
from providers.webhooks.json_bodies import json_object, one_key
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same

PROVIDER: Final = "standard"
LARGEST_BODY: Final = 256 * 1024
_DIGITS = re.compile(r"[0-9]{1,12}")
_KIND = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_MOST_SIGNATURES = 20


class _Payment(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    payment_id: str = Field(pattern="^[!-~]{1,128}$")
    provider: str = Field(PROVIDER, pattern="^[!-~]{1,40}$")
    lender: str | None = Field(None, pattern=f"^{LENDER.pattern}$")
    loan_id: str | None = Field(None, pattern="^[A-Za-z0-9._-]{1,64}$")
    entry: HandOver | None = None


class _Received(_Payment):
    amount_minor: int = Field(ge=1, le=10**15)
    currency: str = Field(pattern="^[A-Z]{3}$")
    paid_at: MomentAsWritten = Field(strict=False)


class _Reversed(_Payment):
    reversed_at: Moment = Field(strict=False)


def secret_keys(secrets: Secrets) -> list[bytes]:
    """The keys that the secrets stand for: base64 behind `whsec_`. Raises ValueError for one that is not."""
    each = (secrets,) if isinstance(secrets, SecretStr) else secrets
    found = []
    for secret in each:
        text = secret.get_secret_value().removeprefix("whsec_").rstrip("=")
        try:
            found.append(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
        except (binascii.Error, ValueError):
            raise ValueError("a Standard Webhooks secret is base64 behind whsec_") from None
    return [key for key in found if key]


def verify(
    raw_body: bytes,
    webhook_id: str | None,
    timestamp: str | None,
    header: str | None,
    secrets: Secrets,
    now: datetime,
    tolerance: float | None = 300,
) -> None:
    """Prove that the holder of a secret sent these bytes within `tolerance` seconds of `now`, either way.

    Raises WebhookRefused, and ValueError for a secret that is none.
    """
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not webhook_id or not timestamp or not header or not header.strip():
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    stamp = timestamp.strip()
    versioned = [item.partition(",") for item in header.split()]
    if not _DIGITS.fullmatch(stamp) or not any(comma for _, comma, _ in versioned):
        raise WebhookRefused(PROVIDER, RefusedReason.MALFORMED_HEADER)
    given = [signature for version, comma, signature in versioned if comma and version == "v1"]
    if not given:
        raise WebhookRefused(PROVIDER, RefusedReason.NO_EXPECTED_SCHEME)
    signed = f"{webhook_id}.{stamp}.".encode(errors="surrogatepass") + raw_body
    if not any_same(_signatures(secret_keys(secrets), signed), given[:_MOST_SIGNATURES]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)
    if tolerance is not None and abs(now.timestamp() - int(stamp)) > tolerance:
        raise WebhookRefused(PROVIDER, RefusedReason.TIMESTAMP_OUT_OF_TOLERANCE)


def event_key(webhook_id: str | None) -> str:
    """The key under which the event counts once: the sender's own id of it."""
    return one_key(PROVIDER, [webhook_id] if webhook_id else [])


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a proven body, one value. Raises WebhookRefused (UNREADABLE) for money that cannot be booked."""
    event = json_object(PROVIDER, raw_body)
    kind = event.get("type")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    try:
        if kind == "payment.received":
            received = _Received.model_validate(event.get("data"))
            of_a_day = is_a_day(received.paid_at)
            return (PaymentNews(link_id=None, of_a_day=of_a_day, **received.model_dump()),)
        if kind == "payment.reversed":
            return (ReversalNews(**_Reversed.model_validate(event.get("data")).model_dump()),)
    except ValidationError:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None
    return (Ignored(kind=kind, needs_person=True),)


def _signatures(found: Sequence[bytes], signed: bytes) -> list[str]:
    return [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in found]
