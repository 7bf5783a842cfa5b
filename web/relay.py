"""Brings stored webhooks to their loans: first into the records, then to Temporal until it accepts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict
from structlog.contextvars import clear_contextvars

from records.database import Database
from web.hearing import MessageReader
from web.ports import LoanSignals
from web.relay_records import LeaseLost, RelayRecords
from web.relay_sending import RelaySender
from web.sources import WebhookSource

_LOG = logging.getLogger("recobro.web.relay")
_GLANCE = timedelta(milliseconds=50)
"""How often to look for what another process stored while this one stays in charge, or wants to be."""
_STAYS_IN_CHARGE = 0.25
"""Seconds without work after which the lease is given back: taking it for every webhook costs a wait for the disk."""

_GIVES_WAY, _LONGEST_WAY = 3, 0.25
"""How many times as long as it worked, and how many seconds at most, it leaves the database to what comes in."""

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
        reader: MessageReader = MessageReader(),
        flooded: Callable[[], bool] = lambda: False,
    ) -> None:
        """`flooded` says whether webhooks pour in: their senders wait for answers, the loans can wait."""
        self._flooded = flooded
        self._settings = settings or RelaySettings()
        self._records = RelayRecords(database, sources, clock, self._settings.lease, self._backoff, reader)
        self._sender = RelaySender(database, signals, self._settings.signal_timeout)
        self._wake = asyncio.Event()
        self._outages = 0
        self._resume_at = 0.0
        self._in_charge = False
        self._worked_at = 0.0
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
        woken = False
        try:
            while True:
                self._wake.clear()
                try:
                    pause = await self._work(sure=woken)
                    failures = 0
                except Exception as error:
                    pause = self._backoff(failures)
                    failures += 1
                    _LOG.error("relay interrupted: %s", type(error).__name__)
                woken = True
                try:
                    async with asyncio.timeout(pause.total_seconds()):
                        await self._wake.wait()
                except TimeoutError:
                    woken = False
        finally:
            await self._step_down()

    async def work_off(self, seconds: float) -> None:
        """Relay what is due now, for at most so long; for a command where no web app runs, or beside one."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while await _in_thread(self._records.anything_due):
                        await self._work(sure=True)
                        await asyncio.sleep(0.05)
        finally:
            await self._step_down()

    async def _work(self, *, sure: bool) -> timedelta:
        """Do what is due (`sure`: something is); returns how long there is nothing to do."""
        clear_contextvars()
        try:
            if not sure and not await _in_thread(self._records.anything_due):
                return await self._rest()
            self._in_charge = True  # a cancellation may hide that we took the lease
            while await self._take_turn_and_give_way():
                pass
        except LeaseLost:
            self._in_charge = False
            return min(self._settings.poll, _GLANCE)
        except Exception:
            await self._step_down()
            raise
        self._worked_at = time.monotonic()
        due_in = await _in_thread(self._records.next_due_in)
        if due_in is None:
            return min(self._settings.poll, _GLANCE)
        outage = timedelta(seconds=self._resume_at - time.monotonic())
        return min(self._settings.poll, max(due_in, outage, timedelta(milliseconds=20)))

    async def _take_turn_and_give_way(self) -> bool:
        """In a flood the relay works a quarter of the time: it falls behind, never off."""
        begun = time.monotonic()
        more = await self._take_turn()
        until = time.monotonic() + min(_GIVES_WAY * (time.monotonic() - begun), _LONGEST_WAY)
        while self._flooded() and time.monotonic() < until:
            await asyncio.sleep(0.01)
        return more

    async def _take_turn(self) -> bool:
        """Record and tell a little; whether there is more to do now."""
        turn = await _in_thread(self._records.record_some)
        if not turn.owed or time.monotonic() < self._resume_at:
            return turn.more
        told, answers = await self._sender.send(turn.owed)
        await _in_thread(self._records.heard, told)
        if answers:
            self._outages = 0
            return True
        self._resume_at = time.monotonic() + self._backoff(self._outages).total_seconds()
        self._outages += 1
        return turn.more

    async def _rest(self) -> timedelta:
        """Nothing is due; in charge for a moment more, for the next one to be quick."""
        if self._in_charge and time.monotonic() - self._worked_at < _STAYS_IN_CHARGE:
            return min(self._settings.poll, _GLANCE)
        await self._step_down()
        due_in = await _in_thread(self._records.next_due_in)
        if due_in is None:
            return self._settings.poll
        return min(self._settings.poll, max(due_in, timedelta(milliseconds=20)))

    async def _step_down(self) -> None:
        if self._in_charge:
            self._in_charge = False
            with contextlib.suppress(Exception):
                # A database that does not answer is no reason to fail: the lease runs out.
                await _in_thread(self._records.step_down)

    def _backoff(self, attempts: int) -> timedelta:
        longest = self._settings.longest_retry
        return min(longest, self._settings.first_retry * (1 << min(attempts, 20)))
