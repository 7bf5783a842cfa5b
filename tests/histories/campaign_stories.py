"""Campaigns to record: their work is played, their orders are real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.campaign_orders import InstructOrder, InstructReport, StartOrder, StartReport, StateOrder
from tests.workflows.skipping import executable
from workflows.campaign import Campaign
from workflows.campaign_messages import CampaignInput
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner

QUEUE = "recobro"
Handle = WorkflowHandle[Any, Any]


class Desk:
    """Three pages of loans; they have ended once `over` is set."""

    def __init__(self) -> None:
        self.pages = 3
        self.over = asyncio.Event()

    @activity.defn(name="start_loans")
    async def start_loans(self, order: StartOrder) -> StartReport:
        self.pages = max(self.pages - 1, 0)
        return StartReport(started=order.page, refused=1, waiting=self.pages * order.page)

    @activity.defn(name="instruct_loans")
    async def instruct_loans(self, order: InstructOrder) -> InstructReport:
        return InstructReport(done=3, refused=0)

    @activity.defn(name="set_campaign_state")
    async def set_state(self, order: StateOrder) -> None:
        return None

    @activity.defn(name="await_ends")
    async def await_ends(self, campaign_id: str) -> dict[str, int]:
        if not self.over.is_set():
            raise ApplicationError("some go on", category=ApplicationErrorCategory.BENIGN)
        return {"cured": 3}


@asynccontextmanager
async def campaign_stage() -> AsyncIterator[tuple[Client, Desk]]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=executable("temporal-test-server"), data_converter=compact_data_converter
    ) as env:
        desk = Desk()
        work = [desk.start_loans, desk.instruct_loans, desk.set_state, desk.await_ends]
        async with Worker(
            env.client, task_queue=QUEUE, workflows=[Campaign], activities=work, workflow_runner=workflow_runner()
        ):
            yield env.client, desk


async def begun(client: Client) -> Handle:
    """A campaign that has started all its loans."""
    handle = await client.start_workflow(
        Campaign.run, CampaignInput(campaign_id="c1", page=10), id="campaign-c1", task_queue=QUEUE
    )
    async with asyncio.timeout(60):
        while (await handle.query("progress"))["waiting"] != 0:
            await asyncio.sleep(0.05)
    return handle


async def campaign_paused_and_open(on: tuple[Client, Desk]) -> Handle:
    handle = await begun(on[0])
    await handle.execute_update("pause")
    await handle.execute_update("resume")
    await handle.execute_update("pause")
    return handle


async def campaign_finished(on: tuple[Client, Desk]) -> Handle:
    handle = await begun(on[0])
    on[1].over.set()
    await handle.result()
    return handle


async def campaign_stopped(on: tuple[Client, Desk]) -> Handle:
    handle = await begun(on[0])
    await handle.execute_update("stop")
    on[1].over.set()
    await handle.result()
    return handle


CAMPAIGNS: dict[str, Callable[[tuple[Client, Desk]], Awaitable[Handle]]] = {
    story.__name__: story for story in (campaign_paused_and_open, campaign_finished, campaign_stopped)
}
