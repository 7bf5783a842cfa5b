"""Reading a borrower's balance, with consent: the watch, and one more look before a link is sent."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import activity

from activities.capabilities import Balances
from activities.clock import ask_again, task_time
from activities.orders import WatchOrder, WatchReport
from activities.provider_waits import call_again
from domain.strategy import Threshold
from domain.watching import funds_needed, next_read_at
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import BankData
from records import consents, loans, payments
from records.database import Database
from records.tables import Consent, ConsentStatus, LoanState


class ConsentOver(Exception):
    """The bank will not answer under this consent again; the text is the bank's code."""


class BalanceReader(Balances):
    """Reads under the person's consent, at most as often a day as the consent allows, over all their loans."""

    def __init__(self, database: Database, bank: BankData | None) -> None:
        self._database = database
        self._bank = bank

    @activity.defn(name="watch_balance")
    async def watch(self, order: WatchOrder) -> WatchReport:
        """Ends when the money is there or the consent is over; otherwise asks to be tried at the next read."""
        now = task_time()
        if order.not_before is not None and now < order.not_before:
            raise ask_again(order.not_before, f"resting until {order.not_before:%d %b %H:%M} UTC", "Resting")
        try:
            seen = await self.funds_are_there(order.lender, order.loan_id, order.threshold, now)
        except ConsentOver as over:
            return WatchReport(over=f"consent: {over}")
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None
        if seen:
            return WatchReport(funds_seen_at=now)
        again = next_read_at(now, order.reads_per_day)
        raise ask_again(again, f"funds not there yet; next look {again:%d %b %H:%M} UTC", "FundsNotSeen")

    async def funds_are_there(self, lender: str, loan_id: str, threshold: Threshold, at: datetime) -> bool:
        """One read, or False without one when the loan needs none or the day's reads are used up.

        Raises ConsentOver, or ProviderError when the bank could not answer now.
        """
        if self._bank is None:
            raise ConsentOver("no bank is configured")
        found = await asyncio.to_thread(self._consent, lender, loan_id, at)
        if found is None:
            return False
        consent, due = found
        try:
            reading = await self._bank.balance(consent.account_id, consent.consent_id, at)
        except ProviderError as error:
            over = error.what_next in (WhatNext.DEBTOR_ACTS, WhatNext.TERMINAL)
            await asyncio.to_thread(self._note_failure, consent, lender, loan_id, at, error, over)
            if over:
                raise ConsentOver(error.code) from None
            if error.what_next is WhatNext.LATER:
                return False
            raise
        await asyncio.to_thread(self._note_read, consent, lender, loan_id, at, reading.amount_minor)
        return reading.currency == due[1] and reading.amount_minor >= funds_needed(threshold, due[0])

    def _consent(self, lender: str, loan_id: str, at: datetime) -> tuple[Consent, tuple[int, str]] | None:
        with self._database.reading() as session:
            loan = loans.get(session, lender, loan_id)
            balance = payments.balance_due(session, loan)
            if loan.state is LoanState.ENDED or balance <= 0:
                return None
            consent = consents.active(session, loan, at.date())
            if consent is None:
                raise ConsentOver("none is valid")
            if consents.reads_since(session, consent, at - timedelta(days=1)) >= consent.reads_per_day:
                return None
            return consent, (balance, loan.currency)

    def _note_read(self, consent: Consent, lender: str, loan_id: str, at: datetime, amount_minor: int) -> None:
        with self._database.writing() as session:
            loan = loans.get(session, lender, loan_id)
            consents.record_read(session, consent, loan, at=at, outcome="read", amount_minor=amount_minor)

    def _note_failure(
        self, consent: Consent, lender: str, loan_id: str, at: datetime, error: ProviderError, over: bool
    ) -> None:
        with self._database.writing() as session:
            loan = loans.get(session, lender, loan_id)
            consents.record_read(session, consent, loan, at=at, outcome=error.code[:80])
            if over and consent.id is not None:
                kept = consents.get(session, consent.id)
                consents.set_status(session, kept, ConsentStatus.EXPIRED, at=at)
