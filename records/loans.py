"""Loans in collection: where each stands, how it ended, and what it was started with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, tuple_
from sqlmodel import Session, col, select, update

from records.tables import CampaignLoan, Loan, LoanState, LoanWrite

# Statements of nearly every transaction are put together once: that costs as much as running them.
_FIND = select(Loan).where(col(Loan.lender) == bindparam("lender"), col(Loan.loan_id) == bindparam("loan_id"))
_FIND_ALL = select(Loan).where(tuple_(col(Loan.lender), col(Loan.loan_id)).in_(bindparam("loans", expanding=True)))
_WRITE = insert(LoanWrite.__table__)  # type: ignore[attr-defined]
_RELEASE = (
    update(CampaignLoan)
    .where(col(CampaignLoan.loan_ref) == bindparam("loan"), col(CampaignLoan.released_at).is_(None))
    .values(released_at=bindparam("at"))
)


class UnknownLoan(LookupError):
    """No loan of this lender has this id."""


def find(session: Session, lender: str, loan_id: str) -> Loan | None:
    """A loan by its lender's name and the lender's loan id."""
    return session.exec(_FIND, params={"lender": lender, "loan_id": loan_id}).first()


def find_all(session: Session, of: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Loan]:
    """As `find`, of several by lender and loan id; none that there is not."""
    rows = session.exec(_FIND_ALL, params={"loans": list(of)}).all()
    return {(loan.lender, loan.loan_id): loan for loan in rows}


def get(session: Session, lender: str, loan_id: str) -> Loan:
    """As `find`, but raises UnknownLoan."""
    loan = find(session, lender, loan_id)
    if loan is None:
        raise UnknownLoan(f"no loan {loan_id!r} of lender {lender!r}")
    return loan


def by_ref(session: Session, loan_ref: int) -> Loan:
    """A loan by its surrogate key. Raises KeyError."""
    loan = session.get(Loan, loan_ref)
    if loan is None:
        raise KeyError(loan_ref)
    return loan


def listing(
    session: Session,
    *,
    lender: str | None = None,
    campaign_id: str | None = None,
    state: LoanState | None = None,
    limit: int | None = None,
) -> Sequence[Loan]:
    """Loans in the order they were first handed over."""
    query = select(Loan).order_by(col(Loan.id))
    if lender is not None:
        query = query.where(Loan.lender == lender)
    if campaign_id is not None:
        query = query.where(Loan.campaign_id == campaign_id)
    if state is not None:
        query = query.where(Loan.state == state)
    if limit is not None:
        query = query.limit(limit)
    return session.exec(query).all()


def once(session: Session, loan: Loan, key: str, at: datetime) -> bool:
    """Whether `key` is written for the first time in this entry of the loan; call it where it is written."""
    return once_each(session, loan, [(key, at)])[0]


def once_each(
    session: Session, loan: Loan, keys: Sequence[tuple[str, datetime]], *, entry: int | None = None
) -> list[bool]:
    """As `once`, many keys in one look; for each, in their order. `entry`: whose keys, if not of the current one."""
    assert loan.id is not None
    full = [f"{loan.entry if entry is None else entry}:{key}" for key, _ in keys]
    written = select(LoanWrite.key).where(LoanWrite.loan_ref == loan.id, col(LoanWrite.key).in_(full))
    known = set(session.exec(written))
    new = [key not in known for key in full]
    rows = [{"loan_ref": loan.id, "key": key, "at": at} for key, (_, at) in zip(full, keys, strict=True)]
    if rows := [row for row, first in zip(rows, new, strict=True) if first]:
        session.connection().execute(_WRITE, rows)
    return new


def first_time(session: Session, loan: Loan, key: str, at: datetime, *, entry: int) -> datetime:
    """When `key` was first written in the loan's hand-over `entry`; it is now, `at`, where it never was."""
    if once_each(session, loan, [(key, at)], entry=entry)[0]:
        return at
    return session.exec(
        select(LoanWrite.at).where(LoanWrite.loan_ref == loan.id, LoanWrite.key == f"{entry}:{key}")
    ).one()


def keys_beginning(session: Session, loan: Loan, start: str, *, entry: int) -> list[str]:
    """What follows `start` in the keys that were written in the loan's hand-over `entry`, earliest first."""
    begins = f"{entry}:{start}"
    mine = (LoanWrite.loan_ref == loan.id, col(LoanWrite.key).startswith(begins, autoescape=True))
    found = session.exec(select(LoanWrite.key).where(*mine).order_by(col(LoanWrite.at))).all()
    return [key.removeprefix(begins) for key in found]


def begin(session: Session, loan: Loan) -> None:
    """The loan's workflow runs; what was noted about an end before is gone."""
    loan.state, loan.end_kind, loan.ended_at = LoanState.IN_COLLECTION, None, None
    session.add(loan)
    session.flush()


def report(
    session: Session,
    loan: Loan,
    *,
    at: datetime,
    stage: str | None,
    dpd: int | None,
    next_action: str | None,
    next_action_at: datetime | None,
) -> bool:
    """Where the loan stands. A report older than the last one is left out: False."""
    if loan.reported_at is not None and loan.reported_at > at:
        return False
    loan.stage, loan.dpd, loan.reported_at = stage, dpd, at
    loan.next_action, loan.next_action_at = next_action, next_action_at
    session.add(loan)
    session.flush()
    return True


def end(session: Session, loan: Loan, *, kind: str, at: datetime, final_state: dict[str, Any] | None) -> None:
    """The loan left collection; its campaign lets go of it."""
    loan.state, loan.end_kind, loan.ended_at, loan.final_state = LoanState.ENDED, kind, at, final_state
    loan.next_action = loan.next_action_at = None
    session.add(loan)
    session.flush()
    release(session, loan, at)


def is_held(session: Session, loan: Loan) -> bool:
    """Whether a live campaign holds the loan."""
    held = select(CampaignLoan.campaign_id).where(
        CampaignLoan.loan_ref == loan.id, col(CampaignLoan.released_at).is_(None)
    )
    return session.exec(held).first() is not None


def release(session: Session, loan: Loan, at: datetime) -> None:
    """Let another campaign take the loan."""
    session.exec(_RELEASE, params={"loan": loan.id, "at": at})
