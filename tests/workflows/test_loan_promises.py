"""A promise on the real workflow: an update with an answer, a signal that is never lost, plain JSON both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from domain.agreements.model import REMINDER
from tests.domain.simulated_loan import PROMISES, facts, strategy
from tests.workflows.skipping import failed_tasks, replays, stage


async def test_a_promise_is_answered_kept_and_told_to_the_records() -> None:
    async with stage() as on:
        begin = await on.morning()
        handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(promises=PROMISES))
        day = (begin + timedelta(days=6)).date()
        order = {"amount_minor": 30_000, "date": day.isoformat(), "by": "keypad", "via": "keypad"}
        order |= {"evidence": {"at": begin.isoformat(), "message_id": "CA1", "text_sha256": "0" * 64}}

        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("promise", {**order, "date": (begin - timedelta(days=3)).date().isoformat()})
        answer = await handle.execute_update("promise", order)
        await handle.signal("promise_made", order)
        await on.pass_days(5.5)
        status = await handle.query("status")
        paid = {"amount_minor": 30_000, "currency": "EUR", "paid_at": (await on.now()).isoformat()}
        await handle.signal("payment_received", {"payment_id": "p-1", "provider": "stripe", **paid})
        result = await handle.result()

        assert str(refused.value.cause) == "refused: the date lies in the past"
        assert answer == {"accepted": True, "detail": f"promise 1: 300.00 EUR by {day}", "agreement": 1}
        assert status["hold"] == f"promise 1 until {day}"
        assert status["agreement"]["state"] == "open"
        assert on.world.sent() == [REMINDER, "receipt"]
        assert (result.end, result.balance_minor) == ("cured", 0)
        told = [entry for entry in on.world.entries if entry.entry == "agreement"]
        assert [entry.change for entry in told] == ["agreed", "kept"]
        assert told[0].agreement.evidence is not None
        assert await failed_tasks(handle) == []
        await replays(handle)
