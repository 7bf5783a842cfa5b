"""The day's file of direct debits: made once from what the loans ordered, handed to the bank once.

A debit goes into one file and never into another, unless the bank refused that file whole. A file whose fate is unknown
is looked up at the bank before anything else, and the bank itself refuses a message id it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.settings import DirectDebit, SepaCreditor, Settings
from domain.direct_debit import PROVIDER, DebitState, collection_day, file_day
from domain.money import Money
from domain.settlement_days import days_after
from providers.bankfiles.pain008 import Collection, Creditor, UnfitFile, latin, write
from providers.debit_bank import DUPLICATE, DebitBank, OutgoingFile, Submission
from records import audit, cases, debits, mandates, owed_signals, payments, people
from records.database import Database
from records.locks import one_at_a_time
from records.tables import Debit, DebitFile, Loan, LoanState

ACTOR = "direct debit"
NO_MANDATE = "MD01"
BANK_ZONE = ZoneInfo("Europe/Madrid")
ACCEPTED = "accepted"


class _OnlyLooked(Exception):
    """Undoes what a look ahead wrote."""


class NotConfigured(RuntimeError):
    """Direct debits cannot be made; the text names the setting."""


@dataclass
class Made:
    """What making a day's files came to. `dropped`: debits that will not be made, by why."""

    files: list[str] = field(default_factory=list)
    debits: int = 0
    amount_minor: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


class DebitFiles:
    def __init__(self, database: Database, settings: Settings) -> None:
        if settings.direct_debit is None:
            raise NotConfigured(
                "no bank for direct debits is configured: set RECOBRO_DIRECT_DEBIT__BASE_URL or __FOLDER"
            )
        self._database = database
        self._settings = settings
        self._direct_debit: DirectDebit = settings.direct_debit

    # Making

    def make(self, now: datetime, *, keep: bool = True) -> Made:
        """Put what is due today into one new file for each lender. Without `keep` nothing is written: a look ahead."""
        made = Made()
        with self._database.reading() as session:
            lenders = debits.lenders_with_released(session)
        for lender in lenders:
            creditor = self._direct_debit.creditor_of(lender)
            if creditor is None:
                raise NotConfigured(f"lender {lender!r} has no SEPA creditor: set RECOBRO_DIRECT_DEBIT__CREDITORS")
            with contextlib.suppress(_OnlyLooked), self._database.writing(durable=True) as session:
                one_at_a_time(session, f"debit-file:{lender}")
                self._make(session, lender, creditor, now, made)
                if not keep:
                    raise _OnlyLooked
        return made

    def _make(self, session: Session, lender: str, creditor: SepaCreditor, now: datetime, made: Made) -> None:
        today = now.astimezone(BANK_ZONE).date()
        due = [
            (debit, loan)
            for debit, loan in debits.released(session, lender)
            if self._is_due(session, debit, loan, today, now, made)
        ]
        if not due:
            return
        number = debits.next_number(session, lender, today)
        message_id = message_id_of(lender, today, number)
        file = debits.new_file(session, lender, today, message_id=message_id, number=number, at=now)
        for debit, _ in due:
            debit.file_ref, debit.state, debit.changed_at = file.id, DebitState.FILED, now
            session.add(debit)
        session.flush()
        outgoing = self._outgoing(session, file, creditor)
        file.sha256, file.debits, file.amount_minor = outgoing.sha256, outgoing.debits, outgoing.amount_minor
        session.add(file)
        audit.append(
            session,
            at=now,
            actor=ACTOR,
            action="debit_file_made",
            lender=lender,
            details={"file": message_id, "debits": file.debits, "amount_minor": file.amount_minor},
        )
        for debit, loan in due:
            audit.append(
                session,
                at=now,
                actor=ACTOR,
                action="debit_filed",
                lender=lender,
                loan_id=loan.loan_id,
                details={
                    "reference": debit.reference,
                    "file": message_id,
                    "amount_minor": debit.amount_minor,
                    "collect_on": debit.collect_on.isoformat() if debit.collect_on else None,
                },
            )
        made.files.append(message_id)
        made.debits += file.debits
        made.amount_minor += file.amount_minor

    def _is_due(self, session: Session, debit: Debit, loan: Loan, today: date, now: datetime, made: Made) -> bool:
        """Whether it goes into today's file; then its amount, day and mandate are settled."""
        if loan.state is LoanState.ENDED or loan.entry != debit.entry:
            return self._drop(session, debit, loan, "the loan left collection", now, made)
        if (due := payments.balance_due(session, loan)) <= 0:
            return self._drop(session, debit, loan, "nothing is due", now, made)
        if cases.holds_money(session, loan):
            return False
        notified_on = None
        if debit.noticed:
            announced = debits.announced_at(session, loan, debit)
            if announced is None:
                return False
            person = people.of_loan(session, loan)
            zone = ZoneInfo(person.timezone) if person.timezone else BANK_ZONE
            notified_on = announced.astimezone(zone).date()
        lead = self._direct_debit.lead_days
        first = collection_day(
            notified_on or today, notified_on=notified_on, notice_days=debit.notice_days, lead_days=lead
        )
        if file_day(first, lead) > today:
            return False
        creditor = self._direct_debit.creditor_of(loan.lender)
        mandate = mandates.usable(session, loan, today, creditor.instrument if creditor is not None else None)
        if mandate is None:
            signal = owed_signals.debit_returned(loan, debit.step, debit.occurrence, NO_MANDATE)
            owed_signals.owe(
                session,
                provider=PROVIDER,
                key=f"dropped:{debit.reference}",
                signals=[signal],
                at=now,
                outcome="debit_dropped",
                person_ref=loan.person_ref,
            )
            return self._drop(session, debit, loan, "no mandate", now, made)
        assert mandate.id is not None
        debit.mandate_ref, debit.sequence = mandate.id, mandate.sequence.value
        debit.collect_on = max(first, days_after(today, lead))
        debit.amount_minor = min(debit.amount_minor, due)
        session.add(debit)
        return True

    def _drop(self, session: Session, debit: Debit, loan: Loan, why: str, now: datetime, made: Made) -> bool:
        debits.set_state(session, debit, DebitState.DROPPED, at=now, reason=why)
        audit.append(
            session,
            at=now,
            actor=ACTOR,
            action="debit_dropped",
            lender=loan.lender,
            loan_id=loan.loan_id,
            details={"reference": debit.reference, "why": why},
        )
        made.dropped[why] = made.dropped.get(why, 0) + 1
        return False

    def _outgoing(self, session: Session, file: DebitFile, creditor: SepaCreditor) -> OutgoingFile:
        """The file's bytes, from what the records hold. Raises UnfitFile."""
        lender = self._settings.lender_named(file.lender)
        who = Creditor(
            name=latin(creditor.name or lender.name, 70),
            creditor_id=creditor.creditor_id,
            iban=creditor.iban,
            bic=creditor.bic,
            instrument=creditor.instrument,
        )
        collections = []
        for debit, loan, mandate in debits.in_file(session, file):
            if mandate.iban is None or debit.collect_on is None or debit.sequence is None:
                raise UnfitFile("a mandate in the file was erased")
            person = people.get(session, mandate.person_ref)
            collections.append(
                Collection(
                    reference=debit.reference,
                    amount=Money(amount_minor=debit.amount_minor, currency=debit.currency),
                    collect_on=debit.collect_on,
                    sequence=mandate.sequence.__class__(debit.sequence),
                    mandate=mandate.reference,
                    signed_on=mandate.signed_on,
                    debtor_name=mandate.holder or person.name or "NOTPROVIDED",
                    debtor_iban=mandate.iban,
                    debtor_bic=mandate.bic,
                    text=f"{latin(lender.name, 60)} {loan.loan_id}",
                )
            )
        body, batches = write(file.message_id, who, collections, file.made_at)
        for debit, _, _ in debits.in_file(session, file):
            debit.batch_id = batches[debit.reference]
            session.add(debit)
        return OutgoingFile(
            message_id=file.message_id,
            sha256=hashlib.sha256(body).hexdigest(),
            debits=len(collections),
            amount_minor=sum(one.amount.amount_minor for one in collections),
            body=body,
        )

    # Handing over

    async def submit(self, bank: DebitBank, now: datetime) -> dict[str, str]:
        """Hand over every file of which the bank's answer is not known; each one's outcome.

        Raises ProviderError when the bank cannot be asked: then the file stays, and is looked up the next time.
        """
        outcomes = {}
        for message_id in await asyncio.to_thread(self._unanswered):
            outcomes[message_id] = await self._submit(bank, message_id, now)
        return outcomes

    async def _submit(self, bank: DebitBank, message_id: str, now: datetime) -> str:
        outgoing, begun = await asyncio.to_thread(self._begin, message_id, now)
        answer = await bank.look_up(message_id, now) if begun else None
        if answer is None:
            answer = await bank.submit(outgoing, now)
        if not answer.accepted and answer.code == DUPLICATE:
            # Nobody but us makes this id: the bank has the file from an attempt whose answer was lost.
            answer = Submission(accepted=True)
        return await asyncio.to_thread(self._answered, message_id, answer, now)

    def _unanswered(self) -> list[str]:
        with self._database.reading() as session:
            return [file.message_id for file in debits.unanswered(session)]

    def _begin(self, message_id: str, now: datetime) -> tuple[OutgoingFile, bool]:
        """The file as it goes out, and whether it may have gone before."""
        with self._database.writing(durable=True) as session:
            file = debits.file_of(session, message_id)
            assert file is not None
            creditor = self._direct_debit.creditor_of(file.lender)
            if creditor is None:
                raise NotConfigured(f"lender {file.lender!r} has no SEPA creditor any more")
            outgoing = self._outgoing(session, file, creditor)
            begun = file.begun_at is not None
            if outgoing.sha256 != file.sha256:
                # A name was corrected meanwhile. The bank is asked first whether it has the file as it was.
                audit.append(
                    session,
                    at=now,
                    actor=ACTOR,
                    action="debit_file_changed",
                    lender=file.lender,
                    details={"file": message_id, "sha256": outgoing.sha256, "was": file.sha256},
                )
                file.sha256 = outgoing.sha256
            file.begun_at = file.begun_at or now
            session.add(file)
            return outgoing, begun

    def _answered(self, message_id: str, answer: Submission, now: datetime) -> str:
        with self._database.writing(durable=True) as session:
            file = debits.file_of(session, message_id)
            assert file is not None
            if answer.accepted:
                file.answered_at, file.outcome = now, file.outcome or ACCEPTED
                session.add(file)
            else:
                file_refused(session, file, answer.code or "refused", now)
            return file.outcome or ACCEPTED


def file_refused(session: Session, file: DebitFile, code: str, at: datetime) -> bool:
    """The bank took nothing of the file: its debits wait for another one. False when that is known already.

    A refusal as a duplicate says that the bank has the file: nothing changes.
    """
    if code == DUPLICATE or (file.outcome is not None and file.outcome != ACCEPTED):
        return False
    for debit, _, _ in debits.in_file(session, file):
        if debit.state is DebitState.FILED:
            debit.file_ref, debit.batch_id = None, None
            debits.set_state(session, debit, DebitState.PLANNED, at=at, reason=f"file refused: {code}")
    file.answered_at, file.outcome = at, code[:80]
    session.add(file)
    audit.append(
        session,
        at=at,
        actor="bank",
        action="debit_file_refused",
        lender=file.lender,
        details={"file": file.message_id, "code": code},
    )
    return True


def message_id_of(lender: str, day: date, number: int) -> str:
    """Unique for ever among our files, and at most 35 characters (ISO 20022 Max35Text)."""
    digest = hashlib.sha256(lender.encode()).hexdigest()[:8].upper()
    return f"RCB-{day:%Y%m%d}-{digest}-{number:03d}"
