"""Moving a running loan to another version of its strategy."""

from __future__ import annotations

from datetime import datetime

from domain.loan_state import LoanState, note
from domain.strategy import Strategy


def position_after(state: LoanState, strategy: Strategy) -> int:
    """Where the loan stands in `strategy`: after the last of its steps that is behind the loan."""
    behind = {record.step for record in state.records}
    done = [index for index, step in enumerate(strategy.steps) if step.id in behind]
    return done[-1] + 1 if done else 0


def migrate(state: LoanState, strategy: Strategy, now: datetime) -> LoanState:
    """The same loan under `strategy`: no step that is behind it comes again, by id."""
    fallback = state.fallback
    if fallback is not None and all(step.id != fallback.step for step in strategy.steps):
        fallback = None
    moved = state.model_copy(
        update={"position": position_after(state, strategy), "strategy": strategy, "fallback": fallback}
    )
    return note(moved, now, "migrated", f"{state.strategy.key} to {strategy.key}")
