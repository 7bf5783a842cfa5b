"""`doctor` on messages to segments, and on every kind of workflow that a worker carries."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from commands import doctor_temporal
from commands.doctor_segments import look_at_sends
from records import loans, segment_sends
from records.database import Database
from records.tables import SegmentSend, SegmentSendState
from tests.records.portfolios import LENDER, enter, handed
from worker import WORKFLOWS

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


class Server:
    """Temporal: the state of each workflow it knows."""

    def __init__(self, **known: WorkflowExecutionStatus) -> None:
        self._known = known

    def get_workflow_handle(self, id: str) -> Any:
        async def describe() -> Any:
            name = id.removeprefix("send-")
            if name not in self._known:
                raise RPCError("unknown", RPCStatusCode.NOT_FOUND, b"")
            return SimpleNamespace(status=self._known[name])

        return SimpleNamespace(describe=describe)


@pytest.fixture
def records(tmp_path: Path, sqlite_template: Path) -> Database:
    shutil.copy(sqlite_template, tmp_path / "r.db")
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    with database.writing() as session:
        enter(session, [handed("L1")])
    return database


def order(records: Database, name: str, *, ordered: datetime = NOW - HOUR, until: datetime = NOW + 24 * HOUR) -> None:
    with records.writing() as session:
        send = SegmentSend(
            id=name,
            lender=LENDER,
            template="help_offer",
            channels=["sms"],
            condition="dpd > 0",
            until=until,
            rate_per_second=20,
            created_at=ordered,
        )
        ref = loans.get(session, LENDER, "L1").id
        assert ref is not None
        segment_sends.create(session, send, [(ref, 1)])


async def look(records: Database, **known: WorkflowExecutionStatus) -> dict[str, tuple[tuple[str, ...], str]]:
    found = await look_at_sends(Server(**known), records)  # type: ignore[arg-type]
    return {finding.check: (finding.subjects, finding.command) for finding in found}


async def test_a_message_that_nothing_carries_is_found_with_the_command_that_resumes_it(records: Database) -> None:
    """Given one that runs, one that was never started, one that was lost, and one that is being started now."""
    for name in ("carried", "never", "lost"):
        order(records, name)
    order(records, "now", ordered=datetime.now(UTC))

    found = await look(records, carried=WorkflowExecutionStatus.RUNNING, lost=WorkflowExecutionStatus.TERMINATED)

    subjects, command = found.pop("sends_not_running")
    assert set(subjects) == {"never", "lost"}
    assert command == f"starter.py campaign send --resume {subjects[0]}"
    assert found == {}


async def test_one_that_came_to_its_end_in_temporal_alone_is_not_to_be_resumed(records: Database) -> None:
    """Given records of before a stop, then what is found says nothing of resuming what was taken back."""
    order(records, "over")

    found = await look(records, over=WorkflowExecutionStatus.COMPLETED)

    (subjects, command) = found.pop("sends_ended_in_temporal")
    assert subjects == ("over",)
    assert "send-stop over" in command
    assert "--resume" not in command
    assert found == {}


async def test_one_whose_time_is_over_is_to_be_stopped(records: Database) -> None:
    order(records, "late", until=NOW - HOUR)

    assert await look(records) == {"sends_too_late": (("late",), "starter.py campaign send-stop late")}


@pytest.mark.parametrize("state", [SegmentSendState.FINISHED, SegmentSendState.STOPPED])
async def test_one_that_came_to_its_end_is_none(records: Database, state: SegmentSendState) -> None:
    order(records, "over")
    with records.writing() as session:
        segment_sends.set_state(session, "over", state)

    assert await look(records) == {}


@pytest.mark.parametrize("carried", WORKFLOWS)
def test_every_kind_of_workflow_a_worker_carries_is_looked_at(carried: type) -> None:
    name = workflow._Definition.must_from_class(carried).name

    assert f"WorkflowType='{name}'" in doctor_temporal.OURS
