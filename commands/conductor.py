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
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import httpx
from sqlalchemy.exc import DBAPIError
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, FastForwardPollingResult, PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
    PollWorkflowExecutionTimeSkippingRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.testing._timeskipping import FastForwardConfig

from commands.agents import Agents, CaseNews
from domain.loans import workflow_id
from records import inquiries
from records.database import Database
from records.webhooks import newest, relayed_up_to
from workflows.search_attributes import NEXT_ACTION_AT

log = logging.getLogger("recobro.rehearsal")
T = TypeVar("T")

MOST_SKIPS = 1_000_000
_PATIENCE_SECONDS = 150.0
_REST_SECONDS = 150.0
_TIMER_SECONDS = 3.0
_POLL_SECONDS = 15.0
_LATEST_EVENTS = 60
_AT_ONCE = 24
"""People whose loans are driven at the same time."""
_FEW = 8
"""So many loans may wait for something under way, each at the quick pace; more of them ask less often."""
_SHORT_OF_IT = timedelta(seconds=0.7)
"""How far short of a loan's own moment the skipping stops; the rest passes by itself."""
_WAITING = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
_PASSING = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


class RehearsalStuck(RuntimeError):
    """A loan's clock does not move; the text says which and since when."""


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
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=MOST_SKIPS))
        self._database = database
        self._lender = lender
        self._sandbox = httpx.AsyncClient(base_url=sandbox_url, timeout=60)
        self._agents = agents
        self._begins = begins
        self._horizon = horizon
        self._on_progress = on_progress
        self._clocks: dict[str, _Clock] = {}
        self._waiting = 0
        self.relay_failures = 0

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
                now, acts_at = await self._at_rest(clock)
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

    async def _at_rest(self, clock: _Clock) -> tuple[datetime, datetime | None]:
        """The loan's time once nothing of it is under way, and just short of when it next acts by itself.

        Raises RPCError (NOT_FOUND) when it has ended.
        """
        clock_now = asyncio.get_running_loop().time
        began = clock_now()
        while True:
            raw = await self._describe(clock)
            now = _virtual_time(raw)
            planned = _planned(raw) or self._begins
            waited = clock_now() - began
            acting = [a for a in raw.pending_activities if a.activity_type.name != "watch_balance"]
            tries = [_scheduled(activity) for activity in acting]
            soon = now + _SHORT_OF_IT
            # A timer that is due and has not fired yet: nothing shows that it is under way.
            tried = any(at is not None and at <= soon for at in tries) and waited < _TIMER_SECONDS
            about_to_act = planned <= soon if not acting else tried
            under_way = raw.HasField("pending_workflow_task") or any(
                _scheduled(activity) is None for activity in raw.pending_activities
            )
            if about_to_act and not acting and waited >= _TIMER_SECONDS:
                # What it plans may be long past, while it waits for people; or a slow server has yet to fire a timer.
                about_to_act = await self._timer_is_due(clock, soon)
            if waited >= _REST_SECONDS or not (under_way or about_to_act):
                break
            await self._before_asking_again(0.05 if waited < _TIMER_SECONDS else 0.5)
        moments = [planned, *(at for at in tries if at is not None)]
        acts_at = min((at for at in moments if at > soon), default=None)
        return now, acts_at - _SHORT_OF_IT if acts_at is not None else None

    async def _before_asking_again(self, seconds: float) -> None:
        """Wait so long, and longer while many wait: two hundred loans that each ask twenty times a second hold up
        the very work that they wait for.
        """
        self._waiting += 1
        try:
            await asyncio.sleep(min(seconds * max(1.0, self._waiting / _FEW), 0.5))
        finally:
            self._waiting -= 1

    async def _timer_is_due(self, clock: _Clock, at: datetime) -> bool:
        """Whether a timer of the loan's latest events should have fired by `at` and has not."""
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=clock.handle_id),
            maximum_page_size=_LATEST_EVENTS,
        )
        told = await self._patiently(
            lambda: self._client.workflow_service.get_workflow_execution_history_reverse(request)
        )
        settled: set[str] = set()
        for event in told.history.events:
            if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
                settled.add(event.timer_fired_event_attributes.timer_id)
            elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
                settled.add(event.timer_canceled_event_attributes.timer_id)
            elif event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
                started = event.timer_started_event_attributes
                due = event.event_time.ToDatetime(tzinfo=UTC) + started.start_to_fire_timeout.ToTimedelta()
                if started.timer_id not in settled and due <= at:
                    return True
        return False

    async def _describe(self, clock: _Clock) -> DescribeWorkflowExecutionResponse:
        """As the server has it: the client's own form decodes all of it, and one search attribute is looked at."""
        described = await self._told(clock)
        if not _running(described):
            raise RPCError("the loan has ended", RPCStatusCode.NOT_FOUND, b"")
        return described

    async def _told(self, clock: _Clock) -> DescribeWorkflowExecutionResponse:
        request = DescribeWorkflowExecutionRequest(
            namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=clock.handle_id)
        )
        return await self._patiently(lambda: self._client.workflow_service.describe_workflow_execution(request))

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
        ticket = str(uuid.uuid4())
        config = TimeSkippingConfig(
            fast_forward_config=FastForwardConfig(id=ticket, duration=at - now),
            max_session_skip_count=MOST_SKIPS,
        )
        handle = self._client.get_workflow_handle(clock.handle_id)
        try:
            await self._patiently(lambda: self._skipper._update_time_skipping_config(handle, config))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            clock.ticket = None
            return
        clock.ticket = ticket

    async def _reach(self, clock: _Clock, stop: datetime) -> bool | None:
        """Whether the clock stands at `stop`; False when the loan ended first, None when it must stop earlier."""
        ticket = clock.ticket
        if ticket is None:
            if not await self._runs_again(clock):
                return False
            await asyncio.sleep(0.1)
            return None
        if ticket == "here":
            clock.ticket = None
            return True
        request = PollWorkflowExecutionTimeSkippingRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=clock.handle_id, run_id=""),
            fast_forward_id=ticket,
        )
        clock.moved.clear()
        if clock.ticket != ticket:
            return None
        poll = asyncio.create_task(self._poll(request))
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
        if reached is None or (not reached and await self._runs_again(clock)):
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

    async def _poll(self, request: PollWorkflowExecutionTimeSkippingRequest) -> bool | None:
        """True once the stop is reached, False when the loan ended first, None when it is no longer the stop."""
        while True:
            try:
                answer = await self._patiently(
                    lambda: self._client.workflow_service.poll_workflow_execution_time_skipping(request)
                )
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
            result = answer.fast_forward_polling_result
            if result == FastForwardPollingResult.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED:
                return True
            if result == FastForwardPollingResult.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED:
                return None if "fast_forward_id does not match" in answer.failed_reason else False

    async def _happen(self, clock: _Clock, at: datetime) -> None:
        """Everything that is due at `at`: the world's events, and then what people decide."""
        heard = clock.heard
        answer = await self._world("POST", "/_world/advance", {"loan_id": clock.loan_id, "to": at.isoformat()})
        if clock.heard == heard:
            clock.world_next = _moment(answer["next_at"])
        else:
            await self._learn_next(clock)
        if any(event["kind"] == "webhook" for event in answer["delivered"]):
            await self._until_relayed(clock.loan_id)
        await self._patiently(lambda: self._agents.act(self._client, clock.loan_id, at))
        if clock.ended and await self._runs_again(clock):
            clock.ended = False
        clock.target = clock.ticket = None

    async def _until_relayed(self, loan_id: str) -> None:
        """Webhooks were accepted; the loan must have heard of them before its clock moves on."""
        waited = 0.0
        loop = asyncio.get_running_loop()
        last = await patiently_read(self._newest_webhook)
        asked = False
        while not await patiently_read(partial(self._relayed, last)) or not asked:
            # A notice that only points at a payment has told nothing before the gateway was asked.
            if not asked and not await patiently_read(self._pointed_at):
                asked, last = True, await patiently_read(self._newest_webhook)
                continue
            began = loop.time()
            await self._before_asking_again(0.02)
            waited += loop.time() - began
            if waited > _PATIENCE_SECONDS:
                raise RehearsalStuck(f"webhooks for loan {loan_id} were not relayed within {_PATIENCE_SECONDS:.0f} s")

    def _pointed_at(self) -> bool:
        with self._database.reading() as session:
            return inquiries.pointed_at(session)

    def _newest_webhook(self) -> int:
        with self._database.reading() as session:
            return newest(session)

    def _relayed(self, last: int) -> bool:
        with self._database.reading() as session:
            return relayed_up_to(session, last)

    async def _runs_again(self, clock: _Clock) -> bool:
        return _running(await self._told(clock))

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
                if waited > _PATIENCE_SECONDS:
                    raise
            await asyncio.sleep(0.2)
            waited += 0.2

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call the server, which may be down for a moment."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            try:
                return await call()
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                # The client's word for our own cancellation, too.
                current = asyncio.current_task()
                if (current and current.cancelling()) or asyncio.get_running_loop().time() > deadline:
                    raise
            except RPCError as error:
                if error.status not in _PASSING or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.2)


async def patiently_read(question: Callable[[], T]) -> T:
    """Ask the records in a thread; they may be away for a moment."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(question)
        except DBAPIError:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.2)


def _virtual_time(raw: DescribeWorkflowExecutionResponse) -> datetime:
    """The loan's own time: the server's, plus what was skipped."""
    extended = raw.workflow_extended_info
    if not extended.HasField("time_skipping_info"):
        return datetime.now(UTC)
    moment: datetime = extended.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
    return moment


def _running(raw: DescribeWorkflowExecutionResponse) -> bool:
    return int(raw.workflow_execution_info.status) == WorkflowExecutionStatus.RUNNING


def _planned(raw: DescribeWorkflowExecutionResponse) -> datetime | None:
    """When the loan says that it next acts by itself."""
    attributes = raw.workflow_execution_info.search_attributes.indexed_fields
    if NEXT_ACTION_AT.name not in attributes:
        return None
    return _moment(json.loads(attributes[NEXT_ACTION_AT.name].data))


def _scheduled(activity: PendingActivityInfo) -> datetime | None:
    """When the next attempt of a pending activity is due; None when one is under way."""
    if activity.state != _WAITING or not activity.HasField("next_attempt_schedule_time"):
        return None
    moment: datetime = activity.next_attempt_schedule_time.ToDatetime(tzinfo=UTC)
    return moment


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
