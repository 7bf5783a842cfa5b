"""Taking in one webhook: proven, stored, and only then accepted."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from fastapi import Request
from starlette.requests import ClientDisconnect

from providers.webhooks.refused import RefusedReason, WebhookRefused
from records import webhooks
from records.clock import shared_time
from records.database import Database
from web.sources import Delivery, WebhookSource

LARGEST_BODY = 256 * 1024
_LOG = logging.getLogger("recobro.web.webhooks")


class Taken(StrEnum):
    """STORED and DUPLICATE are answered with 2xx; the others leave nothing behind."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    NOT_STORED = "not_stored"


async def read_body(request: Request) -> bytes | None:
    """The raw body, or None as soon as it is larger than LARGEST_BODY or breaks off."""
    stated = request.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated[:20]) > LARGEST_BODY:
        return None
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_BODY:
                return None
            parts.append(part)
    except ClientDisconnect:
        return None
    return b"".join(parts)


async def take_in(
    database: Database,
    provider: str,
    source: WebhookSource,
    delivery: Delivery,
    *,
    received_at: datetime,
    due_at: datetime,
    on_refused: Callable[[RefusedReason], None] = lambda reason: None,
) -> Taken:
    """Prove, store and deduplicate one delivery; `on_refused` hears why one is not proven.

    A proven body that nobody can read is stored too, under its hash: it may be money.
    """
    try:
        source.verify(delivery, received_at)
    except WebhookRefused as refused:
        _LOG.warning("%s webhook refused: %s", provider, refused.reason.value)
        on_refused(refused.reason)
        return Taken.TOO_LARGE if refused.reason is RefusedReason.TOO_LARGE else Taken.REFUSED
    try:
        key = source.event_key(delivery)
    except WebhookRefused:
        key = f"sha256:{hashlib.sha256(delivery.body).hexdigest()}"

    def store() -> webhooks.Stored:
        with database.writing(durable=True) as session:
            return webhooks.store(
                session,
                provider=provider,
                event_key=key,
                url=delivery.url,
                body=delivery.body,
                headers={name: delivery.headers[name] for name in source.kept_headers if name in delivery.headers},
                received_at=received_at,
                due_at=shared_time(session, due_at),
                verified=True,
            )

    try:
        stored = await asyncio.to_thread(store)
    except Exception as error:
        _LOG.error("%s webhook not stored: %s", provider, type(error).__name__)
        return Taken.NOT_STORED
    return Taken.DUPLICATE if stored.duplicate else Taken.STORED
