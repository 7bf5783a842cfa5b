"""Taking in one webhook: proven, stored, and only then accepted."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from fastapi import Request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session
from starlette.requests import ClientDisconnect

from providers.webhooks.refused import RefusedReason, WebhookRefused
from records import webhooks
from records.clock import shared_time
from records.database import Database
from web.sources import Delivery, WebhookSource

LARGEST_BODY = 256 * 1024
_AT_ONCE = 100
_A_FLOOD, _IN_SECONDS = 10, 0.2
_LOG = logging.getLogger("recobro.web.webhooks")


class Taken(StrEnum):
    """STORED and DUPLICATE are answered with 2xx; the others leave nothing behind."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    NOT_STORED = "not_stored"


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes | None:
    """The raw body, or None as soon as it is longer than `largest` bytes or breaks off."""
    stated = request.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated[:20]) > largest:
        return None
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > largest:
                return None
            parts.append(part)
    except ClientDisconnect:
        return None
    return b"".join(parts)


class Intake:
    """Stores deliveries that come in at once in one transaction, and answers each when that is on disk.

    While one transaction waits for the disk, the next deliveries gather. One per web process, on its event loop.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` is our host's, by which deliveries are stamped; None where they come from worlds with their own."""
        self._database, self._clock = database, clock
        self._waiting: list[tuple[webhooks.Proven, datetime, asyncio.Future[Taken]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._latest: deque[float] = deque(maxlen=_A_FLOOD)

    def flooded(self) -> bool:
        """Whether deliveries pour in: fifty a second and more, by the last fifth of a second."""
        return len(self._latest) == _A_FLOOD and time.monotonic() - self._latest[0] < _IN_SECONDS

    async def store(self, proven: webhooks.Proven, due_at: datetime) -> Taken:
        """STORED or DUPLICATE once that is certain; NOT_STORED leaves nothing behind."""
        answer: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append((proven, due_at, answer))
        self._latest.append(time.monotonic())
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="intake")
        return await answer

    async def close(self) -> None:
        """Wait for what is being stored: a caller that has gone does not take its delivery back."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            taken = await asyncio.to_thread(self._store, [(proven, due_at) for proven, due_at, _ in batch])
            for (_, _, answer), one in zip(batch, taken, strict=True):
                if not answer.done():
                    answer.set_result(one)

    def _store(self, batch: Sequence[tuple[webhooks.Proven, datetime]]) -> list[Taken]:
        try:
            with self._database.writing(durable=True) as session:
                due_at = shared_time(session, batch[0][1])
                new = webhooks.store_many(session, self._stamped(session, [proven for proven, _ in batch]), due_at)
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, (OperationalError, PoolTimeout)):
                # One of them cannot be stored; the database could take the others.
                return [taken for one in batch for taken in self._store([one])]
            for proven, _ in batch:
                _LOG.error("%s webhook not stored: %s", proven.provider, type(error).__name__)
            return [Taken.NOT_STORED] * len(batch)
        return [Taken.STORED if one else Taken.DUPLICATE for one in new]

    def _stamped(self, session: Session, taken: Sequence[webhooks.Proven]) -> Sequence[webhooks.Proven]:
        """With the times they came in at by the database's clock: providers' own times are compared with them."""
        if self._clock is None:
            return taken
        ours = self._clock()
        behind = shared_time(session, ours) - ours
        return [replace(one, received_at=one.received_at + behind) for one in taken]


async def take_in(
    intake: Intake,
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

    proven = webhooks.Proven(
        provider=provider,
        event_key=key,
        url=delivery.url,
        body=delivery.body,
        headers={name: delivery.headers[name] for name in source.kept_headers if name in delivery.headers},
        received_at=received_at,
    )
    return await intake.store(proven, due_at)
