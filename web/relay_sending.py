"""Signals to many loans side by side, to each loan one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from structlog.contextvars import bind_contextvars

from records import loans, people
from records.database import Database
from records.tables import LoanState
from web.after_the_end import hand_to_a_person
from web.hearing import message_named
from web.ports import LoanSignals, OwedSignal, SignalAnswer, SignalName, TemporalUnavailable
from web.relay_records import Told

_LOANS_AT_ONCE = 16


_STANDS_NOWHERE_ELSE = frozenset(
    {SignalName.REPLY_UNDERSTOOD, SignalName.CIRCUMSTANCE_REPORTED, SignalName.CALL_CHOICE}
)
"""What a loan that nothing carries at the moment is still to hear: the records act on none of it."""


class WorkflowMissing(Exception):
    """The loan's workflow is not there yet."""


class RelaySender:
    def __init__(self, database: Database, signals: LoanSignals, timeout: timedelta) -> None:
        self._database = database
        self._signals = signals
        self._timeout = timeout.total_seconds()

    async def send(self, owed: Sequence[tuple[int, OwedSignal]]) -> tuple[list[Told], bool]:
        """What became of each, and whether Temporal answers. `owed` in the order in which a loan is to hear it.

        Where it does not answer only one failure is told: the others would only wait for the same.
        """
        chains: dict[tuple[str, str], list[tuple[int, OwedSignal]]] = {}
        for webhook_id, signal in owed:
            chains.setdefault((signal.lender, signal.loan_id), []).append((webhook_id, signal))
        waiting = iter(chains.values())
        told: list[Told] = []
        unanswered: list[Told] = []

        async def one_after_the_other() -> None:
            for chain in waiting:
                for webhook_id, signal in chain:
                    if unanswered:
                        return
                    try:
                        bind_contextvars(webhook_id=webhook_id, lender=signal.lender, loan_id=signal.loan_id)
                        await self._send(signal)
                    except (TemporalUnavailable, TimeoutError) as error:
                        unanswered.append(Told(webhook_id, signal, type(error).__name__))
                        return
                    except Exception as error:
                        told.append(Told(webhook_id, signal, type(error).__name__))
                    else:
                        told.append(Told(webhook_id, signal))

        await asyncio.gather(*(one_after_the_other() for _ in range(min(_LOANS_AT_ONCE, len(chains)))))
        told += sorted(unanswered, key=lambda one: one.webhook_id)[:1]
        return told, not unanswered

    async def _send(self, signal: OwedSignal) -> None:
        async with asyncio.timeout(self._timeout):
            answer = await self._call(signal)
            if answer is SignalAnswer.LOAN_ENDED and signal.restart:
                await self._signals.restart(signal.lender, signal.loan_id, signal)
        if answer is SignalAnswer.NOT_FOUND and (signal.about_money or signal.name in _STANDS_NOWHERE_ELSE):
            if await asyncio.to_thread(self._may_start_yet, signal):
                raise WorkflowMissing
        if answer is not SignalAnswer.ACCEPTED and signal.name is SignalName.REPLY_UNDERSTOOD:
            await asyncio.to_thread(self._to_a_person, signal)

    async def _call(self, signal: OwedSignal) -> SignalAnswer:
        arguments = (signal.lender, signal.loan_id, dict(signal.payload))
        match signal.name:
            case SignalName.PAYMENT_RECEIVED:
                return await self._signals.payment_received(*arguments)
            case SignalName.PAYMENT_REVERSED:
                return await self._signals.payment_reversed(*arguments)
            case SignalName.PAYMENT_REFUNDED:
                return await self._signals.payment_refunded(*arguments)
            case SignalName.OPT_OUT:
                return await self._signals.opt_out(*arguments)
            case SignalName.CONTACT_FAILED:
                return await self._signals.contact_failed(*arguments)
            case SignalName.DEBIT_RETURNED:
                return await self._signals.debit_returned(*arguments)
            case SignalName.CALL_CHOICE:
                return await self._signals.call_choice(*arguments)
            case SignalName.CONSENT_GIVEN:
                return await self._signals.consent_given(*arguments)
            case SignalName.ASK_CONSENT:
                return await self._signals.ask_consent(*arguments)
            case SignalName.OPT_IN | SignalName.CIRCUMSTANCE_REPORTED | SignalName.REPLY_UNDERSTOOD:
                return await self._signals.tell(signal.name, *arguments)

    def _to_a_person(self, signal: OwedSignal) -> None:
        """The loan ended between the message and its signal, or no campaign holds it: nothing will ever hear of it."""
        with self._database.writing() as session:
            loan = loans.find(session, signal.lender, signal.loan_id)
            message = message_named(session, loan, str(signal.payload.get("message_id"))) if loan is not None else None
            if loan is not None and message is not None:
                idle = loan if loan.state is not LoanState.IN_COLLECTION else None
                hand_to_a_person(session, people.of_loan(session, loan), message, message.at, idle)

    def _may_start_yet(self, signal: OwedSignal) -> bool:
        """Whether a loan without a workflow has one to come: then its news must wait for it."""
        with self._database.reading() as session:
            loan = loans.find(session, signal.lender, signal.loan_id)
            return loan is not None and (
                loan.state is LoanState.IN_COLLECTION
                or (loan.state is LoanState.WAITING and loans.is_held(session, loan))
            )
