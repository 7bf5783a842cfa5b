"""What comes about by the clock alone, and the clock that stands still while a loan is held."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreements.judging import expire_proposals, judge, next_moment
from domain.cases import lapse_case
from domain.endings import end_loan
from domain.ledger_entries import LoanEnd
from domain.loan_state import LoanState, note
from domain.pause_notes import RESUMED
from domain.payments import end_when_nothing_is_due


def pass_time(state: LoanState, now: datetime) -> LoanState:
    """What has come about by the clock alone: a pause is over, a case is past its SLA, time is up."""
    if state.end is not None:
        return state
    while (moment := next_moment(state)) is not None and moment <= now:
        # What was over before the agreement's day must not stretch or cut the time the loan stood still.
        state = _lapsed(state, moment)
        state = settle_hold(end_when_nothing_is_due(judge(state, moment), moment), moment)
    if state.end is not None:
        return state
    state = _lapsed(state, now)
    state = expire_proposals(state, now)
    if state.rests_count_as_paid:
        state = end_when_nothing_is_due(state, now)
    if state.end is None and state.held_since is None and now >= state.ends_at:
        state = end_loan(state, LoanEnd.NOT_CURED, "strategy", now)
    return state


def _lapsed(state: LoanState, now: datetime) -> LoanState:
    """What was over first is settled first, at its own moment, however late anybody looks: the later ends the hold."""
    late = [case for case in state.cases if not case.lapsed and now >= case.sla_at]
    pause = state.paused_until if state.paused_until is not None and now >= state.paused_until else None
    for case in sorted(late, key=lambda case: case.sla_at):
        if pause is not None and pause <= case.sla_at:
            state, pause = _resumed(state, pause), None
        state = settle_hold(lapse_case(state, case.case_id, now), case.sla_at)
    return state if pause is None else _resumed(state, pause)


def _resumed(state: LoanState, over: datetime) -> LoanState:
    state = settle_hold(state.model_copy(update={"paused_until": None, "own_pause_until": None}), over)
    return note(state, over, RESUMED, "the pause was over")


def settle_hold(state: LoanState, now: datetime) -> LoanState:
    """Start or stop the standing clock to match the reasons for holding; several at once count once."""
    if state.end is not None:
        return state
    if state.hold is not None and state.held_since is None:
        return state.model_copy(update={"held_since": now})
    if state.hold is None and state.held_since is not None:
        stood = max(now - state.held_since, timedelta())
        return state.model_copy(
            update={
                "held_since": None,
                "clock_shift": state.clock_shift + stood,
                "base_shift": state.base_shift + stood,
            }
        )
    return state


def step_done(state: LoanState, now: datetime) -> LoanState:
    """The next step is behind us: `after_days` of the one after it counts from now."""
    behind = {"called": None} if state.called is not None else {"position": state.position + 1}
    return count_from(state.model_copy(update=behind), now)


def count_from(state: LoanState, now: datetime) -> LoanState:
    """`after_days` of the next step counts from now; while the loan is held, only the rest of the hold moves it on."""
    held_before = state.held_since - now if state.held_since is not None else timedelta()
    return state.model_copy(update={"base_at": now, "base_shift": held_before})
