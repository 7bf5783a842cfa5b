"""Orders to a running loan, and what was answered to them before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.master_keys import MasterKeys
from config.warrants import Warrants
from tests.domain.simulated_loan import facts, strategy
from tests.workflows.skipping import stage
from web.ports import LoanNotRunning, OrderRefused
from web.temporal_orders import TemporalOrders

WARRANTS = Warrants(MasterKeys({"k1": bytes(range(32))}, "k1"))


async def test_what_an_order_came_to_is_known_by_its_id_and_a_refusal_or_nothing_is_not() -> None:
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1))
        await on.start(loan, strategy())

        async def connected() -> Any:
            return on.client

        orders = TemporalOrders(connected, WARRANTS)
        pause = {"until": (begin + timedelta(days=3)).isoformat()}
        before = await orders.answered(loan.lender, loan.loan_id, "api-1")
        first = await orders.order(loan.lender, loan.loan_id, "pause", pause, "api-1")
        with pytest.raises(OrderRefused):
            await orders.order(loan.lender, loan.loan_id, "pause", {"until": begin.isoformat()}, "api-2")

        assert before is None
        assert await orders.answered(loan.lender, loan.loan_id, "api-1") == first
        assert await orders.answered(loan.lender, loan.loan_id, "api-2") is None
        with pytest.raises(LoanNotRunning):
            await orders.order(loan.lender, "another", "pause", pause, "api-3")
        assert await orders.answered(loan.lender, "another", "api-3") is None
