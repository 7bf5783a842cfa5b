"""What a loan is told and asked from outside: the signals, updates and queries of the contract (docs/contract.md).

Signal and update handlers only change the state; the run loop acts on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.actions import Action
    from domain.events.agreements import (
        AgreementCancelled,
        DueDateMoved,
        OfferAccepted,
        OfferApproved,
        PlanAgreed,
        PromiseMade,
        RestructuringAgreed,
        SettlementAgreed,
    )
    from domain.events.control import Close, Decide, Pause, Resume
    from domain.events.loan_event import LoanEvent
    from domain.events.messages import WordsWithdrawn, WordsWritten
    from domain.migration import migration_refused
    from workflows import describe
    from workflows.authority import Warranted, unproven
    from workflows.balance_watch import BalanceWatch
    from workflows.messages import Answer, LoanStatus, LoanView, MigrateOrder
    from workflows.running_loan import RunningLoan


class LoanContract:
    """The workflow's own class gives it the loan, its watch, and the action it is at; None: it has not begun."""

    _loan: RunningLoan
    _watch: BalanceWatch
    _action: Action | None

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Every signal, known or not: what cannot be acted on is kept as refused and never blocks the loan."""
        try:
            payload = workflow.payload_converter().from_payload(arguments[0].payload) if arguments else None
        except Exception:
            payload = None
        self._loan.hear(name, payload)

    @workflow.update
    def pause(self, order: Pause) -> Answer:
        self._loan.obey(order)
        return Answer(detail=f"paused until {order.until.isoformat(timespec='minutes')}")

    @workflow.update
    def resume(self, order: Resume | None = None) -> Answer:
        self._loan.obey(order or Resume())
        left = self._loan.state.paused_until
        return Answer(detail=f"paused until {left.isoformat(timespec='minutes')} by itself" if left else "resumed")

    @workflow.update
    def close(self, order: Close) -> Answer:
        self._loan.obey(order)
        return Answer(detail=f"closed as {order.reason}")

    @workflow.update
    def decide(self, order: Decide) -> Answer:
        self._loan.obey(order)
        return Answer(detail=f"case {order.case_id} decided: {order.decision}")

    @workflow.update
    def write(self, order: WordsWritten) -> Answer:
        self._loan.obey(order)
        return Answer(detail=f"words {order.words_id} go out by {order.channel} at their lawful moment")

    @workflow.update
    def withdraw_words(self, order: WordsWithdrawn) -> Answer:
        self._loan.obey(order)
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
        before = self._loan.state
        number = order.number if isinstance(order, OfferApproved | OfferAccepted | DueDateMoved) else None
        self._loan.obey(order)
        return describe.agreed(before, self._loan.state, number)

    @workflow.update
    def cancel_agreement(self, order: AgreementCancelled) -> Answer:
        self._loan.obey(order)
        return Answer(detail=f"agreement {order.number} is called off", agreement=order.number)

    @workflow.update
    def migrate(self, order: MigrateOrder) -> Answer:
        before = self._loan.state.strategy.key
        self._loan.move_to(order.strategy)
        return Answer(detail=f"moved from {before} to {order.strategy.key}")

    @pause.validator
    def _may_pause(self, order: Pause) -> None:
        self._loan.check(order)

    @resume.validator
    def _may_resume(self, order: Resume | None = None) -> None:
        self._loan.check(order or Resume())

    @close.validator
    def _may_close(self, order: Close) -> None:
        self._loan.check(order)

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
        if (refused := migration_refused(self._loan.state, order.strategy)) is not None:
            raise ApplicationError(f"refused: {refused}")

    @workflow.query
    def status(self) -> LoanStatus:
        return describe.status(self._loan.state, self._action, self._watch.on, workflow.now())

    @workflow.query
    def view(self) -> LoanView:
        return LoanView(state=self._loan.state, watching_balance=self._watch.on, at=workflow.now())

    def _check_proven(self, update: str, order: Warranted) -> None:
        if (refused := unproven(workflow.info().workflow_id, update, order)) is not None:
            raise ApplicationError(f"refused: {refused}")
        self._loan.check(order)
