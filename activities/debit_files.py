"""The day's file of direct debits: made once from what the loans ordered.

A debit goes into one file and never into another, unless the bank refused that file whole or surely never had it.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session

from activities.due_debits import ACTOR, BANK_ZONE, Fit, Never, drop, fit_for_file
from config.bank_file_settings import DirectDebit, SepaCreditor
from config.settings import Settings
from domain.direct_debit import DebitState
from domain.money import Money
from providers.bankfiles.pain008 import Collection, Creditor, UnfitFile, latin, write
from providers.debit_bank import OutgoingFile
from records import audit, debits, people
from records.database import Database
from records.locks import one_at_a_time
from records.tables import Debit, DebitFile, Loan


class _OnlyLooked(Exception):
    """Undoes what a look ahead wrote."""


class NotConfigured(RuntimeError):
    """Direct debits cannot be made; the text names the setting."""


@dataclass
class Made:
    """What making a day's files came to. `dropped`: debits that will not be made, by why. `not_made`: why a lender's
    file could not be made, by lender."""

    files: list[str] = field(default_factory=list)
    debits: int = 0
    amount_minor: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    not_made: dict[str, str] = field(default_factory=dict)

    def add(self, other: Made) -> None:
        self.files += other.files
        self.debits += other.debits
        self.amount_minor += other.amount_minor
        for why, number in other.dropped.items():
            self.dropped[why] = self.dropped.get(why, 0) + number


class DebitFiles:
    def __init__(self, database: Database, settings: Settings) -> None:
        """Raises NotConfigured."""
        self._database = database
        self._settings = settings
        self._direct_debit = direct_debit_of(settings)

    def make(self, now: datetime, *, keep: bool = True) -> Made:
        """Put what is due today into one new file for each lender. Without `keep` nothing is written: a look ahead.

        A lender's file that cannot be made holds up no other's.
        """
        made = Made()
        with self._database.reading() as session:
            lenders = debits.lenders_with_released(session)
        for lender in lenders:
            creditor = self._direct_debit.creditor_of(lender)
            if creditor is None:
                made.not_made[lender] = f"lender {lender!r} has no SEPA creditor: set RECOBRO_DIRECT_DEBIT__CREDITORS"
                continue
            of_lender = Made()
            try:
                with contextlib.suppress(_OnlyLooked), self._database.writing(durable=True) as session:
                    one_at_a_time(session, f"debit-file:{lender}")
                    self._make(session, lender, creditor, now, of_lender)
                    if not keep:
                        raise _OnlyLooked
            except UnfitFile as error:
                made.not_made[lender] = f"lender {lender!r}: {error}"
            else:
                made.add(of_lender)
        return made

    def _make(self, session: Session, lender: str, creditor: SepaCreditor, now: datetime, made: Made) -> None:
        today = now.astimezone(BANK_ZONE).date()
        due = [
            (debit, loan, first_for)
            for debit, loan in debits.released(session, lender)
            if (first_for := self._filed_for(session, debit, loan, creditor, today, now, made)) is not None
        ]
        if not due:
            return
        number = debits.next_number(session, lender, today)
        message_id = message_id_of(lender, today, number)
        file = debits.new_file(session, lender, today, message_id=message_id, number=number, at=now)
        for debit, _, _ in due:
            debit.file_ref = file.id
            session.add(debit)
        session.flush()
        outgoing = self.outgoing(session, file, creditor)
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
        for debit, loan, first_for in due:
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
                    "first_for": first_for.isoformat(),
                },
            )
        made.files.append(message_id)
        made.debits += file.debits
        made.amount_minor += file.amount_minor

    def _filed_for(
        self,
        session: Session,
        debit: Debit,
        loan: Loan,
        creditor: SepaCreditor,
        today: date,
        now: datetime,
        made: Made,
    ) -> date | None:
        """Where it goes into today's file its amount, day and mandate are settled, and it counts as filed.

        The day on which the first file since it was let go was to collect it; None: it goes into none today.
        """
        match fit_for_file(session, debit, loan, creditor, today, self._direct_debit.lead_days):
            case Fit(mandate, collect_on, amount_minor):
                assert mandate.id is not None
                first_for = debits.first_filed_for(session, loan, debit) or collect_on
                debit.mandate_ref, debit.sequence = mandate.id, mandate.sequence.value
                debit.collect_on, debit.amount_minor = collect_on, amount_minor
                debits.set_state(session, debit, DebitState.FILED, at=now)
                return first_for
            case Never(why, reason):
                drop(session, debit, loan, why, reason, now)
                made.dropped[why] = made.dropped.get(why, 0) + 1
        return None

    def outgoing(self, session: Session, file: DebitFile, creditor: SepaCreditor) -> OutgoingFile:
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


def direct_debit_of(settings: Settings) -> DirectDebit:
    """How debits are collected. Raises NotConfigured."""
    if settings.direct_debit is None:
        raise NotConfigured("no bank for direct debits is configured: set RECOBRO_DIRECT_DEBIT__BASE_URL or __FOLDER")
    return settings.direct_debit


def message_id_of(lender: str, day: date, number: int) -> str:
    """Unique for ever among our files, and at most 35 characters (ISO 20022 Max35Text)."""
    digest = hashlib.sha256(lender.encode()).hexdigest()[:8].upper()
    return f"RCB-{day:%Y%m%d}-{digest}-{number:03d}"
