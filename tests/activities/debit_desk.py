"""The day's direct debits of one lender, with a bank that does what a test needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
from sqlmodel import select

from activities.bank_files import BankDesk
from activities.bank_mail import Fetched, fetch_all
from activities.debit_files import DebitFiles
from activities.debit_results import apply_status
from activities.debit_submission import DebitSubmission
from activities.debits import DebitClerk
from activities.orders import DebitOrder
from config.bank_file_settings import DirectDebit, SepaCreditor
from config.settings import Settings
from domain.bank_news import StatusReport
from domain.contact import Channel, Purpose
from domain.direct_debit import MandateStatus, SequenceType
from domain.events.debits import DebitReported
from domain.what_next import Effect, WhatNext
from providers.debit_bank import BankMessage, DebitBank, OutgoingFile, Submission
from providers.debits.http_bank import HttpDebitBank, HttpDebitBankSettings
from providers.errors import refusal
from records import audit, debits, loans, mandates, payments, people
from records.database import Database
from records.tables import Contact, ContactState, Debit, Webhook
from tests.activities.other_bank import OURS, OtherBank
from tests.activities.outside import environment
from tests.records.portfolios import LENDER, entered

MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def settings(**given: Any) -> Settings:
    creditor = SepaCreditor(creditor_id="ES50ZZZA12345678", iban=OURS, name="Credialba")
    way = given or {"base_url": "http://127.0.0.1:1"}
    return Settings(_env_file=None, direct_debit=DirectDebit(creditor=creditor, **way))


class Desk:
    """The day's work of one lender, with whatever bank a test gives it."""

    def __init__(self, database: Database, real: DebitBank, given: Settings | None = None) -> None:
        self.database = database
        self.bank: DebitBank = real
        self.settings = given or settings()
        self.files = DebitFiles(database, self.settings)
        self.submission = DebitSubmission(database, self.settings)

    async def order(self, loan_id: str, at: datetime = MONDAY, **changes: Any) -> DebitReported:
        order = DebitOrder(**{"lender": LENDER, "loan_id": loan_id, "step": "debit", "released": True, **changes})
        return await environment(at).run(DebitClerk(self.database, self.settings.direct_debit).order, order)

    async def day(self, now: datetime) -> dict[str, str]:
        self.files.make(now)
        return await self.submission.submit(self.bank, now)

    async def fetch(self, now: datetime) -> Fetched:
        return await fetch_all(self.bank, BankDesk(self.database, self.settings), now)

    def debit(self, loan_id: str) -> Debit:
        with self.database.reading() as session:
            [found] = debits.of_loan(session, loans.get(session, LENDER, loan_id))
            return found

    def due(self, loan_id: str) -> int:
        with self.database.reading() as session:
            return payments.balance_due(session, loans.get(session, LENDER, loan_id))

    def signals(self) -> list[tuple[str, str, str]]:
        """What the loans are owed, in order: loan, signal, and the reason, the payment or what is reported."""
        with self.database.reading() as session:
            rows = session.exec(select(Webhook).order_by(Webhook.id)).all()  # type: ignore[arg-type]
        return [
            (one["loan_id"], one["name"], next(told[key] for key in ("reason", "payment_id", "kind") if key in told))
            for row in rows
            for one in row.signals
            for told in (one["payload"],)
        ]


def loan_with_mandate(database: Database, loan_id: str, iban: str, reference: str = "", **changes: Any) -> None:
    with database.writing() as session:
        [loan] = entered(session, loan_id, **changes)
        mandates.add(
            session,
            people.of_loan(session, loan),
            reference=reference or f"M-{loan_id}",
            iban=iban,
            signed_on=date(2025, 3, 1),
            sequence=SequenceType.FRST,
            at=MONDAY,
        )


class LosesAnswers:
    """A bank whose answer to a file is lost: `after` it took effect, or before the file arrived."""

    def __init__(self, real: DebitBank, *, after: bool) -> None:
        self._real, self._after, self.lost = real, after, 0

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        if self.lost == 0:
            self.lost += 1
            if self._after:
                await self._real.submit(file, at)
            raise refusal("bank", "timeout", WhatNext.RETRY, "no answer", effect=Effect.UNKNOWN)
        return await self._real.submit(file, at)

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        return await self._real.look_up(message_id, at)

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        return await self._real.messages(at)

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        await self._real.done_with(message, at)


class NeverKnows(LosesAnswers):
    """As it, and it cannot say what it has."""

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        return None


class Away:
    """A bank that is not reached until it is `back`: nothing arrives there, and it can say so only then."""

    def __init__(self, real: DebitBank) -> None:
        self._real, self.back = real, False

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        self._reached()
        return await self._real.submit(file, at)

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        self._reached()
        return await self._real.look_up(message_id, at)

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        return await self._real.messages(at)

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        await self._real.done_with(message, at)

    def _reached(self) -> None:
        if not self.back:
            raise refusal("bank", "down", WhatNext.RETRY, "no way there")


def refused_whole(message_id: str, code: str) -> StatusReport:
    return StatusReport(message_id=f"B-{code}", original_message_id=message_id, file_refused=True, file_reason=code)


def tell(desk: Desk, report: StatusReport, at: datetime) -> None:
    """The bank's answer to a file, as it is taken in from a pain.002."""
    with desk.database.writing() as session:
        apply_status(session, report, at)


def announce(desk: Desk, loan_id: str, at: datetime) -> None:
    """The notice of the loan's debit went out."""
    with desk.database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        [debit] = debits.of_loan(session, loan)
        session.add(
            Contact(
                loan_ref=loan.id or 0,
                person_ref=loan.person_ref,
                message_id=f"m-{loan_id}",
                entry=loan.entry,
                step=debit.step,
                occurrence=1,
                purpose=Purpose.COLLECTION,
                channel=Channel.SMS,
                template="debit_notice",
                state=ContactState.SENT,
                reserved_at=at,
                changed_at=at,
            )
        )


def cancel(desk: Desk, reference: str) -> None:
    with desk.database.writing() as session:
        mandate = mandates.get(session, LENDER, reference)
        mandates.set_status(session, mandate, MandateStatus.CANCELLED, reason="by letter", at=MONDAY)


def needs_person(desk: Desk) -> list[str]:
    with desk.database.reading() as session:
        return [str(row.details["kind"]) for row in audit.of_action(session, "webhook_needs_person")]


@asynccontextmanager
async def debit_desk(database: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Desk(database, HttpDebitBank(HttpDebitBankSettings(base_url=bank.url), client))
