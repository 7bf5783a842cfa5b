"""Starting loans on a real server: a loan that was handed over again is never mistaken for its last run."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.client import Client

from activities.campaign_orders import LoanStart
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
