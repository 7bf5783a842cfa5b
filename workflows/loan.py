"""One delinquent loan in collection: reminds, watches, listens, hands over, and stops when it is paid.

No rule lives here. `domain/planning.py` says what comes next and `domain/collection.py` what news means;
this executes and waits. What the loan is told from outside is in `workflows/loan_contract.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from domain.actions import Action, AskOffers, Finish, OrderDebit, Wait
    from domain.call_wishes import drop_link
    from domain.collection import settle_hold
    from domain.contact_orders import SendContact
    from domain.events.contacts import ContactReported
    from domain.events.control import Close, CloseReason
    from domain.loan_state import LoanState
    from domain.planning import plan, still_wanted
    from domain.waiting import falls_due_at
    from workflows import describe, search_attributes
    from workflows.balance_watch import BalanceWatch
    from workflows.ledger_writer import LedgerWriter
    from workflows.loan_contract import LoanContract
    from workflows.loan_orders import ask_offers, contact_report, order_debit, start_contact
    from workflows.messages import LoanInput, LoanResult
    from workflows.running_loan import RunningLoan

CONTINUE_AS_NEW_AT = 120
"""History events after which a quiet loan starts a fresh run: replaying a long history costs CPU at every
wake (measured at 0.33 ms an event), and a loan sleeps so long that nearly every wake is a replay."""

IN_VAIN_RESTS = timedelta(hours=1)
"""A loan that would do the same again without end rests so long instead of filling its history."""
_NEW_BUILD = workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE


@workflow.defn(name="LoanCollection", failure_exception_types=[ValidationError])
class LoanCollection(LoanContract):
    @workflow.init
    def __init__(self, given: LoanInput) -> None:
        self._loan = RunningLoan(given)
        self._watch = BalanceWatch(self._loan)
        self._ledger = LedgerWriter(self._loan)
        self._action = None

    @workflow.run
    async def run(self, given: LoanInput) -> LoanResult:
        try:
            if self._loan.begins_at is not None:
                await workflow.sleep(self._loan.begins_at - workflow.now(), summary="Before the loan begins")
                self._loan.begin()
            await self._collect()
        except (asyncio.CancelledError, ActivityError):
            if workflow.cancellation_reason() is not None:
                await self._leave()
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return describe.result(self._loan.state)

    async def _collect(self) -> None:
        """Ask what comes next and do it, until nothing does."""
        in_vain: tuple[Action, LoanState] | None = None
        while True:
            self._watch.mind()
            await self._ledger.write()
            self._loan.learn_to_plan()
            self._loan.state, action = plan(self._loan.state, workflow.now())
            self._action = action
            self._watch.mind()
            self._show(action)
            if self._loan.state.outbox:
                continue
            if in_vain == (action, self._loan.state):
                workflow.logger.error("what was done changed nothing, and the same is to be done again")
                await self._wait(Wait(until=workflow.now() + IN_VAIN_RESTS, why="the same again would change nothing"))
                in_vain = None
                continue
            waits = isinstance(action, Wait) and (action.until is None or action.until > workflow.now())
            in_vain = None if waits else (action, self._loan.state)
            match action:
                case SendContact():
                    await self._contact(action)
                case OrderDebit():
                    self._loan.apply(await order_debit(self._loan.state, action))
                case AskOffers():
                    self._loan.apply(await ask_offers(self._loan.state, action))
                case Wait():
                    await self._wait(action)
                case Finish():
                    return

    async def _leave(self) -> None:
        """The workflow was cancelled in Temporal: the records must know that nobody collects this loan now."""
        if self._loan.state.end is None:
            self._loan.apply(Close(reason=CloseReason.RECALLED))
        self._watch.mind()
        await self._ledger.write()

    async def _contact(self, order: SendContact) -> None:
        """Send it at the next lawful slot, unless news makes it unwanted before it is sent."""
        sending = start_contact(self._loan.state, order)
        stopped = False
        ledger: asyncio.Task[None] | None = None
        heard = self._loan.news
        while not sending.done():
            await self._until(self._news_since(heard, sending), self._next_deadline(), "a decision falls due")
            heard = self._loan.news
            if sending.done():
                break
            self._loan.pass_time()
            self._watch.mind()
            self._loan.learn_to_plan()
            if not still_wanted(self._loan.state, order, workflow.now()):
                stopped = True
                sending.cancel()
                break
            # Its moment is over too: planning dropped it to compare, and it would fall due for ever.
            self._loan.state = settle_hold(drop_link(self._loan.state, workflow.now()), workflow.now())
            if self._loan.state.outbox and (ledger is None or ledger.done()):
                # Beside the waiting contact: records that are slow must not keep news from stopping it.
                ledger = asyncio.create_task(self._ledger.write())
        self._loan.apply(await contact_report(order, sending, stopped=stopped))
        if ledger is not None:
            await ledger

    def _next_deadline(self) -> timedelta | None:
        """What must be decided or judged while a contact waits for its lawful slot."""
        due = falls_due_at(self._loan.state)
        return due - workflow.now() if due is not None else None

    async def _wait(self, wait: Wait) -> None:
        """Sleep until then or until news, whichever is first."""
        heard = self._loan.news
        if self._may_start_afresh():
            state = self._loan.state
            workflow.continue_as_new(
                LoanInput(facts=state.facts, strategy=state.strategy, state=state),
                initial_versioning_behavior=_NEW_BUILD if _build_is_superseded() else None,
            )
        timeout = wait.until - workflow.now() if wait.until is not None else None
        await self._until(self._news_since(heard), timeout, wait.why)

    def _may_start_afresh(self) -> bool:
        long = workflow.info().get_current_history_length() >= CONTINUE_AS_NEW_AT
        return (long or _build_is_superseded()) and workflow.all_handlers_finished()

    def _news_since(
        self, heard: int, sending: workflow.ActivityHandle[ContactReported] | None = None
    ) -> Callable[[], bool]:
        return lambda: self._loan.news != heard or (sending is not None and sending.done())

    async def _until(self, condition: Callable[[], bool], timeout: timedelta | None, why: str) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(condition, timeout=timeout, timeout_summary=why)

    def _show(self, action: Action) -> None:
        """Details for the Web UI; search attributes only when they changed (an event each time).

        What the calendar alone has changed is told with the next real change.
        """
        now, state = workflow.now(), self._loan.state
        workflow.set_current_details(describe.details(state, action, self._watch.on, now))
        if state.outbox:
            return
        attributes = search_attributes.describe(state, now, describe.next_action_at(action))
        known = workflow.info().typed_search_attributes
        changed = [pair for pair in attributes if known.get(pair.key) != pair.value]
        if search_attributes.worth_telling(state, known, changed):
            workflow.upsert_search_attributes([pair.key.value_set(pair.value) for pair in changed])


def _build_is_superseded() -> bool:
    """Another build was made current since this run began: a quiet loan moves to it by a fresh run."""
    return workflow.info().is_target_worker_deployment_version_changed()
