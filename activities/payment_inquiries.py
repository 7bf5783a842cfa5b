"""Asking about payments that a webhook only pointed at or that are under way at a bank, until they are final."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from activities.found_payments import keep_report
from activities.gateways import Gateways
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import PaymentLookup, PaymentReport, PaymentState
from records import audit, inquiries, payments
from records.database import Database
from records.tables import PaymentInquiry

_LOG = logging.getLogger("recobro.inquiries")
AT_ONCE = 50
MOST_TRIES = 12
"""Of a payment no account knows: about two days. Then a person is told."""
_LONGEST_WAIT = timedelta(hours=6)


class PaymentInquiries:
    """Safe to run in several processes: a payment counts once however often it is asked about."""

    def __init__(self, database: Database, gateways: Gateways) -> None:
        self._database = database
        self._gateways = gateways

    async def ask_due(self, now: datetime) -> int:
        """Ask about what is due by `now`; how many that were. What fails is asked again later."""
        due = await asyncio.to_thread(self._due, now)
        for one in due:
            try:
                await self._ask(one, now)
            except Exception as error:
                await self._failed(one, type(error).__name__, now)
        return len(due)

    async def _failed(self, one: PaymentInquiry, kind: str, now: datetime) -> None:
        """Nothing that one ends in keeps those behind it waiting. Only the kind is kept: a text may name a person."""
        _LOG.error("payment not asked about yet: %s", kind)
        transfers = self._gateways.transfers
        if transfers is not None and one.provider == transfers.name:
            # Its state is the bank's word, and its money is on its way.
            await asyncio.to_thread(self._put_off, one, one.status, now, give_up=False)
            return
        await asyncio.to_thread(self._put_off, one, kind[:40], now, give_up=one.tries >= MOST_TRIES * 4)

    async def _ask(self, one: PaymentInquiry, now: datetime) -> None:
        transfers = self._gateways.transfers
        if transfers is not None and one.provider == transfers.name:
            try:
                await transfers.poll(one, now)
            except ProviderError as error:
                _LOG.warning("transfer not asked about yet: %s", error)
                await asyncio.to_thread(self._put_off, one, one.status, now, give_up=False, wait=error.delay)
            return
        lookups = self._gateways.lookups(one.provider)
        report, failed = await _ask_each(lookups, one.reference, now)
        if report is not None:
            await asyncio.to_thread(self._keep, one, report, now)
            return
        again = [error for error in failed if error.what_next is not WhatNext.TERMINAL]
        # A notice can be faster than the payment is readable; one of another account never will be.
        most_tries = MOST_TRIES * 4 if again else MOST_TRIES
        hopeless = len(failed) == len(lookups) and not again
        first = next(iter([*again, *failed]), None)
        status, wait = ("not known", None) if first is None else (first.code[:40], first.delay)
        over = hopeless or one.tries >= most_tries
        await asyncio.to_thread(self._put_off, one, status, now, give_up=over, wait=wait)

    def _due(self, now: datetime) -> Sequence[PaymentInquiry]:
        with self._database.reading() as session:
            return inquiries.due(session, now, AT_ONCE)

    def _keep(self, one: PaymentInquiry, report: PaymentReport, now: datetime) -> None:
        assert one.id is not None
        with self._database.writing(durable=True) as session:
            # A card that was only checked is paid with nothing.
            moved = (
                report.amount.amount_minor > 0 or payments.find(session, one.provider, report.payment_id) is not None
            )
            if moved and report.state in (PaymentState.PAID, PaymentState.TAKEN_BACK):
                keep_report(session, one.provider, report, now)
            inquiries.answered(session, one.id, report.state.value, None, as_read=one)

    def _put_off(
        self, one: PaymentInquiry, why: str, now: datetime, *, give_up: bool, wait: timedelta | None = None
    ) -> None:
        assert one.id is not None
        backoff = min(timedelta(seconds=5 * 2 ** min(one.tries, 20)), _LONGEST_WAIT)
        with self._database.writing() as session:
            next_at = None if give_up else now + (wait or backoff)
            stands = inquiries.answered(session, one.id, why, next_at, as_read=one)
            if give_up and stands:
                audit.append(
                    session,
                    at=now,
                    actor=one.provider,
                    action="webhook_needs_person",
                    details={"kind": "notice", "reference": one.reference},
                )


async def _ask_each(
    accounts: Sequence[PaymentLookup], reference: str, now: datetime
) -> tuple[PaymentReport | None, list[ProviderError]]:
    """What the first account that knows the payment says of it; and what came of those that could not be asked."""
    failed: list[ProviderError] = []
    for account in accounts:
        try:
            report = await account.payment(reference, now)
        except ProviderError as error:
            _LOG.warning("payment not asked about yet: %s", error)
            failed.append(error)
            continue
        if report is not None:
            return report, failed
    return None, failed
