"""Starting and instructing loans through a Temporal client."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.campaign_orders import Instruction, InstructOrder, LoanStart
from domain.loans import workflow_id
from domain.strategy import Strategy
from records import owed_signals
from records.facts import LoanAsEntered
from workflows.messages import MigrateOrder, Signal
from workflows.starting import ENTRY, start_loan


def known_before(loan: LoanAsEntered) -> tuple[Signal, ...]:
    """What a loan's workflow has to hear as it starts: what was reported of the person first, so that it stands still
    from its first moment, and payments."""
    reported = (Signal(name="circumstance_reported", payload={"kind": kind.value}) for kind in loan.told)
    return (*reported, *known_payments(loan))


def known_payments(loan: LoanAsEntered) -> tuple[Signal, ...]:
    """What a loan's workflow has to hear of payments that came before it was started."""
    signals: list[Signal] = []
    for payment in loan.payments:
        signals.append(Signal(name="payment_received", payload=owed_signals.received(payment)))
        if payment.reversed_at is not None:
            signals.append(Signal(name="payment_reversed", payload=owed_signals.taken_back(payment)))
    for payment in loan.payments:
        # Last of all: told before the other payments, it would look as if more had been given back than was paid.
        if payment.refunded_minor > 0:
            signals.append(Signal(name="payment_refunded", payload=owed_signals.given_back(payment)))
    return tuple(signals)


class TemporalLoans:
    """`activities.campaigns.LoanControl` on a Temporal cluster."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, loan: LoanAsEntered, begin_at: datetime) -> LoanStart:
        """Start a loan, telling it of what came before; one that runs is left alone."""
        try:
            await start_loan(self._client, self._task_queue, loan.facts, loan.strategy, known_before(loan), begin_at)
        except WorkflowAlreadyStartedError:
            running = await self._client.get_workflow_handle(loan.facts.workflow_id).describe()
            same = await running.memo_value(ENTRY, loan.facts.entry, type_hint=int) == loan.facts.entry
            return LoanStart.RUNNING_ALREADY if same else LoanStart.STILL_CLOSING
        return LoanStart.STARTED

    async def signal(self, lender: str, loan_id: str, name: str, payload: dict[str, Any]) -> bool:
        """Signal a loan; False when none of this id runs."""
        try:
            await self._client.get_workflow_handle(workflow_id(lender, loan_id)).signal(name, payload)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def instruct(self, lender: str, loan_id: str, order: InstructOrder) -> str | None:
        """Send the instruction as an update whose id makes repeating it harmless."""
        handle = self._client.get_workflow_handle(workflow_id(lender, loan_id))
        arguments: list[dict[str, str | bool]] = []
        if order.instruction is Instruction.PAUSE and order.until is not None:
            arguments = [{"until": order.until.isoformat(), "of_campaign": True}]
        elif order.instruction is Instruction.RESUME:
            arguments = [{"of_campaign": True}]
        elif order.instruction is Instruction.CLOSE and order.reason is not None:
            arguments = [{"reason": order.reason.value}]
        # A loan pinned to an older build, whose `resume` takes no argument, drops this one.
        return await _update(handle, order.instruction.value, arguments, f"{order.campaign_id}-{order.number}")

    async def migrate(self, lender: str, loan_id: str, strategy: Strategy) -> str | None:
        """Move a loan to another strategy or version; why it does not follow, or None."""
        handle = self._client.get_workflow_handle(workflow_id(lender, loan_id))
        return await _update(handle, "migrate", [MigrateOrder(strategy=strategy)])


async def _update(
    handle: WorkflowHandle[Any, Any], name: str, arguments: list[Any], update_id: str | None = None
) -> str | None:
    """Why this loan does not follow, or None. What concerns the server and not this loan alone is raised."""
    try:
        await handle.execute_update(name, args=arguments, id=update_id)
    except WorkflowUpdateFailedError as refused:
        return str(refused.cause)
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        # The client's word for our own cancellation, too, by which `asyncio.timeout` ends a wait.
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise asyncio.CancelledError from None
        raise
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return "the loan has ended"
        if error.status is RPCStatusCode.FAILED_PRECONDITION:
            return "a loan takes no orders now, its workflow tasks fail: see `doctor`"
        raise
    return None
