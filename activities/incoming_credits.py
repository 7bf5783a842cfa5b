"""When money came to a person, from the transactions of their account: read once in a while, and only where allowed.

A consent says nothing of the past: a person just asked would be a stranger for two or three wages. Their account's own
list of what came in tells it at once. It is read when the person gives the consent and is there, which counts against
no limit; without them it takes one of the day's reads, at most once in `AGAIN_AFTER`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.read_budget import Taken, keep_outcome, take_read
from activities.stop_states import StopStates
from domain.arrival_model import Arrival
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import BankData, Credit, TransactionData
from records import consents, incomes, people
from records.database import Database
from records.tables import Consent, Loan, LoanState

LOOKED_BACK = timedelta(days=90)
"""Banks show so much without another confirmation by the account holder: Delegated Regulation (EU) 2018/389,
article 10a(1), which 2022/2360 put in."""
AGAIN_AFTER = timedelta(days=30)
CREDITS = "credits"
"""The outcome of a read of transactions, which the bank counts like a balance."""


class IncomingCredits:
    """`zone` is where the bank's calendar day turns. Nothing is read of people whose `stops` close collection."""

    def __init__(self, database: Database, zone: ZoneInfo, stops: StopStates) -> None:
        self._database, self._zone, self._stops = database, zone, stops

    async def learn(self, consent_ref: int, bank: BankData, at: datetime, psu_ip: str | None) -> int | None:
        """Read what came in and remember when; how many days money came on, None where nothing was read.

        With `psu_ip` the account holder is there. Nothing is read of whoever was not told of it; where that is unknown
        the source's own limits of the consent decide, and without such limits nothing is read. A source that shows no
        transactions, or not under this consent, is not asked again for a month; the consent itself is as good as
        before. Raises ProviderError where the source could not answer now.
        """
        if not isinstance(bank, TransactionData) or not bank.shows_credits:
            return None
        prepared = await asyncio.to_thread(self._prepare, consent_ref, at, psu_ip is not None, bank.limits_consents)
        if prepared is None:
            return None
        consent, read_id = prepared
        since = (at - LOOKED_BACK).astimezone(self._zone).date()
        try:
            credits = await bank.credits(consent.account_id, consent.consent_id, since, at, psu_ip)
        except ProviderError as error:
            later = error.what_next in (WhatNext.RETRY, WhatNext.LATER)
            await asyncio.to_thread(self._failed, consent_ref, read_id, error.code, at, again=later)
            if later:
                raise
            return None
        return await asyncio.to_thread(self._keep, consent_ref, read_id, credits, since, at)

    def _prepare(
        self, consent_ref: int, at: datetime, attended: bool, limited: bool
    ) -> tuple[Consent, int | None] | None:
        """The consent, and the read that was taken of it where nobody is there; None when it is not the time, or its
        giver was not told of it. `limited`: what nobody knows here the source knows."""
        with self._database.writing(durable=True) as session:
            consent = consents.get(session, consent_ref)
            if not (consent.transactions or (consent.transactions is None and limited)):
                return None
            if consent.credits_read_at is not None and at - consent.credits_read_at < AGAIN_AFTER:
                return None
            loan = _a_loan(session, consent)
            person = people.get(session, consent.person_ref)
            if loan is None or self._stops.close_collection(session, loan, person):
                return None
            read_id = None
            if not attended:
                taken = take_read(session, consent, loan, at, self._zone)
                if not isinstance(taken, Taken):
                    return None
                read_id = taken.read_id
            session.refresh(consent)
            session.expunge(consent)
            return consent, read_id

    def _failed(self, consent_ref: int, read_id: int | None, code: str, at: datetime, *, again: bool) -> None:
        with self._database.writing() as session:
            if read_id is not None:
                keep_outcome(session, read_id, code)
            if not again:
                consents.credits_read(session, consents.get(session, consent_ref), at)

    def _keep(self, consent_ref: int, read_id: int | None, credits: Sequence[Credit], since: date, at: datetime) -> int:
        with self._database.writing() as session:
            consent = consents.get(session, consent_ref)
            if read_id is not None:
                keep_outcome(session, read_id, CREDITS)
            consents.credits_read(session, consent, at)
            person = people.get(session, consent.person_ref)
            here = ZoneInfo(person.timezone) if person.timezone else self._zone
            currencies = {loan.currency for loan in people.loans_of(session, person)}
            days = by_day([one for one in credits if one.currency in currencies], here)
            begins = datetime.combine(since, time(0), here)
            incomes.remember_history(session, consent.person_ref, days, begins, at)
            return len(days)


def by_day(credits: Iterable[Credit], zone: ZoneInfo) -> list[Arrival]:
    """What came in on each day, oldest first: banks tell the day of a booking and no hour of it."""
    sums: dict[date, int] = {}
    for one in credits:
        if one.amount_minor > 0:
            sums[one.booked_on] = sums.get(one.booked_on, 0) + one.amount_minor
    return [
        Arrival(datetime.combine(day, time(0), zone), datetime.combine(day, time(23, 59), zone), amount)
        for day, amount in sorted(sums.items())
    ]


def _a_loan(session: Session, consent: Consent) -> Loan | None:
    """A loan the read is counted for; None when nobody collects from the person any more."""
    person = people.get(session, consent.person_ref)
    return next((one for one in people.loans_of(session, person) if one.state is not LoanState.ENDED), None)
