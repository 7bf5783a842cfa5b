"""Disputes, hardship, distress and deaths that were told of and that nobody has decided on: what holds a loan as it
begins, or as it goes on after its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from domain.circumstances import OF_THE_PERSON, circumstance_named
from domain.conversation.unanswered import circumstance_of
from domain.events.borrower import Circumstance
from domain.ledger_entries import CaseKind
from domain.replies.labels import Intent
from records import cases
from records.tables import CaseState, CollectionCase, InboundMessage, Loan, LoanState

TOLD_WITHIN = timedelta(days=1)
"""So long after it was written a message may have opened the case of a loan's own run."""


def people(session: Session, person_refs: Collection[int]) -> dict[int, tuple[Circumstance, ...]]:
    """Of each person the deaths and distress that wait for a decision in any of their loans, whatever became of that.

    Only of whom there is anything. Two look-ups for all of them together.
    """
    told: dict[int, tuple[Circumstance, ...]] = defaultdict(tuple)
    for loan, case in _waiting(session, person_refs):
        for kind in _kinds(session, loan, case):
            if kind in OF_THE_PERSON and kind not in told[loan.person_ref]:
                told[loan.person_ref] += (kind,)
    return {person: kinds for person, kinds in told.items() if kinds}


def ended_loan(session: Session, loan: Loan) -> tuple[list[Circumstance], list[str]]:
    """What holds a loan that goes on after its end, and the cases of this loan that wait for it to be read.

    What was put to another of the person's ended loans may be about this one: nobody has looked yet. Of their other
    loans deaths and distress count.
    """
    told: list[Circumstance] = []
    waiting: list[str] = []
    for other, case in _waiting(session, [loan.person_ref]):
        if other.id == loan.id and case.kind == CaseKind.CIRCUMSTANCE.value:
            continue  # the loan knows it itself
        found = _kinds(session, other, case)
        if other.state is not LoanState.ENDED or case.kind == CaseKind.CIRCUMSTANCE.value:
            found = [kind for kind in found if kind in OF_THE_PERSON]
        told += [kind for kind in found if kind not in told]
        if found and other.id == loan.id and cases.is_of_records(case.case_id):
            waiting.append(case.case_id)
    return told, waiting


def _waiting(session: Session, person_refs: Collection[int]) -> Iterator[tuple[Loan, CollectionCase]]:
    """Open cases in which anything may have been told, with their loans. Those of a loan are few: by their state an
    index would be taken that has all open ones of everybody."""
    kinds = (CaseKind.CIRCUMSTANCE.value, CaseKind.HANDOFF.value)
    found = session.exec(
        select(Loan, CollectionCase)
        .join(CollectionCase, col(CollectionCase.loan_ref) == col(Loan.id))
        .where(col(Loan.person_ref).in_(person_refs))
        .order_by(col(CollectionCase.opened_at), col(CollectionCase.case_id))
    ).all()
    return ((loan, case) for loan, case in found if case.state is CaseState.OPEN and case.kind in kinds)


def _kinds(session: Session, loan: Loan, case: CollectionCase) -> list[Circumstance]:
    if case.kind == CaseKind.CIRCUMSTANCE.value:
        kind = _reported(session, case)
        return [] if kind is None else [kind]
    if loan.state is LoanState.IN_COLLECTION:
        return []  # of what is written to it each circumstance has a case of its own, which may be decided
    since = (InboundMessage.loan_ref == case.loan_ref, _from_the_one_that_opened(case))
    wrote = session.exec(select(InboundMessage).where(*since).order_by(col(InboundMessage.at))).all()
    found = [circumstance_of([Intent(name) for name in message.intents]) for message in wrote]
    return [kind for kind in dict.fromkeys(found) if kind is not None]


def _reported(session: Session, case: CollectionCase) -> Circumstance | None:
    """One that was opened again by an earlier version names only the case before it."""
    before = cases.opened_again_after(case.reason)
    while (named := circumstance_named(case.reason)) is None and before is not None:
        found = session.get(CollectionCase, before)
        if found is None:
            return None
        case, before = found, cases.opened_again_after(found.reason)
    return named


def _from_the_one_that_opened(case: CollectionCase) -> ColumnElement[bool]:
    """A message is of when it was written; it opened its case when it came in, or when its loan heard of it."""
    opened_by = cases.message_of(case.case_id)
    if opened_by is not None:
        return col(InboundMessage.id) >= opened_by
    return col(InboundMessage.at) >= case.opened_at - TOLD_WITHIN
