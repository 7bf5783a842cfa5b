"""Coming to an agreement, whatever its kind: when it may be, what it takes the place of, and how it is called off."""

from __future__ import annotations

from datetime import datetime

from domain.agreements.judging import DATE_MOVED, GOES_ON, close_approval, finish, judge, tell
from domain.agreements.model import AGREEMENTS_KEPT, Agreement, AgreementKind, AgreementState, Via
from domain.cases import close_case
from domain.events.agreements import AgreementCancelled
from domain.ledger_entries import CaseKind, CaseState
from domain.loan_parts import CaseAbout, OpenCase
from domain.loan_state import LoanState, note

AGREED = "agreed"
"""The change an agreement comes into force by, as the records hear of it."""
_GIVES_WAY = {
    AgreementKind.PROMISE: frozenset({AgreementKind.PROMISE}),
    AgreementKind.PLAN: frozenset({AgreementKind.PROMISE}),
    AgreementKind.SETTLEMENT: frozenset({AgreementKind.PROMISE, AgreementKind.PLAN}),
    AgreementKind.RESTRUCTURING: frozenset({AgreementKind.PROMISE, AgreementKind.PLAN}),
}
"""What an agreement of each kind takes the place of; any other in force must be called off first."""


def has_new_paper(change: str) -> bool:
    """Whether an agreement's document is another one after this change."""
    return change in (AGREED, DATE_MOVED) or change.startswith(GOES_ON)


_TALKED = (CaseKind.HANDOFF, CaseKind.BROKEN_AGREEMENT)


def not_now(state: LoanState, kind: AgreementKind) -> str | None:
    """Why no agreement of this kind can be made at this moment, or None."""
    if state.end is not None:
        return f"the loan has ended as {state.end}"
    if state.circumstance is not None:
        return f"{state.circumstance} was reported: a person must decide first"
    now = state.agreement
    if now is not None and now.kind not in _GIVES_WAY[kind]:
        return f"{now.kind} {now.number} is in force: call it off first"
    if len(state.agreements) >= AGREEMENTS_KEPT:
        return f"the loan has had {AGREEMENTS_KEPT} agreements already"
    return None


def agreed(state: LoanState, agreement: Agreement, now: datetime) -> LoanState:
    """`agreement` is in force from `now`: what stood before gives way, and whoever waited to talk about paying has."""
    for before in state.agreements:
        offered = before.state is AgreementState.PROPOSED and agreement.kind is not AgreementKind.PROMISE
        if before.number != agreement.number and (before.live or offered):
            state = close_approval(state, before, now, f"{agreement.kind} {agreement.number} took its place")
            state = finish(state, before, AgreementState.REPLACED, now)
    others = tuple(a for a in state.agreements if a.number != agreement.number)
    by_number = tuple(sorted((*others, agreement), key=lambda a: a.number))
    state = state.model_copy(
        update={
            "agreements": by_number,
            "funds_seen_at": None,
            "watch_rests_until": None,
            # A message from before it is not said again after it.
            "fallback": None,
            "unread": None,
        }
    )
    state = tell(state, agreement, now, AGREED)
    told = f"answered by {agreement.kind} {agreement.number}"
    for case in state.cases:
        if _answers(agreement, case) if state.cases_kept_apart else case.kind in _TALKED:
            state = close_case(state, case.case_id, CaseState.CLOSED, now, note=told)
    return judge(state, now)


def _answers(agreement: Agreement, case: OpenCase) -> bool:
    """Whether a case needs nobody any more: it is about paying, or a person who took the agreement down heard of it."""
    if case.kind is CaseKind.BROKEN_AGREEMENT:
        return True
    heard = agreement.via is Via.AGENT and case.about is not CaseAbout.UNHEARD
    return case.kind is CaseKind.HANDOFF and (heard or case.is_about_paying)


def decline(state: LoanState, number: int | None, now: datetime) -> LoanState:
    """An offer that a person decided not to approve is off."""
    for offer in state.agreements:
        if offer.number == number and offer.state is AgreementState.PROPOSED:
            state = finish(state, offer, AgreementState.CANCELLED, now)
    return state


def agreement_cancelled(state: LoanState, event: AgreementCancelled, now: datetime) -> tuple[LoanState, str | None]:
    """A person calls an agreement or an offer off; the sequence goes on where it stood."""
    agreement = next((a for a in state.agreements if a.number == event.number), None)
    if agreement is None:
        return state, f"the loan has no agreement {event.number}"
    if not agreement.live and agreement.state is not AgreementState.PROPOSED:
        return state, f"{agreement.kind} {agreement.number} is {agreement.state.replace('_', ' ')} already"
    state = note(state, now, "agreement_cancelled", f"{agreement.kind} {agreement.number} by {event.by}")
    state = close_approval(state, agreement, now, f"called off by {event.by}")
    return finish(state, agreement, AgreementState.CANCELLED, now), None
