"""Orders that never leave: no loan would read them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from config.master_keys import MasterKeys
from config.warrants import Warrants
from web.ports import OrderRefused
from web.temporal_orders import TemporalOrders


async def temporal() -> Any:
    """A client whose loans must not be asked anything."""
    return SimpleNamespace(get_workflow_handle=lambda name: SimpleNamespace(id=name))


async def test_an_order_that_no_loan_would_read_is_refused_and_not_sent() -> None:
    """Given a promise for a year of another age, when it is ordered, then it is refused in words and goes nowhere."""
    orders = TemporalOrders(temporal, Warrants(MasterKeys({"k1": bytes(range(32))}, "k1")))
    mistyped = {"amount_minor": 5_000, "date": "0026-03-10", "by": "account:1", "via": "agent"}

    with pytest.raises(OrderRefused, match="not an order a loan reads"):
        await orders.order("acme", "L1", "promise", mistyped)
