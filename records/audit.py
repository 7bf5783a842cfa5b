"""The audit trail: it can be appended to and read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from records.tables import Audit


def append(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    lender: str | None = None,
    loan_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Note that `actor` did `action`; `details` must be JSON and hold no names, phones or e-mails."""
    session.add(Audit(at=at, actor=actor, action=action, lender=lender, loan_id=loan_id, details=details or {}))
    session.flush()


def of_loan(session: Session, lender: str, loan_id: str) -> Sequence[Audit]:
    """All entries about one loan, oldest first."""
    return session.exec(
        select(Audit).where(Audit.lender == lender, Audit.loan_id == loan_id).order_by(col(Audit.id))
    ).all()


def of_action(session: Session, action: str) -> Sequence[Audit]:
    """All entries of one action, oldest first."""
    return session.exec(select(Audit).where(Audit.action == action).order_by(col(Audit.id))).all()
