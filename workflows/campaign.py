"""A campaign: starts its loans at a rate, passes instructions on to all of them, ends when the last one has.

The fan-out is one activity a page that starts loans through a client: a hundred thousand loans leave a few
hundred events here, where child workflows would leave several each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.campaign_orders import (
        Instruction,
        InstructOrder,
        InstructReport,
        StartOrder,
        StartReport,
        StateOrder,
    )
    from activities.capabilities import CampaignWork
    from domain.events.control import Close, CloseReason, Pause
    from workflows.campaign_messages import CampaignInput, CampaignProgress, CampaignResult
    from workflows.messages import Answer

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
FOR_EVER = timedelta(days=3640)
"""A pause without an end; loans refuse one of ten years and more as a slip."""


@workflow.defn(name="Campaign")
class Campaign:
    @workflow.init
    def __init__(self, given: CampaignInput) -> None:
        self._given = given
        self._started = given.started
        self._refused = given.refused
        self._waiting: int | None = None
        self._paused = given.paused
        self._stopped = False
        self._orders: list[InstructOrder] = []
        self._number = given.instructions
        self._last: InstructReport | None = None

    @workflow.run
    async def run(self, given: CampaignInput) -> CampaignResult:
        while not self._stopped and self._waiting != 0:
            await self._instruct()
            self._show()
            if self._paused:
                await workflow.wait_condition(lambda: bool(self._orders) or not self._paused or self._stopped)
            else:
                await self._start_page()
        ends = await self._see_them_end()
        # An instruction may come in the very task in which the last loan's end is heard of.
        await self._instruct()
        if not self._stopped:
            await self._tell_records("finished")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return CampaignResult(started=self._started, refused=self._refused, ends=ends)

    async def _start_page(self) -> None:
        """One page of starts; an instruction interrupts it, and the next page goes on where it stood."""
        starting = workflow.start_activity_method(
            CampaignWork.start_loans,
            StartOrder(
                campaign_id=self._given.campaign_id,
                page=self._given.page,
                rate_per_second=self._given.rate_per_second,
                begin_at=self._given.begin_at,
            ),
            start_to_close_timeout=timedelta(hours=12),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=RETRY,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"Start {self._given.page} loans, {self._given.rate_per_second:g} a second",
        )
        await workflow.wait_condition(lambda: starting.done() or bool(self._orders))
        interrupted = not starting.done()
        if interrupted:
            starting.cancel()
        try:
            report: StartReport = await starting
        except ActivityError as failure:
            # Asked to stop, it is not tried again, however it ended: a worker may die or a connection break just then.
            if interrupted or isinstance(failure.cause, CancelledError):
                return
            raise
        self._started += report.started
        self._refused += report.refused
        self._waiting = report.waiting

    async def _see_them_end(self) -> dict[str, int]:
        """Nothing to await but the loans' own ends; meanwhile instructions are passed on."""
        ends = workflow.start_activity_method(
            CampaignWork.await_ends,
            self._given.campaign_id,
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RETRY,
            summary="Wait until every loan has ended",
        )
        while not ends.done():
            await self._instruct()
            self._show()
            self._move_to_the_current_build()
            await workflow.wait_condition(lambda: ends.done() or bool(self._orders))
        return await ends

    def _move_to_the_current_build(self) -> None:
        """Go on as a fresh run where another build was made current since this one began and nothing is under way."""
        quiet = not (self._orders or self._paused or self._stopped) and workflow.all_handlers_finished()
        if quiet and workflow.info().is_target_worker_deployment_version_changed():
            counted = {"started": self._started, "refused": self._refused, "instructions": self._number}
            workflow.continue_as_new(
                self._given.model_copy(update=counted),
                initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
            )

    async def _instruct(self) -> None:
        """Each order is pending until every loan was told."""
        while self._orders:
            order = self._orders[0]
            state = {Instruction.PAUSE: "paused", Instruction.RESUME: "running", Instruction.CLOSE: "stopped"}
            await self._tell_records(state[order.instruction], order)
            self._last = await workflow.execute_activity_method(
                CampaignWork.instruct_loans,
                order,
                start_to_close_timeout=timedelta(hours=12),
                heartbeat_timeout=timedelta(seconds=60),
                retry_policy=RETRY,
                summary=f"{order.instruction} every loan",
            )
            self._orders.pop(0)

    async def _tell_records(self, state: str, order: InstructOrder | None = None) -> None:
        await workflow.execute_activity_method(
            CampaignWork.set_state,
            StateOrder(
                campaign_id=self._given.campaign_id,
                state=state,
                number=order.number if order else None,
                until=order.until if order else None,
            ),
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RETRY,
            summary=f"Campaign {state}",
        )

    @workflow.update
    def pause(self, order: Pause | None = None) -> Answer:
        self._paused = True
        until = order.until if order else workflow.now() + FOR_EVER
        self._give(Instruction.PAUSE, until=until)
        return Answer(detail="every loan will be paused")

    @workflow.update
    def resume(self) -> Answer:
        self._paused = False
        self._give(Instruction.RESUME)
        return Answer(detail="every loan will be resumed")

    @workflow.update
    def stop(self, order: Close | None = None) -> Answer:
        """It may be given again, for loans that did not answer the first time."""
        self._stopped = True
        self._give(Instruction.CLOSE, reason=order.reason if order else CloseReason.RECALLED)
        return Answer(detail="every loan will be closed; no more are started")

    @pause.validator
    def _may_pause(self, order: Pause | None = None) -> None:
        """It may be given again: the loans take the new end, and one that had not answered hears of it."""
        self._must_run()
        if order is not None and order.until <= workflow.now():
            raise ApplicationError("refused: until lies in the past")

    @resume.validator
    def _may_resume(self) -> None:
        """It may be given again, for loans that did not answer: those that are not paused by it stay as they are."""
        self._must_run()
        if not (self._paused or self._orders or self._last):
            raise ApplicationError("refused: the campaign is not paused")

    @workflow.query
    def progress(self) -> CampaignProgress:
        return CampaignProgress(
            campaign_id=self._given.campaign_id,
            started=self._started,
            refused=self._refused,
            waiting=self._waiting,
            paused=self._paused,
            stopped=self._stopped,
            instructions_pending=len(self._orders),
            last_instruction=self._last,
        )

    def _must_run(self) -> None:
        if self._stopped:
            raise ApplicationError("refused: the campaign was stopped")

    def _give(self, instruction: Instruction, **more: Any) -> None:
        self._number += 1
        self._orders.append(
            InstructOrder(campaign_id=self._given.campaign_id, number=self._number, instruction=instruction, **more)
        )

    def _show(self) -> None:
        state = "stopped" if self._stopped else "paused" if self._paused else "running"
        waiting = "all started" if self._waiting == 0 else f"{self._waiting or 'some'} waiting"
        workflow.set_current_details(
            f"### Campaign {self._given.campaign_id}: {state}\n\n"
            f"- started {self._started}, refused {self._refused}, {waiting}"
        )
