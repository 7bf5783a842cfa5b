"""The work of a day beside the loans: what a Temporal Schedule has done by itself every morning."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
from sqlmodel import Session
from temporalio import activity

from activities.bank_files import BankDesk
from activities.bank_mail import fetch_all
from activities.capabilities import DailyWork
from activities.clock import task_time
from activities.composition import bank_sources, connect_gateways, connect_outside, debit_bank, stop_states
from activities.consent_round import ConsentRound
from activities.consents import ConsentDesk
from activities.counting import count, note_time
from activities.daily_orders import DayJob, DayOrder, DayReport
from activities.debit_file_outcomes import ACCEPTED, WITHDRAWN
from activities.debit_files import DebitFiles, NotConfigured
from activities.debit_submission import DebitSubmission
from activities.gateway_check import GatewayChecks
from activities.provider_waits import call_again
from activities.refunds import Refunds
from activities.statement_folders import StatementFolders
from config.metric_catalogue import DAILY_WORK, PROVIDER_FAILURES
from config.retention import longest_years
from config.settings import Settings
from domain.what_next import WhatNext
from providers.bankfiles.pain008 import UnfitFile
from providers.errors import ProviderError
from records import audit, owed_signals, refunds
from records.database import Database
from records.spent_keys import destroy_spent
from records.tables import Loan, RefundState, RefundWay

ACTOR = "daily work"
_AWAY = 2
"""After so many days running of which a gateway does not answer for now, it is left alone until it is asked again."""


class DailyWorker(DailyWork):
    """Each job is the command of the same work: `debit fetch`, `reconcile fetch`, `debit submit`, `reconcile gateways`,
    `refund run`, `consent list --check`, `keys spent`."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._work: dict[DayJob, Callable[[DayOrder], Awaitable[DayReport]]] = {
            DayJob.BANK_FILES: self._bank_files,
            DayJob.STATEMENTS: self._statements,
            DayJob.DEBIT_FILES: self._debit_files,
            DayJob.GATEWAYS: self._gateways,
            DayJob.REFUNDS: self._refunds,
            DayJob.CONSENTS: self._consents,
            DayJob.SPENT_KEYS: self._spent_keys,
        }

    @activity.defn(name="daily_job")
    async def job(self, order: DayOrder) -> DayReport:
        """Do it; what somebody has to look at is told and stands in the audit trail. A provider that cannot be asked
        now is asked again: until then nothing was done twice and nothing is lost."""
        try:
            report = await self._work[order.job](order)
        except NotConfigured:
            report = DayReport(job=order.job, told="not configured")
        except UnfitFile as why:
            report = DayReport(job=order.job, told=str(why), wrong=True)
        except ProviderError as error:
            raise call_again(error, task_time(), activity.info().attempt) from None
        note_time(DAILY_WORK, task_time(), work=order.job, outcome="wrong" if report.wrong else "done")
        if report.wrong:
            await asyncio.to_thread(self._note, order, report)
        return report

    async def _bank_files(self, order: DayOrder) -> DayReport:
        desk = BankDesk(self._database, self._settings)
        async with debit_bank(self._settings) as bank:
            fetched = await fetch_all(bank, desk, task_time())
        if fetched.failed is not None:
            raise fetched.failed
        told = f"{len(fetched.taken)} files taken in"
        if fetched.refused:
            told += "; not readable: " + ", ".join(sorted(fetched.refused))
        return DayReport(job=order.job, told=told, wrong=bool(fetched.refused))

    async def _statements(self, order: DayOrder) -> DayReport:
        folders = StatementFolders(self._database, self._settings)
        if not self._settings.statements:
            raise NotConfigured
        fetched = await asyncio.to_thread(folders.take_in, task_time())
        return DayReport(job=order.job, told=fetched.told(), wrong=bool(fetched.refused))

    async def _consents(self, order: DayOrder) -> DayReport:
        """Goes on where an attempt before it broke off: a bank is not asked again about what it has answered for."""
        zone = ZoneInfo(self._settings.bank.zone if self._settings.bank else order.zone)
        told_before = activity.info().heartbeat_details
        async with httpx.AsyncClient() as client:
            sources = bank_sources(self._settings, connect_outside(self._settings, client))
            if not sources.by_name:
                raise NotConfigured
            desk = ConsentDesk(self._database, sources, _tell_given, zone, stop_states(self._settings))
            found = await ConsentRound(self._database, desk, zone).go(
                task_time(), int(told_before[0]) if told_before else 0, activity.heartbeat
            )
        return DayReport(job=order.job, told=found.told(), wrong=found.not_answered > 0)

    async def _spent_keys(self, order: DayOrder) -> DayReport:
        spent = await asyncio.to_thread(destroy_spent, self._database, task_time(), longest_years())
        return DayReport(job=order.job, told=spent.told())

    async def _debit_files(self, order: DayOrder) -> DayReport:
        files, now = DebitFiles(self._database, self._settings), task_time()
        made = await asyncio.to_thread(files.make, now)
        async with debit_bank(self._settings) as bank:
            outcomes = await DebitSubmission(self._database, self._settings).submit(bank, now)
        refused = sorted(name for name, outcome in outcomes.items() if outcome not in (ACCEPTED, WITHDRAWN))
        told = f"{made.debits} debits put into {len(made.files)} files, {len(outcomes)} handed over"
        if refused:
            told += "; refused: " + ", ".join(refused)
        if made.not_made:
            told += "; no file: " + "; ".join(made.not_made.values())
        return DayReport(job=order.job, told=told, wrong=bool(refused or made.not_made))

    async def _gateways(self, order: DayOrder) -> DayReport:
        """The day before is compared whole: by the morning both sides know it. So are those before it that were not.

        A day or a gateway that cannot be read holds up no other: it is told. Another attempt, where the day before
        could not be read for now, compares the same days again, so that what the one before found is told. That is in
        the audit trail already, once: the attempts may last all day.
        """
        zone, newest = ZoneInfo(order.zone), order.day - timedelta(days=1)
        told_before = activity.info().heartbeat_details
        noted_before = len(told_before) > 1 and bool(told_before[1])
        async with httpx.AsyncClient() as client:
            checks = GatewayChecks(self._database, connect_gateways(self._settings, client))
            wanted: dict[str, list[str]] = dict(told_before[0]) if told_before else {}
            for provider in checks.providers:
                if provider not in wanted:
                    days = await asyncio.to_thread(checks.days_unchecked, provider, newest)
                    wanted[provider] = [day.isoformat() for day in days]
            activity.heartbeat(wanted, noted_before)
            days_of = {name: [date.fromisoformat(day) for day in wanted[name]] for name in checks.providers}
            compared = await _compare(checks, days_of, zone)
        if not days_of:
            return DayReport(job=order.job, told="not configured")
        report = self._of_gateways(order, days_of, compared)
        again = next((error for _, day, error in compared.failed if day == newest and _passes(error)), None)
        if again is not None:
            untold = compared.differences > 0 or not all(_passes(error) for _, _, error in compared.failed)
            if untold and not noted_before:
                await asyncio.to_thread(self._note, order, report)
                activity.heartbeat(wanted, True)
            raise again
        for _, _, error in compared.failed:
            count(PROVIDER_FAILURES, provider=error.provider, what_next=error.what_next)
        return report

    @staticmethod
    def _of_gateways(order: DayOrder, days_of: Mapping[str, Sequence[date]], compared: _Compared) -> DayReport:
        asked = sorted(compared.days)
        on = f" on {len(asked)} days since {asked[0]}" if len(asked) > 1 else ""
        told = f"{', '.join(days_of)}: {compared.differences} differences{on}"
        told += "".join(f"; {provider} of {day} not compared: {error}" for provider, day, error in compared.failed)
        return DayReport(job=order.job, told=told, wrong=compared.differences > 0 or bool(compared.failed))

    async def _refunds(self, order: DayOrder) -> DayReport:
        numbers = await asyncio.to_thread(self._approved)
        failed = 0
        async with httpx.AsyncClient() as client:
            desk = Refunds(self._database, connect_gateways(self._settings, client, self._database))
            for number in numbers:
                failed += not (await desk.carry_out(number, task_time())).done
        told = f"{len(numbers) - failed} of {len(numbers)} approved refunds given back"
        return DayReport(job=order.job, told=told, wrong=failed > 0)

    def _approved(self) -> list[int]:
        with self._database.reading() as session:
            found = refunds.listing(session, state=RefundState.APPROVED)
            return [task.id for task, _ in found if task.id is not None and task.way is RefundWay.GATEWAY]

    def _note(self, order: DayOrder, report: DayReport) -> None:
        with self._database.writing() as session:
            audit.append(
                session,
                at=task_time(),
                actor=ACTOR,
                action="daily_work_wrong",
                details={"job": order.job.value, "day": order.day.isoformat(), "told": report.told},
            )


@dataclass
class _Compared:
    """`days`: those that a provider was asked about. `failed`: what could not be compared, by provider and day."""

    differences: int = 0
    days: set[date] = field(default_factory=set)
    failed: list[tuple[str, date, ProviderError]] = field(default_factory=list)


async def _compare(checks: GatewayChecks, days_of: Mapping[str, Sequence[date]], zone: ZoneInfo) -> _Compared:
    """Each provider's days, the newest first, of all providers before any older one. One that is away for two days
    running is asked about no more.
    """
    compared, away = _Compared(), Counter[str]()
    pairs = [(day, provider) for provider, days in days_of.items() for day in days]
    for day, provider in sorted(pairs, key=lambda pair: pair[0], reverse=True):
        if away[provider] >= _AWAY:
            continue
        compared.days.add(day)
        try:
            compared.differences += len(await checks.check(provider, day, zone, task_time()))
            away[provider] = 0
        except ProviderError as error:
            compared.failed.append((provider, day, error))
            away[provider] = away[provider] + 1 if _passes(error) else 0
    return compared


def _passes(error: ProviderError) -> bool:
    """Whether asking again later may help, without anybody's doing."""
    return error.what_next in (WhatNext.RETRY, WhatNext.LATER)


def _tell_given(session: Session, loan: Loan, valid_until: date | None, at: datetime) -> None:
    """Owe the loan the news that its borrower lets the balance be read, until then."""
    told = f"daily:{loan.lender}:{loan.loan_id}:{at.isoformat()}"
    signals = [owed_signals.consent_given(loan, valid_until)]
    owed_signals.owe(
        session,
        provider="consents",
        key=hashlib.sha256(told.encode()).hexdigest(),
        signals=signals,
        at=at,
        outcome="consent_given",
    )
