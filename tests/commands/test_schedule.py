"""`schedule`: who must look at the daily run, and what becomes of one that is paused, under way or under an old key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from typer.testing import CliRunner

from commands import schedule, temporal_session
from config.master_keys import new_key
from starter import app
from tests.activities.servers import temporal_server

FINE = {"job": "refunds", "told": "0 of 0 approved refunds given back", "wrong": False}


@pytest.fixture
def last_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Callable[[str, list[dict[str, Any]]], Any]:
    """What `schedule list` says when the last run stands so, a day after one that went well."""
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path / 'records.db'}")

    async def connect() -> object:
        return object()

    def say(
        state: str, reports: list[dict[str, Any]], *words: str, jobs_missing: Sequence[str] = (), paused: bool = False
    ) -> Any:
        def run(at: str, state: str, reports: list[dict[str, Any]]) -> dict[str, Any]:
            return {"started_at": at, "workflow": "daily-recobro", "state": state, "reports": reports}

        runs = [run("2026-11-30T06:30:00Z", "completed", [FINE]), run("2026-12-01T06:30:00Z", state, reports)]
        told: dict[str, Any] = {
            "id": "daily-recobro",
            "at": "06:30",
            "zone": "UTC",
            "next_at": "2026-12-02T06:30:00Z",
            "paused": paused,
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


def test_a_paused_schedule_is_told_and_wants_a_look(last_run: Callable[..., Any]) -> None:
    said = last_run("completed", [FINE], paused=True)

    assert said.exit_code == 1
    assert "paused, else at 06:30 (UTC)" in said.stdout
    assert "next at" not in said.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with temporal_server() as address:
        yield address


class Daily:
    """One installation's daily run on a real server, which no worker serves."""

    def __init__(self, address: str, queue: str, tmp_path: Any) -> None:
        self._address = address
        self.id = f"daily-{queue}"
        self.settings = {
            "TEMPORAL_ADDRESS": address,
            "RECOBRO_TASK_QUEUE": queue,
            "RECOBRO_DATABASE_URL": f"sqlite:///{tmp_path / 'records.db'}",
        }

    async def said(self, *words: str, **more: str) -> Any:
        run = CliRunner(env={**self.settings, **more})
        return await asyncio.to_thread(run.invoke, app, ["schedule", *words])

    async def client(self) -> Client:
        return await Client.connect(self._address)

    async def run_under_way(self) -> str:
        """Its id, once the schedule tells of it."""
        handle = (await self.client()).get_schedule_handle(self.id)
        while not (running := (await handle.describe()).info.running_actions):
            await asyncio.sleep(0.05)
        return running[0].workflow_id  # type: ignore[attr-defined, no-any-return]


async def test_a_run_under_way_is_named_when_its_schedule_goes_and_ended_when_told(server: str, tmp_path: Any) -> None:
    """Given a run that waits for a worker, when its schedule is removed, then it is named; told to end it, before or
    after, nothing of it is left that a worker could go on with."""
    daily = Daily(server, "removed", tmp_path)
    await daily.said("create", "--now")
    run = (await daily.client()).get_workflow_handle(await daily.run_under_way())

    removed = await daily.said("remove")
    before = (await run.describe()).status
    ended = await daily.said("remove", "--end-run")

    assert removed.exit_code == 1
    assert f"{run.id} is under way and goes on" in removed.stdout
    assert before is WorkflowExecutionStatus.RUNNING
    assert (ended.exit_code, f"{run.id} was under way and is ended" in ended.stdout) == (0, True)
    assert (await run.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert (await daily.said("remove", "--end-run")).exit_code == 2


async def test_a_schedule_and_its_run_are_ended_in_one(server: str, tmp_path: Any) -> None:
    daily = Daily(server, "at-once", tmp_path)
    await daily.said("create", "--now")
    run = await daily.run_under_way()

    told = await daily.said("remove", "--end-run", "--json")

    assert told.exit_code == 0
    assert json.loads(told.stdout) == {"schedule": None, "runs": [], "ended": [run], "under_way": []}


async def test_a_schedule_somebody_paused_stays_paused_when_it_is_changed(server: str, tmp_path: Any) -> None:
    daily = Daily(server, "paused", tmp_path)
    await daily.said("create")
    await (await daily.client()).get_schedule_handle(daily.id).pause(note="until the bank is mended")

    changed = await daily.said("create", "--at", "07:15")
    told = await daily.said("list", "--json")

    assert "paused, else at 07:15 (UTC)" in changed.stdout
    schedule = json.loads(told.stdout)["schedule"]
    assert (told.exit_code, schedule["paused"], schedule["at"]) == (1, True, "07:15")


async def test_after_a_change_of_keys_the_schedule_says_what_it_lacks_and_is_made_anew(
    server: str, tmp_path: Any
) -> None:
    """Given a schedule made under a key that was taken away, when it is listed, then one line says why its runs stand
    still and what to do; made again without more it keeps its time and is read under the new key."""
    daily = Daily(server, "keys", tmp_path)
    (old, old_key), (new, key) = new_key(), new_key()

    def under(key_id: str, key: str) -> dict[str, str]:
        return {
            "RECOBRO_ENCRYPTION__PAYLOADS": "true",
            "RECOBRO_ENCRYPTION__KEYS": json.dumps({key_id: key}),
            "RECOBRO_ENCRYPTION__ACTIVE_KEY": key_id,
        }

    await daily.said("create", "--at", "07:15", **under(old, old_key))

    lost = await daily.said("list", **under(new, key))
    made = await daily.said("create", **under(new, key))
    told = await daily.said("list", "--json", **under(new, key))

    assert lost.exit_code == 2
    assert "cannot be read" in lost.stderr
    assert "`schedule create` writes it anew" in lost.stderr
    assert made.exit_code == 0
    assert told.exit_code == 0
    assert "T07:15" in json.loads(told.stdout)["schedule"]["next_at"]
