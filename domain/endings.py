"""How a loan leaves collection, and how it comes back when the money is taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreements.judging import end_with_loan
from domain.cases import close_case, reopen_case
from domain.entering import position_for
from domain.ledger_entries import PAID_ENDS, CaseKind, CaseState, EndEntry, LoanEnd, ReopenedEntry
from domain.loan_parts import SetAside, StepRecord
from domain.loan_state import LoanState, would_exist, write
from domain.notices import drop_notices
from domain.pauses import paused_by_both, told_apart

_ABOUT_MONEY_IN_HAND = frozenset({CaseKind.REFUND, CaseKind.PAYMENT_QUERY})
"""Cases that are still somebody's work when the loan has ended."""


_NOTHING_ASKED = {"answer": None, "asking": None, "proposed": None, "moving": None, "offered": None}
"""What a conversation is left with when payment and reversal have made every question void."""


def end_loan(state: LoanState, end: LoanEnd, by: str, now: datetime) -> LoanState:
    """Everything planned is dropped and every case closed, but those about money that is not the lender's."""
    state = drop_notices(end_with_loan(state, end, now), f"the loan ended as {end}", now)
    for case in state.cases:
        if case.kind not in _ABOUT_MONEY_IN_HAND:
            state = close_case(state, case.case_id, CaseState.CLOSED, now, note=f"the loan ended as {end}")
    stood = now - state.held_since if state.held_since is not None else timedelta()
    ended = state.model_copy(
        update={
            "end": end,
            "ended_by": by,
            "ends_count": state.ends_count + 1,
            "paused_until": None,
            "held_since": None,
            "clock_shift": state.clock_shift + stood,
            "base_shift": state.base_shift + stood,
            "fallback": None,
            "funds_seen_at": None,
            "contact_rests_until": None,
            "receipt_due": end in PAID_ENDS and state.strategy.receipt is not None and not state.ceased,
        }
    )
    return write(ended, EndEntry(at=now, end=end, by=by))


def reopen_loan(state: LoanState, now: datetime) -> LoanState:
    """A cured loan goes on at the step its days past due call for, never at one that was already done.

    What held it when it was paid holds it again: a dispute is not settled by a payment that did not last.
    """
    called_for = position_for(state, state.facts.local_date(now))
    passed = state.strategy.steps[state.position : called_for]
    skipped = tuple(
        StepRecord(step=step.id, occurrence=1, result="before_entry", at=now, because="the loan was cured then")
        for step in passed
    )
    # Ends that an earlier version kept still have them.
    state = drop_notices(state, "it waited when the loan ended", now)
    state = paused_by_both(told_apart(state, now), now)
    talk = state.conversation
    state = write(
        state.model_copy(
            update={
                "end": None,
                "ended_by": None,
                "receipt_due": False,
                "position": max(state.position, called_for),
                "records": (*state.records, *skipped),
                "base_at": now,
                "base_shift": timedelta(),
                "ends_base": now - state.clock_shift,
                "watch_rests_until": None,
                # What waited to be said when it ended is old by now.
                "unread": None,
                "link_asked_at": None,
                "conversation": talk and talk.model_copy(update=_NOTHING_ASKED),
            }
        ),
        ReopenedEntry(at=now, why="a payment was reversed"),
    )
    return bring_back(state, now)


def bring_back(state: LoanState, now: datetime) -> LoanState:
    """Open again what payments had put an end to, as far as it would still exist.

    A circumstance that was reported again meanwhile has its case, and so has an agreement that is broken again.
    """
    waiting: list[str] = [case.kind for case in state.cases]
    broken = {case.agreement for case in state.cases if case.kind is CaseKind.BROKEN_AGREEMENT}
    reported = {case.circumstance for case in state.cases if case.circumstance is not None}
    for case in state.set_aside.cases:
        once = case.kind in (CaseKind.CEASE, CaseKind.CONTACT_DATA)
        if case.kind is CaseKind.APPROVAL:
            continue  # the offer it was about is void
        if case.circumstance in reported or (case.kind is CaseKind.BROKEN_AGREEMENT and case.agreement in broken):
            continue
        if (case.caused_by_debt and not would_exist(state, case)) or (once and case.kind in waiting):
            continue
        state = reopen_case(state, case, now, "the payment that closed it was reversed")
    return state.model_copy(update={"set_aside": SetAside()})
