"""A loan enters collection, early or late."""

from __future__ import annotations

from datetime import date, datetime

from domain.loan_parts import StepRecord
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.payable import smallest_payable
from domain.strategy import Strategy


def enter(facts: LoanFacts, strategy: Strategy, now: datetime) -> LoanState:
    """A loan at the moment it enters collection, at the step its days past due call for."""
    state = LoanState(
        facts=facts,
        strategy=strategy,
        entered_at=now,
        rests_count_as_paid=smallest_payable(facts.currency) > 1,
        base_at=now,
        ends_base=now,
    )
    position = position_for(state, facts.local_date(now))
    skipped = tuple(
        StepRecord(step=step.id, occurrence=1, result="before_entry", at=now) for step in strategy.steps[:position]
    )
    return state.model_copy(update={"position": position, "records": skipped})


def position_for(state: LoanState, today: date) -> int:
    """The first of the steps of the last day that has come by `today`; the first step when none has.

    Only steps counted from the due date can be passed by entering late: `after_days` steps follow the
    one before them.
    """
    steps = state.strategy.steps
    reached = [
        step.dpd for step in steps if step.dpd is not None and state.facts.local_date(state.step_due_at(step)) <= today
    ]
    return next(i for i, step in enumerate(steps) if step.dpd == reached[-1]) if reached else 0
