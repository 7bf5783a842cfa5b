"""What the contact rules decided about each contact of a loan, whatever it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlmodel import Session, col, select

from domain.contact import Channel, Decision
from records.tables import ContactDecision, Loan, Person

# Below the mapping of objects, which takes as long again: nobody needs this row as an object.
_KEEP_DECISION = insert(ContactDecision.__table__)  # type: ignore[attr-defined]


def record(
    session: Session,
    loan: Loan,
    person: Person,
    *,
    step: str,
    occurrence: int,
    channel: Channel,
    at: datetime,
    decision: Decision,
    rules_version: str,
) -> None:
    """Keep a decision of the contact rules, refused or allowed."""
    assert loan.id is not None
    assert person.id is not None
    kept = {
        "loan_ref": loan.id,
        "person_ref": person.id,
        "step": step,
        "occurrence": occurrence,
        "channel": channel,
        "at": at,
        "verdict": decision.verdict,
        "not_before": decision.not_before,
        "window_ends": decision.window_ends,
        "reasons": [reason.model_dump(mode="json") for reason in decision.reasons],
        "rules_version": rules_version,
    }
    session.connection().execute(_KEEP_DECISION, kept)


def of_loan(session: Session, loan: Loan) -> Sequence[ContactDecision]:
    """Every decision about a loan, oldest first."""
    return session.exec(
        select(ContactDecision).where(ContactDecision.loan_ref == loan.id).order_by(col(ContactDecision.id))
    ).all()
