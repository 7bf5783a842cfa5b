"""Brings stored webhooks to their loans: first into the records, then to Temporal until it accepts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session
from structlog.contextvars import bind_contextvars, clear_contextvars

from domain.webhook_news import WebhookNews
from providers.webhooks.refused import WebhookRefused
from records import audit, loans, webhooks
from records.clock import shared_time
from records.database import Database
from records.tables import LoanState, Webhook
from web import metrics
from web.news import Consequence, record_news
from web.ports import LoanSignals, OwedSignal, SignalAnswer, SignalName, TemporalUnavailable
from web.sources import Delivery, WebhookSource

_LOG = logging.getLogger("recobro.web.relay")
_LEASE = "relay"
_PAGE = 50

P = ParamSpec("P")
R = TypeVar("R")


class RelaySettings(BaseModel):
    """`poll`: how often to look for what another process stored. A retry waits `first_retry`, then twice as
    long each time, at most `longest_retry`. `lease` must be longer than a signal may take."""

    model_config = ConfigDict(frozen=True)

    poll: timedelta = timedelta(seconds=1)
    first_retry: timedelta = timedelta(milliseconds=500)
    longest_retry: timedelta = timedelta(minutes=1)
    signal_timeout: timedelta = timedelta(seconds=8)
    lease: timedelta = timedelta(seconds=20)


class WorkflowMissing(Exception):
    """The loan's workflow is not there yet."""


class LeaseLost(Exception):
    """Another process took over; what this one had under way is undone."""


async def _in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """As asyncio.to_thread, but a cancellation waits for the thread: it must not write after we have left."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class Relay:
    """One per web process; only the one that holds the lease works, and gives it back when nothing is due."""

    def __init__(
        self,
        database: Database,
        signals: LoanSignals,
        sources: Mapping[str, WebhookSource],
        clock: Callable[[], datetime],
        settings: RelaySettings | None = None,
    ) -> None:
        self._database = database
        self._signals = signals
        self._sources = sources
        self._clock = clock
        self._settings = settings or RelaySettings()
        self._holder = uuid.uuid4().hex
        self._wake = asyncio.Event()
        self._outages = 0
        self._resume_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There is something new; call it on the event loop."""
        self._wake.set()

    def wake_from_thread(self) -> None:
        """As `wake`, from a thread of a request."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Work until cancelled. What fails is tried again; nothing but a cancellation ends it."""
        self._loop = asyncio.get_running_loop()
        failures = 0
        while True:
            self._wake.clear()
            try:
                pause = await self._work()
                failures = 0
            except Exception as error:
                pause = self._backoff(failures)
                failures += 1
                _LOG.error("relay interrupted: %s", type(error).__name__)
            try:
                async with asyncio.timeout(pause.total_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def work_off(self, seconds: float) -> None:
        """Relay what is due now, for at most so long; for a command where no web app runs, or beside one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await _in_thread(self._anything_due):
                    await self._work()
                    await asyncio.sleep(0.05)

    async def _work(self) -> timedelta:
        """Do what is due; returns how long there is nothing to do."""
        clear_contextvars()
        if not await _in_thread(self._anything_due):
            return self._settings.poll
        mine = True  # until we know better: a cancellation may hide that we took it
        try:
            mine = await _in_thread(self._take_lease)
            if not mine:
                return min(self._settings.poll, timedelta(milliseconds=50))
            while await self._record_page():
                pass
            if time.monotonic() >= self._resume_at:
                await self._signal_all()
        finally:
            if mine:
                await _in_thread(self._give_up_lease)
        return await _in_thread(self._idle)

    async def _record_page(self) -> bool:
        ids = await _in_thread(self._unrecorded)
        for webhook_id in ids:
            clear_contextvars()
            bind_contextvars(webhook_id=webhook_id)
            try:
                await _in_thread(self._record, webhook_id)
            except LeaseLost:
                raise
            except Exception as error:
                await self._failed(webhook_id, error)
        return len(ids) == _PAGE

    async def _signal_all(self) -> None:
        while True:
            owed = await _in_thread(self._unsignalled)
            for webhook_id, signals in owed:
                try:
                    for signal in signals:
                        bind_contextvars(webhook_id=webhook_id, lender=signal.lender, loan_id=signal.loan_id)
                        await self._send(signal)
                        await _in_thread(self._signalled, webhook_id, signal)
                except (TemporalUnavailable, TimeoutError) as error:
                    # One refused connection speaks for all: the others would only wait for the same.
                    self._resume_at = time.monotonic() + self._backoff(self._outages).total_seconds()
                    self._outages += 1
                    await self._failed(webhook_id, error)
                    return
                except LeaseLost:
                    raise
                except Exception as error:
                    await self._failed(webhook_id, error)
                else:
                    self._outages = 0
            if len(owed) < _PAGE:
                return

    async def _send(self, signal: OwedSignal) -> None:
        async with asyncio.timeout(self._settings.signal_timeout.total_seconds()):
            answer = await self._call(signal)
            if answer is SignalAnswer.LOAN_ENDED and signal.restart:
                await self._signals.restart(signal.lender, signal.loan_id, signal)
        if answer is SignalAnswer.NOT_FOUND and signal.about_money:
            if await _in_thread(self._may_start_yet, signal):
                raise WorkflowMissing

    async def _call(self, signal: OwedSignal) -> SignalAnswer:
        arguments = (signal.lender, signal.loan_id, dict(signal.payload))
        match signal.name:
            case SignalName.PAYMENT_RECEIVED:
                return await self._signals.payment_received(*arguments)
            case SignalName.PAYMENT_REVERSED:
                return await self._signals.payment_reversed(*arguments)
            case SignalName.OPT_OUT:
                return await self._signals.opt_out(*arguments)
            case SignalName.CONTACT_FAILED:
                return await self._signals.contact_failed(*arguments)

    def _now(self, session: Session) -> datetime:
        """Not our own clock: another host may go on with what we planned, and its clock need not agree with ours."""
        return shared_time(session, self._clock())

    def _anything_due(self) -> bool:
        with self._database.reading() as session:
            now = self._now(session)
            due_at = webhooks.next_due_at(session, now)
        return due_at is not None and due_at <= now

    def _take_lease(self) -> bool:
        with self._database.writing() as session:
            return webhooks.take_lease(session, _LEASE, self._holder, at=self._now(session), lasts=self._settings.lease)

    def _give_up_lease(self) -> None:
        with self._database.writing() as session:
            webhooks.give_up_lease(session, _LEASE, self._holder)

    def _unrecorded(self) -> list[int]:
        with self._database.reading() as session:
            return webhooks.unrecorded(session, self._now(session), _PAGE)

    def _unsignalled(self) -> list[tuple[int, list[OwedSignal]]]:
        with self._database.reading() as session:
            rows = webhooks.unsignalled(session, self._now(session), _PAGE)
            return [(webhook_id, [OwedSignal.model_validate(one) for one in owed]) for webhook_id, owed in rows]

    def _record(self, webhook_id: int) -> None:
        with self._database.writing() as session:
            webhook = webhooks.get(session, webhook_id)
            if webhook.recorded_at is not None:
                return
            news = self._read(webhook)
            if news is None:
                consequence = Consequence(outcome="unreadable")
                audit.append(
                    session,
                    at=webhook.received_at,
                    actor=webhook.provider,
                    action="webhook_needs_person",
                    details={"kind": "unreadable", "webhook": webhook_id},
                )
            else:
                consequence = record_news(session, news, webhook.received_at)
            webhooks.mark_recorded(
                session,
                webhook_id,
                self._now(session),
                outcome=consequence.outcome,
                signals=[signal.model_dump(mode="json") for signal in consequence.signals],
                person_ref=consequence.person_ref,
            )
            self._renew(session)
        metrics.COUNTERS.news(webhook.provider, consequence.outcome)

    def _read(self, webhook: Webhook) -> tuple[WebhookNews, ...] | None:
        delivery = Delivery(url=webhook.url, headers=webhook.headers, body=webhook.body)
        try:
            return self._sources[webhook.provider].parse(delivery)
        except WebhookRefused:
            return None

    def _signalled(self, webhook_id: int, signal: OwedSignal) -> None:
        with self._database.writing() as session:
            webhooks.mark_signalled(session, webhook_id, signal.model_dump(mode="json"), self._now(session))
            self._renew(session)

    async def _failed(self, webhook_id: int, error: Exception) -> None:
        """Try this one again later. Only the kind of the error is kept: its text may name a person."""
        kind = type(error).__name__
        _LOG.warning("webhook %d not relayed yet: %s", webhook_id, kind)

        def put_off() -> None:
            with self._database.writing() as session:
                attempts = webhooks.get(session, webhook_id).relay_attempts
                webhooks.mark_failed(
                    session, webhook_id, error=kind, next_try_at=self._now(session) + self._backoff(attempts)
                )
                self._renew(session)

        await _in_thread(put_off)

    def _renew(self, session: Session) -> None:
        if not webhooks.take_lease(session, _LEASE, self._holder, at=self._now(session), lasts=self._settings.lease):
            raise LeaseLost

    def _may_start_yet(self, signal: OwedSignal) -> bool:
        """Whether a loan without a workflow has one to come: then its money must wait for it."""
        with self._database.reading() as session:
            loan = loans.find(session, signal.lender, signal.loan_id)
            return loan is not None and (
                loan.state is LoanState.IN_COLLECTION
                or (loan.state is LoanState.WAITING and loans.is_held(session, loan))
            )

    def _idle(self) -> timedelta:
        with self._database.reading() as session:
            now = self._now(session)
            due_at = webhooks.next_due_at(session, now)
        if due_at is None:
            return self._settings.poll
        outage = timedelta(seconds=self._resume_at - time.monotonic())
        return min(self._settings.poll, max(due_at - now, outage, timedelta(milliseconds=20)))

    def _backoff(self, attempts: int) -> timedelta:
        longest = self._settings.longest_retry
        return min(longest, self._settings.first_retry * (1 << min(attempts, 20)))
