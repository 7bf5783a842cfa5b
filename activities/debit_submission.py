"""Handing the files of direct debits to the bank, each once.

A file whose fate is unknown is looked up at the bank before anything else, and the bank itself refuses a message id
that it has seen.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from activities.debit_file_outcomes import (
    ACCEPTED,
    TAKEN_BACK,
    WITHDRAWN,
    back_to_planned,
    file_refused,
    show_to_person,
)
from activities.debit_files import DebitFiles, NotConfigured, direct_debit_of
from activities.due_debits import ACTOR, BANK_ZONE, Fit, fit_for_file
from config.bank_file_settings import SepaCreditor
from config.settings import Settings
from domain.direct_debit import DebitState
from providers.bankfiles.pain008 import UnfitFile
from providers.debit_bank import DUPLICATES, DebitBank, OutgoingFile, Submission
from providers.errors import ProviderError
from records import audit, debits
from records.database import Database
from records.tables import DebitFile


class NotWithTheBank(RuntimeError):
    """The file is not one that the bank took; the text says how it stands."""


@dataclass(frozen=True)
class HandedOver:
    """`outcomes` by message id. `failed`: the first file's failure: ProviderError when the bank cannot be asked (then
    the file stays, and is looked up the next time), UnfitFile, NotConfigured."""

    outcomes: dict[str, str]
    failed: ProviderError | UnfitFile | NotConfigured | None = None


class DebitSubmission:
    def __init__(self, database: Database, settings: Settings) -> None:
        """Raises NotConfigured."""
        self._database = database
        self._direct_debit = direct_debit_of(settings)
        self._files = DebitFiles(database, settings)

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
            made = await asyncio.to_thread(self._files.make, now)
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
            outgoing = self._files.outgoing(session, file, creditor)
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
            found = fit_for_file(session, debit, loan, creditor, today, self._direct_debit.lead_days)
            same = (
                isinstance(found, Fit)
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
