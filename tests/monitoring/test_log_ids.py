"""Every line of a loan's workflow and activities names the loan."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from activities.log_ids import LogIds
from activities.orders import WatchOrder
from config.logs import set_up_logs
from domain.entering import enter
from domain.loans import LoanFacts
from domain.strategy import WholeThreshold
from tests.activities.servers import temporal_server
from tests.records.portfolios import STRATEGY
from workflows.log_subject import subject
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner

FACTS = LoanFacts(
    lender="acme",
    loan_id="L-1",
    country="ES",
    currency="EUR",
    amount_due_minor=100,
    due_date=date(2026, 2, 20),
    campaign="c1",
)


@activity.defn
async def looks(order: WatchOrder) -> None:
    logging.getLogger("any").warning("in the activity")


@workflow.defn
class Logs:
    def __init__(self) -> None:
        self._state = enter(FACTS, STRATEGY, datetime(2026, 3, 2, tzinfo=UTC))

    @workflow.run
    async def run(self) -> None:
        logging.getLogger("any").warning("in the workflow")
        order = WatchOrder(lender="acme", loan_id="L-1", threshold=WholeThreshold(), reads_per_day=4, not_before=None)
        await workflow.execute_activity(looks, order, start_to_close_timeout=timedelta(seconds=5))


@pytest.fixture(autouse=True)
def the_logs_of_others() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level


async def test_lines_name_loan_and_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(json=True, subject=subject)
    with temporal_server() as address:
        client = await Client.connect(address, data_converter=compact_data_converter)
        async with Worker(
            client,
            task_queue="q",
            workflows=[Logs],
            activities=[looks],
            workflow_runner=workflow_runner(),
            interceptors=[LogIds()],
        ):
            await client.execute_workflow(Logs.run, id="loan-acme-L-1", task_queue="q")

    lines = {line["event"]: line for line in map(json.loads, capsys.readouterr().err.splitlines())}
    of_workflow, of_activity = lines["in the workflow"], lines["in the activity"]
    for line in (of_workflow, of_activity):
        assert (line["lender"], line["loan_id"], line["workflow_id"]) == ("acme", "L-1", "loan-acme-L-1")
    assert of_workflow["campaign_id"] == "c1"
    assert (of_activity["activity"], of_activity["attempt"]) == ("looks", 1)
