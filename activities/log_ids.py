"""The ids that every log line of an activity carries."""

from __future__ import annotations

from typing import Any

import structlog
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_NAMES = ("lender", "loan_id", "campaign_id")


class LogIds(Interceptor):
    """Binds the loan's or campaign's ids, as the activity's order names them, to whatever is logged meanwhile."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Binding(next)


class _Binding(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # whatever the activity answers
        info = activity.info()
        ids = {"workflow_id": info.workflow_id, "activity": info.activity_type, "attempt": info.attempt}
        for order in input.args:
            ids |= {name: value for name in _NAMES if isinstance(value := getattr(order, name, None), str)}
        with structlog.contextvars.bound_contextvars(**ids):
            return await super().execute_activity(input)
