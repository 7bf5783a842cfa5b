"""Reading a borrower's balance, with consent: the watch, and one more look before a link is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from temporalio import activity

from activities.capabilities import Balances
from activities.clock import ask_again, task_time
from activities.consents import how_it_ended
from activities.counting import count
from activities.orders import WatchOrder, WatchReport
from activities.provider_waits import call_again
from activities.read_budget import (
    OTHER_CURRENCY,
    READ,
    BeingRead,
    ReadBefore,
    Taken,
    UsedUp,
    keep_outcome,
    take_read,
)
from activities.read_timing import next_look, next_look_under, note_reading
from activities.stop_states import StopStates
from config.metric_catalogue import BALANCE_READS
from domain.strategy import Threshold
from domain.watching import funds_needed, next_read_at
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import BankData
from records import consents, loans, payments, people
from records.database import Database
from records.tables import Consent, ConsentStatus, LoanState


class ConsentOver(Exception):
    """The bank will not answer under this consent again; the text is the bank's code."""


@dataclass(frozen=True)
class Look:
    """`seen_at`: when the money was read to be there. `again_at`: no look is possible before; None: at will.

    `soon_at`: another loan's look at the same account is answered by then. `next_at`: where the next one is best
    placed, if that was asked.
    """

    seen_at: datetime | None = None
    again_at: datetime | None = None
    soon_at: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True)
class _Needed:
    """A read that is to be judged: what was taken for it, and the balance that is enough."""

    read: Taken | ReadBefore | BeingRead | UsedUp
    enough_minor: int
    currency: str


class BalanceReader(Balances):
    """Reads under the person's consent, at most as often a day as the consent allows, over all their loans.

    `bank` reads under every consent that none of `others` is the provider of. `zone` is where the bank's calendar
    day turns. Nothing is read of people whose `stops` close collection.
    """

    def __init__(
        self,
        database: Database,
        bank: BankData | None,
        zone: ZoneInfo = ZoneInfo("UTC"),
        others: Mapping[str, BankData] = {},
        stops: StopStates | None = None,
    ) -> None:
        self._database = database
        self._bank = bank
        self._others = others
        self._zone = zone
        self._stops = stops or StopStates()

    @activity.defn(name="watch_balance")
    async def watch(self, order: WatchOrder) -> WatchReport:
        """Ends when the money is there or the consent is over; otherwise asks to be tried at the next read."""
        now = task_time()
        if order.not_before is not None and now < order.not_before:
            raise ask_again(order.not_before, f"resting until {order.not_before:%d %b %H:%M} UTC", "Resting")
        try:
            look = await self.look(order.lender, order.loan_id, order.threshold, now, order.reads_per_day)
        except ConsentOver as over:
            return WatchReport(over=f"consent: {over}")
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None
        if look.seen_at is not None:
            return WatchReport(funds_seen_at=look.seen_at)
        if look.soon_at is not None:
            raise ask_again(look.soon_at, "the account is just being read for another loan", "BeingRead")
        again = look.next_at
        if again is None:
            again = await asyncio.to_thread(self._next_look, order, look.again_at or now)
        why = "the day's reads are used up" if look.again_at else "funds not there yet"
        raise ask_again(again, f"{why}; next look {again:%d %b %H:%M} UTC", "FundsNotSeen")

    async def funds_are_there(self, lender: str, loan_id: str, threshold: Threshold, at: datetime) -> bool:
        """Whether the money is known to be there: False too when that cannot be found out now."""
        try:
            return (await self.look(lender, loan_id, threshold, at)).seen_at is not None
        except (ConsentOver, ProviderError):
            return False

    async def look(
        self, lender: str, loan_id: str, threshold: Threshold, at: datetime, reads_per_day: int | None = None
    ) -> Look:
        """One read, or none when the loan needs none, the day's reads are used up or a fresh reading is known.

        With `reads_per_day`, a read that does not see the money says when to look next. Raises ConsentOver, or
        ProviderError when the bank could not answer now.
        """
        if self._bank is None and not self._others:
            raise ConsentOver("no bank is configured")
        over: str | None = None
        while True:
            needed = await asyncio.to_thread(self._take, lender, loan_id, threshold, at, over)
            if needed is None:
                return Look()
            match needed.read:
                case BeingRead(ask_at):
                    return Look(soon_at=ask_at)
                case UsedUp(free_at):
                    return Look(again_at=free_at)
                case ReadBefore(read_at, amount):
                    return Look(seen_at=read_at if amount >= needed.enough_minor else None)
                case Taken() as taken:
                    try:
                        return await self._read(taken, needed, at, reads_per_day)
                    except ProviderError as error:
                        if error.what_next not in (WhatNext.DEBTOR_ACTS, WhatNext.TERMINAL):
                            raise
                        over = error.code

    async def _read(self, taken: Taken, needed: _Needed, at: datetime, reads_per_day: int | None) -> Look:
        bank = self._source(taken.consent)
        if bank is None:
            raise ConsentOver("no bank is configured")
        try:
            reading = await bank.balance(taken.consent.account_id, taken.consent.consent_id, at)
        except ProviderError as error:
            count(BALANCE_READS, outcome=error.what_next)
            over = await self._how_it_ended(bank, taken.consent, error, at)
            await asyncio.to_thread(self._keep_failure, taken, error, over, at)
            raise
        outcome = READ if reading.currency == needed.currency else OTHER_CURRENCY
        count(BALANCE_READS, outcome=outcome)
        if outcome == READ and reading.amount_minor >= needed.enough_minor:
            await asyncio.to_thread(self._keep_read, taken, outcome, reading.amount_minor, at, None)
            return Look(seen_at=at)
        again = await asyncio.to_thread(self._keep_read, taken, outcome, reading.amount_minor, at, reads_per_day)
        return Look(next_at=again)

    def _source(self, consent: Consent) -> BankData | None:
        return self._others.get(consent.provider, self._bank)

    async def _how_it_ended(
        self, bank: BankData, consent: Consent, error: ProviderError, at: datetime
    ) -> tuple[ConsentStatus, str] | None:
        """Why nothing can be read under the consent any more: in the bank's own words where it tells them.

        A bank that calls it valid ends it by what it says of the consent or the account itself, and by nothing else:
        so say the tables of codes.
        """
        if error.what_next not in (WhatNext.DEBTOR_ACTS, WhatNext.TERMINAL):
            return None
        try:
            said = how_it_ended(await bank.consent_status(consent.consent_id, at))
        except ProviderError:
            said = None
        return said or (ConsentStatus.EXPIRED, error.code)

    def _take(self, lender: str, loan_id: str, threshold: Threshold, at: datetime, over: str | None) -> _Needed | None:
        """A read of a valid consent; None when nothing is due, or the person may not be collected from.

        `over` is why the consent before it ended.
        """
        with self._database.writing() as session:
            loan = loans.get(session, lender, loan_id)
            due = payments.payable_due(session, loan)
            if loan.state is LoanState.ENDED or due <= 0:
                return None
            if self._stops.close_collection(session, loan, people.of_loan(session, loan)):
                return None
            consent = consents.active(session, loan, at.astimezone(self._zone).date())
            if consent is None:
                raise ConsentOver(over or "none is valid")
            read = take_read(session, consent, loan, at, self._zone)
            return _Needed(read, funds_needed(threshold, due), loan.currency)

    def _next_look(self, order: WatchOrder, after: datetime) -> datetime:
        """Where the money is likely to have come; evenly spread where there is no consent to reckon with."""
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            placed = next_look(session, loan, after, order.reads_per_day, self._zone)
        return placed or next_read_at(after, order.reads_per_day)

    def _keep_read(
        self, taken: Taken, outcome: str, amount_minor: int, at: datetime, reads_per_day: int | None
    ) -> datetime | None:
        """Keep what was read; with `reads_per_day`, where the money is likely to have come next."""
        with self._database.writing() as session:
            person = people.whereabouts(session, taken.consent.person_ref)
            keep_outcome(session, taken.read_id, outcome, amount_minor)
            if outcome == READ:
                note_reading(session, taken.consent, person, taken.at, amount_minor, self._zone)
            if reads_per_day is None:
                return None
            return next_look_under(session, taken.consent, person, at, reads_per_day, self._zone)

    def _keep_failure(
        self, taken: Taken, error: ProviderError, over: tuple[ConsentStatus, str] | None, at: datetime
    ) -> None:
        with self._database.writing() as session:
            keep_outcome(session, taken.read_id, error.code)
            if over is not None and taken.consent.id is not None:
                kept = consents.get(session, taken.consent.id)
                consents.end(session, kept, over[0], because=over[1], at=at)
