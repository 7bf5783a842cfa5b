"""Having the records hold a loan's direct debit as the loan wants it: once, and let go or kept back."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlmodel import Session
from temporalio import activity

from activities.capabilities import Debits
from activities.clock import task_time
from activities.due_debits import BANK_ZONE, announced_day, held_by_person
from activities.orders import DebitOrder
from config.bank_file_settings import DirectDebit
from domain.direct_debit import DebitState, is_as_announced
from domain.events.debits import DebitOutcome, DebitReported
from domain.settlement_days import days_after
from records import audit, debits, loans, mandates, payments
from records.database import Database
from records.tables import Debit, Loan

ACTOR = "loan workflow"
_OUTCOMES = {DebitState.PLANNED: DebitOutcome.PLANNED, DebitState.FILED: DebitOutcome.FILED}


class DebitClerk(Debits):
    """`settings` None: nothing is collected by direct debit here."""

    def __init__(self, database: Database, settings: DirectDebit | None) -> None:
        self._database = database
        self._settings = settings

    @activity.defn(name="order_debit")
    async def order(self, order: DebitOrder) -> DebitReported:
        """The debit stands in the records afterwards, or the report says why it cannot. Tried again: the same one."""
        return await asyncio.to_thread(self._order, order)

    def _order(self, order: DebitOrder) -> DebitReported:
        now = task_time()
        with self._database.writing(durable=True) as session:
            loan = loans.get(session, order.lender, order.loan_id)
            debit = debits.find(session, loan, order.entry, order.step, order.occurrence)
            if debit is None:
                due = payments.balance_due(session, loan)
                creditor = self._settings.creditor_of(loan.lender) if self._settings is not None else None
                if creditor is None or loan.currency != "EUR" or due <= 0 or loan.entry != order.entry:
                    return _report(order, DebitOutcome.NOT_POSSIBLE)
                if debits.is_collecting(session, loan) or held_by_person(session, loan):
                    return _report(order, DebitOutcome.NOT_POSSIBLE)
                mandate = mandates.usable(session, loan, now.date(), creditor.instrument)
                if mandate is None:
                    return _report(order, DebitOutcome.NO_MANDATE)
                debit = debits.order(
                    session,
                    loan,
                    mandate,
                    step=order.step,
                    occurrence=order.occurrence,
                    amount_minor=due,
                    noticed=order.noticed,
                    notice_days=order.notice_days,
                    at=now,
                )
                audit.append(
                    session,
                    at=now,
                    actor=ACTOR,
                    action="debit_planned",
                    lender=loan.lender,
                    loan_id=loan.loan_id,
                    details={"reference": debit.reference, "amount_minor": due, "mandate": mandate.reference},
                )
            if order.released and self._is_too_late(session, loan, debit, now):
                debits.drop(session, debit, loan, "its announced day has passed", ACTOR, now)
                return _report(order, DebitOutcome.NOT_POSSIBLE)
            debits.release(session, debit, order.released, now)
            return DebitReported(
                step=order.step,
                occurrence=order.occurrence,
                outcome=_OUTCOMES.get(debit.state, DebitOutcome.SETTLED),
                released=debit.released,
                lead_days=self._settings.lead_days if self._settings is not None else None,
                collect_on=debit.collect_on if debit.state is DebitState.FILED else None,
            )

    def _is_too_late(self, session: Session, loan: Loan, debit: Debit, now: datetime) -> bool:
        """Whether a planned debit was kept back so long that its notice names another day than it could have."""
        if self._settings is None or debit.state is not DebitState.PLANNED:
            return False
        lead = self._settings.lead_days
        announced = announced_day(session, loan, debit, lead)
        soonest = days_after(now.astimezone(BANK_ZONE).date(), lead)
        return announced is not None and not is_as_announced(announced, max(announced, soonest))


def _report(order: DebitOrder, outcome: DebitOutcome) -> DebitReported:
    return DebitReported(step=order.step, occurrence=order.occurrence, outcome=outcome)
