"""`doctor` on Temporal: workers, failing tasks, activities that are tried again and again, and its clock."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ApplicationErrorCategory, EventType, TaskQueueType, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.provider_waits import Lacking
from commands.doctor_findings import Finding, about
from config.settings import Settings
from domain.what_next import WhatNext
from workflows.payload_encryption import CannotDecrypt

_TYPES = ("LoanCollection", "Campaign", "SegmentSend", "Daily")
OURS = f"({' OR '.join(f'WorkflowType={name!r}' for name in _TYPES)}) AND ExecutionStatus='Running'"
_POLLED_WITHIN = timedelta(seconds=90)
"""A poll lasts up to a minute and is noted when it begins."""
_TRIED_TOO_OFTEN = 5
_AT_ONCE = 32
_OPERATOR_NEEDED = frozenset(lacking.value[1] for lacking in Lacking)
"""Tried again every hour: of these one try is enough to know."""
_STOPPED = f"_{WhatNext.STOP_SENDER.value}"
_KINDS = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}


async def server_ahead(client: Client, now: Callable[[], datetime]) -> timedelta:
    """How far Temporal's clock is ahead of this host's: told by when a workflow that nobody takes was started."""
    probe = await client.start_workflow(
        "ClockProbe",
        id=f"recobro-clock-probe-{uuid.uuid4()}",
        task_queue="recobro-clock-probe",
        execution_timeout=timedelta(minutes=1),
    )
    asked = now()
    started = (await probe.describe()).start_time
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=probe.id)
        )
    )
    return started - asked


async def look_at_workers(client: Client, settings: Settings, server_now: datetime) -> list[Finding]:
    """Whether somebody polls the task queue; and each build that loans are pinned to."""
    polled: dict[str, set[str]] = {}
    for name, kind in _KINDS.items():
        told = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace, task_queue=TaskQueue(name=settings.task_queue), task_queue_type=kind
            )
        )
        alive = [
            poller
            for poller in told.pollers
            if server_now - poller.last_access_time.ToDatetime(tzinfo=UTC) < _POLLED_WITHIN
        ]
        polled[name] = {poller.deployment_options.build_id for poller in alive}
    if not all(polled.values()):
        idle = " and ".join(name for name, builds in polled.items() if not builds)
        return [
            Finding(
                "no_worker",
                f"no worker polls task queue {settings.task_queue!r} for {idle} tasks",
                "no loan moves: contacts, payments and news wait until a worker runs",
                "python worker.py",
            )
        ]
    return await look_at_builds(client, settings, polled["workflow"])


async def look_at_builds(client: Client, settings: Settings, polling: set[str]) -> list[Finding]:
    """A build that loans are pinned to, or that is current, must have workers."""
    deployment = settings.worker.deployment
    try:
        told = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
        )
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            return []
        raise
    found = []
    for version in told.worker_deployment_info.version_summaries:
        build = version.deployment_version.build_id
        pinned = await client.count_workflows(
            f"ExecutionStatus='Running' AND TemporalWorkerDeploymentVersion='{deployment}:{build}'"
        )
        current = told.worker_deployment_info.routing_config.current_deployment_version.build_id == build
        if build in polling or not (pinned.count or current):
            continue
        stands = f"{pinned.count:,} running workflows stand with it" + (" and it is the current one" if current else "")
        found.append(
            Finding(
                "build_without_worker",
                f"no worker of build {build!r} polls: {stands}",
                "pinned loans run with their own build only (docs/upgrades.md)",
                f"in that build's checkout: python worker.py --build-id {build}",
                max(pinned.count, 1),
                (build,),
            )
        )
    return found


@dataclass
class _Seen:
    """Ids of workflows by what is wrong with them."""

    tasks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    activities: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))


async def look_at_workflows(client: Client, limit: int) -> tuple[list[Finding], int]:
    """Running loans and campaigns whose tasks fail or whose activities do not get through; and how many were looked at.

    The server marks workflows whose tasks fail again and again; these are looked at first, and then others up to
    `limit`. How many more run is a finding.
    """
    ids: dict[str, None] = {}
    for query in (f"{OURS} AND TemporalReportedProblems IS NOT NULL", OURS):
        try:
            async for run in client.list_workflows(query, limit=limit):
                ids[run.id] = None
        except RPCError as error:
            # A server that does not know the attribute refuses the query.
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
    seen = _Seen()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(workflow_id: str) -> None:
        async with gate:
            await _look(client, workflow_id, seen)

    looked_at = list(ids)[:limit]
    await asyncio.gather(*map(look, looked_at))
    found: list[Finding] = []
    for why, workflows in seen.tasks.items():
        found += about(
            "tasks_failing",
            f"workflow tasks of {{n}} workflows fail: {why}",
            "they are tried again for ever and the loan stands still until the code can go on with its history",
            f"start the build that began them, or mend the code; they go on by themselves. Look: temporal workflow "
            f"show --workflow-id {workflows[0]}",
            workflows,
        )
    for (name, why), workflows in seen.activities.items():
        found += about(
            "activities_failing",
            f"activity {name} of {{n}} workflows does not get through: {why}",
            "the loan waits for it; it is tried again until it gets through",
            f"mend what it says. Look: temporal workflow describe --workflow-id {workflows[0]}",
            workflows,
        )
    if len(ids) >= limit and (more := (await client.count_workflows(OURS)).count - len(looked_at)) > 0:
        found.append(
            Finding(
                "workflows_not_looked_at",
                f"{len(looked_at):,} running workflows were looked at, {more:,} more were not",
                "activities of theirs may be tried again and again; where tasks fail, the server marks it, and those "
                "come first",
                f"starter.py doctor --limit {len(looked_at) + more}",
                more,
            )
        )
    return found, len(looked_at)


async def _look(client: Client, workflow_id: str, seen: _Seen) -> None:
    try:
        told = (await client.get_workflow_handle(workflow_id).describe()).raw_description
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return
        raise
    if told.HasField("pending_workflow_task") and told.pending_workflow_task.attempt > 1:
        why = await _task_failure(client, workflow_id)
        if why is not None:
            seen.tasks[why].append(workflow_id)
    for activity in told.pending_activities:
        why = await _activity_failure(client, activity)
        if why is not None:
            seen.activities[activity.activity_type.name, why].append(workflow_id)


async def _task_failure(client: Client, workflow_id: str) -> str | None:
    """Why the last workflow task failed; None when none of the last events is a failure."""
    told = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id), maximum_page_size=6
        )
    )
    for event in told.history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failed = event.workflow_task_failed_event_attributes
            cause = WorkflowTaskFailedCause.Name(failed.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_").lower()
            return f"{cause}: {await _reason(client, failed.failure)}"
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            return "no worker finished the task in time"
    return None


async def _activity_failure(client: Client, activity: PendingActivityInfo) -> str | None:
    """Why an activity does not get through; None for one that waits as it should."""
    if not activity.HasField("last_failure"):
        return None
    failure = activity.last_failure
    info = failure.application_failure_info
    if info.category == ApplicationErrorCategory.APPLICATION_ERROR_CATEGORY_BENIGN:
        return None
    if activity.attempt <= _TRIED_TOO_OFTEN and not _for_an_operator(info.type):
        return None
    return await _reason(client, failure)


def _for_an_operator(kind: str) -> bool:
    return kind in _OPERATOR_NEEDED or kind.endswith(_STOPPED)


async def _reason(client: Client, failure: Failure) -> str:
    """What it says; where no key is here that opens it, that."""
    try:
        return _short(await client.data_converter.decode_failure(failure))
    except CannotDecrypt as unknown:
        return _short(unknown)


def _short(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__ if not lines else lines[0]}"[:160]
