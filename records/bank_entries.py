"""Entries of bank statements: taken in once, matched to loans once, or waiting for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session, col, select

from domain.bank_news import BankEntry, FileKind
from records import person_keys
from records.bank_entry_particulars import account_index, forget_who, key_of, told_reference, words_kept, words_of
from records.sealed import Private
from records.tables import BankEntryRow, BankFileRow, BankMatch, EntryState, Loan, Person

TAKING_IN = "bank-files"
"""What `records.locks` knows the taking in of a bank's file by."""


class UnknownEntry(LookupError):
    """No entry has this number."""


class EntrySettled(RuntimeError):
    """The entry does not wait any more."""


def file_known(session: Session, sha256: str) -> BankFileRow | None:
    return session.exec(select(BankFileRow).where(BankFileRow.sha256 == sha256)).first()


def add_file(
    session: Session, *, sha256: str, kind: FileKind, name: str, message_id: str, entries: int, at: datetime
) -> BankFileRow:
    file = BankFileRow(
        sha256=sha256,
        kind=kind.value,
        name=name[:200],
        message_id=message_id[:80],
        taken_at=at,
        entries=entries,
    )
    session.add(file)
    session.flush()
    return file


def find(session: Session, key: str) -> BankEntryRow | None:
    return session.exec(select(BankEntryRow).where(BankEntryRow.key == key)).first()


def alike(session: Session, account: str, entry: BankEntry) -> Sequence[BankEntryRow]:
    """Every movement kept under the keys of this one, in the order of their numbers."""
    found: list[BankEntryRow] = []
    while (row := find(session, key_of(session, account, entry, len(found)))) is not None:
        found.append(row)
    return found


def get(session: Session, entry_id: int) -> BankEntryRow:
    """An entry by its number, locked for this transaction. Raises UnknownEntry."""
    entry = session.exec(select(BankEntryRow).where(BankEntryRow.id == entry_id).with_for_update()).first()
    if entry is None:
        raise UnknownEntry(f"no entry {entry_id}")
    return entry


def add(
    session: Session,
    file: BankFileRow,
    entry: BankEntry,
    *,
    key: str,
    account: str,
    lender: str | None,
    state: EntryState,
    why: str | None,
    at: datetime,
    person_ref: int | None = None,
    nameless: bool = False,
) -> BankEntryRow:
    """`person_ref`: whose it is, if that is known. `nameless`: nobody has to be found by it; of who it was with, their
    account and what they wrote, keyed fingerprints are kept, which tell it from others when it is told again.
    """
    assert file.id is not None
    row = BankEntryRow(
        file_ref=file.id,
        line=entry.line,
        key=key,
        lender=lender,
        account_index=account,
        kind=file.kind,
        credit=entry.credit,
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        end_to_end_id=told_reference(session, entry.end_to_end_id),
        bank_reference=entry.bank_reference,
        reason=entry.return_reason,
        other_name=None if nameless else entry.other_name,
        other_iban=None if nameless else entry.other_iban,
        iban_index=account_index(session, entry.other_iban) if entry.other_iban else None,
        text=words_kept(session, entry.other_name, words_of(entry)) if nameless else words_of(entry),
        person_ref=person_ref,
        state=state,
        why=why,
        taken_at=at,
        changed_at=at,
    )
    session.add(row)
    session.flush()
    return row


def settle(
    session: Session, row: BankEntryRow, state: EntryState, *, at: datetime, why: str | None, by: str | None = None
) -> None:
    """What became of an entry. Of money that went out and is nobody's payment no name, account or text stays."""
    row.state, row.why, row.by, row.changed_at = state, why, by, at
    if state is EntryState.IGNORED and not row.credit:
        forget_who(session, row)
    session.add(row)
    session.flush()


def belongs_to(session: Session, row: BankEntryRow, person: Person) -> None:
    """From now on what it says is sealed under the key of who paid."""
    key_id = person_keys.of(session).standing(person.key_id)
    if row.person_ref == person.id or key_id is None:
        return
    row.person_ref = person.id
    for field in ("other_name", "other_iban", "text"):
        value = getattr(row, field)
        if value is not None:
            setattr(row, field, Private(value, key_id))
            # The same text under another key is no change in the eyes of the ORM.
            flag_modified(row, field)
    session.add(row)
    session.flush()


def add_match(
    session: Session,
    row: BankEntryRow,
    loan: Loan,
    *,
    amount_minor: int,
    provider: str,
    payment_id: str,
    at: datetime,
) -> None:
    assert row.id is not None
    assert loan.id is not None
    session.add(
        BankMatch(
            entry_ref=row.id,
            loan_ref=loan.id,
            amount_minor=amount_minor,
            provider=provider,
            payment_id=payment_id,
            at=at,
        )
    )
    session.flush()


def matches_of(session: Session, row: BankEntryRow) -> Sequence[BankMatch]:
    return session.exec(select(BankMatch).where(BankMatch.entry_ref == row.id).order_by(col(BankMatch.id))).all()


def match_of(session: Session, loan: Loan, provider: str, payment_id: str) -> BankMatch | None:
    """The first match that made an entry this payment of the loan."""
    made = select(BankMatch).where(
        BankMatch.loan_ref == loan.id, BankMatch.provider == provider, BankMatch.payment_id == payment_id
    )
    return session.exec(made.order_by(col(BankMatch.id)).limit(1)).first()


def listing(session: Session, *, state: EntryState | None = None, limit: int = 1000) -> Sequence[BankEntryRow]:
    """Entries, the oldest booking first."""
    query = select(BankEntryRow)
    if state is not None:
        query = query.where(BankEntryRow.state == state)
    return session.exec(query.order_by(col(BankEntryRow.booked_on), col(BankEntryRow.id)).limit(limit)).all()


def waiting(session: Session) -> int:
    return session.exec(
        select(func.count()).select_from(BankEntryRow).where(BankEntryRow.state == EntryState.WAITING)
    ).one()
