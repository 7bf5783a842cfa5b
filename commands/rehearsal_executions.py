"""How the workflow executions of a rehearsal's loans stand on the server: their own time, and when they next act."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from commands.rehearsal_polling import PollingPace
from commands.rehearsal_retries import patiently
from workflows.search_attributes import NEXT_ACTION_AT

_REST_SECONDS = 150.0
_TIMER_SECONDS = 3.0
_LATEST_EVENTS = 60
_SHORT_OF_IT = timedelta(seconds=0.7)
"""How far short of a loan's own moment the skipping stops; the rest passes by itself."""
_WAITING = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED


class LoanExecutions:
    """Asked by workflow id. `begins` is the loans' first moment."""

    def __init__(self, client: Client, begins: datetime, pace: PollingPace) -> None:
        self._client = client
        self._begins = begins
        self._pace = pace

    async def runs(self, workflow_id: str) -> bool:
        """Whether the latest run of the loan has not ended. Raises RPCError."""
        return _running(await self._described(workflow_id))

    async def at_rest(self, workflow_id: str) -> tuple[datetime, datetime | None]:
        """The loan's time once nothing of it is under way, and just short of when it next acts by itself.

        Raises RPCError (NOT_FOUND) when it has ended.
        """
        clock_now = asyncio.get_running_loop().time
        began = clock_now()
        while True:
            raw = await self._described_while_running(workflow_id)
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
                about_to_act = await self._timer_is_due(workflow_id, soon)
            if waited >= _REST_SECONDS or not (under_way or about_to_act):
                break
            await self._pace.before_asking_again(0.05 if waited < _TIMER_SECONDS else 0.5)
        moments = [planned, *(at for at in tries if at is not None)]
        acts_at = min((at for at in moments if at > soon), default=None)
        return now, acts_at - _SHORT_OF_IT if acts_at is not None else None

    async def _timer_is_due(self, workflow_id: str, at: datetime) -> bool:
        """Whether a timer of the loan's latest events should have fired by `at` and has not."""
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id),
            maximum_page_size=_LATEST_EVENTS,
        )
        told = await patiently(lambda: self._client.workflow_service.get_workflow_execution_history_reverse(request))
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

    async def _described_while_running(self, workflow_id: str) -> DescribeWorkflowExecutionResponse:
        described = await self._described(workflow_id)
        if not _running(described):
            raise RPCError("the loan has ended", RPCStatusCode.NOT_FOUND, b"")
        return described

    async def _described(self, workflow_id: str) -> DescribeWorkflowExecutionResponse:
        """As the server has it: the client's own form decodes all of it, and one search attribute is looked at."""
        request = DescribeWorkflowExecutionRequest(
            namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        )
        return await patiently(lambda: self._client.workflow_service.describe_workflow_execution(request))


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
    told = json.loads(attributes[NEXT_ACTION_AT.name].data)
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _scheduled(activity: PendingActivityInfo) -> datetime | None:
    """When the next attempt of a pending activity is due; None when one is under way."""
    if activity.state != _WAITING or not activity.HasField("next_attempt_schedule_time"):
        return None
    moment: datetime = activity.next_attempt_schedule_time.ToDatetime(tzinfo=UTC)
    return moment
