"""A campaign that waits by the wall clock for loans whose clocks were skipped ends at once when it is made to look."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from chaos.settling import let_campaigns_end
from commands.processes import executable

loans_left: set[str] = set()


@activity.defn
async def await_ends(name: str) -> None:
    if name in loans_left:
        raise ApplicationError("in collection", next_retry_delay=timedelta(hours=1))


@workflow.defn(name="Campaign")
class Waiting:
    @workflow.run
    async def run(self, name: str) -> None:
        await workflow.execute_activity(await_ends, name, start_to_close_timeout=timedelta(minutes=1))


async def has_looked(handle: WorkflowHandle[Waiting, None]) -> bool:
    pending = (await handle.describe()).raw_description.pending_activities
    return any(one.HasField("last_failure") for one in pending)


async def test_a_campaign_whose_loans_have_ended_ends_and_another_runs_on() -> None:
    async with (
        await WorkflowEnvironment.start_local(dev_server_existing_path=executable("temporal")) as env,
        Worker(
            env.client,
            task_queue="q",
            workflows=[Waiting],
            activities=[await_ends],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        # Given two campaigns that will look again in an hour
        loans_left.update({"ends", "runs on"})
        handles = {
            name: await env.client.start_workflow(Waiting.run, name, id=f"campaign-{name}", task_queue="q")
            for name in ("ends", "runs on")
        }
        for handle in handles.values():
            while not await has_looked(handle):
                await asyncio.sleep(0.05)

        # When the loans of one have ended
        loans_left.remove("ends")
        await let_campaigns_end(env.client, seconds=10)

        # Then it has ended, and the other has not
        status = {name: (await handle.describe()).status for name, handle in handles.items()}
    assert status == {"ends": WorkflowExecutionStatus.COMPLETED, "runs on": WorkflowExecutionStatus.RUNNING}
