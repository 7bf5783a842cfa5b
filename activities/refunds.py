"""Carrying out an approved refund: at the gateway the payment came through, once however often it is tried."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from activities.gateways import Gateways
from domain.money import Money
from domain.what_next import Effect, WhatNext
from providers.errors import ProviderError
from providers.ports import RefundRequest, RefundsBySum, RefundState
from records import loans, owed_signals, refunds
from records.database import Database
from records.tables import Loan, Payment, RefundTask, RefundWay
from records.tables import RefundState as Kept


@dataclass(frozen=True)
class Carried:
    """`done`: the money went back. Else `why`, and whether trying again may help."""

    done: bool
    why: str = ""
    again: bool = False


class Refunds:
    def __init__(self, database: Database, gateways: Gateways) -> None:
        self._database = database
        self._gateways = gateways

    async def carry_out(self, number: int, now: datetime) -> Carried:
        """Give an approved refund back. Tried again after a lost answer it gives nothing back twice.

        One that rests on nothing any more, because money was taken back since it was approved, has failed.
        """
        task, payment, loan = await asyncio.to_thread(self._look, number)
        if task.state is Kept.DONE:
            await asyncio.to_thread(self._done, number, task.reference or "", now)
            return Carried(True)
        if task.state is not Kept.APPROVED:
            return Carried(False, f"refund {number} is {task.state.value}")
        if (why := await asyncio.to_thread(self._given_up, number, now)) is not None:
            return Carried(False, why)
        if task.way is RefundWay.TRANSFER:
            return Carried(False, "the lender's own transfer is awaited: starter.py refund paid", again=True)
        gateway = self._gateways.of(payment.provider, payment.currency)
        if gateway is None:
            return Carried(False, f"{payment.provider} is not configured", again=True)
        request = RefundRequest(
            idempotency_key=f"{loan.lender}:{loan.loan_id}:refund:{number}",
            payment_id=payment.payment_id,
            amount=Money(amount_minor=task.amount_minor, currency=task.currency),
            given_back_before_minor=task.given_back_before_minor,
            asked_before=refunds.was_asked_for(task),
            at=now,
        )
        asks_first = False
        try:
            if not request.asked_before:
                before = (
                    await gateway.given_back(payment.payment_id, now) if isinstance(gateway, RefundsBySum) else None
                )
                request = request.model_copy(update={"given_back_before_minor": before})
                if (stopped := await asyncio.to_thread(self._note_asked, number, before, now)) is not None:
                    return stopped
                asks_first = True
            else:
                await asyncio.to_thread(self._note_asked_again, number)
            refund = await gateway.refund(request)
        except ProviderError as error:
            if asks_first and error.effect is Effect.NONE:
                await asyncio.to_thread(self._note_not_asked, number)
            over = error.what_next is WhatNext.TERMINAL and error.effect is Effect.NONE
            why = str(error)
            if over:
                if request.asked_before:
                    why = f"{why[:90]}; {refunds.LOOK_THERE}"
                await asyncio.to_thread(self._failed, number, why, now)
            return Carried(False, why, again=not over)
        if refund.state is RefundState.FAILED:
            await asyncio.to_thread(self._failed, number, "the gateway did not carry it out", now)
            return Carried(False, "the gateway did not carry it out")
        await asyncio.to_thread(self._done, number, refund.id, now)
        return Carried(True)

    def told_paid(self, number: int, reference: str, now: datetime) -> None:
        """The lender has transferred it, or its gateway, whose answer was lost, shows it.

        Raises records.refunds' errors.
        """
        with self._database.reading() as session:
            task = refunds.get(session, number)
            if task.way is not RefundWay.TRANSFER and task.state is not Kept.DONE and not refunds.is_in_doubt(task):
                raise refunds.RefundMoved(f"refund {number} is given back by its gateway")
        self._done(number, reference, now)

    def _look(self, number: int) -> tuple[RefundTask, Payment, Loan]:
        with self._database.reading() as session:
            task = refunds.get(session, number)
            loan = loans.by_ref(session, task.loan_ref)
            payment = session.get_one(Payment, task.payment_ref)
            return task, payment, loan

    def _given_up(self, number: int, now: datetime) -> str | None:
        """Why nothing is given back any more, having noted it; None: it is."""
        with self._database.writing() as session:
            task = refunds.get(session, number)
            if task.state is not Kept.APPROVED or (why := refunds.why_not_given_back(session, task)) is None:
                return None
            if refunds.was_asked_for(task):
                why += f"; {refunds.LOOK_THERE}"
            refunds.failed(session, task, why=why, at=now)
            return why

    def _note_asked(self, number: int, given_back_before_minor: int | None, now: datetime) -> Carried | None:
        """None: this attempt asks the gateway, and no other. Else why it does not."""
        with self._database.writing(durable=True) as session:
            task = refunds.get(session, number)
            if not refunds.note_asked(session, task, given_back_before_minor):
                # Both would find nothing given back yet. What became of the other's attempt the next one sees.
                return Carried(False, "another attempt is asking the gateway right now", again=True)
            # Looked at once the other attempts are known: what these give back is nobody else's.
            if (why := refunds.why_given_back_elsewhere(session, task)) is None:
                return None
            refunds.failed(session, task, why=why, at=now)
            return Carried(False, why)

    def _note_asked_again(self, number: int) -> None:
        with self._database.writing(durable=True) as session:
            refunds.note_asked_again(session, refunds.get(session, number))

    def _note_not_asked(self, number: int) -> None:
        with self._database.writing(durable=True) as session:
            refunds.note_not_asked(session, refunds.get(session, number))

    def _done(self, number: int, reference: str, now: datetime) -> None:
        """In the records, and owed to the loan, in one transaction; the relay brings it there."""
        with self._database.writing(durable=True) as session:
            task = refunds.get(session, number)
            payment = refunds.done(session, task, reference=reference, at=now)
            loan = loans.by_ref(session, task.loan_ref)
            owed_signals.owe(
                session,
                provider=payment.provider,
                key=f"refunded:{number}",
                signals=[owed_signals.payment_refunded(loan, payment)],
                at=now,
                outcome="payment_refunded",
            )

    def _failed(self, number: int, why: str, now: datetime) -> None:
        with self._database.writing() as session:
            refunds.failed(session, refunds.get(session, number), why=why, at=now)
