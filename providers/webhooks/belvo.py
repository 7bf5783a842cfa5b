"""Belvo's webhooks: proven by the `Authorization` header that the account holder set for them, and by nothing else.

Belvo signs no body and no time: the header is a password (`Bearer ...` or `Basic ...`) that comes with every delivery.
So no webhook of Belvo's moves money or opens anything; what it may do is end a consent to read, or say when one ends.
Forms: developers.belvo.com, "Webhooks (Aggregation)", "Links (Webhooks)", "Consents (Webhooks)", read in November 2026;
they stand in no OpenAPI file.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Final

from domain.webhook_news import ConsentNews, Ignored, WebhookNews
from providers.webhooks.json_bodies import json_object
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys

PROVIDER: Final = "belvo"
LARGEST_BODY: Final = 256 * 1024
_WORD = re.compile(r"[A-Za-z_]{1,60}")
_LINK = re.compile(r"[0-9a-fA-F-]{8,64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=$|T)")
_OVER = frozenset({"invalid_credentials", "token_required"})
"""The link cannot be read until its owner has been at their bank again."""
_ENDS = "openfinance_consent_about_to_expire"
_DATA = frozenset(
    {
        "historical_update",
        "new_accounts_available",
        "new_transactions_available",
        "transactions_updated",
        "transactions_deleted",
    }
)
"""Belvo has gathered data of a link. Balances are read when a read is due, whatever was gathered."""


def verify(raw_body: bytes, header: str | None, secrets: Secrets) -> None:
    """Prove that the sender knows the header's value; raises WebhookRefused. `secrets` are whole values of it."""
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header or not header.strip():
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    if not any_same([key.decode(errors="surrogatepass").strip() for key in keys(secrets)], [header.strip()]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def event_key(raw_body: bytes) -> str:
    """The key under which a delivery counts once: of all it says, because `webhook_id` is that of the subscription."""
    json_object(PROVIDER, raw_body)
    return f"all:{hashlib.sha256(raw_body).hexdigest()}"


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a verified body, always one value. Raises WebhookRefused (UNREADABLE)."""
    event = json_object(PROVIDER, raw_body)
    kind, code, link = event.get("webhook_type"), event.get("webhook_code"), event.get("link_id")
    if not isinstance(kind, str) or not isinstance(code, str) or not _WORD.fullmatch(kind) or not _WORD.fullmatch(code):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    told = f"{kind}:{code}"[:80]
    if code in _DATA:
        return (Ignored(kind=told),)
    if not isinstance(link, str) or not _LINK.fullmatch(link):
        return (Ignored(kind=told, needs_person=True),)
    if code in _OVER and kind.startswith("LINK"):
        return (ConsentNews(provider=PROVIDER, consent_id=link, kind=told, over=code),)
    if code == _ENDS and (last := _last_day(event.get("data"))) is not None:
        return (ConsentNews(provider=PROVIDER, consent_id=link, kind=told, valid_until=last),)
    return (Ignored(kind=told, needs_person=True),)


def _last_day(data: object) -> date | None:
    """The day on which the consent ends, as it is the last on which it can be used."""
    due = data.get("consent_due_date") if isinstance(data, dict) else None
    found = _DAY.match(due) if isinstance(due, str) else None
    try:
        return None if found is None else date.fromisoformat(found[0])
    except ValueError:
        return None
