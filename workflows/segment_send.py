"""A one-off message to a segment: tells its loans at a rate; what each then does is the loan's own life."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.capabilities import SegmentWork
    from activities.segment_orders import SendStateOrder, TellOrder, TellReport
    from workflows.messages import Answer

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
LATE_STOP_WITHDRAWS = "2026-11-30-late-stop-withdraws"
"""A stop that comes while the records are told of the end is carried out too."""


class SegmentSendInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    send_id: str
    rate_per_second: float = Field(20, gt=0)
    page: int = Field(5000, gt=0)
    withdraw: bool = False
    """Tell nobody any more; only take it back from those who were told."""


class SegmentSendResult(BaseModel):
    """`withdrawn`: loans told not to send it, when it was stopped."""

    model_config = ConfigDict(frozen=True)

    told: int
    refused: int
    withdrawn: int = 0


def segment_send_workflow_id(send_id: str) -> str:
    return f"send-{send_id}"


@workflow.defn(name="SegmentSend")
class SegmentSend:
    @workflow.init
    def __init__(self, given: SegmentSendInput) -> None:
        self._given = given
        self._told = self._refused = 0
        self._stopped = given.withdraw

    @workflow.run
    async def run(self, given: SegmentSendInput) -> SegmentSendResult:
        waiting: int | None = None
        while waiting != 0 and not self._stopped:
            waiting = await self._tell_page()
            self._show(waiting)
        stopped = self._stopped
        withdrawn = await self._withdraw() if stopped else 0
        await self._tell_records("stopped" if stopped else "finished")
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._stopped and not stopped and workflow.patched(LATE_STOP_WITHDRAWS):
            withdrawn = await self._withdraw()
            await self._tell_records("stopped")
        return SegmentSendResult(told=self._told, refused=self._refused, withdrawn=withdrawn)

    async def _withdraw(self) -> int:
        return await workflow.execute_activity_method(
            SegmentWork.withdraw_message,
            self._given.send_id,
            start_to_close_timeout=timedelta(hours=12),
            heartbeat_timeout=timedelta(minutes=1),
            retry_policy=RETRY,
            summary="Withdraw it where it was not sent yet",
        )

    async def _tell_page(self) -> int | None:
        """How many are left; None when a stop came in between."""
        telling = workflow.start_activity_method(
            SegmentWork.tell_loans,
            TellOrder(send_id=self._given.send_id, page=self._given.page, rate_per_second=self._given.rate_per_second),
            start_to_close_timeout=timedelta(hours=12),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=RETRY,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"Tell {self._given.page} loans, {self._given.rate_per_second:g} a second",
        )
        await workflow.wait_condition(lambda: telling.done() or self._stopped)
        interrupted = not telling.done()
        if interrupted:
            telling.cancel()
        try:
            report: TellReport = await telling
        except ActivityError as failure:
            # Asked to stop, it is not tried again, however it ended: a worker may die or a connection break just then.
            if interrupted or isinstance(failure.cause, CancelledError):
                return None
            raise
        self._told += report.told
        self._refused += report.refused
        return report.waiting

    async def _tell_records(self, state: str) -> None:
        await workflow.execute_activity_method(
            SegmentWork.set_send_state,
            SendStateOrder(send_id=self._given.send_id, state=state),
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RETRY,
            summary=f"Message to a segment {state}",
        )

    @workflow.update
    def stop(self) -> Answer:
        self._stopped = True
        return Answer(detail="no more loans are told; what has not been sent is withdrawn")

    @stop.validator
    def _may_stop(self) -> None:
        if self._stopped:
            raise ApplicationError("refused: it was stopped already")

    def _show(self, waiting: int | None) -> None:
        left = "all told" if waiting == 0 else f"{waiting or 'some'} waiting"
        workflow.set_current_details(
            f"### Message to a segment {self._given.send_id}\n\n- told {self._told}, refused {self._refused}, {left}"
        )
