"""Borrowers who say that they have paid: somebody looks before they are reminded again, within a time."""

from __future__ import annotations

from datetime import datetime

from domain.cases import open_once
from domain.ledger_entries import CaseKind
from domain.loan_state import LoanState


def payment_claimed(state: LoanState, why: str, now: datetime) -> LoanState:
    """A case to check the payment. It holds the loan until it is decided or lapses, once for all that is said until
    another payment is known: who says it again and again is reminded meanwhile."""
    known = len(state.payments)
    said_before = state.claimed_after is not None and state.claimed_after >= known
    state = open_once(state, CaseKind.PAYMENT_QUERY, why, now)
    if said_before or not state.claims_hold or state.end is not None:
        return state
    cases = tuple(
        case.model_copy(update={"holds": True}) if case.kind is CaseKind.PAYMENT_QUERY and not case.lapsed else case
        for case in state.cases
    )
    return state.model_copy(update={"cases": cases, "claimed_after": known})


def claim_began_to_hold(before: LoanState, after: LoanState) -> bool:
    return after.claimed_after != before.claimed_after
