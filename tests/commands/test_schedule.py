"""`schedule list`: somebody must look where the last daily run did not come to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from typer.testing import CliRunner

from commands import schedule, temporal_session
from starter import app

FINE = {"job": "refunds", "told": "0 of 0 approved refunds given back", "wrong": False}


@pytest.fixture
def last_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Callable[[str, list[dict[str, Any]]], Any]:
    """What `schedule list` says when the last run stands so, a day after one that went well."""
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path / 'records.db'}")

    async def connect() -> object:
        return object()

    def say(state: str, reports: list[dict[str, Any]], *words: str, jobs_missing: Sequence[str] = ()) -> Any:
        def run(at: str, state: str, reports: list[dict[str, Any]]) -> dict[str, Any]:
            return {"started_at": at, "workflow": "daily-recobro", "state": state, "reports": reports}

        runs = [run("2026-11-30T06:30:00Z", "completed", [FINE]), run("2026-12-01T06:30:00Z", state, reports)]
        told: dict[str, Any] = {
            "id": "daily-recobro",
            "zone": "UTC",
            "next_at": "2026-12-02T06:30:00Z",
            "paused": False,
        }
        told |= {"jobs_missing": jobs_missing}

        async def described(_client: object, _queue: str) -> dict[str, Any]:
            return {"schedule": told, "runs": runs}

        monkeypatch.setattr(schedule, "_described", described)
        return CliRunner().invoke(app, ["schedule", "list", *words])

    monkeypatch.setattr(temporal_session, "connect", connect)
    return say


@pytest.mark.parametrize("state", ["failed", "terminated", "timed_out", "canceled"])
def test_a_run_that_did_not_come_to_its_end_wants_a_look(last_run: Callable[..., Any], state: str) -> None:
    said = last_run(state, [])

    assert said.exit_code == 1
    assert state in said.stdout
    assert "look at it" in said.stdout
    told = last_run(state, [], "--json")
    assert (told.exit_code, json.loads(told.stdout)["runs"][-1]["state"]) == (1, state)


def test_so_does_one_whose_job_found_something(last_run: Callable[..., Any]) -> None:
    assert last_run("completed", [FINE, FINE | {"wrong": True}]).exit_code == 1


@pytest.mark.parametrize(("state", "reports"), [("completed", [FINE]), ("running", []), ("no longer kept", [])])
def test_one_that_went_well_or_still_goes_on_does_not(
    last_run: Callable[..., Any], state: str, reports: list[dict[str, Any]]
) -> None:
    said = last_run(state, reports)

    assert said.exit_code == 0
    assert "look at it" not in said.stdout


def test_a_schedule_from_before_an_upgrade_is_told_with_the_jobs_it_lacks(last_run: Callable[..., Any]) -> None:
    said = last_run("completed", [FINE], jobs_missing=["spent_keys"])

    assert said.exit_code == 1
    assert "lacks jobs of this version: spent_keys; `schedule create` adds them and keeps its time" in said.stdout
    told = last_run("completed", [FINE], "--json", jobs_missing=["spent_keys"])
    assert json.loads(told.stdout)["schedule"]["jobs_missing"] == ["spent_keys"]
