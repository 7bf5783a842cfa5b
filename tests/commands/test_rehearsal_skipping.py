"""A stop of a workflow's clock is set once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from commands.rehearsal_skipping import TimeSkipping

LOST = RPCError("the answer was lost", RPCStatusCode.UNAVAILABLE, b"")
WAITING = RPCError("it is not reached yet", RPCStatusCode.DEADLINE_EXCEEDED, b"")
ANOTHERS = SimpleNamespace(failed_reason="fast_forward_id does not match", fast_forward_polling_result=0)
REACHED = SimpleNamespace(failed_reason="", fast_forward_polling_result=1)


class Server:
    """Loses the answer to the first stop that is set, and is asked for it then; `says` what it answers each time."""

    namespace = "default"

    def __init__(self, says: Sequence[Any]) -> None:
        self.set: list[Any] = []
        self._says = list(says)
        self.workflow_service = SimpleNamespace(poll_workflow_execution_time_skipping=self._poll)

    def get_workflow_handle(self, workflow_id: str) -> str:
        return workflow_id

    async def _update_time_skipping_config(self, handle: str, config: Any) -> None:
        self.set.append(config)
        if len(self.set) == 1:
            raise LOST

    async def _poll(self, request: Any, *, timeout: timedelta | None = None) -> Any:
        told = self._says.pop(0)
        if isinstance(told, Exception):
            raise told
        return told


@pytest.mark.parametrize(
    ("says", "times"), [([WAITING], 1), ([REACHED], 1), ([LOST, WAITING], 1), ([ANOTHERS], 2), ([LOST, ANOTHERS], 2)]
)
async def test_a_stop_whose_answer_was_lost_is_set_again_only_where_the_server_does_not_know_it(
    says: list[Any], times: int
) -> None:
    server = Server(says)
    skipping = object.__new__(TimeSkipping)
    skipping._client = skipping._skipper = server  # type: ignore[assignment]

    assert await skipping.skip("loan-1", timedelta(days=3)) is not None

    assert len(server.set) == times
