"""Loans that answer the web app's questions and orders with the core alone, as their workflows would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from domain.collection import apply, pass_time, written
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
from domain.events.control import Decide
from domain.events.messages import WordsWithdrawn, WordsWritten
from domain.ledger_entries import AgreementEntry
from domain.loan_state import LoanState
from records import agreements, loans
from records.database import Database
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from workflows import describe
from workflows.messages import Answer, LoanView

UPDATES: dict[str, Any] = {
    "promise": PromiseMade,
    "plan": PlanAgreed,
    "settlement": SettlementAgreed,
    "restructuring": RestructuringAgreed,
    "decide": Decide,
    "write": WordsWritten,
    "withdraw_words": WordsWithdrawn,
    "approve_offer": OfferApproved,
    "accept_offer": OfferAccepted,
    "move_due_date": DueDateMoved,
    "cancel_agreement": AgreementCancelled,
}


class CoreLoans:
    """`LoanOrders` of loans whose states are in `states`; what they agree on goes into the records as well."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self.states: dict[tuple[str, str], LoanState] = {}
        self.answers: dict[str, Answer] = {}
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.down = False
        self.unanswered = False
        """Orders get no answer while questions do, as when a worker restarts."""
        self.known_late = 0
        """So many questions for an earlier answer come before there is one: a button is pressed twice at once."""
        self._database, self._now = database, now

    async def view(self, lender: str, loan_id: str) -> LoanView:
        at = self._now()
        return LoanView(state=pass_time(self._state(lender, loan_id), at), watching_balance=False, at=at)

    async def order(
        self, lender: str, loan_id: str, update: str, payload: dict[str, Any], update_id: str | None = None
    ) -> Answer:
        state = self._state(lender, loan_id)
        if update_id is not None and update_id in self.answers:
            return self.answers[update_id]
        if self.unanswered:
            raise TemporalUnavailable("no answer in time")
        self.orders.append((update, payload))
        before = state
        try:
            event = UPDATES[update].model_validate(payload)
        except ValidationError as wrong:
            raise OrderRefused(str(wrong)) from None
        state, refused = apply(before, event, self._now())
        if refused is not None:
            raise OrderRefused(refused)
        self.states[lender, loan_id] = self._kept(lender, loan_id, state)
        answer = describe.agreed(before, state, payload.get("number"))
        if update_id is not None:
            self.answers[update_id] = answer
        return answer

    async def answered(self, lender: str, loan_id: str, update_id: str) -> Answer | None:
        self._state(lender, loan_id)
        if self.known_late > 0:
            self.known_late -= 1
            return None
        return self.answers.get(update_id)

    def _state(self, lender: str, loan_id: str) -> LoanState:
        if self.down:
            raise TemporalUnavailable("down")
        if (lender, loan_id) not in self.states:
            raise LoanNotRunning("the loan is not in collection")
        return self.states[lender, loan_id]

    def _kept(self, lender: str, loan_id: str, state: LoanState) -> LoanState:
        with self._database.writing() as session:
            loan = loans.get(session, lender, loan_id)
            for entry in state.outbox:
                if isinstance(entry, AgreementEntry):
                    agreements.keep(session, loan, entry.agreement, entry.paid_minor, of_entry=1, at=entry.at)
        return written(state, len(state.outbox))
