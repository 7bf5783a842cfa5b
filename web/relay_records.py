"""The relay's transactions: webhooks' news into the records many at once, and what their loans have heard."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DataError, OperationalError
from sqlmodel import Session
from structlog.contextvars import bind_contextvars, clear_contextvars

from domain.webhook_news import PaymentNews, WebhookNews
from providers.webhooks.refused import WebhookRefused
from records import audit, bank_entries, webhooks
from records.clock import shared_time
from records.database import Database
from records.locks import nobody_does
from records.tables import Webhook
from web import metrics
from web.consequence import Consequence
from web.hearing import MessageReader
from web.money_news import told_without_a_link
from web.news import lock_ahead, record_news
from web.ports import OwedSignal
from web.sources import Delivery, WebhookSource

_LOG = logging.getLogger("recobro.web.relay")
_LEASE = "relay"
_PAGE = 50
_A_MOMENT = timedelta(seconds=1)
_BATCH_SECONDS = 0.005
"""A transaction of many webhooks ends after so long: workers wait for it."""


_NO_TABLE_HOLDS_IT = (DataError, UnicodeError, OverflowError)
"""What storing a text or a number answers that no column can take: trying again changes nothing."""


class LeaseLost(Exception):
    """Another process took over; what this one had under way is undone."""


@dataclass(frozen=True)
class Told:
    """What one loan was told of one webhook; `error`: the kind of what kept it from that."""

    webhook_id: int
    signal: OwedSignal
    error: str | None = None


@dataclass(frozen=True)
class Turn:
    """`owed`: signals that are due, in the order their webhooks came in. `more`: there is more to record."""

    owed: list[tuple[int, OwedSignal]]
    more: bool


class RelayRecords:
    """Blocking; every transaction renews the lease, and raises LeaseLost where another process has it."""

    def __init__(
        self,
        database: Database,
        sources: Mapping[str, WebhookSource],
        clock: Callable[[], datetime],
        lease: timedelta,
        backoff: Callable[[int], timedelta],
        reader: MessageReader,
    ) -> None:
        self._database = database
        self._sources = sources
        self._clock = clock
        self._lease = lease
        self._backoff = backoff
        self._reader = reader
        self._holder = uuid.uuid4().hex

    def anything_due(self) -> bool:
        with self._database.reading() as session:
            now = self._now(session)
            due_at = webhooks.next_due_at(session, now)
        return due_at is not None and due_at <= now

    def next_due_in(self) -> timedelta | None:
        with self._database.reading() as session:
            now = self._now(session)
            due_at = webhooks.next_due_at(session, now)
        return None if due_at is None else due_at - now

    def step_down(self) -> None:
        """Let another process take over at once."""
        with self._database.writing() as session:
            webhooks.give_up_lease(session, _LEASE, self._holder)

    def record_some(self) -> Turn:
        """Record what is due for a moment, together; where that fails, each by itself."""
        ids: list[int] = []
        try:
            with self._database.writing() as session:
                self._renew(session)
                ids = webhooks.unrecorded(session, self._now(session), _PAGE)
                recorded = self._record_in(session, ids)
                owed = self._owed(session)
        except Exception as error:
            # A database that is locked or gone takes none of them alone either; a deadlock is over.
            hopeless = isinstance(error, LeaseLost) or (isinstance(error, OperationalError) and self._database.embedded)
            if hopeless or not ids:
                raise
            return self._record_each(ids)
        self._count(recorded)
        return Turn(owed, more=len(recorded) < len(ids) or len(ids) == _PAGE)

    def _record_each(self, ids: Sequence[int]) -> Turn:
        for webhook_id in ids:
            clear_contextvars()
            bind_contextvars(webhook_id=webhook_id)
            try:
                with self._database.writing() as session:
                    self._renew(session)
                    recorded = self._record_in(session, [webhook_id])
            except LeaseLost:
                raise
            except _NO_TABLE_HOLDS_IT as error:
                _LOG.error("webhook %d cannot be kept: %s", webhook_id, type(error).__name__)
                self._count([self._leave_to_a_person(webhook_id)])
            except Exception as error:
                with self._database.writing() as session:
                    self._put_off(session, webhook_id, type(error).__name__)
                    self._renew(session)
            else:
                self._count(recorded)
        with self._database.reading() as session:
            return Turn(self._owed(session), more=len(ids) == _PAGE)

    def _leave_to_a_person(self, webhook_id: int) -> tuple[str, tuple[str, ...]]:
        with self._database.writing() as session:
            self._renew(session)
            webhook = webhooks.get(session, webhook_id)
            return webhook.provider, self._record(session, webhook, None)

    def heard(self, told: Sequence[Told]) -> None:
        """Keep, in one transaction, what loans were told and what is to be tried again."""
        with self._database.writing() as session:
            now = self._now(session)
            for one in told:
                if one.error is None:
                    webhooks.mark_signalled(session, one.webhook_id, one.signal.model_dump(mode="json"), now)
            for webhook_id, error in {one.webhook_id: one.error for one in told if one.error is not None}.items():
                self._put_off(session, webhook_id, error)
            self._renew(session)

    def _record_in(self, session: Session, ids: Sequence[int]) -> list[tuple[str, tuple[str, ...]]]:
        """As many as there is time for, one at least; the provider of each and what became of its news."""
        until = time.monotonic() + _BATCH_SECONDS
        waiting = [webhook for webhook in webhooks.get_many(session, ids) if webhook.recorded_at is None]
        read = self._what_can_be_judged(session, [(webhook, self._read(webhook)) for webhook in waiting])
        lock_ahead(session, [news for _, news in read if news is not None])
        recorded: list[tuple[str, tuple[str, ...]]] = []
        for webhook, news in read:
            if recorded and time.monotonic() > until:
                break
            recorded.append((webhook.provider, self._record(session, webhook, news)))
        return recorded

    def _what_can_be_judged(
        self, session: Session, read: list[tuple[Webhook, tuple[WebhookNews, ...] | None]]
    ) -> list[tuple[Webhook, tuple[WebhookNews, ...] | None]]:
        """All, but for money that a statement may just be bringing: what is not committed yet cannot be seen.

        Everything else, a stop among it, does not wait for the statement.
        """
        money = [(webhook, news) for webhook, news in read if any(isinstance(one, PaymentNews) for one in news or ())]
        if not money or nobody_does(session, bank_entries.TAKING_IN):
            return read
        doubtful = {webhook.id for webhook, news in money if told_without_a_link(session, news or ())}
        for webhook_id in doubtful - {None}:
            assert webhook_id is not None
            # No failure: it is money that came in and is not read yet, however long the statement takes.
            again = self._now(session) + _A_MOMENT
            webhooks.wait(session, webhook_id, why="a statement is being taken in", until=again)
        return [(webhook, news) for webhook, news in read if webhook.id not in doubtful]

    def _record(self, session: Session, webhook: Webhook, news: tuple[WebhookNews, ...] | None) -> tuple[str, ...]:
        assert webhook.id is not None
        if news is None:
            consequence = Consequence(outcome="unreadable")
            audit.append(
                session,
                at=webhook.received_at,
                actor=webhook.provider,
                action="webhook_needs_person",
                details={"kind": "unreadable", "webhook": webhook.id},
            )
        else:
            consequence = record_news(session, news, webhook.received_at, self._reader)
        webhooks.mark_recorded(
            session,
            webhook.id,
            self._now(session),
            outcome=consequence.outcome,
            signals=[signal.model_dump(mode="json") for signal in consequence.signals],
            persons=consequence.person_refs,
            pieces=len(consequence.outcomes),
        )
        return consequence.outcomes or (consequence.outcome,)

    def _read(self, webhook: Webhook) -> tuple[WebhookNews, ...] | None:
        delivery = Delivery(url=webhook.url, headers=webhook.headers, body=webhook.body)
        try:
            return self._sources[webhook.provider].parse(delivery)
        except WebhookRefused:
            return None

    def _owed(self, session: Session) -> list[tuple[int, OwedSignal]]:
        rows = webhooks.unsignalled(session, self._now(session), _PAGE)
        return [(webhook_id, OwedSignal.model_validate(one)) for webhook_id, signals in rows for one in signals]

    def _put_off(self, session: Session, webhook_id: int, kind: str) -> None:
        """Try this one again later. Only the kind of the error is kept: its text may name a person."""
        _LOG.warning("webhook %d not relayed yet: %s", webhook_id, kind)
        attempts = webhooks.get(session, webhook_id).relay_attempts
        again = self._now(session) + self._backoff(attempts)
        webhooks.mark_failed(session, webhook_id, error=kind, next_try_at=again)

    def _renew(self, session: Session) -> None:
        if not webhooks.take_lease(session, _LEASE, self._holder, at=self._now(session), lasts=self._lease):
            raise LeaseLost

    def _now(self, session: Session) -> datetime:
        """Not our own clock: another host may go on with what we planned, and its clock need not agree with ours."""
        return shared_time(session, self._clock())

    def _count(self, recorded: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        for provider, outcomes in recorded:
            metrics.COUNTERS.news(provider, outcomes)
