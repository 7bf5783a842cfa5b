"""Taking in a bank's file: a whole file is one transaction, each of its entries counts once.

Money of direct debits goes to their loans, transfers are matched where it is sure whose they are, and everything else
waits for a person.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from activities import debit_results
from activities.known_entries import Identified, identified
from activities.transfers import Transfers
from config.settings import Settings
from domain.bank_news import (
    BankEntry,
    BankFile,
    DebitReturn,
    FileKind,
    ReturnNotice,
    Statement,
    StatusReport,
    names_nothing,
)
from domain.direct_debit import REFERENCE_PREFIX, DebitState
from domain.payment_references import find_reference
from records import audit, bank_entries, bank_entry_particulars, bank_entry_references, bank_entry_twins, debits, loans
from records.database import Database
from records.locks import one_at_a_time
from records.tables import BankEntryRow, BankFileRow, Debit, EntryState

_BOOKED_TOGETHER = (
    (DebitState.FILED, DebitState.COLLECTED, DebitState.RETURNED),
    (DebitState.FILED, DebitState.COLLECTED),
    (DebitState.FILED,),
)
"""The states of a batch's debits whose money may be in its sum, the likeliest first."""

_TAKEN_BACK_DAYS = 400
"""So long after it came may a transfer be taken back: of fraud, 13 months (SEPA Credit Transfer rulebook, recall)."""
_PERHAPS_TAKEN_BACK_DAYS = 31
"""So long is money that went out, and is not marked, asked about where other entries have its reference too."""


@dataclass
class TakenIn:
    """What a file came to. `known`: these very bytes were taken in before, and nothing was done."""

    kind: str
    name: str
    known: bool = False
    entries: int = 0
    told_before: int = 0
    """Entries that another file, or this account's other kind of file, told of already."""
    counts: Counter[str] = field(default_factory=Counter)


class BankDesk:
    """`settings` say whose account is whose, by the creditors of direct debits."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._accounts: dict[str, str] = {}
        if (debit := settings.direct_debit) is not None:
            self._accounts = {creditor.iban: lender for lender, creditor in debit.creditors.items()}

    def knows(self, body: bytes) -> bool:
        """Whether these very bytes were taken in before."""
        with self._database.reading() as session:
            return bank_entries.file_known(session, hashlib.sha256(body).hexdigest()) is not None

    def take_in(
        self, parts: Sequence[BankFile], body: bytes, name: str, now: datetime, lender: str | None = None
    ) -> TakenIn:
        """The file's news stand in the records afterwards, all of it or, on an error, nothing."""
        kind = parts[0].kind
        taken = TakenIn(kind=kind.value, name=name)
        sha256 = hashlib.sha256(body).hexdigest()
        with self._database.writing(durable=True) as session:
            # Two statements, or one and another system, may tell of the same money: the second must see the first.
            one_at_a_time(session, bank_entries.TAKING_IN)
            if bank_entries.file_known(session, sha256) is not None:
                taken.known = True
                return taken
            taken.entries = sum(len(part.entries) for part in parts if isinstance(part, Statement))
            file = bank_entries.add_file(
                session,
                sha256=sha256,
                kind=kind,
                name=name,
                message_id=parts[0].message_id,
                entries=taken.entries,
                at=now,
            )
            identities = identified(session, [part for part in parts if isinstance(part, Statement)])
            known = iter(identities)
            beside = {other for page in identities for one in page for other in one.others}
            for part in parts:
                match part:
                    case StatusReport():
                        taken.counts.update(debit_results.apply_status(session, part, now))
                    case ReturnNotice():
                        self._returns(session, part, taken, now)
                    case Statement():
                        self._statement(session, file, part, next(known), beside, taken, now, lender)
            audit.append(
                session,
                at=now,
                actor="bank",
                action="bank_file_taken_in",
                details={"kind": kind.value, "name": name[:80], "entries": taken.entries, **taken.counts},
            )
        return taken

    def _returns(self, session: Session, notice: ReturnNotice, taken: TakenIn, now: datetime) -> None:
        for one in notice.returns:
            debit = debits.by_reference(session, one.end_to_end_id)
            why = "unknown_debit" if debit is None else debit_results.returned(session, debit, one, now)
            taken.counts["returned" if why is None else "unclear"] += 1
            if why is not None:
                audit.append(
                    session,
                    at=now,
                    actor="bank",
                    action="bank_news_unclear",
                    details={"reference": one.end_to_end_id[:40], "why": why},
                )

    def _statement(
        self,
        session: Session,
        file: BankFileRow,
        part: Statement,
        known: Sequence[Identified],
        beside: Collection[int],
        taken: TakenIn,
        now: datetime,
        lender: str | None,
    ) -> None:
        account = bank_entry_particulars.account_index(session, part.account)
        whose = lender or self._accounts.get(part.account)
        transfers = Transfers(session, whose, now, beside)
        for entry, identity in zip(part.entries, known, strict=True):
            if identity.told_before:
                taken.told_before += 1
                continue
            state = self._entry(session, file, entry, identity, account, whose, transfers, beside, now)
            taken.counts[state.value] += 1

    def _entry(
        self,
        session: Session,
        file: BankFileRow,
        entry: BankEntry,
        identity: Identified,
        account: str,
        lender: str | None,
        transfers: Transfers,
        beside: Collection[int],
        now: datetime,
    ) -> EntryState:
        def keep(
            state: EntryState, why: str | None = None, *, person_ref: int | None = None, nameless: bool = False
        ) -> BankEntryRow:
            return bank_entries.add(
                session,
                file,
                entry,
                key=identity.key,
                account=account,
                lender=lender,
                state=state,
                why=why,
                at=now,
                person_ref=person_ref,
                nameless=nameless,
            )

        named = entry.end_to_end_id or ""
        # A bank may write a link's reference in capitals, and then it begins as a debit's does.
        of_debit = named.startswith(REFERENCE_PREFIX) and find_reference(named) is None
        takes_back = entry.reversal or entry.return_reason is not None
        if identity.doubt is not None and (entry.credit or takes_back or of_debit):
            return keep(EntryState.WAITING, _doubt_in_words(session, identity)).state
        if of_debit:
            debit = debits.by_reference(session, named)
            if debit is None:
                return keep(EntryState.WAITING, "a direct debit that is not known here").state
            why = self._debit(session, debit, entry, file.kind, now)
            if why is not None:
                # Whose it is, a person says: it may have come from somebody else's account.
                return keep(EntryState.WAITING, why).state
            return keep(EntryState.DEBIT, person_ref=loans.by_ref(session, debit.loan_ref).person_ref).state
        if entry.credit and takes_back:
            return keep(EntryState.WAITING, "money of ours that came back: no borrower paid it").state
        if entry.credit and names_nothing(entry.end_to_end_id) and entry.batch_id is not None:
            booked = debits.in_batch(session, entry.batch_id)
            if booked:
                why = _batch(session, booked, entry, account, file.kind, now)
                if why is not None:
                    return keep(EntryState.WAITING, why).state
                return keep(EntryState.DEBIT, nameless=True).state
        if not entry.credit:
            undone = _perhaps_undone(session, account, entry, takes_back=takes_back)
            if takes_back and [one.state for one in undone] == [EntryState.MATCHED]:
                transfers.take_back(undone[0])
                why, whose = f"takes back entry {undone[0].id}", undone[0].person_ref
                return keep(EntryState.MATCHED, why, person_ref=whose, nameless=whose is None).state
            if undone:
                # Banks that do not mark it also give a lender's own payments the reference of those that came.
                or_another = " or another" if len(undone) > 1 else ""
                why = f"it may take back entry {undone[0].id}{or_another}"
                return keep(EntryState.WAITING, identity.doubt or why).state
            if takes_back:
                return keep(EntryState.WAITING, "it takes back a payment that is not found").state
            return keep(EntryState.NOT_OURS, "money that went out", nameless=True).state
        twin = bank_entry_twins.told_otherwise(session, account, entry, file.kind, identity.others)
        row = keep(EntryState.WAITING)
        if twin is not None:
            bank_entries.settle(session, row, EntryState.WAITING, at=now, why=debit_results.may_be(twin))
            return row.state
        if (other := bank_entry_twins.told_on_another_day(session, row, beside)) is not None:
            why = f"it may be entry {other.id}, of {other.booked_on}: their references and amounts are the same"
            bank_entries.settle(session, row, EntryState.WAITING, at=now, why=why)
            return row.state
        transfers.match(row)
        if row.state is EntryState.WAITING:
            _name_one_that_waits_too(session, row, beside, now)
        return row.state

    @staticmethod
    def _debit(session: Session, debit: Debit, entry: BankEntry, kind: str, now: datetime) -> str | None:
        """Why a movement with this debit's reference cannot be booked, or None."""
        if entry.credit and not entry.return_reason and not entry.reversal:
            if debit_results.is_paid(session, debit):
                if (twice := bank_entry_references.told_alike(session, debit, kind)) is not None:
                    return f"entry {twice.id} brought this debit's money: it came again, or the bank told of it twice"
            elif (by_hand := bank_entry_references.brought(session, debit.reference, EntryState.MATCHED)) is not None:
                return debit_results.may_be(by_hand)
            return debit_results.collected(session, debit, entry, now)
        if entry.credit:
            return "money that comes back of a direct debit's return"
        told = DebitReturn(
            end_to_end_id=debit.reference,
            reason=entry.return_reason or "MS03",
            amount_minor=entry.amount_minor,
            currency=entry.currency,
            returned_on=entry.value_on,
        )
        return debit_results.returned(session, debit, told, now)


def _doubt_in_words(session: Session, identity: Identified) -> str | None:
    """Why it may be known, with the entry of another page by its number: that one is kept by now."""
    other = None if identity.page_before is None else bank_entries.find(session, identity.page_before)
    return identity.doubt if other is None else f"{identity.doubt}; it may be entry {other.id}"


def _perhaps_undone(session: Session, account: str, entry: BankEntry, *, takes_back: bool) -> Sequence[BankEntryRow]:
    """The entries one of which this one, that went out, may undo. Of what the bank does not mark as taking back, those
    of long ago only where nothing else has their reference.
    """

    def within(days: int) -> Sequence[BankEntryRow]:
        return bank_entry_references.taken_back(session, account, entry, marked=takes_back, within_days=days)

    if not takes_back:
        lately = within(_PERHAPS_TAKEN_BACK_DAYS)
        if lately or bank_entry_references.with_its_reference(session, account, entry) != 1:
            return lately
    return within(_TAKEN_BACK_DAYS)


def _name_one_that_waits_too(session: Session, row: BankEntryRow, beside: Collection[int], now: datetime) -> None:
    """Two tellings of one movement may both wait: who books the one is to know of the other."""
    why = row.why or ""
    if "may be entry" in why:
        return
    other = bank_entry_twins.waiting_alike(session, row, beside)
    if other is not None:
        named = f"{why[:110]}; it may be entry {other.id}, which waits too"
        bank_entries.settle(session, row, EntryState.WAITING, at=now, why=named)


def _batch(
    session: Session, booked: Sequence[Debit], entry: BankEntry, account: str, kind: str, now: datetime
) -> str | None:
    """A whole batch in one sum: its debits came in, if the sum is theirs; else why it waits.

    Those whose money is known already count in the sum and not again.
    """
    came = _booked_together(booked, entry.amount_minor, entry.currency)
    if came is None:
        twin = bank_entry_twins.told_otherwise(session, account, entry, kind)
        return debit_results.may_be(twin) if twin else "a batch of direct debits in a sum that its debits do not make"
    if all(debit_results.is_paid(session, debit) for debit in came):
        twice = bank_entry_twins.sum_told_alike(session, account, entry, kind)
        if twice is not None:
            return f"entry {twice.id} may be this batch: it brought the same sum, and the batch's debits are paid"
    for debit in came:
        part = entry.model_copy(update={"amount_minor": debit.amount_minor, "other_iban": None})
        debit_results.collected_in_batch(session, debit, part, now)
    return None


def _booked_together(booked: Sequence[Debit], amount_minor: int, currency: str) -> Sequence[Debit] | None:
    """The debits of a batch that the bank booked in one sum, or None where the sum is none of theirs.

    It is that of all that were not refused; banks also book what is left when some were told on their own, or returned.
    """
    for states in _BOOKED_TOGETHER:
        came = [one for one in booked if one.state in states]
        if came and sum(one.amount_minor for one in came) == amount_minor:
            return came if all(one.currency == currency for one in came) else None
    return None


def is_statement(kind: FileKind) -> bool:
    """Whether files of the kind tell of movements on an account."""
    return kind not in (FileKind.PAIN_002, FileKind.PACS_004)
