"""Checks of what a rehearsal left behind: workflow histories without failures, and no personal data anywhere."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecution

from commands.verdict import Borrower, Check, Finding

_AT_ONCE = 8
_AWAKE_WITHIN = timedelta(minutes=1)
_SHORTEST = 6
"""Shorter texts (a two-letter name) would be found by chance in any file."""

# The words of the Temporal SDK.
_FAILED_IN_LOG = re.compile(r"Failed activation on workflow \S+ with ID (?P<workflow_id>\S+)")

# Signals that arrive while the worker answers make the server ask again: nothing failed.
_NO_FAILURE = frozenset({WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND})


async def workflow_tasks(client: Client, logs: Sequence[Path] = ()) -> Check:
    """No workflow task failed in any history of the namespace, of loans and campaigns, all runs.

    Nor by the workers' logs: a history tells of a task's first attempt alone. And every run went to work when it
    started: a clock that was skipped too far shows here first.
    """
    found = Finding("histories", "Did no workflow task fail, and no loan sleep past its time?", "events")
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(run: WorkflowExecution) -> None:
        async with gate:
            handle = client.get_workflow_handle(run.id, run_id=run.run_id)
            started: datetime | None = None
            async for event in handle.fetch_history_events():
                found.looked_at += 1
                at = event.event_time.ToDatetime(tzinfo=UTC)
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                    started = at
                elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED and started is not None:
                    if at - started > _AWAKE_WITHIN:
                        slept = f"run {run.run_id} of {run.id} first worked {at - started} after it started"
                        found.against(loan_of(run.id), started, None, slept)
                    started = None
                if event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    continue
                failed = event.workflow_task_failed_event_attributes
                if failed.cause not in _NO_FAILURE:
                    cause = WorkflowTaskFailedCause.Name(failed.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
                    found.against(loan_of(run.id), None, None, f"event {event.event_id} of {run.id}: {cause}")

    runs = [run async for run in client.list_workflows()]
    await asyncio.gather(*(one(run) for run in runs))
    for log in logs:
        for workflow_id, number in sorted(_failures_logged(log).items()):
            found.against(loan_of(workflow_id), None, None, f"{log.name} tells of {number} failed in {workflow_id}")
    return found.check()


def _failures_logged(log: Path) -> Counter[str]:
    """How often a worker's log says that a task of a workflow failed."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return Counter(line["workflow_id"] for line in _FAILED_IN_LOG.finditer(text))


def loan_of(workflow_id: str) -> str | None:
    """`loan-<lender>-<loan>`; a lender has no dash."""
    parts = workflow_id.split("-", 2)
    return parts[2] if parts[0] == "loan" and len(parts) == 3 else None


def personal_data(borrowers: Iterable[Borrower], files: Sequence[Path]) -> Check:
    """No name, phone, e-mail or account number of anybody in these files, whichever way it was encoded."""
    found = Finding("personal-data", "Is no personal data in Temporal's files or in the logs?", "kB searched")
    wanted = {
        form: (borrower.person_id, number)
        for borrower in borrowers
        for number, secret in enumerate(borrower.secrets)
        if len(secret) >= _SHORTEST
        for form in forms_of(secret)
    }
    for file in files:
        if not file.exists():
            continue
        content = file.read_bytes()
        found.looked_at += len(content) // 1024
        for form, (person_id, number) in wanted.items():
            if form in content:
                text = f"{file.name} holds item {number + 1} of what is private of {person_id}"
                found.against(None, None, None, text)
    return found.check()


def forms_of(secret: str) -> set[bytes]:
    """A text as UTF-8, and as JSON writes it when it must be plain ASCII."""
    return {secret.encode(), json.dumps(secret)[1:-1].encode()}
