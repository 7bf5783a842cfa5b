"""Which loans money without a name may be for: by their ids, what they owe, and who paid from the account before."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.payable import smallest_payable
from records import person_keys
from records.tables import BankEntryRow, Loan, LoanState, Payment
from records.tables.sealing import IBAN


def loans_by_key(session: Session, lender: str | None) -> Sequence[tuple[int, str]]:
    """Every loan's key and id, for finding references in texts."""
    query = select(Loan.id, Loan.loan_id)
    if lender is not None:
        query = query.where(Loan.lender == lender)
    return [(ref, loan_id) for ref, loan_id in session.exec(query).all() if ref is not None]


def due_amount(session: Session, amount_minor: int, currency: str, lender: str | None, limit: int) -> Sequence[Loan]:
    """Loans in collection of which just this amount is due, as `payments.balance_due` counts it, or asked for."""
    paid = (
        select(func.coalesce(func.sum(col(Payment.amount_minor) - col(Payment.refunded_minor)), 0))
        .where(Payment.loan_ref == Loan.id, Payment.entry == Loan.entry, col(Payment.reversed_at).is_(None))
        .correlate(Loan)
        .scalar_subquery()
    )
    due = Loan.amount_due_minor + Loan.adjusted_minor - paid
    query = select(Loan).where(
        Loan.state != LoanState.ENDED,
        Loan.currency == currency,
        due.between(amount_minor, amount_minor + smallest_payable(currency) - 1),
    )
    if lender is not None:
        query = query.where(Loan.lender == lender)
    return session.exec(query.order_by(col(Loan.id)).limit(limit)).all()


def in_collection(session: Session, currency: str, lender: str | None, limit: int) -> Sequence[Loan]:
    query = select(Loan).where(Loan.state != LoanState.ENDED, Loan.currency == currency)
    if lender is not None:
        query = query.where(Loan.lender == lender)
    return session.exec(query.order_by(col(Loan.id)).limit(limit)).all()


def payers_from(session: Session, iban: str) -> frozenset[int]:
    """Whose payments came from an account before."""
    index = person_keys.of(session).index(IBAN, iban)
    rows = select(BankEntryRow.person_ref).where(
        BankEntryRow.iban_index == index, col(BankEntryRow.person_ref).is_not(None), BankEntryRow.credit
    )
    return frozenset(person for person in session.exec(rows).all() if person is not None)
