"""Mercado Pago's webhooks: `x-signature` over the notice's id, `x-request-id` and a timestamp.

**The body is not signed**: nothing in it may be believed, so the key and the news rest on what is. A notice is
only a pointer; what was paid is asked of Mercado Pago.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from domain.webhook_news import Ignored, PaymentPointer, WebhookNews
from providers.webhooks.json_bodies import one_key
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys

PROVIDER: Final = "mercadopago"
LARGEST_BODY: Final = 256 * 1024
_DIGITS = re.compile(r"[0-9]{1,16}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MILLISECONDS_FROM = 10**11
_MOST_SIGNATURES = 20


def data_id(url: str) -> str | None:
    """The id the notice is about, as it stands in the address."""
    try:
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None
    return dict(query).get("data.id")


def verify(
    about: str | None,
    raw_body: bytes,
    header: str | None,
    request_id: str | None,
    secrets: Secrets,
    now: datetime,
    tolerance: float | None = None,
) -> None:
    """Prove that Mercado Pago sent a notice about this id; raises WebhookRefused.

    Its timestamps come in seconds or milliseconds. They are checked only if `tolerance` (seconds, either way)
    is given: whether a repeat is signed afresh is not documented.
    """
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header or not header.strip():
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    stamp, given, others = _parts(header)
    if not _DIGITS.fullmatch(stamp) or not (given or others):
        raise WebhookRefused(PROVIDER, RefusedReason.MALFORMED_HEADER)
    if not given:
        raise WebhookRefused(PROVIDER, RefusedReason.NO_EXPECTED_SCHEME)
    about, request_id = (about or "").strip(), (request_id or "").strip()
    tail = (f"request-id:{request_id};" if request_id else "") + f"ts:{stamp};"
    # Older descriptions sign the id in lower case.
    manifests = {(f"id:{each};" if each else "") + tail for each in (about, about.lower())}
    expected = [
        hmac.new(key, manifest.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        for key in keys(secrets)
        for manifest in manifests
    ]
    if not any_same(expected, given[:_MOST_SIGNATURES]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)
    seconds = int(stamp) / (1000 if int(stamp) >= _MILLISECONDS_FROM else 1)
    if tolerance is not None and abs(now.timestamp() - seconds) > tolerance:
        raise WebhookRefused(PROVIDER, RefusedReason.TIMESTAMP_OUT_OF_TOLERANCE)


def event_key(about: str | None, header: str | None, request_id: str | None) -> str:
    """The key under which a notice counts once: what is signed of it."""
    stamp = _parts(header or "")[0]
    if not about and not request_id:
        return one_key(PROVIDER, [f"ts:{stamp}"] if stamp else [])
    return one_key(PROVIDER, [f"{about or ''}:{request_id or stamp}"])


def kind(url: str) -> str | None:
    """What kind of thing the notice says it is about (`payment`, `merchant_order` ...); not signed."""
    try:
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return None
    return query.get("type") or query.get("topic")


def parse(about: str | None, kind: str | None = None) -> tuple[WebhookNews, ...]:
    """A payment to be asked about; anything else that has no number is for a person to look at.

    Orders of Mercado Pago's own tell of the same payments and are passed over.
    """
    if about is not None and about.isascii() and about.isdigit() and len(about) <= 20:
        if kind in (None, "payment"):
            return (PaymentPointer(payment_id=about, provider=PROVIDER),)
        if kind in ("merchant_order", "topic_merchant_order_wh"):
            return (Ignored(kind="merchant_order"),)
    reference = about if about and _ID.fullmatch(about) else None
    return (Ignored(kind="notice", needs_person=True, reference=reference),)


def _parts(header: str) -> tuple[str, list[str], list[str]]:
    """The timestamp, the v1 signatures, and those of other versions."""
    stamp, given, others = "", [], []
    for item in header.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals:
            continue
        name, value = name.strip(), value.strip()
        if name == "ts":
            stamp = value
        elif name == "v1" and value:
            given.append(value.lower())
        elif re.fullmatch(r"v[0-9]{1,3}", name) and value:
            others.append(value)
    return stamp, given, others
