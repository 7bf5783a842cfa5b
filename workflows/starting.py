"""Starting loans in Temporal: with what, under which id, and what operators see in the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy

from domain.entering import enter
from domain.entering_again import Counted, enter_again
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.money import Money
from domain.planning import plan
from domain.strategy import Strategy
from workflows import describe, search_attributes
from workflows.loan import LoanCollection
from workflows.messages import LoanInput, Signal

ENTRY = "entry"
"""In a run's memo: which hand-over of the loan it collects."""


def static_summary(facts: LoanFacts) -> str:
    """One line for the Web UI's list; ids and amounts only."""
    amount = Money(amount_minor=facts.amount_due_minor, currency=facts.currency)
    return f"{facts.loan_id} · {amount.major:,} {facts.currency} due {facts.due_date} · {facts.country}"


async def start_loan(
    client: Client,
    task_queue: str,
    facts: LoanFacts,
    strategy: Strategy,
    signals: tuple[Signal, ...],
    begin_at: datetime,
    counted: Counted | None = None,
) -> WorkflowHandle[Any, Any]:
    """Start a loan that enters at `begin_at`, now or later.

    `counted`: how far a lost workflow of the same hand-over had counted, where there was one.

    Raises temporalio.exceptions.WorkflowAlreadyStartedError when it runs.
    """
    state = None if counted is None else enter_again(facts, strategy, begin_at, counted)
    entered, first = plan(state or enter(facts, strategy, begin_at), begin_at)
    return await client.start_workflow(
        LoanCollection.run,
        LoanInput(facts=facts, strategy=strategy, state=state, signals=signals, not_before=begin_at),
        id=facts.workflow_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=search_attributes.describe(entered, begin_at, describe.next_action_at(first)),
        memo={ENTRY: facts.entry},
        static_summary=static_summary(facts),
        static_details=f"Campaign {facts.campaign or '-'}, strategy {strategy.key}",
    )


async def continue_loan(
    client: Client, task_queue: str, state: LoanState, signal: Signal, not_before: datetime | None, now: datetime
) -> None:
    """Let a loan that had ended go on with `signal`; a run that already goes on just gets the signal."""
    await client.start_workflow(
        LoanCollection.run,
        LoanInput(facts=state.facts, strategy=state.strategy, state=state, not_before=not_before),
        id=state.facts.workflow_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal=signal.name,
        start_signal_args=[signal.payload],
        search_attributes=search_attributes.describe(state, now, None),
        memo={ENTRY: state.facts.entry},
        static_summary=static_summary(state.facts),
        static_details=f"Goes on after its end: {signal.name}",
    )
