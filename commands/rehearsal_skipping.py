"""Time skipping on the Temporal server: it leaves out a workflow's idle time, up to a stop that has a name."""

from __future__ import annotations

import uuid
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import FastForwardPollingResult
from temporalio.api.workflowservice.v1 import (
    PollWorkflowExecutionTimeSkippingRequest,
    PollWorkflowExecutionTimeSkippingResponse,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.testing._timeskipping import FastForwardConfig

from commands.rehearsal_retries import patiently

MOST_SKIPS = 1_000_000
_TOLD_WITHIN = timedelta(seconds=2)


class TimeSkipping:
    """Sets where the server stops skipping the time of a workflow, and hears when it stands there."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=MOST_SKIPS))

    async def skip(self, workflow_id: str, duration: timedelta) -> str | None:
        """Let the server skip so much of a workflow's idle time, and stop there, in place of any stop before.

        Gives the ticket that names this stop to the server; None when the workflow has ended. Raises RPCError. A stop
        whose answer was lost is not set again: counted anew from where the workflow stands by then, it would lie far
        behind what it was to stop at.
        """
        ticket = str(uuid.uuid4())
        asked = False
        config = TimeSkippingConfig(
            fast_forward_config=FastForwardConfig(id=ticket, duration=duration),
            max_session_skip_count=MOST_SKIPS,
        )
        handle = self._client.get_workflow_handle(workflow_id)

        async def set_once() -> None:
            nonlocal asked
            if asked and await self._is_set(workflow_id, ticket):
                return
            asked = True
            await self._skipper._update_time_skipping_config(handle, config)

        try:
            await patiently(set_once)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
        return ticket

    async def _is_set(self, workflow_id: str, ticket: str) -> bool:
        """Whether the server knows this stop: it tells of another at once, and keeps who asks for its own waiting.

        Raises RPCError where the server is away.
        """
        try:
            answer = await self._client.workflow_service.poll_workflow_execution_time_skipping(
                self._question(workflow_id, ticket), timeout=_TOLD_WITHIN
            )
        except RPCError as error:
            if error.status is RPCStatusCode.DEADLINE_EXCEEDED:
                return True
            raise
        return not _is_of_another(answer)

    def _question(self, workflow_id: str, ticket: str) -> PollWorkflowExecutionTimeSkippingRequest:
        return PollWorkflowExecutionTimeSkippingRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=""),
            fast_forward_id=ticket,
        )

    async def reached(self, workflow_id: str, ticket: str) -> bool | None:
        """True once the stop is reached, False when the workflow ended first, None when it is no longer the stop.

        Raises RPCError.
        """
        request = self._question(workflow_id, ticket)
        while True:
            try:
                answer = await patiently(
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
                return None if _is_of_another(answer) else False


def _is_of_another(answer: PollWorkflowExecutionTimeSkippingResponse) -> bool:
    """Whether the server was asked for a stop that is not the workflow's."""
    return "fast_forward_id does not match" in answer.failed_reason
