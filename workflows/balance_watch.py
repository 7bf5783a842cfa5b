"""The watch over a borrower's balance, as one loan keeps it: on while it is wanted, changed when the loan changes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.capabilities import Balances
    from activities.orders import WatchOrder, WatchReport
    from domain.events.balance import FundsSeen, WatchEnded
    from domain.loan_state import LoanState
    from domain.watching import watch_not_before, watch_threshold, watch_wanted
    from workflows.running_loan import RunningLoan

RETRY = RetryPolicy(initial_interval=timedelta(seconds=30), maximum_interval=timedelta(hours=1))
WATCHES_BESIDE_KEPT_BACK = "2026-11-30-watches-beside-kept-back"
"""Of runs that met it before, a debit that an agreement keeps back rested the balance watch: see `watch_wanted`."""


class BalanceWatch:
    def __init__(self, loan: RunningLoan) -> None:
        self._loan = loan
        self._watching: asyncio.Task[None] | None = None
        self._order: WatchOrder | None = None

    @property
    def on(self) -> bool:
        return self._watching is not None

    def mind(self) -> None:
        """Start, stop or change the watch; one that goes on as it is stays untouched."""
        wanted = _order_of(self._loan.state)
        if wanted == self._order:
            return
        if self._watching is not None:
            self._watching.cancel()
        self._order = wanted
        self._watching = asyncio.create_task(self._watch(wanted)) if wanted is not None else None

    async def _watch(self, order: WatchOrder) -> None:
        """One activity for the whole watch: it asks to be tried again, which leaves nothing in the history."""
        try:
            report = await workflow.execute_activity_method(
                Balances.watch,
                order,
                start_to_close_timeout=timedelta(minutes=1),
                retry_policy=RETRY,
                summary=f"Balance watch, {order.reads_per_day} reads a day",
            )
        except ActivityError as failure:
            if isinstance(failure.cause, CancelledError):
                return
            report = WatchReport(over="the balance could not be read")
        except ValidationError:
            report = WatchReport(over="the watch answered something unreadable")
        if self._watching is not asyncio.current_task():
            return
        self._watching, self._order = None, None
        if report.funds_seen_at is not None:
            self._loan.apply(FundsSeen(read_at=report.funds_seen_at))
        else:
            self._loan.apply(WatchEnded(reason=report.over or "the watch is over"))


def _order_of(state: LoanState) -> WatchOrder | None:
    watch = state.strategy.watch
    if watch is None or not _wanted(state):
        return None
    return WatchOrder(
        lender=state.facts.lender,
        loan_id=state.facts.loan_id,
        threshold=watch_threshold(state),
        reads_per_day=watch.reads_per_day,
        not_before=watch_not_before(state),
    )


def _wanted(state: LoanState) -> bool:
    if not watch_wanted(state):
        return False
    # Asked only where it matters: no other loan's history gains an event.
    return watch_wanted(state, beside_kept_back_debit=False) or workflow.patched(WATCHES_BESIDE_KEPT_BACK)
