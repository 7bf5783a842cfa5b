"""What the records must know of a loan, written in order and each entry at most once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.capabilities import Ledger
    from activities.orders import LedgerOrder
    from domain.collection import written
    from domain.ledger_entries import LedgerEntry
    from domain.loan_snapshot import snapshot
    from workflows.running_loan import RunningLoan

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
BATCH = 200
"""Entries written at once: a burst of news must not grow an order beyond what a payload may hold."""
RESTS = timedelta(minutes=10)


class LedgerWriter:
    def __init__(self, loan: RunningLoan) -> None:
        self._loan = loan
        self._writing = asyncio.Lock()

    async def write(self) -> None:
        """Empty the outbox, however long the records refuse it."""
        async with self._writing:
            while self._loan.state.outbox:
                entries = self._loan.state.outbox[:BATCH]
                try:
                    await self._write_entries(entries)
                except ActivityError as failure:
                    if isinstance(failure.cause, CancelledError):
                        raise
                    await workflow.sleep(RESTS, summary="the records refused what happened: tried again")
                    continue
                self._loan.state = written(self._loan.state, len(entries))

    async def _write_entries(self, entries: tuple[LedgerEntry, ...]) -> None:
        state = self._loan.state
        await workflow.execute_activity_method(
            Ledger.write,
            LedgerOrder(
                lender=state.facts.lender,
                loan_id=state.facts.loan_id,
                entry=state.facts.entry,
                entries=entries,
                first_entry=state.entries_written,
                final_state=snapshot(state) if state.end is not None else None,
            ),
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RETRY,
            summary=", ".join(dict.fromkeys(entry.entry for entry in entries)),
        )
