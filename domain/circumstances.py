"""What stops all collection of a loan until a person has decided: dispute, hardship, bereavement, vulnerability."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.cases import open_case, reported
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.ledger_entries import PAID_ENDS, CaseClosedEntry, CaseKind, CaseState
from domain.loan_state import LoanState, note, write


def circumstance_reported(state: LoanState, event: CircumstanceReported, now: datetime) -> tuple[LoanState, str | None]:
    """Each circumstance has its own case and holds until somebody has decided on it.

    A link that was asked for on the telephone and has not gone out is dropped, and the case says so.
    One that is reported of a cured loan waits in its case: it holds should the payment be reversed.
    """
    if state.end is not None and state.end not in PAID_ENDS:
        return state, f"the loan has ended as {state.end}"
    if any(case.circumstance is event.kind for case in state.cases):
        return note(state, now, "circumstance_reported", event.kind), None
    dropped = "; a link asked for on the telephone is not sent" if state.link_asked_at is not None else ""
    state = state.model_copy(update={"funds_seen_at": None, "link_asked_at": None})
    reason = f"{reported(event.kind)}{dropped}"
    return open_case(state, CaseKind.CIRCUMSTANCE, reason, now, queue=event.kind, circumstance=event.kind), None


OF_THE_PERSON = (Circumstance.BEREAVEMENT, Circumstance.VULNERABLE)
"""What is true of whoever owes, so of all their loans, also of one that is handed over later."""


def circumstance_named(reason: str) -> Circumstance | None:
    """Which one a case is about, by its reason; None where that does not say."""
    return next((kind for kind in Circumstance if reason.startswith(reported(kind))), None)


def told_after_the_end(
    state: LoanState, kinds: Iterable[Circumstance], waiting: Iterable[str], now: datetime
) -> LoanState:
    """A loan that was paid and is to go on, with what its borrower told after its run was over.

    Each kind holds it from the first moment until somebody has decided. `waiting`: ids of cases that the records alone
    opened because of it; these go on as the loan's own, which its people can decide.
    """
    if state.end not in PAID_ENDS:
        return state
    told = tuple(kinds)
    for kind in told:
        state, _ = circumstance_reported(state, CircumstanceReported(kind=kind), now)
    own = next((case.case_id for case in state.cases if case.circumstance in told), None)
    for case_id in waiting if own is not None else ():
        gone = CaseClosedEntry(at=now, case_id=case_id, state=CaseState.CLOSED, note=f"goes on as case {own}")
        state = write(state, gone)
    return state
