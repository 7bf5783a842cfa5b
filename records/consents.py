"""Consents to read balances, and the reads made under them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from records.tables import BalanceRead, Consent, ConsentStatus, Loan


def active(session: Session, loan: Loan, on: date) -> Consent | None:
    """The consent by which the person's balance may be read on a day; the one that lasts longest."""
    rows = session.exec(
        select(Consent)
        .where(
            Consent.person_ref == loan.person_ref,
            Consent.status == ConsentStatus.VALID,
            or_(col(Consent.valid_until).is_(None), col(Consent.valid_until) >= on),
        )
        .order_by(col(Consent.id))
    ).all()
    return max(rows, key=lambda row: row.valid_until or date.max, default=None)


def get(session: Session, consent_ref: int) -> Consent:
    """A consent by its own id. Raises KeyError."""
    consent = session.get(Consent, consent_ref)
    if consent is None:
        raise KeyError(consent_ref)
    return consent


def set_status(session: Session, consent: Consent, status: ConsentStatus, *, at: datetime) -> None:
    """Note what the bank says about a consent."""
    if consent.status is not status:
        consent.status, consent.changed_at = status, at
        session.add(consent)
        session.flush()


def record_read(
    session: Session,
    consent: Consent,
    loan: Loan,
    *,
    at: datetime,
    outcome: str,
    amount_minor: int | None = None,
) -> None:
    """Keep one read: `outcome` is "read" with an amount, or the bank's error code without one."""
    assert consent.id is not None
    assert loan.id is not None
    session.add(
        BalanceRead(consent_ref=consent.id, loan_ref=loan.id, at=at, outcome=outcome, amount_minor=amount_minor)
    )
    session.flush()


def reads_since(session: Session, consent: Consent, since: datetime) -> int:
    """Reads made under a consent from `since` (inclusive), for all loans and whatever their outcome."""
    return session.exec(
        select(func.count())
        .select_from(BalanceRead)
        .where(BalanceRead.consent_ref == consent.id, col(BalanceRead.at) >= since)
    ).one()


def reads_of(session: Session, loan: Loan) -> Sequence[BalanceRead]:
    """All reads made for a loan, oldest first."""
    return session.exec(
        select(BalanceRead).where(BalanceRead.loan_ref == loan.id).order_by(col(BalanceRead.at), col(BalanceRead.id))
    ).all()
