"""What stops all collection of a loan until a person has decided: dispute, hardship, bereavement, vulnerability."""

from __future__ import annotations

from datetime import datetime

from domain.cases import open_case
from domain.events import CircumstanceReported
from domain.ledger_entries import PAID_ENDS, CaseKind
from domain.loan_state import LoanState, note


def circumstance_reported(state: LoanState, event: CircumstanceReported, now: datetime) -> tuple[LoanState, str | None]:
    """Each circumstance has its own case and holds until somebody has decided on it.

    One that is reported of a cured loan waits in its case: it holds should the payment be reversed.
    """
    if state.end is not None and state.end not in PAID_ENDS:
        return state, f"the loan has ended as {state.end}"
    if any(case.circumstance is event.kind for case in state.cases):
        return note(state, now, "circumstance_reported", event.kind), None
    state = state.model_copy(update={"funds_seen_at": None})
    reason = f"{event.kind} reported"
    return open_case(state, CaseKind.CIRCUMSTANCE, reason, now, queue=event.kind, circumstance=event.kind), None
