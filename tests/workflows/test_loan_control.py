"""Starting and instructing loans through a client: what is one loan's own matter, and what is the server's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.campaign_orders import Instruction, InstructOrder, LoanStart
from records.facts import LoanAsEntered
from tests.activities.servers import temporal_server
from tests.workflows.skipping import facts, strategy
from workflows.loan_control import TemporalLoans
from workflows.payload_json import compact_data_converter

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def test_a_loan_whose_last_run_still_sends_its_receipt_is_not_taken_for_started() -> None:
    with temporal_server() as address:
        client = await Client.connect(address, data_converter=compact_data_converter)
        loans = TemporalLoans(client, "nobody-polls-here")
        loan = facts(entry=1)

        # Given a loan that runs.
        assert await loans.start(LoanAsEntered(loan, strategy(), ()), NOW) is LoanStart.STARTED

        # When it is started again, for the same hand-over and for the next one.
        same = await loans.start(LoanAsEntered(loan, strategy(), ()), NOW)
        handed_over_again = loan.model_copy(update={"entry": 2})
        next_one = await loans.start(LoanAsEntered(handed_over_again, strategy(), ()), NOW)

        # Then the first is the running one, and the second must wait.
        assert same is LoanStart.RUNNING_ALREADY
        assert next_one is LoanStart.STILL_CLOSING


@pytest.mark.parametrize(
    ("status", "why"),
    [(RPCStatusCode.NOT_FOUND, "the loan has ended"), (RPCStatusCode.FAILED_PRECONDITION, "its workflow tasks fail")],
)
async def test_a_loan_whose_code_fails_refuses_an_order_as_one_that_has_ended_does(
    monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode, why: str
) -> None:
    """Temporal answers so at once, however often it is asked: the loans behind it must not wait for that."""
    assert why in str(await refusal(monkeypatch, status))


async def test_a_server_that_is_away_is_no_loans_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RPCError):
        await refusal(monkeypatch, RPCStatusCode.UNAVAILABLE)


async def refusal(monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode) -> str | None:
    """What is made of Temporal's answer to a campaign's order."""

    async def fails(*_given: Any, **_more: Any) -> None:
        raise RPCError("no", status, b"")

    monkeypatch.setattr(WorkflowHandle, "execute_update", fails)
    client = await Client.connect("127.0.0.1:1", lazy=True)
    order = InstructOrder(campaign_id="c1", number=1, instruction=Instruction.RESUME)
    return await TemporalLoans(client, "recobro").instruct("demo", "L1", order)
