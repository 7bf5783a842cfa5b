"""Having the records hold a loan's direct debit as the loan wants it: once, and let go or kept back."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.capabilities import Debits
from activities.clock import task_time
from activities.orders import DebitOrder
from config.settings import DirectDebit
from domain.direct_debit import DebitState
from domain.events import DebitOutcome, DebitReported
from records import audit, debits, loans, mandates, payments
from records.database import Database

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
                    actor="loan workflow",
                    action="debit_planned",
                    lender=loan.lender,
                    loan_id=loan.loan_id,
                    details={"reference": debit.reference, "amount_minor": due, "mandate": mandate.reference},
                )
            debits.release(session, debit, order.released, now)
            return _report(order, _OUTCOMES.get(debit.state, DebitOutcome.SETTLED), released=debit.released)


def _report(order: DebitOrder, outcome: DebitOutcome, *, released: bool = False) -> DebitReported:
    return DebitReported(step=order.step, occurrence=order.occurrence, outcome=outcome, released=released)
