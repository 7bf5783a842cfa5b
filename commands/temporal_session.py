"""One command's dealings with Temporal: connect, ask, tell, and leave cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from commands.console import Refused
from config.master_keys import master_keys
from config.settings import load_settings
from config.warrants import Warrants
from workflows.authority import MAY_NEED_WARRANTS, warranted
from workflows.connection import NoTemporal, connect

T = TypeVar("T")
PATIENCE = timedelta(seconds=15)
"""How long a worker may take to answer an operator."""

_GONE = {RPCStatusCode.NOT_FOUND}
_NO_ANSWER = {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.FAILED_PRECONDITION}


class NotRunning(Exception):
    """No such workflow runs; it has ended or never began."""


class RefusedByLoan(Refused):
    """The workflow answered that it does not take the order; any other Refused may mean that it takes it later."""


def with_temporal(work: Callable[[Client], Awaitable[T]]) -> T:
    """Connect, do `work`, and leave. Raises NoTemporal."""

    async def session() -> T:
        try:
            return await work(await connect())
        except RPCError as error:
            raise NoTemporal(_told(error)) from None
        finally:
            # The SDK's threads need a moment, or the interpreter may abort while it exits (sdk-python#300).
            await asyncio.sleep(0.05)

    return asyncio.run(session())


def where(client: Client) -> str:
    """Which Temporal a client speaks to, as people name it."""
    return f"{client.service_client.config.target_host} (namespace {client.namespace})"


async def tell(handle: WorkflowHandle[Any, Any], update: str, *arguments: object, id: str | None = None) -> str:
    """Send an update and give its answer in a sentence, with a warrant where it takes one.

    Raises Refused (RefusedByLoan where the workflow says no), NotRunning.

    Who acts was checked before, see `commands/acting.py`.
    """
    if update in MAY_NEED_WARRANTS:
        settings = load_settings()
        warrants = Warrants(master_keys(settings.encryption, settings.database_url))
        arguments = tuple(warranted(warrants, handle.id, update, each) for each in arguments if isinstance(each, dict))
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            answer = await handle.execute_update(update, args=list(arguments), id=id, rpc_timeout=PATIENCE)
    except WorkflowUpdateFailedError as error:
        raise RefusedByLoan(str(error.cause or error)) from None
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
        raise Refused(_MAYBE_LATER) from None
    except RPCError as error:
        if error.status in _GONE:
            raise NotRunning from None
        if error.status in _NO_ANSWER:
            raise Refused(_MAYBE_LATER) from None
        raise
    return str(answer.get("detail", "done")) if isinstance(answer, dict) else "done"


async def ask(handle: WorkflowHandle[Any, Any], query: str, result_type: type[T]) -> T:
    """The answer of a query. Raises Refused when no worker answers, NotRunning."""
    try:
        answer: T = await handle.query(query, result_type=result_type, rpc_timeout=PATIENCE)
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        raise Refused(f"{handle.id} cannot answer: {str(error)[:160]}") from None
    except RPCError as error:
        if error.status in _GONE:
            raise NotRunning from None
        if error.status in _NO_ANSWER:
            raise Refused(_NO_WORKER) from None
        raise
    return answer


def _told(error: RPCError) -> str:
    status = error.status.name.lower()
    if error.status in _AWAY:
        return f"Temporal does not answer ({status}): try again"
    return f"Temporal refuses ({status}): {str(error).splitlines()[0][:200]}"


_AWAY = {RPCStatusCode.UNAVAILABLE, *_NO_ANSWER}
_NO_WORKER = f"no worker answered within {PATIENCE.seconds} s: is one running (`worker.py`)?"
_MAYBE_LATER = f"{_NO_WORKER} What was asked may still be done when one starts"
