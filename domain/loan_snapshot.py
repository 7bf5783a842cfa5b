"""The state of a loan as the records keep it once it has ended, to go on from."""

from __future__ import annotations

from pydantic import JsonValue

from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.strategy import Strategy

_ELSEWHERE = {"facts", "strategy", "outbox", "receipt_due"}


def snapshot(state: LoanState) -> dict[str, JsonValue]:
    """The state as it is once its outbox is written, without what the records hold anyway (facts, strategy).

    From it `restore` goes on. A receipt that is due is left out: the run that ended sends it, for all that was paid.
    """
    settled = state.model_copy(update={"entries_written": state.entries_written + len(state.outbox)})
    if state.receipt_due:
        settled = settled.model_copy(update={"payments_receipted": len(state.payments)})
    kept: dict[str, JsonValue] = settled.model_dump(mode="json", exclude=_ELSEWHERE, exclude_defaults=True)
    return kept


def restore(kept: dict[str, JsonValue], facts: LoanFacts, strategy: Strategy) -> LoanState:
    """The state a snapshot was taken of. Raises pydantic.ValidationError when it is none."""
    return LoanState.model_validate({**kept, "facts": facts, "strategy": strategy})
