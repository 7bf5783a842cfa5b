"""Moves loans' clocks in a rehearsal: each ahead to the next thing that happens, and not a second further.

The Temporal server skips a loan's idle time. What happens outside (a payment, a delivery report, a person's
decision) is on the agendas of the sandbox world and of the pretend agents; both tell the conductor of a new
earlier event before they answer the request that caused it. While that request runs the loan's clock stands,
so the conductor can set the moment where the skipping must stop, and no event is ever overtaken.

It also stops at every moment at which the loan is going to act by itself. Left alone the server now and then
skips a second time before it has fired a timer that is due, and the loan acts days late (measured: 12 of 327
timers); where the skipping stops, it cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.service import RPCError

from commands.agents import Agents, CaseNews
from commands.rehearsal_executions import LoanExecutions
from commands.rehearsal_polling import PollingPace
from commands.rehearsal_retries import PATIENCE_SECONDS, patiently
from commands.rehearsal_skipping import TimeSkipping
from commands.rehearsal_webhooks import WebhookRelay
from domain.loans import workflow_id
from records.database import Database

_POLL_SECONDS = 15.0
_AT_ONCE = 24
"""People whose loans are driven at the same time."""


@dataclass
class _Clock:
    """One loan's clock. `target` is where it stops next; `ticket` names that stop to the server."""

    loan_id: str
    handle_id: str
    world_next: datetime | None = None
    target: datetime | None = None
    ticket: str | None = None
    now: datetime | None = None
    ended: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the stop was moved: the server does not tell whoever polls for the old one."""
    asked: bool = False
    """Whether the world was asked once what comes first; from then on it tells."""
    heard: int = 0
    """How often the world told of an earlier event: an answer given before that is not its latest word."""


class Conductor:
    """Drives the loans of one rehearsal from their start to `horizon`."""

    def __init__(
        self,
        client: Client,
        database: Database,
        lender: str,
        sandbox_url: str,
        agents: Agents,
        begins: datetime,
        horizon: datetime,
        on_progress: Callable[[str, datetime, bool], None] = lambda loan, at, ended: None,
    ) -> None:
        self._client = client
        pace = PollingPace()
        self._executions = LoanExecutions(client, begins, pace)
        self._skipping = TimeSkipping(client)
        self._webhooks = WebhookRelay(database, pace)
        self._lender = lender
        self._sandbox = httpx.AsyncClient(base_url=sandbox_url, timeout=60)
        self._agents = agents
        self._begins = begins
        self._horizon = horizon
        self._on_progress = on_progress
        self._clocks: dict[str, _Clock] = {}

    def add(self, loan_id: str) -> None:
        """Know a loan before its workflow starts, so that no early news about it is missed."""
        self._clocks[loan_id] = _Clock(loan_id, workflow_id(self._lender, loan_id))

    async def hear_world(self, loan_id: str, now: datetime, next_at: datetime) -> None:
        """The world tells of an earlier event of a loan, while the request that caused it still runs."""
        clock = self._clocks.get(loan_id)
        if clock is not None:
            clock.heard += 1
            async with clock.lock:
                clock.world_next = next_at
                await self._stop_earlier(clock, now, next_at)

    async def hear_case(self, news: CaseNews) -> None:
        """A case was opened or moved: the agents note when they will decide it."""
        clock = self._clocks.get(news.loan_id)
        decides_at = self._agents.note(news)
        if clock is not None and decides_at is not None:
            async with clock.lock:
                await self._stop_earlier(clock, news.at, decides_at)

    async def drive_all(self, groups: list[list[str]]) -> None:
        """Drive every loan to its end or the horizon. Loans in one group belong to one person and keep in step.

        Two dozen people at a time: the work is the same however many are under way, and each loan that is asks how
        it stands.
        """
        places = asyncio.Semaphore(_AT_ONCE)

        async def drive(group: list[str]) -> None:
            async with places:
                await self._drive_group(group)

        try:
            await asyncio.gather(*(drive(group) for group in groups))
        finally:
            await self._sandbox.aclose()

    async def _drive_group(self, loan_ids: list[str]) -> None:
        if len(loan_ids) == 1:
            await self._drive(self._clocks[loan_ids[0]], self._horizon)
            return
        day = self._begins
        while day < self._horizon:
            day = min(day + timedelta(days=1), self._horizon)
            # One after the other: the limits of a person are counted over all their loans.
            for loan_id in loan_ids:
                clock = self._clocks[loan_id]
                if not clock.ended or self._next_event(clock) is not None:
                    await self._drive(clock, day)

    async def _drive(self, clock: _Clock, until: datetime) -> None:
        """Bring one loan to `until`, stopping at everything that happens to it on the way."""
        if not clock.asked:
            await self._learn_next(clock)
            clock.asked = True
        while True:
            stop = await self._next_stop(clock, until)
            reached = clock.ended or await self._reach(clock, stop)
            if reached is None:
                continue
            if not reached:
                clock.ended = True
                stop = self._next_event(clock) or until
                if stop > until:
                    break
            clock.now = stop
            await self._happen(clock, stop)
            self._on_progress(clock.loan_id, stop, clock.ended)
            if stop >= until or (clock.ended and self._next_event(clock) is None):
                break
        self._on_progress(clock.loan_id, clock.now or until, clock.ended)

    async def _next_stop(self, clock: _Clock, until: datetime) -> datetime:
        """Set where the loan's clock stops next, unless news has set it meanwhile."""
        now, acts_at = None, None
        if not clock.ended and clock.ticket is None:
            # Without the lock: what is under way may be waiting for the world, and the world for us.
            with suppress(RPCError):
                now, acts_at = await self._executions.at_rest(clock.handle_id)
        async with clock.lock:
            moments = [moment for moment in (self._next_event(clock), acts_at, until) if moment is not None]
            stop = min(moments)
            if clock.ended:
                return stop
            if clock.ticket is None or clock.target is None:
                if now is None:
                    clock.target, clock.ticket = stop, None
                else:
                    await self._skip_to(clock, stop, now)
            return clock.target or stop

    def _next_event(self, clock: _Clock) -> datetime | None:
        moments = [m for m in (clock.world_next, self._agents.next_at(clock.loan_id)) if m is not None]
        return min(moments) if moments else None

    async def _stop_earlier(self, clock: _Clock, now: datetime, at: datetime) -> None:
        if clock.ended or (clock.target is not None and clock.target <= at and clock.ticket is not None):
            return
        await self._skip_to(clock, at, now)

    async def _skip_to(self, clock: _Clock, at: datetime, now: datetime) -> None:
        """Let the server skip the loan's idle time until `at`, and stop there."""
        clock.target = at
        clock.moved.set()
        if at <= now:
            clock.ticket = "here"
            return
        clock.ticket = await self._skipping.skip(clock.handle_id, at - now)

    async def _reach(self, clock: _Clock, stop: datetime) -> bool | None:
        """Whether the clock stands at `stop`; False when the loan ended first, None when it must stop earlier."""
        ticket = clock.ticket
        if ticket is None:
            if not await self._executions.runs(clock.handle_id):
                return False
            await asyncio.sleep(0.1)
            return None
        if ticket == "here":
            clock.ticket = None
            return True
        clock.moved.clear()
        if clock.ticket != ticket:
            return None
        poll = asyncio.create_task(self._skipping.reached(clock.handle_id, ticket))
        moved = asyncio.create_task(clock.moved.wait())
        try:
            await asyncio.wait({poll, moved}, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not poll.done():
                if not moved.done():
                    await self._forget(clock, ticket)
                return None
            reached = poll.result()
        finally:
            for task in (poll, moved):
                task.cancel()
        if reached is None or (not reached and await self._executions.runs(clock.handle_id)):
            await self._forget(clock, ticket)
            return None
        if not reached:
            return False
        async with clock.lock:
            if clock.ticket != ticket:
                return None
            clock.ticket = None
            return True

    async def _forget(self, clock: _Clock, ticket: str) -> None:
        """A stop that was set just as a loan continued as new is lost with its old run: it must be set again."""
        async with clock.lock:
            if clock.ticket == ticket:
                clock.ticket = None

    async def _happen(self, clock: _Clock, at: datetime) -> None:
        """Everything that is due at `at`: the world's events, and then what people decide."""
        heard = clock.heard
        answer = await self._world("POST", "/_world/advance", {"loan_id": clock.loan_id, "to": at.isoformat()})
        if clock.heard == heard:
            clock.world_next = _moment(answer["next_at"])
        else:
            await self._learn_next(clock)
        if any(event["kind"] == "webhook" for event in answer["delivered"]):
            await self._webhooks.until_relayed(clock.loan_id)
        await patiently(lambda: self._agents.act(self._client, clock.loan_id, at))
        if clock.ended and await self._executions.runs(clock.handle_id):
            clock.ended = False
        clock.target = clock.ticket = None

    async def _learn_next(self, clock: _Clock) -> None:
        heard = -1
        while heard != clock.heard:
            heard = clock.heard
            answer = await self._world("POST", "/_world/next", {"loan_ids": [clock.loan_id]})
            clock.world_next = _moment(answer["next_at"][clock.loan_id])

    async def _world(self, method: str, path: str, body: dict[str, object]) -> dict[str, Any]:
        """Ask the world; it may be down for a moment."""
        waited = 0.0
        while True:
            try:
                answer = await self._sandbox.request(method, path, json=body)
                answer.raise_for_status()
                told: dict[str, Any] = answer.json()
                return told
            except httpx.TransportError:
                if waited > PATIENCE_SECONDS:
                    raise
            await asyncio.sleep(0.2)
            waited += 0.2


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
