"""GoCardless's webhooks: `Webhook-Signature`, the HMAC-SHA256 of the raw body.

The signature has no time in it, so a repeat is only caught by `event_key`. An event names a payment but not
its amount: what moves money comes out for a person.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from domain.webhook_news import Ignored, WebhookNews
from providers.webhooks.json_bodies import json_object, objects, one_key
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys

PROVIDER: Final = "gocardless"
LARGEST_BODY: Final = 256 * 1024
_WORD = re.compile(r"[a-z_]{1,40}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MONEY = frozenset(("payments", "refunds", "instalment_schedules"))


def verify(raw_body: bytes, header: str | None, secrets: Secrets) -> None:
    """Prove that GoCardless sent these bytes; raises WebhookRefused."""
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header or not header.strip():
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    expected = [hmac.new(key, raw_body, hashlib.sha256).hexdigest() for key in keys(secrets)]
    if not any_same(expected, [header.strip().lower()]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def event_key(raw_body: bytes) -> str:
    """The key under which a delivery counts once: its event's id, or one made of the ids of all its events."""
    events = objects(json_object(PROVIDER, raw_body).get("events"))
    ids = [event.get("id") for event in events]
    return one_key(PROVIDER, [one for one in ids if isinstance(one, str) and one])


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """What each event was about, always at least one value. Raises WebhookRefused (UNREADABLE)."""
    events = objects(json_object(PROVIDER, raw_body).get("events"))
    if not events:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    news: dict[Ignored, None] = {}
    for event in events:
        resource, action = str(event.get("resource_type")), str(event.get("action"))
        if not _WORD.fullmatch(resource) or not _WORD.fullmatch(action):
            # One odd event keeps nobody from seeing the others.
            news[Ignored(kind="event_unreadable", needs_person=True, reference=_id(event.get("id")))] = None
            continue
        links = event.get("links")
        named = links.get(resource.removesuffix("s")) if isinstance(links, dict) else None
        news[Ignored(kind=f"{resource}.{action}", needs_person=resource in _MONEY, reference=_id(named))] = None
    return tuple(news)


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None
