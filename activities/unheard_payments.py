"""Asking the gateway, before anybody is written to, whether a link was paid that nobody has told us of.

A webhook can be days late, refused because our clock is wrong, or lost in an outage; the money is there all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from activities.found_payments import keep_payment
from activities.gateways import Gateways
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import GatewayPayment, PaymentReport, PaymentState
from records import links, loans
from records.database import Database
from records.tables import PaymentLink


class UnheardPayments:
    def __init__(self, database: Database, gateways: Gateways) -> None:
        self._database = database
        self._gateways = gateways

    def payable(self, lender: str, loan_id: str) -> Sequence[PaymentLink]:
        """The loan's links that may have been paid without our knowledge."""
        if not self._gateways.known:
            return ()
        with self._database.reading() as session:
            return links.open_links(session, loans.get(session, lender, loan_id))

    async def find(self, lender: str, loan_id: str, payable: Sequence[PaymentLink], at: datetime) -> int:
        """Record what was paid through these links and is not in the records; how many payments that were.

        The loan is told by the relay, as of a webhook. Raises ProviderError where asking again may help.
        """
        found = 0
        for link in payable:
            gateway = self._gateways.of(link.provider, link.currency)
            if gateway is None:
                continue
            try:
                paid = await gateway.link_payments(link.provider_link_id, at)
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
            own = links.by_provider_id(session, link.provider, link.provider_link_id)
            reports = [
                PaymentReport(
                    payment_id=one.payment_id, state=PaymentState.PAID, amount=one.amount, paid_at=one.paid_at
                )
                for one in paid
            ]
            return sum(
                keep_payment(session, link.provider, each, loan, own, at, actor=link.provider) for each in reports
            )
