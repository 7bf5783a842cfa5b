"""Webhooks' news, brought to the loans' workflows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.loans import workflow_id
from records import facts, loans, payments
from records.database import Database
from records.tables import LoanState, Webhook
from web.ports import OwedSignal, SignalAnswer, SignalName, TemporalUnavailable
from workflows.messages import Signal
from workflows.starting import continue_loan

_GONE = {RPCStatusCode.NOT_FOUND}
_LOOKED_THROUGH = 1000
"""So many webhooks may come in of other loans while one of a loan that has ended is brought to it."""


class TemporalSignals:
    """`LoanSignals` on a Temporal cluster; `connect` gives a client, or raises while the server is down."""

    def __init__(self, connect: Callable[[], Awaitable[Client]], database: Database, task_queue: str) -> None:
        self._connect = connect
        self._database = database
        self._task_queue = task_queue

    async def payment_received(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "payment_received", payload)

    async def payment_reversed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "payment_reversed", payload)

    async def payment_refunded(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "payment_refunded", payload)

    async def opt_out(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "opt_out", payload)

    async def contact_failed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "contact_failed", payload)

    async def debit_returned(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "debit_returned", payload)

    async def call_choice(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "call_choice", payload)

    async def consent_given(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "consent_given", payload)

    async def ask_consent(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, "ask_consent", payload)

    async def tell(self, name: SignalName, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return await self._signal(lender, loan_id, name.value, payload)

    async def restart(self, lender: str, loan_id: str, news: OwedSignal) -> None:
        """Start the loan again from its final state, not earlier than the news itself."""
        now = datetime.now(UTC)

        def look() -> tuple[Any, datetime | None]:
            with self._database.reading() as session:
                state = facts.state_to_go_on_from(session, lender, loan_id, now)
                return state, self._news_time(session, news, now)

        state, not_before = await asyncio.to_thread(look)
        try:
            client = await self._connect()
            await continue_loan(
                client,
                self._task_queue,
                state,
                Signal(name=news.name.value, payload=dict(news.payload)),
                not_before,
                now,
            )
        except (RPCError, RuntimeError) as error:
            raise TemporalUnavailable(type(error).__name__) from None

    def _news_time(self, session: Session, news: OwedSignal, now: datetime) -> datetime | None:
        """When it happened, as far as that is told; never in the future, or the loan would hear nothing until then."""
        payment_id, provider = news.payload.get("payment_id"), news.payload.get("provider")
        if not isinstance(payment_id, str) or not isinstance(provider, str):
            return None
        payment = payments.find(session, provider, payment_id)
        if payment is None:
            return None
        told = payment.reversed_at or payment.received_at
        return min(told, max(now, self._last_heard(session) or now))

    def _last_heard(self, session: Session) -> datetime | None:
        """The latest moment at which news came in; in a rehearsal that is later than the wall clock says.

        Not that of the newest: there each loan has a clock of its own, and the newest may be another's of weeks before.
        """
        newest = select(Webhook.received_at).order_by(col(Webhook.id).desc()).limit(_LOOKED_THROUGH)
        return max(session.exec(newest).all(), default=None)

    async def reachable(self) -> bool:
        try:
            client = await self._connect()
            return await client.service_client.check_health()
        except (RPCError, RuntimeError):
            return False

    async def _signal(self, lender: str, loan_id: str, name: str, payload: dict[str, Any]) -> SignalAnswer:
        try:
            client = await self._connect()
            await client.get_workflow_handle(workflow_id(lender, loan_id)).signal(name, payload)
        except RPCError as error:
            if error.status not in _GONE:
                raise TemporalUnavailable(str(error.status)) from None
            ended = await asyncio.to_thread(self._has_ended, lender, loan_id)
            return SignalAnswer.LOAN_ENDED if ended else SignalAnswer.NOT_FOUND
        except RuntimeError as error:
            raise TemporalUnavailable(type(error).__name__) from None
        return SignalAnswer.ACCEPTED

    def _has_ended(self, lender: str, loan_id: str) -> bool:
        with self._database.reading() as session:
            loan = loans.find(session, lender, loan_id)
            return loan is not None and loan.state is LoanState.ENDED
