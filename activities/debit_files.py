"""The day's file of direct debits: made once from what the loans ordered, handed to the bank once.

A debit goes into one file and never into another, unless the bank refused that file whole or surely never had it. A
file whose fate is unknown is looked up at the bank before anything else, and the bank itself refuses a message id that
it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.bank_file_settings import DirectDebit, SepaCreditor
from config.settings import Settings
from domain.direct_debit import (
    PROVIDER,
    DebitState,
    collection_day,
    file_day,
    is_as_announced,
    outcome_known_by,
)
from domain.money import Money
from domain.settlement_days import days_after
from providers.bankfiles.pain008 import Collection, Creditor, UnfitFile, latin, write
from providers.debit_bank import DUPLICATES, DebitBank, OutgoingFile, Submission
from providers.errors import ProviderError
from records import audit, cases, debits, mandates, owed_signals, payments, people
from records.database import Database
from records.locks import one_at_a_time
from records.tables import Debit, DebitFile, Loan, LoanState, Mandate

ACTOR = "direct debit"
NO_MANDATE = "MD01"
NOT_AS_ANNOUNCED = "DT01"
NO_LONGER_AWAITED = "its loan no longer waits for it"
IN_NO_FILE_IN_TIME = "it went into no file in time"
BANK_ZONE = ZoneInfo("Europe/Madrid")
ACCEPTED = "accepted"
WITHDRAWN = "withdrawn"
"""The bank never had the file, and what stood in it was no longer to be collected so."""
TAKEN_BACK = "taken back"
"""By a person who knows that the bank collects nothing of it."""


class _OnlyLooked(Exception):
    """Undoes what a look ahead wrote."""


class NotConfigured(RuntimeError):
    """Direct debits cannot be made; the text names the setting."""


class NotWithTheBank(RuntimeError):
    """The file is not one that the bank took; the text says how it stands."""


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


@dataclass(frozen=True)
class HandedOver:
    """`outcomes` by message id. `failed`: the first file's failure: ProviderError when the bank cannot be asked (then
    the file stays, and is looked up the next time), UnfitFile, NotConfigured."""

    outcomes: dict[str, str]
    failed: ProviderError | UnfitFile | NotConfigured | None = None


@dataclass(frozen=True)
class _Fit:
    """What a debit is collected with, as things stand."""

    mandate: Mandate
    collect_on: date
    amount_minor: int


@dataclass(frozen=True)
class _Never:
    """Why a debit will not be made. `reason`: the code as which it comes back to its loan, None where that knows."""

    why: str
    reason: str | None = None


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
        match self._stands(session, debit, loan, creditor, today):
            case _Fit(mandate, collect_on, amount_minor):
                assert mandate.id is not None
                first_for = debits.first_filed_for(session, loan, debit) or collect_on
                debit.mandate_ref, debit.sequence = mandate.id, mandate.sequence.value
                debit.collect_on, debit.amount_minor = collect_on, amount_minor
                debits.set_state(session, debit, DebitState.FILED, at=now)
                return first_for
            case _Never(why, reason):
                _drop(session, debit, loan, why, reason, now)
                made.dropped[why] = made.dropped.get(why, 0) + 1
        return None

    def _stands(
        self, session: Session, debit: Debit, loan: Loan, creditor: SepaCreditor, today: date
    ) -> _Fit | _Never | None:
        """What is to be done with a debit in a file that is handed over today; None: it waits."""
        if loan.state is LoanState.ENDED or loan.entry != debit.entry:
            return _Never("the loan left collection")
        if (due := payments.balance_due(session, loan)) <= 0:
            return _Never("nothing is due")
        if debits.has_brought_money(session, debit):
            return _Never("its money has come already")
        if not debit.released:
            return None
        lead = self._direct_debit.lead_days
        waited_from = None if debit.noticed else _first_day(session, loan, debit, lead)
        if waited_from is not None and today > outcome_known_by(waited_from):
            return _Never(NO_LONGER_AWAITED)
        if cases.holds_money(session, loan) or debits.is_collecting(session, loan, debit):
            return None
        announced = announced_day(session, loan, debit, lead)
        if debit.noticed and announced is None:
            return None
        first = announced or collection_day(today, notified_on=None, notice_days=debit.notice_days, lead_days=lead)
        if file_day(first, lead) > today:
            return None
        collect_on = max(first, days_after(today, lead))
        if announced is not None and not is_as_announced(announced, collect_on):
            return _Never("its announced day has passed", NOT_AS_ANNOUNCED)
        if waited_from is not None and not is_as_announced(waited_from, collect_on):
            # The bank's word on it would come when its loan has given it up.
            return _Never(IN_NO_FILE_IN_TIME, NOT_AS_ANNOUNCED)
        if debit.noticed:
            # The notice named the mandate: another one was not announced.
            named = mandates.by_ref(session, debit.mandate_ref)
            usable = mandates.is_usable(session, named, today, creditor.instrument, debit)
            mandate = named if usable else None
        else:
            mandate = mandates.usable(session, loan, today, creditor.instrument, debit)
        if mandate is None:
            return _Never("no mandate", NO_MANDATE)
        return _Fit(mandate, collect_on, min(debit.amount_minor, due))

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
        """As `hand_over`, but raises the first failure when all files were tried."""
        handed = await self.hand_over(bank, now)
        if handed.failed is not None:
            raise handed.failed
        return handed.outcomes

    async def hand_over(self, bank: DebitBank, now: datetime) -> HandedOver:
        """Hand over every file of which the bank's answer is not known.

        What was withdrawn goes into a new file at once, where it is still due. One file's failure holds up no other.
        """
        outcomes, failed = await self._hand_over(bank, await asyncio.to_thread(self._unanswered), now)
        if WITHDRAWN in outcomes.values():
            made = await asyncio.to_thread(self.make, now)
            more, again = await self._hand_over(bank, made.files, now)
            outcomes, failed = outcomes | more, failed or again
        return HandedOver(outcomes, failed)

    async def _hand_over(
        self, bank: DebitBank, message_ids: list[str], now: datetime
    ) -> tuple[dict[str, str], ProviderError | UnfitFile | NotConfigured | None]:
        outcomes: dict[str, str] = {}
        failed: ProviderError | UnfitFile | NotConfigured | None = None
        for message_id in message_ids:
            try:
                outcomes[message_id] = await self._submit(bank, message_id, now)
            except (ProviderError, UnfitFile, NotConfigured) as error:
                failed = failed or error
        return outcomes, failed

    async def _submit(self, bank: DebitBank, message_id: str, now: datetime) -> str:
        begun, told_of = await asyncio.to_thread(self._standing, message_id)
        answer = Submission(accepted=True) if told_of else None
        if answer is None and begun:
            answer = await bank.look_up(message_id, now)
        if answer is None:
            outgoing = await asyncio.to_thread(self._begin, message_id, now)
            if outgoing is None:
                return WITHDRAWN
            answer = await bank.submit(outgoing, now)
        if not answer.accepted and answer.code in DUPLICATES:
            # Nobody but us makes this id: the bank has the file from an attempt whose answer was lost.
            answer = Submission(accepted=True)
        return await asyncio.to_thread(self._answered, message_id, answer, now)

    def _unanswered(self) -> list[str]:
        with self._database.reading() as session:
            return [file.message_id for file in debits.unanswered(session)]

    def _standing(self, message_id: str) -> tuple[bool, bool]:
        """Whether the bank may have the file; and whether it surely has, since it told of a debit in it."""
        with self._database.reading() as session:
            begun = [file for file in debits.unanswered(session) if file.message_id == message_id and file.begun_at]
            held = [debit for file in begun for debit, _, _ in debits.in_file(session, file)]
            told_of = any(one.state is not DebitState.FILED or debits.has_brought_money(session, one) for one in held)
            return bool(begun), told_of

    def _begin(self, message_id: str, now: datetime) -> OutgoingFile | None:
        """The file as it goes out, of which the bank surely has nothing.

        None: it was withdrawn instead, because a debit in it is not to be collected any more as it stands there.
        """
        with self._database.writing(durable=True) as session:
            file = debits.file_of(session, message_id)
            assert file is not None
            if file.outcome == WITHDRAWN:
                return None
            creditor = self._direct_debit.creditor_of(file.lender)
            if creditor is None:
                raise NotConfigured(f"lender {file.lender!r} has no SEPA creditor any more")
            if file.answered_at is None and (unfit := self._no_longer_so(session, file, creditor, now)):
                back_to_planned(session, file, "file withdrawn", now)
                file.answered_at, file.outcome = now, WITHDRAWN
                session.add(file)
                audit.append(
                    session,
                    at=now,
                    actor=ACTOR,
                    action="debit_file_withdrawn",
                    lender=file.lender,
                    details={"file": message_id, "because_of": unfit},
                )
                return None
            outgoing = self._outgoing(session, file, creditor)
            if outgoing.sha256 != file.sha256:
                # A name was corrected meanwhile. The bank was asked first whether it has the file as it was.
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
            return outgoing

    def _no_longer_so(self, session: Session, file: DebitFile, creditor: SepaCreditor, now: datetime) -> list[str]:
        """The debits of a file that would not be filed as they stand in it, were it made now."""
        today = now.astimezone(BANK_ZONE).date()
        unfit = []
        for debit, loan, mandate in debits.in_file(session, file):
            found = self._stands(session, debit, loan, creditor, today)
            same = (
                isinstance(found, _Fit)
                and found.amount_minor == debit.amount_minor
                and found.mandate.id == mandate.id
                and debit.collect_on is not None
                and found.collect_on <= debit.collect_on
            )
            if not same:
                unfit.append(debit.reference)
        return unfit

    def _answered(self, message_id: str, answer: Submission, now: datetime) -> str:
        with self._database.writing(durable=True) as session:
            file = debits.file_of(session, message_id)
            assert file is not None
            if answer.accepted and file.outcome == WITHDRAWN:
                show_to_person(session, file, "accepted_after_withdrawn", None, now)
            elif answer.accepted:
                file.answered_at, file.outcome = now, file.outcome or ACCEPTED
                session.add(file)
            else:
                file_refused(session, file, answer.code or "refused", now)
            return file.outcome or ACCEPTED

    def take_back(self, message_id: str, by: str, now: datetime) -> int:
        """A person learnt that the bank collects nothing of a file it took: how many of its debits wait for another.

        Raises NotWithTheBank.
        """
        with self._database.writing(durable=True) as session:
            file = debits.file_of(session, message_id)
            if file is None or file.outcome != ACCEPTED:
                how = "is not known" if file is None else f"is {file.outcome or 'not answered yet'}"
                raise NotWithTheBank(f"file {message_id[:35]} {how}")
            number = back_to_planned(session, file, "file taken back", now)
            file.outcome = TAKEN_BACK
            session.add(file)
            audit.append(
                session,
                at=now,
                actor=by[:80],
                action="debit_file_taken_back",
                lender=file.lender,
                details={"file": message_id, "debits": number},
            )
            return number


def file_refused(session: Session, file: DebitFile, code: str, at: datetime) -> bool:
    """The bank took nothing of the file: its debits wait for another one. False when that changes nothing.

    A refusal as a duplicate says that the bank has the file. A refusal of a file that the bank took is shown to a
    person: it may be of a second copy, while the first is being collected.
    """
    if code in DUPLICATES or file.outcome not in (None, ACCEPTED):
        return False
    if file.outcome == ACCEPTED:
        show_to_person(session, file, "refused_after_accepted", code, at)
        return False
    back_to_planned(session, file, f"file refused: {code}", at)
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


def show_to_person(
    session: Session, file: DebitFile, what: str, code: str | None, at: datetime, reference: str | None = None
) -> None:
    """To a person, who alone can find out at the bank what it has. `reference`: of one debit in the file."""
    audit.append(
        session,
        at=at,
        actor="bank",
        action="webhook_needs_person",
        lender=file.lender,
        details={"kind": f"debit_file:{what}", "reference": reference or file.message_id, "code": code},
    )


def back_to_planned(session: Session, file: DebitFile, why: str, at: datetime) -> int:
    """The debits of a file of which nothing is collected wait for another; how many.

    One that is kept back comes back to its loan, which took it to be with the bank and would not let it go again. One
    whose outcome should be known by now will not be made: its loan no longer waits for it.
    """
    today = at.astimezone(BANK_ZONE).date()
    number = 0
    for debit, loan, _ in debits.in_file(session, file):
        if debit.state is not DebitState.FILED:
            continue
        debit.file_ref, debit.batch_id = None, None
        if debit.collect_on is not None and today > outcome_known_by(debit.collect_on):
            _drop(session, debit, loan, f"{why}; {NO_LONGER_AWAITED}", None, at)
        elif not debit.released:
            left = loan.state is LoanState.ENDED or loan.entry != debit.entry
            _drop(session, debit, loan, f"{why}; it was kept back", None if left else NOT_AS_ANNOUNCED, at)
        else:
            debits.set_state(session, debit, DebitState.PLANNED, at=at, reason=why)
            number += 1
    return number


def _drop(session: Session, debit: Debit, loan: Loan, why: str, reason: str | None, at: datetime) -> None:
    """It will not be made; it comes back to its loan as `reason`, None where the loan knows."""
    if reason is not None:
        owed_signals.owe(
            session,
            provider=PROVIDER,
            key=f"dropped:{debit.reference}",
            signals=[owed_signals.debit_returned(loan, debit.step, debit.occurrence, reason)],
            at=at,
            outcome="debit_dropped",
            person_ref=loan.person_ref,
        )
    debits.drop(session, debit, loan, why, ACTOR, at)


def _first_day(session: Session, loan: Loan, debit: Debit, lead_days: int) -> date:
    """The first day of collection of a debit without notice: its loan waits for it from there, whatever held it up.

    Until it is in a file its release is the last that changed of it.
    """
    filed_for = debits.first_filed_for(session, loan, debit)
    released_on = debit.changed_at.astimezone(BANK_ZONE).date()
    return filed_for or collection_day(
        released_on, notified_on=None, notice_days=debit.notice_days, lead_days=lead_days
    )


def announced_day(session: Session, loan: Loan, debit: Debit, lead_days: int) -> date | None:
    """The day of collection that the debit's notice named; None: none went out, or none was to."""
    announced = debits.announced_at(session, loan, debit) if debit.noticed else None
    if announced is None:
        return None
    person = people.of_loan(session, loan)
    notified_on = announced.astimezone(ZoneInfo(person.timezone) if person.timezone else BANK_ZONE).date()
    return collection_day(notified_on, notified_on=notified_on, notice_days=debit.notice_days, lead_days=lead_days)


def message_id_of(lender: str, day: date, number: int) -> str:
    """Unique for ever among our files, and at most 35 characters (ISO 20022 Max35Text)."""
    digest = hashlib.sha256(lender.encode()).hexdigest()[:8].upper()
    return f"RCB-{day:%Y%m%d}-{digest}-{number:03d}"
