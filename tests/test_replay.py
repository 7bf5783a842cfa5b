"""Loans and campaigns that are running when the code changes must go on: what every release recorded replays today.

When one fails, do not record it again: the file stands for loans out there. Guard the change with
`workflow.patched("...")` so that old runs keep the order of commands they began with.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from config.strategies import list_strategies
from tests.histories.campaign_stories import CAMPAIGNS
from tests.histories.record import STORIES
from workflows.campaign import Campaign
from workflows.loan import LoanCollection
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner

RELEASES = sorted(file.parent for file in (Path(__file__).parent / "histories").glob("*/release.json"))
HISTORIES = [file for release in RELEASES for file in sorted(release.glob("*.json")) if file.name != "release.json"]


def replayer() -> Replayer:
    return Replayer(
        workflows=[LoanCollection, Campaign], workflow_runner=workflow_runner(), data_converter=compact_data_converter
    )


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_what_a_release_recorded_replays(file: Path) -> None:
    await replayer().replay_workflow(WorkflowHistory.from_json("recorded", file.read_text()))


async def test_another_order_of_commands_is_noticed() -> None:
    told = json.loads((RELEASES[0] / "cured_by_watch.json").read_text())
    ordered = [
        e["activityTaskScheduledEventAttributes"] for e in told["events"] if "activityTaskScheduledEventAttributes" in e
    ]
    next(order for order in ordered if order["activityType"]["name"] == "contact")["activityType"]["name"] = (
        "write_ledger"
    )
    with pytest.raises(Exception, match=r"[Nn]ondeterminism"):
        await replayer().replay_workflow(WorkflowHistory.from_json("recorded", told))


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_a_release_kept_every_way_a_loan_goes_open_and_closed(release: Path) -> None:
    kept = {file.stem for file in release.glob("*.json")}
    last = [json.loads(file.read_text())["events"][-1]["eventType"] for file in HISTORIES if file.parent == release]
    assert kept >= {"cured_by_watch", "decided_by_agent", "not_cured", "paused", "opted_out", "started_afresh"}
    assert any(event.endswith("WORKFLOW_EXECUTION_COMPLETED") for event in last)
    assert any(not event.endswith("WORKFLOW_EXECUTION_COMPLETED") for event in last)


def test_a_new_release_will_record_every_shipped_strategy_and_campaigns() -> None:
    wanted = {
        f"{found.strategy.name.replace('-', '_')}_{how}" for found in list_strategies() for how in ("open", "closed")
    }
    assert wanted <= set(STORIES)
    assert CAMPAIGNS
