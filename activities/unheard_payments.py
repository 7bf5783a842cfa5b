"""Asking the gateway, before anybody is written to, whether a link was paid that nobody has told us of.

A webhook can be days late, refused because our clock is wrong, or lost in an outage; the money is there all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session

from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import GatewayPayment, PaymentGateway
from records import audit, links, loans, payments, webhooks
from records.database import Database
from records.tables import LinkState, Loan, PaymentLink, PaymentSource

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Due by every clock: the relay goes by the wall, this activity by the time of its task."""


class UnheardPayments:
    def __init__(self, database: Database, gateway: PaymentGateway | None) -> None:
        self._database = database
        self._gateway = gateway

    def payable(self, lender: str, loan_id: str) -> Sequence[PaymentLink]:
        """The loan's links that may have been paid without our knowledge."""
        if self._gateway is None:
            return ()
        with self._database.reading() as session:
            return links.open_links(session, loans.get(session, lender, loan_id))

    async def find(self, lender: str, loan_id: str, payable: Sequence[PaymentLink], at: datetime) -> int:
        """Record what was paid through these links and is not in the records; how many payments that were.

        The loan is told by the relay, as of a webhook. Raises ProviderError where asking again may help.
        """
        assert self._gateway is not None
        found = 0
        for link in payable:
            try:
                paid = await self._gateway.link_payments(link.provider_link_id, at)
            except ProviderError as error:
                if error.what_next is WhatNext.TERMINAL:
                    continue  # a link the gateway cannot tell of holds nobody up
                raise
            good = [payment for payment in paid if not payment.refunded]
            if good:
                found += await asyncio.to_thread(self._record, lender, loan_id, link, good, at)
        return found

    def _record(
        self, lender: str, loan_id: str, link: PaymentLink, paid: Sequence[GatewayPayment], at: datetime
    ) -> int:
        with self._database.writing(durable=True) as session:
            loan = loans.get(session, lender, loan_id)
            new = [payment for payment in paid if self._keep(session, loan, link, payment, at)]
            if new and (kept := links.by_provider_id(session, link.provider, link.provider_link_id)) is not None:
                links.set_state(session, kept, LinkState.PAID, at=at)
            return len(new)

    @staticmethod
    def _keep(session: Session, loan: Loan, link: PaymentLink, paid: GatewayPayment, at: datetime) -> bool:
        """One transaction with what is owed to the loan: neither is ever without the other."""
        recorded = payments.record(
            session,
            provider=link.provider,
            payment_id=paid.payment_id,
            lender=loan.lender,
            loan_id=loan.loan_id,
            amount_minor=paid.amount.amount_minor,
            currency=paid.amount.currency,
            paid_at=paid.paid_at,
            received_at=at,
            source=PaymentSource.RECORD,
        )
        payment = recorded.payment
        if not recorded.new or payment.loan_ref is None:
            return False
        audit.append(
            session,
            at=at,
            actor=link.provider,
            action="payment_recorded",
            lender=loan.lender,
            loan_id=loan.loan_id,
            details={
                "provider": payment.provider,
                "payment_id": payment.payment_id,
                "amount_minor": payment.amount_minor,
                "currency": payment.currency,
                "asked_for": True,
            },
        )
        signal = {
            "lender": loan.lender,
            "loan_id": loan.loan_id,
            "name": "payment_received",
            "payload": {
                "payment_id": payment.payment_id,
                "amount_minor": payment.amount_minor,
                "currency": payment.currency,
                "paid_at": payment.paid_at.isoformat(),
                "provider": payment.provider,
            },
            "restart": True,
        }
        stored = webhooks.store(
            session,
            provider=link.provider,
            event_key=f"asked:{payment.payment_id}",
            url="",
            body=b"",
            headers={},
            received_at=at,
            due_at=_AT_ONCE,
            verified=True,
        )
        webhooks.mark_recorded(session, stored.id, at, outcome="payment_asked_for", signals=[signal])
        return True
