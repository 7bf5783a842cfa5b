"""Questions and orders to the loans' workflows, for people at their pages and services at the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from config.warrants import Warrants
from domain.loans import workflow_id
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from workflows.authority import warranted
from workflows.messages import Answer, LoanView

PATIENCE = timedelta(seconds=10)
"""How long whoever waits in front of a page is kept waiting."""
_REFUSED = "refused: "


class TemporalOrders:
    """`LoanOrders` on a Temporal cluster; `connect` gives a client, or raises while the server is down.

    `warrants` prove to the loan that the order's `by` and `role` are those of whoever signed in here.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]], warrants: Warrants) -> None:
        self._connect = connect
        self._warrants = warrants

    async def view(self, lender: str, loan_id: str) -> LoanView:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                handle = (await self._connect()).get_workflow_handle(workflow_id(lender, loan_id))
                answer: LoanView = await handle.query("view", result_type=LoanView, rpc_timeout=PATIENCE)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError, RuntimeError) as error:
            raise TemporalUnavailable(type(error).__name__) from None
        except RPCError as error:
            raise _told(error) from None
        if answer.state.end is not None:
            raise LoanNotRunning(f"the loan has ended as {answer.state.end}")
        return answer

    async def order(
        self, lender: str, loan_id: str, update: str, payload: dict[str, Any], update_id: str | None = None
    ) -> Answer:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                handle = (await self._connect()).get_workflow_handle(workflow_id(lender, loan_id))
                proven = _proven(self._warrants, handle.id, update, payload)
                answer: Answer = await handle.execute_update(
                    update, proven, id=update_id, result_type=Answer, rpc_timeout=PATIENCE
                )
                return answer
        except WorkflowUpdateFailedError as error:
            raise OrderRefused(str(error.cause or error).removeprefix(_REFUSED)) from None
        except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:
            raise TemporalUnavailable(type(error).__name__) from None
        except RPCError as error:
            raise _told(error) from None

    async def answered(self, lender: str, loan_id: str, update_id: str) -> Answer | None:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                handle = (await self._connect()).get_workflow_handle(workflow_id(lender, loan_id))
                known: Answer = await handle.get_update_handle(update_id, result_type=Answer).result(
                    rpc_timeout=PATIENCE
                )
                return known
        except WorkflowUpdateFailedError:
            return None
        except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:
            raise TemporalUnavailable(type(error).__name__) from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise _told(error) from None


def _proven(warrants: Warrants, workflow: str, update: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The order with its warrant. Raises OrderRefused for one that no loan would read."""
    try:
        return warranted(warrants, workflow, update, payload)
    except ValidationError:
        raise OrderRefused("not an order a loan reads") from None


def _told(error: RPCError) -> Exception:
    if error.status is RPCStatusCode.NOT_FOUND:
        return LoanNotRunning("the loan is not in collection")
    return TemporalUnavailable(str(error.status))
