"""Entries found by the references they bear: a debit's own, or those of money that goes out again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from domain.bank_news import BankEntry, names_nothing
from records.bank_entry_particulars import account_index, told_reference
from records.tables import BankEntryRow, Debit, EntryState


def told_alike(session: Session, debit: Debit, kind: str) -> BankEntryRow | None:
    """An entry of the same kind of file that brought this debit's money, by its reference."""
    carrying = select(BankEntryRow).where(
        BankEntryRow.end_to_end_id == debit.reference,
        BankEntryRow.amount_minor == debit.amount_minor,
        BankEntryRow.kind == kind,
        BankEntryRow.credit,
    )
    return session.exec(carrying.order_by(col(BankEntryRow.id)).limit(1)).first()


def brought(session: Session, reference: str, state: EntryState) -> BankEntryRow | None:
    """An incoming entry in this state, of whatever kind of file, that carries a debit's reference."""
    carrying = select(BankEntryRow).where(
        BankEntryRow.end_to_end_id == reference, BankEntryRow.state == state, BankEntryRow.credit
    )
    return session.exec(carrying.order_by(col(BankEntryRow.id)).limit(1)).first()


def taken_back(
    session: Session, account: str, entry: BankEntry, *, marked: bool, within_days: int
) -> Sequence[BankEntryRow]:
    """The incoming entries that an outgoing one may undo, by its reference and amount, booked at most so many days
    before it: the latest, or the latest two of several.

    `marked`: the bank says that it takes one back. Then any may be it, also one that is nobody's payment or that a
    person has not looked at yet, except one that came from another account.
    """
    states = [EntryState.MATCHED, EntryState.WAITING, *([EntryState.IGNORED] if marked else [])]
    undone = select(BankEntryRow).where(
        BankEntryRow.account_index == account,
        BankEntryRow.amount_minor == entry.amount_minor,
        BankEntryRow.credit,
        col(BankEntryRow.state).in_(states),
        col(BankEntryRow.booked_on).between(entry.booked_on - timedelta(days=within_days), entry.booked_on),
        _bears_a_reference_of(session, entry),
    )
    whose = account_index(session, entry.other_iban) if marked and entry.other_iban else None
    # Some banks name our own account as that of whom the money goes back from.
    if whose is not None and whose != account:
        undone = undone.where(func.coalesce(BankEntryRow.iban_index, whose) == whose)
    return session.exec(undone.order_by(col(BankEntryRow.booked_on).desc(), col(BankEntryRow.id).desc()).limit(2)).all()


def with_its_reference(session: Session, account: str, entry: BankEntry) -> int:
    """How many entries that are kept, in or out, bear a reference of this one."""
    bearing = select(func.count()).select_from(BankEntryRow)
    return session.exec(
        bearing.where(BankEntryRow.account_index == account, _bears_a_reference_of(session, entry))
    ).one()


def _bears_a_reference_of(session: Session, entry: BankEntry) -> ColumnElement[bool]:
    told = (told_reference(session, entry.end_to_end_id), entry.bank_reference)
    references = [one for one in told if one is not None and not names_nothing(one)]
    return col(BankEntryRow.end_to_end_id).in_(references) | col(BankEntryRow.bank_reference).in_(references)
