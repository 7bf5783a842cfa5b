"""Cases for people: opened, handed from queue to queue, decided."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from records.tables import CaseState, CollectionCase, Loan

_OF_RECORDS = re.compile(r"-m([0-9]+)$")
_AGAIN_AFTER = re.compile(r"again after ([^ ]+): ")
_OF_WORKFLOW = re.compile(r"([0-9]+)-([0-9]+)")
"""Behind lender and loan: the hand-over, and the number within it."""


class UnknownCase(LookupError):
    """No case has this id."""


class CaseClosed(RuntimeError):
    """The case was decided or closed before."""


def open(
    session: Session,
    loan: Loan,
    *,
    case_id: str,
    queue: str,
    kind: str,
    at: datetime,
    sla_at: datetime | None,
    reason: str = "",
    amount_minor: int | None = None,
) -> CollectionCase:
    """Open a case; opening the same id again gives the case as it stands."""
    known = session.get(CollectionCase, case_id)
    if known is not None:
        return known
    assert loan.id is not None
    case = CollectionCase(
        case_id=case_id,
        loan_ref=loan.id,
        queue=queue,
        kind=kind,
        reason=reason,
        amount_minor=amount_minor,
        opened_at=at,
        sla_at=sla_at,
        assignments=[_assignment(queue, at, sla_at)],
    )
    session.add(case)
    session.flush()
    return case


def get(session: Session, case_id: str) -> CollectionCase:
    """A case by its id, locked for this transaction. Raises UnknownCase."""
    case = _locked(session, case_id)
    if case is None:
        raise UnknownCase(f"no case {case_id!r}")
    return case


def holds_money(session: Session, loan: Loan) -> bool:
    """Whether a dispute, hardship, bereavement or vulnerability of the loan waits for its decision."""
    open_ones = select(CollectionCase.case_id).where(
        CollectionCase.loan_ref == loan.id,
        CollectionCase.state == CaseState.OPEN,
        CollectionCase.kind == "circumstance",
    )
    return session.exec(open_ones.limit(1)).first() is not None


def reassign(session: Session, case_id: str, *, queue: str, at: datetime, sla_at: datetime | None) -> CollectionCase:
    """Move an open case to another queue, once. Raises UnknownCase, CaseClosed."""
    case = _open_case(session, case_id)
    step = _assignment(queue, at, sla_at)
    if case.assignments[-1] != step:
        case.queue, case.sla_at = queue, sla_at
        case.assignments = [*case.assignments, step]
        session.add(case)
        session.flush()
    return case


def decide(
    session: Session, case_id: str, *, decision: str, by: str, at: datetime, note: str | None = None
) -> CollectionCase:
    """Keep a person's decision. The same decision again changes nothing. Raises UnknownCase, CaseClosed.

    Without a `note` the one that they kept before stands (`keep_note`).
    """
    case = get(session, case_id)
    if case.state is CaseState.DECIDED and case.decision == decision and case.decided_by == by:
        return case
    case = _open_case(session, case_id)
    if note is None and case.decided_by == by:
        note = case.note
    case.state, case.decision, case.decided_by, case.note = CaseState.DECIDED, decision, by, note
    case.decided_at = case.closed_at = at
    session.add(case)
    session.flush()
    return case


@dataclass(frozen=True)
class WaitingNote:
    """Why `by` decides a case, before the decision is in the records."""

    by: str
    text: str


def keep_note(
    session: Session, case_id: str, note: str | None, *, by: str, accepted: bool = False
) -> WaitingNote | None:
    """Keep why `by` decides a case, sealed, before the loan is told of the decision and again once it has `accepted`.

    The loan hears no word of it: its history would hold them beyond the person's erasure. Until the decision is in the
    records the open case names whose note it is. Returns the one that waited there, which may be that of a decision the
    loan has accepted: `put_back_note`, should it refuse this one. An unknown case changes nothing.
    """
    case = _locked(session, case_id)
    if case is None:
        return None
    before = None
    if case.state is CaseState.OPEN:
        if case.decided_by is not None and case.note is not None:
            before = WaitingNote(case.decided_by, case.note)
        case.decided_by, case.note = (by, note) if note else (None, None)
    elif accepted and case.state is CaseState.DECIDED and case.decided_by == by and case.note is None:
        case.note = note or None
    session.add(case)
    session.flush()
    return before


def put_back_note(session: Session, case_id: str, note: str | None, *, by: str, before: WaitingNote) -> None:
    """The loan refused what `by` decided: the note that waited `before` theirs stands again, unless a later one does.

    Who decides twice is refused the second time, often before the records have the first.
    """
    case = _locked(session, case_id)
    if case is None:
        return
    ours = (case.decided_by, case.note) == ((by, note) if note else (None, None))
    decided_as_before = case.state is CaseState.DECIDED and case.decided_by == before.by
    if (case.state is CaseState.OPEN and ours) or (decided_as_before and (ours or case.note is None)):
        case.decided_by, case.note = before.by, before.text
        session.add(case)
        session.flush()


def drop_note(session: Session, case_id: str, *, by: str) -> None:
    """No workflow was there to hear what `by` decided: their note goes, where it still waits."""
    case = _locked(session, case_id)
    if case is not None and case.state is CaseState.OPEN and case.decided_by == by:
        case.decided_by = case.note = None
        session.add(case)
        session.flush()


def close(session: Session, case_id: str, state: CaseState, *, at: datetime) -> CollectionCase:
    """Close a case without a decision, as `retracted` or `closed`. A closed case stays as it is."""
    if state not in (CaseState.RETRACTED, CaseState.CLOSED):
        raise ValueError(f"a case is closed as retracted or closed without a decision, not {state}")
    case = get(session, case_id)
    if case.state is CaseState.OPEN:
        case.state, case.closed_at = state, at
        # A note whose decision came to nothing.
        case.decided_by = case.note = None
        session.add(case)
        session.flush()
    return case


def listing(
    session: Session,
    *,
    state: CaseState | None = CaseState.OPEN,
    queue: str | None = None,
    lender: str | None = None,
) -> list[tuple[CollectionCase, Loan]]:
    """Cases with their loans, the most urgent first; `state` None means all."""
    query = select(CollectionCase, Loan).join(Loan, col(Loan.id) == col(CollectionCase.loan_ref))
    if state is not None:
        query = query.where(CollectionCase.state == state)
    if queue is not None:
        query = query.where(CollectionCase.queue == queue)
    if lender is not None:
        query = query.where(Loan.lender == lender)
    rows = session.exec(query.order_by(col(CollectionCase.sla_at), col(CollectionCase.case_id))).all()
    return [(case, loan) for case, loan in rows]


def of_loan(session: Session, loan: Loan) -> Sequence[CollectionCase]:
    """All cases of a loan, oldest first."""
    return session.exec(
        select(CollectionCase)
        .where(CollectionCase.loan_ref == loan.id)
        .order_by(col(CollectionCase.opened_at), col(CollectionCase.case_id))
    ).all()


def _locked(session: Session, case_id: str) -> CollectionCase | None:
    return session.exec(select(CollectionCase).where(CollectionCase.case_id == case_id).with_for_update()).first()


def _open_case(session: Session, case_id: str) -> CollectionCase:
    case = get(session, case_id)
    if case.state is not CaseState.OPEN:
        raise CaseClosed(f"case {case_id!r} is {case.state} already")
    return case


def of_records(loan: Loan, message: int) -> str:
    """The id of a case that a message opens in the records alone: the loan's workflow knows nothing of it."""
    return f"{loan.lender}-{loan.loan_id}-{loan.entry}-m{message}"


def is_of_records(case_id: str) -> bool:
    """Whether the case is settled here, whatever its loan does: those of workflows end in a number."""
    return _OF_RECORDS.search(case_id) is not None


def message_of(case_id: str) -> int | None:
    """The number of the message that opened a case of the records alone; None for any other."""
    found = _OF_RECORDS.search(case_id)
    return int(found[1]) if found is not None else None


def opened_again_after(reason: str) -> str | None:
    """The id of the case that this one opened again, by its reason; None for any other."""
    found = _AGAIN_AFTER.match(reason)
    return found[1] if found is not None else None


def is_settled_here(loan: Loan, case_id: str) -> bool:
    """Whether the loan's workflow knows nothing of the case: it is of the records, or of a hand-over that is over."""
    return is_of_records(case_id) or is_of_earlier_hand_over(loan, case_id)


def is_of_earlier_hand_over(loan: Loan, case_id: str) -> bool:
    named = _named(loan, case_id)
    return named is not None and named[0] < loan.entry


def number_of(loan: Loan, case_id: str) -> int | None:
    """The number of a case that the loan's workflow opened in its current entry; None for any other."""
    named = _named(loan, case_id)
    return named[1] if named is not None and named[0] == loan.entry else None


def _named(loan: Loan, case_id: str) -> tuple[int, int] | None:
    found = _OF_WORKFLOW.fullmatch(case_id.removeprefix(f"{loan.lender}-{loan.loan_id}-"))
    return (int(found[1]), int(found[2])) if found is not None else None


def _assignment(queue: str, at: datetime, sla_at: datetime | None) -> dict[str, str | None]:
    return {"queue": queue, "at": at.isoformat(), "sla_at": sla_at.isoformat() if sla_at else None}
