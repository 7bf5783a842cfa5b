"""One delinquent loan in collection: reminds, watches, listens, hands over, and stops when it is paid.

No rule lives here. `domain/planning.py` says what comes next and `domain/collection.py` what news means;
this executes and waits. Signal and update handlers only change the state; the run loop acts on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.capabilities import Balances, Contacts, Debits, Ledger, Offering
    from activities.orders import ContactOrder, DebitOrder, LedgerOrder, OfferOrder, WatchOrder, WatchReport
    from domain.actions import Action, AskOffers, Finish, OrderDebit, Wait
    from domain.agreements.promise import promise_told_again
    from domain.agreements.requests import request_as_known
    from domain.agreements.terms import Authority
    from domain.call_wishes import drop_link
    from domain.collection import apply, not_acted_on, pass_time, refuse, settle_hold, written
    from domain.contact_orders import SendContact
    from domain.events import (
        AgreementCancelled,
        Close,
        CloseReason,
        ContactOutcome,
        ContactReported,
        DebitOutcome,
        DebitReported,
        Decide,
        DueDateMoved,
        FundsSeen,
        LoanEvent,
        OfferAccepted,
        OfferApproved,
        OffersMade,
        Pause,
        PlanAgreed,
        PromiseMade,
        RestructuringAgreed,
        Resume,
        SettlementAgreed,
        WatchEnded,
        WordsWithdrawn,
        WordsWritten,
    )
    from domain.ledger_entries import LedgerEntry
    from domain.loan_state import LoanState, enter, snapshot
    from domain.migration import migrate, migration_refused
    from domain.payable import smallest_payable
    from domain.planning import plan, still_wanted
    from domain.waiting import falls_due_at, gives_up_at
    from domain.watching import watch_not_before, watch_threshold, watch_wanted
    from workflows import describe, search_attributes
    from workflows.authority import Warranted, unproven
    from workflows.messages import Answer, LoanInput, LoanResult, LoanStatus, LoanView, MigrateOrder, read_signal

CONTINUE_AS_NEW_AT = 120
"""History events after which a quiet loan starts a fresh run: replaying a long history costs CPU at every
wake (measured at 0.33 ms an event), and a loan sleeps so long that nearly every wake is a replay."""

CONTACT_RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10))
WATCH_RETRY = RetryPolicy(initial_interval=timedelta(seconds=30), maximum_interval=timedelta(hours=1))
LEDGER_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
LEDGER_BATCH = 200
"""Entries written at once: a burst of news must not grow an order beyond what a payload may hold."""
LEDGER_RESTS = timedelta(minutes=10)
IN_VAIN_RESTS = timedelta(hours=1)
"""A loan that would do the same again without end rests so long instead of filling its history."""
TRIED_FOR = timedelta(days=30)
"""A contact of a loan that has no end by the clock, such as a receipt, is given up after so long."""
RESTS_COUNT_AS_PAID = "2026-11-30-rests-count-as-paid"
"""Of runs that began with it a rest of less than can be asked for is not owed: see `domain/payable.py`."""
ECHOES_MAKE_NO_PROMISE = "2026-11-30-echoes-make-no-promise"
"""Of runs that met an echo before, it opened the promise anew: see `promise_told_again`."""
WATCHES_BESIDE_KEPT_BACK = "2026-11-30-watches-beside-kept-back"
"""Of runs that met it before, a debit that an agreement keeps back rested the balance watch: see `watch_wanted`."""
_NEW_BUILD = workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE
OVER_THE_END = timedelta(days=1)
"""A contact that nothing else ends is given up this long after the strategy's end."""

T = TypeVar("T")


@workflow.defn(name="LoanCollection", failure_exception_types=[ValidationError])
class LoanCollection:
    @workflow.init
    def __init__(self, given: LoanInput) -> None:
        begins = max(workflow.now(), given.not_before or workflow.now())
        self._state = _as_begun(given.state or enter(given.facts, given.strategy, begins))
        self._action: Action | None = None
        self._news = 0
        self._watch: asyncio.Task[None] | None = None
        self._watch_order: WatchOrder | None = None
        self._writing = asyncio.Lock()
        self._too_early = given.not_before is not None and given.not_before > workflow.now()
        self._kept: list[tuple[str, object]] = []
        for signal in given.signals:
            self._hear(signal.name, signal.payload)

    @workflow.run
    async def run(self, given: LoanInput) -> LoanResult:
        try:
            if self._too_early and given.not_before is not None:
                await self._reach(given.not_before)
            await self._collect()
        except (asyncio.CancelledError, ActivityError):
            if workflow.cancellation_reason() is not None:
                await self._leave()
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return describe.result(self._state)

    async def _collect(self) -> None:
        in_vain: tuple[Action, LoanState] | None = None
        while True:
            self._mind_the_watch()
            await self._write_ledger()
            self._state, self._action = plan(self._state, workflow.now())
            self._mind_the_watch()
            self._show()
            if self._state.outbox:
                continue
            if in_vain == (self._action, self._state):
                workflow.logger.error("what was done changed nothing, and the same is to be done again")
                await self._wait(Wait(until=workflow.now() + IN_VAIN_RESTS, why="the same again would change nothing"))
                in_vain = None
                continue
            waits = isinstance(self._action, Wait) and (
                self._action.until is None or self._action.until > workflow.now()
            )
            in_vain = None if waits else (self._action, self._state)
            match self._action:
                case SendContact():
                    await self._contact(self._action)
                case OrderDebit():
                    await self._order_debit(self._action)
                case AskOffers():
                    await self._ask_offers(self._action)
                case Wait():
                    await self._wait(self._action)
                case Finish():
                    return

    async def _leave(self) -> None:
        """The workflow was cancelled in Temporal: the records must know that nobody collects this loan now."""
        if self._state.end is None:
            self._apply(Close(reason=CloseReason.RECALLED))
        self._mind_the_watch()
        await self._write_ledger()

    async def _reach(self, moment: datetime) -> None:
        """Wait for the moment the loan is to begin or go on at, then hear what came meanwhile."""
        await workflow.sleep(moment - workflow.now(), summary="Before the loan begins")
        self._too_early = False
        for name, payload in self._kept:
            self._hear(name, payload)

    # What the loan does

    async def _contact(self, order: SendContact) -> None:
        """Send it at the next lawful slot, unless news makes it unwanted before it is sent."""
        sending = self._start_contact(order)
        stopped = False
        ledger: asyncio.Task[None] | None = None
        heard = self._news
        while not sending.done():
            await self._until(self._news_since(heard, sending), self._next_deadline(), "a decision falls due")
            heard = self._news
            if sending.done():
                break
            self._state = pass_time(self._state, workflow.now())
            self._mind_the_watch()
            if not still_wanted(self._state, order, workflow.now()):
                stopped = True
                sending.cancel()
                break
            # Its moment is over too: planning dropped it to compare, and it would fall due for ever.
            self._state = settle_hold(drop_link(self._state, workflow.now()), workflow.now())
            if self._state.outbox and (ledger is None or ledger.done()):
                # Beside the waiting contact: records that are slow must not keep news from stopping it.
                ledger = asyncio.create_task(self._write_ledger())
        self._apply(await self._contact_report(order, sending, stopped))
        if ledger is not None:
            await ledger

    def _start_contact(self, order: SendContact) -> workflow.ActivityHandle[ContactReported]:
        state = self._state
        ends_at = gives_up_at(state, order)
        return workflow.start_activity_method(
            Contacts.contact,
            ContactOrder(
                lender=state.facts.lender,
                loan_id=state.facts.loan_id,
                step=order.step,
                occurrence=order.occurrence,
                channels=order.channels,
                template=order.template,
                purpose=order.purpose,
                with_link=order.with_link,
                balance_read_at=order.balance_read_at,
                threshold=watch_threshold(state) if order.balance_read_at and state.strategy.watch else None,
                give_up_at=ends_at,
                agreed=order.agreed,
                payments=order.payments,
                answer_by=order.answer_by,
                faq=order.faq,
                unless_read=order.unless_read,
                words=order.words,
                entry=state.facts.entry if state.facts.entry > 1 else None,
                circumstance=order.circumstance,
            ),
            start_to_close_timeout=timedelta(minutes=2),
            schedule_to_close_timeout=ends_at - workflow.now() + OVER_THE_END if ends_at else TRIED_FOR,
            retry_policy=CONTACT_RETRY,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{order.what} by {', then '.join(order.channels)}",
        )

    async def _contact_report(
        self, order: SendContact, sending: workflow.ActivityHandle[ContactReported], stopped: bool
    ) -> ContactReported | None:
        """What became of it; None when it was `stopped` before it was sent, even if it failed at that moment."""
        try:
            return await sending
        except ActivityError as failure:
            if isinstance(failure.cause, CancelledError):
                if workflow.cancellation_reason() is not None:
                    raise
                return None
            if stopped:
                return None
        except ValidationError:
            workflow.logger.error("the contact activity answered something unreadable")
        return ContactReported(step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.FAILED)

    async def _order_debit(self, order: OrderDebit) -> None:
        """Have the records hold the debit as the loan wants it now; what the bank has is the bank's."""
        ordering = workflow.execute_activity_method(
            Debits.order,
            DebitOrder(
                lender=self._state.facts.lender,
                loan_id=self._state.facts.loan_id,
                entry=self._state.facts.entry,
                step=order.step,
                occurrence=order.occurrence,
                released=order.released,
                noticed=order.noticed,
                notice_days=order.notice_days,
            ),
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=LEDGER_RETRY,
            summary=order.what,
        )
        impossible = DebitReported(step=order.step, occurrence=order.occurrence, outcome=DebitOutcome.NOT_POSSIBLE)
        self._apply(await _or_else(ordering, impossible, "the debit activity"))

    async def _ask_offers(self, order: AskOffers) -> None:
        """The engine looks at what the records alone know; whatever it answers is checked again when it is agreed."""
        asking, facts = order.asking, self._state.facts
        making = workflow.execute_activity_method(
            Offering.make,
            OfferOrder(
                lender=facts.lender,
                loan_id=facts.loan_id,
                number=asking.number,
                request=request_as_known(self._state, workflow.now(), Authority.MACHINE, asking.bearable_minor),
                kinds=asking.kinds,
                country=facts.country,
                region=facts.region,
            ),
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=LEDGER_RETRY,
            summary=order.what,
        )
        self._apply(await _or_else(making, OffersMade(number=asking.number), "the offer engine"))

    async def _wait(self, wait: Wait) -> None:
        """Sleep until then or until news, whichever is first."""
        heard = self._news
        if self._may_start_afresh():
            workflow.continue_as_new(
                LoanInput(
                    facts=self._state.facts,
                    strategy=self._state.strategy,
                    state=self._state,
                ),
                initial_versioning_behavior=_NEW_BUILD if self._build_is_superseded() else None,
            )
        timeout = wait.until - workflow.now() if wait.until is not None else None
        await self._until(self._news_since(heard), timeout, wait.why)

    def _news_since(self, heard: int, activity: workflow.ActivityHandle[Any] | None = None) -> Callable[[], bool]:
        return lambda: self._news != heard or (activity is not None and activity.done())

    async def _until(self, condition: Callable[[], bool], timeout: timedelta | None, why: str) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(condition, timeout=timeout, timeout_summary=why)

    async def _write_ledger(self) -> None:
        """Write what the records must know, in order; each entry at most once."""
        async with self._writing:
            while self._state.outbox:
                entries = self._state.outbox[:LEDGER_BATCH]
                try:
                    await self._write_entries(entries)
                except ActivityError as failure:
                    if isinstance(failure.cause, CancelledError):
                        raise
                    await workflow.sleep(LEDGER_RESTS, summary="the records refused what happened: tried again")
                    continue
                self._state = written(self._state, len(entries))

    async def _write_entries(self, entries: tuple[LedgerEntry, ...]) -> None:
        await workflow.execute_activity_method(
            Ledger.write,
            LedgerOrder(
                lender=self._state.facts.lender,
                loan_id=self._state.facts.loan_id,
                entry=self._state.facts.entry,
                entries=entries,
                first_entry=self._state.entries_written,
                final_state=snapshot(self._state) if self._state.end is not None else None,
            ),
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=LEDGER_RETRY,
            summary=", ".join(dict.fromkeys(entry.entry for entry in entries)),
        )

    def _mind_the_watch(self) -> None:
        """Start, stop or change the watch; one that goes on as it is stays untouched."""
        wanted = self._wanted_watch()
        if wanted == self._watch_order:
            return
        if self._watch is not None:
            self._watch.cancel()
        self._watch_order = wanted
        self._watch = asyncio.create_task(self._watch_balance(wanted)) if wanted is not None else None

    def _wanted_watch(self) -> WatchOrder | None:
        watch = self._state.strategy.watch
        if watch is None or not self._watch_wanted():
            return None
        return WatchOrder(
            lender=self._state.facts.lender,
            loan_id=self._state.facts.loan_id,
            threshold=watch_threshold(self._state),
            reads_per_day=watch.reads_per_day,
            not_before=watch_not_before(self._state),
        )

    def _watch_wanted(self) -> bool:
        if not watch_wanted(self._state):
            return False
        # Asked only where it matters: no other loan's history gains an event.
        return watch_wanted(self._state, beside_kept_back_debit=False) or workflow.patched(WATCHES_BESIDE_KEPT_BACK)

    async def _watch_balance(self, order: WatchOrder) -> None:
        """One activity for the whole watch: it asks to be tried again, which leaves nothing in the history."""
        try:
            report = await workflow.execute_activity_method(
                Balances.watch,
                order,
                start_to_close_timeout=timedelta(minutes=1),
                retry_policy=WATCH_RETRY,
                summary=f"Balance watch, {order.reads_per_day} reads a day",
            )
        except ActivityError as failure:
            if isinstance(failure.cause, CancelledError):
                return
            report = WatchReport(over="the balance could not be read")
        except ValidationError:
            report = WatchReport(over="the watch answered something unreadable")
        if self._watch is not asyncio.current_task():
            return
        self._watch, self._watch_order = None, None
        if report.funds_seen_at is not None:
            self._apply(FundsSeen(read_at=report.funds_seen_at))
        else:
            self._apply(WatchEnded(reason=report.over or "the watch is over"))

    # What the loan hears

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Every signal, known or not: what cannot be acted on is kept as refused and never blocks the loan."""
        try:
            payload = workflow.payload_converter().from_payload(arguments[0].payload) if arguments else None
        except Exception:
            payload = None
        self._hear(name, payload)

    @workflow.update
    def pause(self, order: Pause) -> Answer:
        self._obey(order)
        return Answer(detail=f"paused until {order.until.isoformat(timespec='minutes')}")

    @workflow.update
    def resume(self, order: Resume | None = None) -> Answer:
        self._obey(order or Resume())
        left = self._state.paused_until
        return Answer(detail=f"paused until {left.isoformat(timespec='minutes')} by itself" if left else "resumed")

    @workflow.update
    def close(self, order: Close) -> Answer:
        self._obey(order)
        return Answer(detail=f"closed as {order.reason}")

    @workflow.update
    def decide(self, order: Decide) -> Answer:
        self._obey(order)
        return Answer(detail=f"case {order.case_id} decided: {order.decision}")

    @workflow.update
    def write(self, order: WordsWritten) -> Answer:
        self._obey(order)
        return Answer(detail=f"words {order.words_id} go out by {order.channel} at their lawful moment")

    @workflow.update
    def withdraw_words(self, order: WordsWithdrawn) -> Answer:
        self._obey(order)
        return Answer(detail=f"words {order.words_id} are withdrawn")

    @workflow.update
    def promise(self, order: PromiseMade) -> Answer:
        return self._agree(order)

    @workflow.update
    def plan(self, order: PlanAgreed) -> Answer:
        return self._agree(order)

    @workflow.update
    def settlement(self, order: SettlementAgreed) -> Answer:
        return self._agree(order)

    @workflow.update
    def restructuring(self, order: RestructuringAgreed) -> Answer:
        return self._agree(order)

    @workflow.update
    def approve_offer(self, order: OfferApproved) -> Answer:
        return self._agree(order)

    @workflow.update
    def accept_offer(self, order: OfferAccepted) -> Answer:
        return self._agree(order)

    @workflow.update
    def move_due_date(self, order: DueDateMoved) -> Answer:
        return self._agree(order)

    def _agree(self, order: LoanEvent) -> Answer:
        before = self._state
        number = order.number if isinstance(order, OfferApproved | OfferAccepted | DueDateMoved) else None
        self._obey(order)
        return describe.agreed(before, self._state, number)

    @workflow.update
    def cancel_agreement(self, order: AgreementCancelled) -> Answer:
        self._obey(order)
        return Answer(detail=f"agreement {order.number} is called off", agreement=order.number)

    @workflow.update
    def migrate(self, order: MigrateOrder) -> Answer:
        before = self._state.strategy.key
        self._state = migrate(self._state, order.strategy, workflow.now())
        self._news += 1
        return Answer(detail=f"moved from {before} to {order.strategy.key}")

    @pause.validator
    def _may_pause(self, order: Pause) -> None:
        self._check(order)

    @resume.validator
    def _may_resume(self, order: Resume | None = None) -> None:
        self._check(order or Resume())

    @close.validator
    def _may_close(self, order: Close) -> None:
        self._check(order)

    @decide.validator
    def _may_decide(self, order: Decide) -> None:
        self._check_proven("decide", order)

    @write.validator
    def _may_write(self, order: WordsWritten) -> None:
        self._check_proven("write", order)

    @withdraw_words.validator
    def _may_withdraw_words(self, order: WordsWithdrawn) -> None:
        self._check_proven("withdraw_words", order)

    @promise.validator
    def _may_promise(self, order: PromiseMade) -> None:
        self._check_proven("promise", order)

    @plan.validator
    def _may_plan(self, order: PlanAgreed) -> None:
        self._check_proven("plan", order)

    @settlement.validator
    def _may_settle(self, order: SettlementAgreed) -> None:
        self._check_proven("settlement", order)

    @restructuring.validator
    def _may_restructure(self, order: RestructuringAgreed) -> None:
        self._check_proven("restructuring", order)

    @approve_offer.validator
    def _may_approve(self, order: OfferApproved) -> None:
        self._check_proven("approve_offer", order)

    @accept_offer.validator
    def _may_accept(self, order: OfferAccepted) -> None:
        self._check_proven("accept_offer", order)

    @move_due_date.validator
    def _may_move(self, order: DueDateMoved) -> None:
        self._check_proven("move_due_date", order)

    @cancel_agreement.validator
    def _may_cancel_agreement(self, order: AgreementCancelled) -> None:
        self._check_proven("cancel_agreement", order)

    @migrate.validator
    def _may_migrate(self, order: MigrateOrder) -> None:
        if (refused := migration_refused(self._state, order.strategy)) is not None:
            raise ApplicationError(f"refused: {refused}")

    @workflow.query
    def status(self) -> LoanStatus:
        return describe.status(self._state, self._action, self._watch is not None, workflow.now())

    @workflow.query
    def view(self) -> LoanView:
        return LoanView(state=self._state, watching_balance=self._watch is not None, at=workflow.now())

    def _hear(self, name: str, payload: object) -> None:
        if self._too_early:
            self._kept.append((name, payload))
            return
        try:
            event = read_signal(name, payload)
            if self._was_told(event):
                return
            refused = event if isinstance(event, str) else self._apply(event)
        except Exception as error:
            # Its words may name a person. No message may fail the loan, nor stop it for ever.
            workflow.logger.error("signal %s could not be acted on: %s", name, type(error).__name__)
            self._state = not_acted_on(self._state, name, type(error).__name__, workflow.now())
            self._news += 1
            return
        if refused is not None:
            self._state = refuse(self._state, name, refused, workflow.now())

    def _was_told(self, event: object) -> bool:
        """A signal is delivered at least once: a promise that is over is not made anew by its own echo."""
        again = isinstance(event, PromiseMade) and promise_told_again(self._state, event)
        return again and workflow.patched(ECHOES_MAKE_NO_PROMISE)

    def _apply(self, event: LoanEvent | None) -> str | None:
        if event is None:
            return None
        self._state, refused = apply(self._state, event, workflow.now())
        self._news += 1
        return refused

    def _check(self, event: LoanEvent) -> None:
        """Refuse an update before it leaves a trace in the history."""
        _, refused = apply(self._state, event, workflow.now())
        if refused is not None:
            raise ApplicationError(f"refused: {refused}")

    def _check_proven(self, update: str, order: Warranted) -> None:
        if (refused := unproven(workflow.info().workflow_id, update, order)) is not None:
            raise ApplicationError(f"refused: {refused}")
        self._check(order)

    def _obey(self, event: LoanEvent) -> None:
        if (refused := self._apply(event)) is not None:
            raise ApplicationError(f"refused: {refused}")

    # What others see

    def _show(self) -> None:
        """Details for the Web UI; search attributes only when they changed (an event each time).

        What the calendar alone has changed is told with the next real change.
        """
        assert self._action is not None
        now = workflow.now()
        workflow.set_current_details(describe.details(self._state, self._action, self._watch is not None, now))
        if self._state.outbox:
            return
        attributes = search_attributes.describe(self._state, now, describe.next_action_at(self._action))
        known = workflow.info().typed_search_attributes
        changed = [pair for pair in attributes if known.get(pair.key) != pair.value]
        if search_attributes.worth_telling(self._state, known, changed):
            workflow.upsert_search_attributes([pair.key.value_set(pair.value) for pair in changed])

    def _next_deadline(self) -> timedelta | None:
        """What must be decided or judged while a contact waits for its lawful slot."""
        due = falls_due_at(self._state)
        return due - workflow.now() if due is not None else None

    def _may_start_afresh(self) -> bool:
        long = workflow.info().get_current_history_length() >= CONTINUE_AS_NEW_AT
        return (long or self._build_is_superseded()) and workflow.all_handlers_finished()

    def _build_is_superseded(self) -> bool:
        """Another build was made current since this run began: a quiet loan moves to it by a fresh run."""
        return workflow.info().is_target_worker_deployment_version_changed()


def _as_begun(state: LoanState) -> LoanState:
    """With the rule by which this run began, whatever its input says: it may have begun with an earlier version, which
    did not read that. No other loan's history gains an event."""
    if smallest_payable(state.facts.currency) == 1:
        return state
    return state.model_copy(update={"rests_count_as_paid": workflow.patched(RESTS_COUNT_AS_PAID)})


async def _or_else(answer: Awaitable[T], otherwise: T, what: str) -> T:
    """The activity's answer, or what stands for it where it failed for good; a cancellation goes on."""
    try:
        return await answer
    except ActivityError as failure:
        if isinstance(failure.cause, CancelledError):
            raise
        workflow.logger.error("%s failed for good", what)
        return otherwise
