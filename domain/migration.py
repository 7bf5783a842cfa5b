"""Moving a running loan to another version of its strategy."""

from __future__ import annotations

from datetime import datetime

from domain.entering import position_for
from domain.loan_parts import StepRecord
from domain.loan_state import LoanState, note
from domain.standing_clock import pass_time, settle_hold
from domain.strategy import Strategy


def migration_refused(state: LoanState, strategy: Strategy) -> str | None:
    """Why the loan cannot move to `strategy`, or None."""
    if state.end is not None:
        return f"the loan has ended as {state.end}"
    if strategy.currency not in (None, state.facts.currency):
        return f"the strategy is for {strategy.currency}, the loan is in {state.facts.currency}"
    return None


def position_after(state: LoanState, strategy: Strategy) -> int:
    """Where the loan stands in `strategy`: after the last of its steps that is behind the loan.

    With no step in common it is 0, as for a strategy the loan has never been in.
    """
    behind = {record.step for record in state.records}
    done = [index for index, step in enumerate(strategy.steps) if step.id in behind]
    return done[-1] + 1 if done else 0


def migrate(state: LoanState, strategy: Strategy, now: datetime) -> LoanState:
    """The same loan under `strategy`: no step that is behind it comes again, by id.

    A strategy with no step in common is entered at the step the days past due call for; it is not run
    through from its start in one day.
    """
    state = pass_time(state, now)
    before = state.strategy.key
    fallback = state.fallback
    if fallback is not None and strategy.find_step(fallback.step) is None:
        fallback = None
    called = state.called if state.called is not None and strategy.find_step(state.called) is not None else None
    state = state.model_copy(
        update={"strategy": strategy, "fallback": fallback, "contact_rests_until": None, "called": called}
    )
    position = position_after(state, strategy) or position_for(state, state.facts.local_date(now))
    behind = {record.step for record in state.records}
    passed = tuple(
        StepRecord(step=step.id, occurrence=1, result="passed_over", at=now, because=f"moved to {strategy.key}")
        for step in strategy.steps[:position]
        if step.id not in behind
    )
    state = state.model_copy(update={"position": position, "records": (*state.records, *passed)})
    return settle_hold(note(state, now, "migrated", f"{before} to {strategy.key}"), now)
