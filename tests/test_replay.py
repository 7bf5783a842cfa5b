"""Loans that are running when the code changes must go on: recorded histories replay against today's workflow.

When one fails, do not record it again: the file stands for loans out there. Guard the change with
`workflow.patched("...")` so that old runs keep the order of commands they began with.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workflows.loan import LoanCollection
from workflows.runner import workflow_runner

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def replayer() -> Replayer:
    return Replayer(
        workflows=[LoanCollection], workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
    )


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_recorded_loan_replays(file: Path) -> None:
    history = WorkflowHistory.from_json("loan-demo-L1", file.read_text())
    await replayer().replay_workflow(history)


async def test_another_order_of_commands_is_noticed() -> None:
    told = json.loads((Path(__file__).parent / "histories" / "cured_by_watch.json").read_text())
    ordered = [
        e["activityTaskScheduledEventAttributes"] for e in told["events"] if "activityTaskScheduledEventAttributes" in e
    ]
    next(order for order in ordered if order["activityType"]["name"] == "contact")["activityType"]["name"] = (
        "write_ledger"
    )
    with pytest.raises(Exception, match=r"[Nn]ondeterminism"):
        await replayer().replay_workflow(WorkflowHistory.from_json("loan-demo-L1", told))


def test_the_recordings_cover_the_ways_a_loan_goes() -> None:
    assert {file.stem for file in HISTORIES} >= {
        "cured_by_watch",
        "decided_by_agent",
        "not_cured",
        "reversed_while_the_receipt_waits",
        "paused",
        "opted_out",
    }
