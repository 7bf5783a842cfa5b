"""A campaign on a real server: what a person orders while a page of loans is being started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.campaign_orders import InstructOrder, InstructReport, StartOrder, StartReport, StateOrder
from tests.activities.servers import temporal_server
from workflows.campaign import Campaign
from workflows.campaign_messages import CampaignInput
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner

OFTEN = timedelta(milliseconds=50)
Handle = WorkflowHandle[Any, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Not the one that skips time: that tries an interrupted activity again."""
    with temporal_server() as address:
        yield address


class Desk:
    """One page of loans, which ends in an error as soon as it is asked to stop; the next one finds nothing to start."""

    def __init__(self, fails: Callable[[], Exception]) -> None:
        self._fails = fails
        self.started = asyncio.Event()
        self.instructed: list[str] = []
        self.orders: list[InstructOrder] = []
        self.noted: list[StateOrder] = []
        self.begun = asyncio.Event()
        self.may_instruct = asyncio.Event()
        self.may_instruct.set()
        self.may_end = asyncio.Event()
        self.may_end.set()

    @activity.defn(name="start_loans")
    async def start_loans(self, order: StartOrder) -> StartReport:
        if self.started.is_set():
            return StartReport(started=0, refused=0, waiting=0)
        self.started.set()
        try:
            while True:
                activity.heartbeat()
                await asyncio.sleep(OFTEN.total_seconds())
        except asyncio.CancelledError:
            raise self._fails() from None

    @activity.defn(name="instruct_loans")
    async def instruct_loans(self, order: InstructOrder) -> InstructReport:
        self.instructed.append(order.instruction.value)
        self.orders.append(order)
        self.begun.set()
        while not self.may_instruct.is_set():
            activity.heartbeat()
            await asyncio.sleep(OFTEN.total_seconds())
        return InstructReport(done=3, refused=0)

    @activity.defn(name="set_campaign_state")
    async def set_state(self, order: StateOrder) -> None:
        self.noted.append(order)

    @activity.defn(name="await_ends")
    async def await_ends(self, campaign_id: str) -> dict[str, int]:
        await self.may_end.wait()
        return {"recalled": 3}


@pytest.mark.parametrize(
    "fails",
    [lambda: RuntimeError("the connection broke"), lambda: ApplicationError("database locked", non_retryable=True)],
    ids=["connection", "records"],
)
@pytest.mark.parametrize("ordered", ["pause", "stop"])
async def test_a_page_that_breaks_as_it_is_interrupted_does_not_keep_the_order_from_the_loans(
    server: str, ordered: str, fails: Callable[[], Exception]
) -> None:
    """Given a page of loans being started, when a person orders a pause or a stop and the page breaks instead of
    stopping in order, then every loan is told all the same and the campaign goes on to its end."""
    desk = Desk(fails)
    async with campaign(server, desk) as handle:
        answer = await handle.execute_update(ordered)
        if ordered == "pause":
            await handle.execute_update("resume")
        result = await asyncio.wait_for(handle.result(), 60)

    assert answer["accepted"]
    assert desk.instructed == (["pause", "resume"] if ordered == "pause" else ["close"])
    assert result.ends == {"recalled": 3}


async def test_an_order_is_pending_until_the_last_loan_was_told(server: str) -> None:
    """Given a pause that is being brought from loan to loan, then the campaign says that one order is under way, and
    none once all were told."""
    desk = Desk(broken)
    desk.may_instruct.clear()
    async with campaign(server, desk) as handle:
        await handle.execute_update("pause")
        await asyncio.wait_for(desk.begun.wait(), 30)
        meanwhile = await handle.query("progress")

        desk.may_instruct.set()
        told = await carried_out(handle)

    assert (meanwhile["instructions_pending"], meanwhile["last_instruction"]) == (1, None)
    assert told["last_instruction"]["done"] == 3


async def test_a_pause_that_is_given_again_takes_its_new_end_to_every_loan(server: str) -> None:
    """Given a campaign that is paused until a day, when it is paused until a later one, then the loans and the records
    hear of that day, as of another order."""
    desk = Desk(broken)
    first, later = (datetime.now(UTC) + timedelta(days=days) for days in (9, 30))
    async with campaign(server, desk) as handle:
        await handle.execute_update("pause", {"until": first.isoformat()})
        await handle.execute_update("pause", {"until": later.isoformat()})
        told = await carried_out(handle)

    assert told["paused"]
    assert [order.until for order in desk.orders] == [first, later]
    assert len({order.number for order in desk.orders}) == 2
    assert [(each.state, each.until, each.number) for each in desk.noted] == [
        ("paused", order.until, order.number) for order in desk.orders
    ]


async def test_a_stop_may_be_given_again_for_a_loan_that_it_did_not_reach(server: str) -> None:
    """Given a campaign that was stopped and still has a loan in collection, when it is stopped once more, then those
    in collection are told once more, as of another order, and the records note it."""
    desk = Desk(broken)
    desk.may_end.clear()
    async with campaign(server, desk) as handle:
        await handle.execute_update("stop", {"reason": "recalled"})
        await carried_out(handle)
        await handle.execute_update("stop", {"reason": "recalled"})
        await carried_out(handle)

        desk.may_end.set()
        await asyncio.wait_for(handle.result(), 60)

    assert desk.instructed == ["close", "close"]
    assert len({order.number for order in desk.orders}) == 2
    assert [(each.state, each.number) for each in desk.noted] == [("stopped", order.number) for order in desk.orders]


async def test_a_resume_may_be_given_again_for_a_loan_that_it_did_not_reach(server: str) -> None:
    """Given a campaign that was paused and resumed, when it is resumed once more, then its loans are told once more, as
    of another order; a campaign that was never paused refuses."""
    desk = Desk(broken)
    desk.may_end.clear()
    async with campaign(server, desk) as handle:
        with pytest.raises(WorkflowUpdateFailedError) as never_paused:
            await handle.execute_update("resume")
        await handle.execute_update("pause")
        await carried_out(handle)
        await handle.execute_update("resume")
        await carried_out(handle)
        await handle.execute_update("resume")
        told = await carried_out(handle)
        desk.may_end.set()
        await asyncio.wait_for(handle.result(), 60)

    assert str(never_paused.value.cause) == "refused: the campaign is not paused"
    assert desk.instructed == ["pause", "resume", "resume"]
    assert len({order.number for order in desk.orders}) == 3
    assert not told["paused"]


def broken() -> Exception:
    return RuntimeError("the connection broke")


@asynccontextmanager
async def campaign(server: str, desk: Desk) -> AsyncIterator[Handle]:
    """A campaign whose first page is being started."""
    client = await Client.connect(server, data_converter=compact_data_converter)
    queue = f"q-{uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Campaign],
        activities=[desk.start_loans, desk.instruct_loans, desk.set_state, desk.await_ends],
        workflow_runner=workflow_runner(),
        max_heartbeat_throttle_interval=OFTEN,
    ):
        handle = await client.start_workflow(
            Campaign.run, CampaignInput(campaign_id="c1", page=10), id=f"campaign-{uuid4()}", task_queue=queue
        )
        await asyncio.wait_for(desk.started.wait(), 30)
        yield handle


async def carried_out(handle: Handle) -> dict[str, Any]:
    """What the campaign tells of itself once no order is under way."""
    async with asyncio.timeout(60):
        while (told := await handle.query("progress"))["instructions_pending"]:
            await asyncio.sleep(OFTEN.total_seconds())
    return dict(told)
