"""One movement told twice by different files: which entries may be the same."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from domain.bank_news import BankEntry, FileKind
from domain.same_movement import ISO_STATEMENTS, Likeness, likeness
from records.bank_entry_particulars import is_referenced, particulars, particulars_kept
from records.tables import BankEntryRow, BankMatch, EntryState, Loan, Payment

_NEAR = timedelta(days=5)
"""So far apart may the days be on which two files date one movement."""


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
        col(BankEntryRow.state).in_((EntryState.MATCHED, EntryState.WAITING, EntryState.DEBIT)),
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


def told_on_another_day(
    session: Session, row: BankEntryRow, entry: BankEntry, besides: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry of another file that has the bank's reference of this one, or the end-to-end id that files of ISO 20022
    share, and its amount, some days off: banks date one movement by its moment here and by its booking there.

    Not one that surely is another, nor one whose payment was taken back; nor, by a reference that the bank gives to
    others too, any. `besides`: as of `told_in_other_words`.
    """
    near = (entry.value_on - _NEAR, entry.value_on + _NEAR)
    alike = select(BankEntryRow).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.amount_minor == row.amount_minor,
        BankEntryRow.currency == row.currency,
        BankEntryRow.credit == row.credit,
        col(BankEntryRow.value_on).between(*near),
        # Of the day itself `told_otherwise` and `told_in_other_words` say more.
        BankEntryRow.value_on != row.value_on,
        BankEntryRow.file_ref != row.file_ref,
        col(BankEntryRow.id).not_in(besides),
        col(BankEntryRow.state).in_((EntryState.MATCHED, EntryState.WAITING, EntryState.DEBIT)),
        ~_was_taken_back(),
    )
    said = particulars(session, entry, FileKind(row.kind), 0)
    for one in session.exec(alike.order_by(col(BankEntryRow.id))).all():
        if likeness(said, particulars_kept(session, one)) is Likeness.OTHER:
            continue
        referenced = is_referenced(entry) and one.bank_reference is not None
        same_reference = referenced and one.bank_reference == row.bank_reference
        another = referenced and not same_reference and one.kind == row.kind
        both_iso = {FileKind(one.kind), FileKind(row.kind)} <= ISO_STATEMENTS
        same_id = both_iso and row.end_to_end_id is not None and one.end_to_end_id == row.end_to_end_id
        if (same_id and not another) or (same_reference and not _given_to_others(session, row, near)):
            return one
    return None


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
    alike = select(BankEntryRow).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.amount_minor == row.amount_minor,
        BankEntryRow.currency == row.currency,
        BankEntryRow.value_on == row.value_on,
        BankEntryRow.credit == row.credit,
        BankEntryRow.file_ref != row.file_ref,
        col(BankEntryRow.id).not_in(besides),
        BankEntryRow.state == EntryState.WAITING,
        *_not_told_apart(row),
    )
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


def told_in_other_words(
    session: Session, loan: Loan, row: BankEntryRow, besides: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry of another file that brought this loan the same amount on the same day: it may be the same movement.

    Not one from another account, nor, of files of ISO 20022, with another end-to-end id, nor one whose payment was
    taken back. `besides`: entries that this entry's own file tells of too, on lines of their own.
    """
    payment = (Payment.provider == BankMatch.provider, Payment.payment_id == BankMatch.payment_id)
    alike = (
        select(BankEntryRow)
        .join(BankMatch, col(BankMatch.entry_ref) == col(BankEntryRow.id))
        .where(
            BankMatch.loan_ref == loan.id,
            BankEntryRow.amount_minor == row.amount_minor,
            BankEntryRow.currency == row.currency,
            BankEntryRow.value_on == row.value_on,
            BankEntryRow.credit,
            BankEntryRow.file_ref != row.file_ref,
            col(BankEntryRow.id).not_in(besides),
            ~select(Payment.id).where(*payment, col(Payment.reversed_at).is_not(None)).exists(),
        )
    )
    alike = alike.where(*_not_told_apart(row))
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


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
