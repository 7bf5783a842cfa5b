"""Calls that a rehearsal makes again while whoever answers them is away for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

T = TypeVar("T")

PATIENCE_SECONDS = 150.0
"""From the first try; whatever still fails then is raised."""
_PASSING = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call the Temporal server, which may be down for a moment. Raises RPCError at once where that is no reason."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            # The client's word for our own cancellation, too.
            current = asyncio.current_task()
            if (current and current.cancelling()) or asyncio.get_running_loop().time() > deadline:
                raise
        except RPCError as error:
            if error.status not in _PASSING or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.2)


async def patiently_read(question: Callable[[], T]) -> T:
    """Ask the records in a thread; they may be away for a moment."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(question)
        except DBAPIError:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.2)
