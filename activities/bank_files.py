"""Taking in a bank's file: a whole file is one transaction, each of its entries counts once.

Money of direct debits goes to their loans, transfers are matched where it is sure whose they are, and everything else
waits for a person.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from activities import debit_results
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
)
from domain.direct_debit import REFERENCE_PREFIX, DebitState
from domain.payment_references import find_reference
from records import audit, bank_entries, debits
from records.database import Database
from records.tables import BankEntryRow, BankFileRow, EntryState


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
            for part in parts:
                match part:
                    case StatusReport():
                        taken.counts.update(debit_results.apply_status(session, part, now))
                    case ReturnNotice():
                        self._returns(session, part, taken, now)
                    case Statement():
                        self._statement(session, file, part, taken, now, lender)
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
        self, session: Session, file: BankFileRow, part: Statement, taken: TakenIn, now: datetime, lender: str | None
    ) -> None:
        account = bank_entries.account_index(session, part.account)
        whose = lender or self._accounts.get(part.account)
        transfers = Transfers(session, whose, now)
        alike: Counter[str] = Counter()
        for entry in part.entries:
            first = bank_entries.key_of(session, part.account, entry, 0)
            key = bank_entries.key_of(session, part.account, entry, alike[first]) if alike[first] else first
            alike[first] += 1
            if bank_entries.find(session, key) is not None:
                taken.told_before += 1
                continue
            state = self._entry(session, file, entry, key, account, whose, transfers, now)
            taken.counts[state.value] += 1

    def _entry(
        self,
        session: Session,
        file: BankFileRow,
        entry: BankEntry,
        key: str,
        account: str,
        lender: str | None,
        transfers: Transfers,
        now: datetime,
    ) -> EntryState:
        def keep(state: EntryState, why: str | None = None) -> BankEntryRow:
            return bank_entries.add(
                session, file, entry, key=key, account=account, lender=lender, state=state, why=why, at=now
            )

        named = entry.end_to_end_id or ""
        # A bank may write a link's reference in capitals, and then it begins as a debit's does.
        if named.startswith(REFERENCE_PREFIX) and find_reference(named) is None:
            why = self._debit(session, entry, now)
            return keep(EntryState.DEBIT if why is None else EntryState.WAITING, why).state
        if entry.credit and entry.end_to_end_id is None and entry.batch_id is not None:
            booked = debits.in_batch(session, entry.batch_id)
            if booked:
                why = _batch(session, booked, entry, now)
                return keep(EntryState.DEBIT if why is None else EntryState.WAITING, why).state
        if not entry.credit:
            undone = bank_entries.taken_back(session, account, entry)
            if undone is not None:
                transfers.take_back(undone)
                return keep(EntryState.MATCHED, f"takes back entry {undone.id}").state
            if entry.reversal or entry.return_reason:
                return keep(EntryState.WAITING, "it takes back a payment that is not found").state
            return keep(EntryState.NOT_OURS, "money that went out").state
        twin = bank_entries.told_otherwise(session, account, entry, file.kind)
        row = keep(EntryState.WAITING)
        if twin is not None:
            why = f"it may be entry {twin.id}, which a {twin.kind} file told of"
            bank_entries.settle(session, row, EntryState.WAITING, at=now, why=why)
            return row.state
        transfers.match(row)
        return row.state

    @staticmethod
    def _debit(session: Session, entry: BankEntry, now: datetime) -> str | None:
        """Why a movement with a debit's reference cannot be booked, or None."""
        debit = debits.by_reference(session, entry.end_to_end_id or "")
        if debit is None:
            return "a direct debit that is not known here"
        if entry.credit and not entry.return_reason and not entry.reversal:
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


def _batch(session: Session, booked: Sequence[object], entry: BankEntry, now: datetime) -> str | None:
    """A whole batch in one sum: its debits came in, if the sum is that of those nobody refused."""
    from records.tables import Debit

    came = [one for one in booked if isinstance(one, Debit) and one.state is DebitState.FILED]
    if sum(one.amount_minor for one in came) != entry.amount_minor:
        return "a batch of direct debits in a sum that its debits do not make"
    for debit in came:
        part = entry.model_copy(update={"amount_minor": debit.amount_minor, "other_iban": None})
        debit_results.collected(session, debit, part, now)
    return None


def is_statement(kind: FileKind) -> bool:
    """Whether files of the kind tell of movements on an account."""
    return kind not in (FileKind.PAIN_002, FileKind.PACS_004)
