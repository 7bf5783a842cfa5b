"""Lets campaigns see that their last loan has ended: they look every so often by the wall clock, loans skip months."""

from __future__ import annotations

import asyncio
import contextlib
import time

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import Client
from temporalio.service import RPCError

_RUNNING = 'WorkflowType = "Campaign" AND ExecutionStatus = "Running"'


async def let_campaigns_end(client: Client, seconds: float = 60.0) -> None:
    """What campaigns wait for is asked again at once. One that still runs after so long is left as it is.

    Raises temporalio.service.RPCError.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        running = [run async for run in client.list_workflows(_RUNNING)]
        if not running:
            return
        for run in running:
            await _ask_again_now(client, run.id, run.run_id)
        await asyncio.sleep(2)


async def _ask_again_now(client: Client, workflow_id: str, run_id: str) -> None:
    described = await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
    for pending in described.raw_description.pending_activities:
        # It may have come to its end between the two questions.
        with contextlib.suppress(RPCError):
            await client.workflow_service.reset_activity(
                ResetActivityRequest(
                    namespace=client.namespace,
                    execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
                    id=pending.activity_id,
                )
            )
