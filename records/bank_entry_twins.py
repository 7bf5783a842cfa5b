"""One movement told twice by different files: which entries may be the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from domain.bank_news import BankEntry, FileKind
from domain.direct_debit import PROVIDER as DIRECT_DEBIT
from domain.same_movement import ISO_STATEMENTS, Likeness, likeness
from records.bank_entry_particulars import is_reference, particulars_kept
from records.tables import BankEntryRow, BankMatch, EntryState, Loan, Payment

_NEAR = timedelta(days=5)
"""So far apart may the days be on which two files date one movement."""
_KNOWN = (EntryState.MATCHED, EntryState.WAITING, EntryState.DEBIT, EntryState.IGNORED)
"""Also what a person said is nobody's payment: told again it is no more than that."""
_MAY_BE = re.compile(r"may be entry (\d+)|^entry (\d+) (?:brought|carries) ")


def told_otherwise(
    session: Session, account: str, entry: BankEntry, kind: str, others: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry that another kind of file told of, and that may be the same movement; `others` surely are not."""
    like_it = select(BankEntryRow).where(
        BankEntryRow.account_index == account,
        BankEntryRow.value_on == entry.value_on,
        BankEntryRow.amount_minor == entry.amount_minor,
        BankEntryRow.credit == entry.credit,
        BankEntryRow.kind != kind,
        col(BankEntryRow.state).in_(_KNOWN),
        col(BankEntryRow.id).not_in(others),
    )
    return session.exec(like_it.order_by(col(BankEntryRow.id)).limit(1)).first()


def sum_told_alike(session: Session, account: str, entry: BankEntry, kind: str) -> BankEntryRow | None:
    """An entry near that day, of the same kind of file, in which a batch of debits of just this sum was booked."""
    booked = select(BankEntryRow).where(
        BankEntryRow.account_index == account,
        BankEntryRow.amount_minor == entry.amount_minor,
        col(BankEntryRow.value_on).between(entry.value_on - _NEAR, entry.value_on + _NEAR),
        BankEntryRow.kind == kind,
        BankEntryRow.credit,
        BankEntryRow.state == EntryState.DEBIT,
        col(BankEntryRow.end_to_end_id).is_(None),
    )
    return session.exec(booked.order_by(col(BankEntryRow.id)).limit(1)).first()


def told_on_another_day(session: Session, row: BankEntryRow, besides: Collection[int] = ()) -> BankEntryRow | None:
    """An entry of another file that has the bank's reference of this one, or the end-to-end id that files of ISO 20022
    share, and its amount, some days off: banks date one movement by its moment here and by its booking there.

    Not one that surely is another, nor one whose payment was taken back; nor, by a reference that the bank gives to
    others too, any. `besides`: as of `told_in_other_words`.
    """
    alike = _of_other_files(row).where(
        col(BankEntryRow.value_on).between(*_around(row)),
        # Of the day itself `told_otherwise` and `told_in_other_words` say more.
        BankEntryRow.value_on != row.value_on,
        col(BankEntryRow.id).not_in(besides),
        col(BankEntryRow.state).in_(_KNOWN),
        ~_was_taken_back(),
    )
    every = session.exec(alike.order_by(col(BankEntryRow.id))).all()
    return next((one for one in every if _dated_otherwise(session, row, one)), None)


def _of_other_files(row: BankEntryRow) -> SelectOfScalar[BankEntryRow]:
    """Entries of other files of one account, amount and direction with this one."""
    return select(BankEntryRow).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.amount_minor == row.amount_minor,
        BankEntryRow.currency == row.currency,
        BankEntryRow.credit == row.credit,
        BankEntryRow.file_ref != row.file_ref,
    )


def _around(row: BankEntryRow) -> tuple[date, date]:
    return row.value_on - _NEAR, row.value_on + _NEAR


def _dated_otherwise(session: Session, row: BankEntryRow, other: BankEntryRow) -> bool:
    """Whether an entry of some days off has a reference by which it may be the same movement."""
    if likeness(particulars_kept(session, row), particulars_kept(session, other)) is Likeness.OTHER:
        return False
    referenced = is_reference(row.bank_reference) and other.bank_reference is not None
    same_reference = referenced and other.bank_reference == row.bank_reference
    another = referenced and not same_reference and other.kind == row.kind
    both_iso = {FileKind(other.kind), FileKind(row.kind)} <= ISO_STATEMENTS
    same_id = both_iso and row.end_to_end_id is not None and other.end_to_end_id == row.end_to_end_id
    return (same_id and not another) or (same_reference and not _given_to_others(session, row, _around(row)))


def _given_to_others(session: Session, row: BankEntryRow, near: tuple[date, date]) -> bool:
    """Whether the bank gave its reference to movements of other times too, so that it tells of none."""
    elsewhere = select(BankEntryRow.id).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.bank_reference == row.bank_reference,
        ~col(BankEntryRow.value_on).between(*near),
    )
    return session.exec(elsewhere.limit(1)).first() is not None


def waiting_alike(session: Session, row: BankEntryRow, besides: Collection[int] = ()) -> BankEntryRow | None:
    """An entry of another file that waits too and may be the same movement: of one account, amount and value day, and
    told apart by nothing that `told_in_other_words` looks at.
    """
    return _alike_that_is(session, row, EntryState.WAITING, besides)


def ignored_alike(session: Session, row: BankEntryRow, besides: Collection[int] = ()) -> BankEntryRow | None:
    """As `waiting_alike`, of an entry of which a person said that it is nobody's payment."""
    return _alike_that_is(session, row, EntryState.IGNORED, besides)


def _alike_that_is(
    session: Session, row: BankEntryRow, state: EntryState, besides: Collection[int]
) -> BankEntryRow | None:
    alike = _of_other_files(row).where(
        BankEntryRow.value_on == row.value_on,
        col(BankEntryRow.id).not_in(besides),
        BankEntryRow.state == state,
        *_not_told_apart(row),
    )
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


def tellings(session: Session, row: BankEntryRow) -> list[BankEntryRow]:
    """Every other entry that may be the same movement, the nearest first: those that its reason names and those that
    files, day or reference make like it; those that may be these in turn, since three files may date it three ways.
    """
    found: dict[int, BankEntryRow] = {row.id or 0: row}
    open_ends = [row]
    while open_ends:
        for other in _told_by_others(session, open_ends.pop(0), row):
            if other.id is not None and other.id not in found:
                found[other.id] = other
                open_ends.append(other)
    return list(found.values())[1:]


def named_in(session: Session, why: str | None) -> BankEntryRow | None:
    """The entry of which a reason to wait says that it may be the same money."""
    named = _MAY_BE.search(why or "")
    return session.get(BankEntryRow, int(named[1] or named[2])) if named is not None else None


def _told_by_others(session: Session, one: BankEntryRow, first: BankEntryRow) -> Iterator[BankEntryRow]:
    if one.state is EntryState.WAITING and (other := named_in(session, one.why)) is not None:
        yield other
    near = _of_other_files(one).where(
        col(BankEntryRow.value_on).between(*_around(one)),
        col(BankEntryRow.state).in_(_KNOWN),
        # What its own file tells of too is another, unless its reason names it.
        BankEntryRow.file_ref != first.file_ref,
        *_not_told_apart(one),
        *_not_told_apart(first),
    )
    for other in session.exec(near.order_by(col(BankEntryRow.id))).all():
        if other.value_on == one.value_on or _dated_otherwise(session, one, other):
            yield other


def told_in_other_words(
    session: Session, loan: Loan, row: BankEntryRow, besides: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry of another file that brought this loan the same amount on the same day: it may be the same movement.

    Not one from another account, nor, of files of ISO 20022, with another end-to-end id, nor one whose payment was
    taken back. `besides`: entries that this entry's own file tells of too, on lines of their own.
    """
    alike = select(BankEntryRow).where(
        BankEntryRow.amount_minor == row.amount_minor,
        BankEntryRow.currency == row.currency,
        BankEntryRow.value_on == row.value_on,
        BankEntryRow.credit,
        BankEntryRow.file_ref != row.file_ref,
        col(BankEntryRow.id).not_in(besides),
        _paid(loan),
        *_not_told_apart(row),
    )
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


def told_by_another_kind(
    session: Session, loan: Loan, row: BankEntryRow, besides: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry of another kind of file that brought this loan the same amount some days off: kinds share no references,
    and may date one movement each in its way. Not of two files of ISO 20022, which do share them, nor one that
    `told_in_other_words` would leave out. `besides` as there.
    """
    share_references = ISO_STATEMENTS if row.kind in ISO_STATEMENTS else (row.kind,)
    alike = _of_other_files(row).where(
        col(BankEntryRow.kind).not_in(share_references),
        col(BankEntryRow.value_on).between(*_around(row)),
        col(BankEntryRow.id).not_in(besides),
        _paid(loan),
        *_not_told_apart(row),
    )
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


def paid_by_another_telling(session: Session, loan: Loan, row: BankEntryRow) -> BankEntryRow | None:
    """An entry that may be the same movement, by however many steps, and of which this loan was paid something."""
    every = [other.id for other in tellings(session, row)]
    booked = select(BankEntryRow).where(col(BankEntryRow.id).in_(every), _paid(loan))
    return session.exec(booked.order_by(col(BankEntryRow.id)).limit(1)).first()


def _paid(loan: Loan) -> ColumnElement[bool]:
    """Whether an entry is a payment of the loan, or a debit's, and none that was taken back."""
    payment = (Payment.provider == BankMatch.provider, Payment.payment_id == BankMatch.payment_id)
    taken_back = select(Payment.id).where(*payment, col(Payment.reversed_at).is_not(None))
    matched = select(BankMatch.id).where(
        BankMatch.entry_ref == BankEntryRow.id, BankMatch.loan_ref == loan.id, ~taken_back.exists()
    )
    collected = select(Payment.id).where(
        BankEntryRow.state == EntryState.DEBIT,
        Payment.provider == DIRECT_DEBIT,
        Payment.payment_id == BankEntryRow.end_to_end_id,
        Payment.loan_ref == loan.id,
        col(Payment.reversed_at).is_(None),
    )
    return matched.exists() | collected.exists()


def _not_told_apart(row: BankEntryRow) -> list[ColumnElement[bool]]:
    """Not from another account nor, of files of ISO 20022, with another end-to-end id."""
    conditions: list[ColumnElement[bool]] = []
    if row.iban_index is not None:
        conditions.append(func.coalesce(BankEntryRow.iban_index, row.iban_index) == row.iban_index)
    if row.end_to_end_id is not None and row.kind in ISO_STATEMENTS:
        same = func.coalesce(BankEntryRow.end_to_end_id, row.end_to_end_id) == row.end_to_end_id
        conditions.append(same | col(BankEntryRow.kind).not_in(ISO_STATEMENTS))
    return conditions


def _was_taken_back() -> ColumnElement[bool]:
    """Whether a payment of the entry was."""
    payment = (Payment.provider == BankMatch.provider, Payment.payment_id == BankMatch.payment_id)
    matched = select(BankMatch.id).where(BankMatch.entry_ref == BankEntryRow.id, *payment)
    return matched.where(col(Payment.reversed_at).is_not(None)).exists()
