"""SendGrid's signed event webhook: ECDSA over P-256 and SHA-256, of the timestamp and the raw body.

The signature has no end in time; a repeat changes nothing, because each event moves a message only forward.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from domain.webhook_news import Complained, DeliveryNews, DeliveryState, Ignored, WebhookNews
from domain.what_next import Reaction, WhatNext
from providers.messaging.smtp_codes import is_no_such_mailbox
from providers.webhooks.refused import RefusedReason, WebhookRefused

PROVIDER: Final = "sendgrid"
LARGEST_BODY: Final = 1024 * 1024
"""Events are gathered for some seconds: a batch of a large campaign comes to hundreds of kilobytes."""
_MOST_EVENTS = 5_000

_STATES: Mapping[str, DeliveryState] = MappingProxyType(
    {
        "processed": DeliveryState.ACCEPTED,
        "deferred": DeliveryState.ACCEPTED,
        "delivered": DeliveryState.DELIVERED,
        "open": DeliveryState.READ,
        "click": DeliveryState.READ,
    }
)
_STATUS = re.compile(r"5\.\d{1,3}\.\d{1,3}")
_COMPLAINTS = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})
_GONE = Reaction(what_next=WhatNext.TERMINAL, address_is_dead=True, meaning="there is no such mailbox")
_BLOCKED = Reaction(
    what_next=WhatNext.TERMINAL, then=WhatNext.SWITCH_CHANNEL, meaning="the recipient's server refused it for now"
)
_REFUSED = Reaction(
    what_next=WhatNext.TERMINAL,
    then=WhatNext.SWITCH_CHANNEL,
    meaning="the recipient's server refused it, for another reason than the mailbox",
)
_STOPPED = Reaction(what_next=WhatNext.TERMINAL, opted_out=True, meaning="this person told SendGrid to stop")
_UNREADABLE = Ignored(kind="email:unreadable", needs_person=True)
_SENDER = Reaction(what_next=WhatNext.TERMINAL, then=WhatNext.SWITCH_CHANNEL, meaning="dropped before it was sent")


def verify(raw_body: bytes, signature: str | None, timestamp: str | None, public_keys: tuple[str, ...]) -> None:
    """Prove that SendGrid sent this; `public_keys` are base64 of DER, as its settings show them.

    Raises WebhookRefused, also for a key that is none.
    """
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not signature or not timestamp:
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefused(PROVIDER, RefusedReason.MALFORMED_HEADER) from None
    signed = timestamp.encode("utf-8", "replace") + raw_body
    if not any(_signed_by(key, given, signed) for key in public_keys):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def _signed_by(public_key: str, signature: bytes, signed: bytes) -> bool:
    try:
        key = serialization.load_der_public_key(base64.b64decode(public_key))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def event_key(raw_body: bytes) -> str:
    """One delivery is a batch; the same batch again has the same ids."""
    ids = [event.get("sg_event_id") for event in _events(raw_body)]
    if ids and all(isinstance(each, str) and each for each in ids):
        return "batch:" + hashlib.sha256("\n".join(map(str, ids)).encode(errors="replace")).hexdigest()
    return "sha256:" + hashlib.sha256(raw_body).hexdigest()


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a verified body, one for each event we act on. Raises WebhookRefused (UNREADABLE)."""
    news = tuple(_news(event) if event else _UNREADABLE for event in _events(raw_body))
    return news or (Ignored(kind="email:nothing"),)


def _news(event: Mapping[str, Any]) -> WebhookNews:
    kind = event.get("event")
    kind = kind if isinstance(kind, str) and kind.isascii() and len(kind) <= 40 else "unknown"
    message = _text(event, "message")
    provider_id = (_text(event, "sg_message_id") or "").partition(".")[0] or message
    if provider_id is None:
        return Ignored(kind=f"email:{kind}")
    if kind in _COMPLAINTS:
        return Complained(message_id=message, provider=PROVIDER, provider_message_id=provider_id, kind=kind)
    reaction = _reaction(kind, event)
    state = DeliveryState.FAILED if reaction is not None else _STATES.get(kind)
    if state is None:
        return Ignored(kind=f"email:{kind}")
    return DeliveryNews(
        message_id=message,
        provider=PROVIDER,
        provider_message_id=provider_id,
        state=state,
        error_code=_code(kind, event) if reaction is not None else None,
        reaction=reaction,
        lender=_text(event, "lender"),
        loan_id=_text(event, "loan"),
    )


def _reaction(kind: str, event: Mapping[str, Any]) -> Reaction | None:
    """What to do about a mail that did not arrive; None for every other event.

    A "blocked" bounce and one whose status begins with 4 are about the moment or about us, not about the mailbox; nor
    is one whose status names anything else. A status that says nothing leaves it at SendGrid's word.
    """
    if kind == "bounce":
        status = str(event.get("status", ""))
        if event.get("type") == "blocked" or status.startswith("4"):
            return _BLOCKED
        names_a_reason = _STATUS.fullmatch(status) is not None and status != "5.0.0"
        return _GONE if not names_a_reason or is_no_such_mailbox(status) else _REFUSED
    if kind == "dropped":
        why = str(event.get("reason", "")).lower()
        if "unsubscribed" in why or "spam report" in why:
            return _STOPPED
        return _GONE if "bounced" in why or "invalid" in why else _SENDER
    return None


def _code(kind: str, event: Mapping[str, Any]) -> str:
    status = str(event.get("status", ""))
    plain = status if status.replace(".", "").isdigit() and len(status) <= 11 else ""
    return f"{kind} {plain}".strip()


def _text(event: Mapping[str, Any], name: str) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= 320 and value.isprintable() else None


def _events(raw_body: bytes) -> list[Mapping[str, Any]]:
    """An event for each of the batch, empty for what is none. Raises WebhookRefused (UNREADABLE)."""
    try:
        told = json.loads(raw_body)
    except (ValueError, RecursionError):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None
    if not isinstance(told, list) or len(told) > _MOST_EVENTS:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return [each if isinstance(each, dict) else {} for each in told]
