"""A message to a segment on a real server: a stop that comes while loans are told, or just as the last one has been."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer, Worker

from activities.segment_orders import SendStateOrder, TellOrder, TellReport
from tests.activities.servers import temporal_server
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner
from workflows.segment_send import SegmentSend, SegmentSendInput

OFTEN = timedelta(milliseconds=50)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Not the one that skips time: that tries an interrupted activity again."""
    with temporal_server() as address:
        yield address


class Desk:
    """One page of loans. With `breaks` it is told slowly, and breaks instead of stopping in order when it is asked to;
    else all are told at once, and the records take the end down only when `may_end` is set."""

    def __init__(self, *, breaks: bool) -> None:
        self._breaks = breaks
        self.reached = asyncio.Event()
        self.may_end = asyncio.Event()
        self.withdrawals = 0
        self.states: list[str] = []

    @activity.defn(name="tell_loans")
    async def tell_loans(self, order: TellOrder) -> TellReport:
        if not self._breaks:
            return TellReport(told=3, refused=0, waiting=0)
        self.reached.set()
        try:
            while True:
                activity.heartbeat()
                await asyncio.sleep(OFTEN.total_seconds())
        except asyncio.CancelledError:
            raise RuntimeError("the connection broke") from None

    @activity.defn(name="withdraw_message")
    async def withdraw_message(self, send_id: str) -> int:
        self.withdrawals += 1
        return 3

    @activity.defn(name="set_send_state")
    async def set_send_state(self, order: SendStateOrder) -> None:
        self.states.append(order.state)
        if order.state == "finished":
            self.reached.set()
            await asyncio.wait_for(self.may_end.wait(), 30)


@asynccontextmanager
async def under_way(server: str, desk: Desk) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    client = await Client.connect(server, data_converter=compact_data_converter)
    async with Worker(
        client,
        task_queue="recobro",
        workflows=[SegmentSend],
        activities=[desk.tell_loans, desk.withdraw_message, desk.set_send_state],
        workflow_runner=workflow_runner(),
        max_heartbeat_throttle_interval=OFTEN,
    ):
        yield await client.start_workflow(
            SegmentSend.run, SegmentSendInput(send_id="help"), id=f"send-{uuid4()}", task_queue="recobro"
        )


async def test_a_page_that_breaks_as_it_is_stopped_does_not_keep_the_message_from_being_withdrawn(server: str) -> None:
    desk = Desk(breaks=True)
    async with under_way(server, desk) as handle:
        await asyncio.wait_for(desk.reached.wait(), 30)
        await handle.execute_update("stop")
        result = await asyncio.wait_for(handle.result(), 60)

    assert (result.withdrawn, desk.withdrawals, desk.states) == (3, 1, ["stopped"])


async def test_a_stop_that_comes_as_the_last_loan_has_been_told_withdraws_it_where_it_waits(server: str) -> None:
    """Given a message of which all loans have been told, when it is stopped before its end stands in the records, then
    it is withdrawn as if the stop had come earlier, and the records say stopped."""
    desk = Desk(breaks=False)
    async with under_way(server, desk) as handle:
        await asyncio.wait_for(desk.reached.wait(), 30)
        answer = await handle.execute_update("stop")
        desk.may_end.set()
        result = await asyncio.wait_for(handle.result(), 60)
        history = await handle.fetch_history()

    assert answer["accepted"]
    assert (result.withdrawn, desk.withdrawals, desk.states) == (3, 1, ["finished", "stopped"])
    await Replayer(
        workflows=[SegmentSend], workflow_runner=workflow_runner(), data_converter=compact_data_converter
    ).replay_workflow(history)


async def test_a_message_that_nobody_stops_withdraws_nothing(server: str) -> None:
    desk = Desk(breaks=False)
    desk.may_end.set()
    async with under_way(server, desk) as handle:
        result = await asyncio.wait_for(handle.result(), 60)
        history = await handle.fetch_history()

    assert (result.told, result.withdrawn, desk.states) == (3, 0, ["finished"])
    assert not [event for event in history.events if event.HasField("marker_recorded_event_attributes")]
