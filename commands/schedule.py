"""`schedule`: the daily run as a Temporal Schedule, so that nobody has to set a timer up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from commands import configuration
from commands.console import JsonOption, Refused, iso, operator_app, print_json, table, terminal

if TYPE_CHECKING:
    from collections.abc import Collection

    from temporalio.client import Client, Schedule

    from activities.daily_orders import DayJob

app = operator_app("The daily run: bank files, debits, gateways' lists, refunds, consents, by itself every morning.")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_AT, _ZONE = "06:30", "UTC"
"""Of a schedule that is new and was told neither."""
_LAST = 5
_IN_ORDER = frozenset({"completed", "running", "no longer kept"})


def schedule_id(task_queue: str) -> str:
    return f"daily-{task_queue}"


@app.command()
def create(
    at: Annotated[str | None, typer.Option(help="When, by that zone's clock; else as it is, at first 06:30.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="Whose clock and day, such as Europe/Madrid; else as it is, at first UTC.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Also run it once at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Have the daily run done by itself; one that is there already is changed to this, and gets the jobs it lacks.

    It takes in what the bank sent and the statements in folders, hands over the day's debits, compares yesterday's
    payments with the gateways' lists, gives back approved refunds, asks how consents stand and destroys keys whose time
    is over. A run that was missed while Temporal was away is made up for within the day; two never run at once.

    Example: starter.py schedule create --at 06:30 --zone Europe/Madrid
    """
    from commands.temporal_session import with_temporal

    if at is not None and _TIME.fullmatch(at) is None:
        raise Refused(f"--at: {at!r}: expected a time of day such as 06:30")
    try:
        ZoneInfo(zone or _ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused(f"--zone: {zone!r}: expected a zone such as Europe/Madrid") from None
    queue = configuration.settings().task_queue

    async def work(client: Client) -> dict[str, Any]:
        present_at, present_zone = await _present(client, queue)
        hour, minute = map(int, (at or present_at).split(":"))
        await _create(client, queue, hour, minute, zone or present_zone, now)
        return await _described(client, queue)

    _say(with_temporal(work), as_json)


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """Show the daily run: when it comes next, and what came of the last ones.

    Exit code 1: something of the last one wants a look, or it did not come to its end, or the schedule was made by an
    earlier version and lacks a job of this one: `schedule create` without more adds it.

    Example: starter.py schedule list
    """
    from commands.temporal_session import with_temporal

    queue = configuration.settings().task_queue
    told = with_temporal(lambda client: _described(client, queue))
    _say(told, as_json)
    if told["schedule"]["jobs_missing"] or any(wants_a_look(run) for run in told["runs"][-1:]):
        raise typer.Exit(1)


def wants_a_look(run: dict[str, Any]) -> bool:
    """Whether somebody has to look at a run: one that failed, timed out or was ended, or whose jobs found something.

    Any: a run as `schedule list --json` tells it.
    """
    return run["state"] not in _IN_ORDER or any(report["wrong"] for report in run["reports"])


@app.command()
def remove(as_json: JsonOption = False) -> None:
    """Do the daily run by itself no more; one that is under way ends.

    Example: starter.py schedule remove
    """
    from temporalio.service import RPCError, RPCStatusCode

    from commands.temporal_session import with_temporal

    queue = configuration.settings().task_queue

    async def work(client: Client) -> bool:
        try:
            await client.get_schedule_handle(schedule_id(queue)).delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    if not with_temporal(work):
        raise Refused("there is no daily run")
    if as_json:
        print_json({"schedule": None, "runs": []})
    else:
        typer.echo("the daily run is removed")


async def _create(client: Client, queue: str, hour: int, minute: int, zone: str, at_once: bool) -> None:
    from datetime import timedelta

    from temporalio.client import (
        Schedule,
        ScheduleActionStartWorkflow,
        ScheduleAlreadyRunningError,
        ScheduleCalendarSpec,
        ScheduleOverlapPolicy,
        SchedulePolicy,
        ScheduleRange,
        ScheduleSpec,
        ScheduleUpdate,
    )

    from workflows.daily_work import Daily, DailyInput

    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            Daily.run,
            DailyInput(zone=zone),
            id=schedule_id(queue),
            task_queue=queue,
            static_summary="The daily run: bank files, debits, gateways' lists, refunds, consents",
        ),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(hour)], minute=[ScheduleRange(minute)])],
            time_zone_name=zone,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=20)),
    )
    handle = client.get_schedule_handle(schedule_id(queue))
    try:
        handle = await client.create_schedule(schedule_id(queue), schedule)
    except ScheduleAlreadyRunningError:
        await handle.update(lambda _: ScheduleUpdate(schedule=schedule))
    if at_once:
        await handle.trigger()


async def _present(client: Client, queue: str) -> tuple[str, str]:
    """When the daily run comes, as --at, and whose clock that is; of none yet the defaults."""
    from temporalio.service import RPCError, RPCStatusCode

    try:
        spec = (await client.get_schedule_handle(schedule_id(queue)).describe()).schedule.spec
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return _AT, _ZONE
    if not spec.calendars:
        return _AT, spec.time_zone_name or _ZONE
    calendar = spec.calendars[0]
    return f"{calendar.hour[0].start:02}:{calendar.minute[0].start:02}", spec.time_zone_name or _ZONE


async def _described(client: Client, queue: str) -> dict[str, Any]:
    """The schedule and its last runs, oldest first. Raises Refused: there is none."""
    from temporalio.client import ScheduleActionExecutionStartWorkflow, WorkflowExecutionStatus
    from temporalio.service import RPCError, RPCStatusCode

    from activities.daily_orders import DayJob
    from workflows.daily_work import Daily

    try:
        found = await client.get_schedule_handle(schedule_id(queue)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused("there is no daily run: make one with `schedule create`") from None
        raise
    runs: list[dict[str, Any]] = []
    for action in found.info.recent_actions[-_LAST:]:
        started = action.action
        if not isinstance(started, ScheduleActionExecutionStartWorkflow):
            continue
        handle = client.get_workflow_handle_for(
            Daily.run, started.workflow_id, first_execution_run_id=started.first_execution_run_id
        )
        run: dict[str, Any] = {"started_at": iso(action.started_at), "workflow": started.workflow_id, "reports": []}
        try:
            status = (await handle.describe()).status
            run["state"] = status.name.lower() if status is not None else "unknown"
            if status is WorkflowExecutionStatus.COMPLETED:
                result = await handle.result()
                run["reports"] = [one.model_dump(mode="json") for one in result.reports]
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            run["state"] = "no longer kept"
        runs.append(run)
    coming = found.info.next_action_times
    kept = await _jobs(client, found.schedule)
    told = {
        "id": found.id,
        "zone": found.schedule.spec.time_zone_name,
        "next_at": iso(coming[0]) if coming else None,
        "paused": found.schedule.state.paused,
        "jobs_missing": [job.value for job in DayJob if job not in kept],
    }
    return {"schedule": told, "runs": runs}


async def _jobs(client: Client, schedule: Schedule) -> Collection[DayJob]:
    """What a described schedule has its runs do."""
    from temporalio.client import ScheduleActionStartWorkflow

    from workflows.daily_work import DailyInput

    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    [given] = await client.data_converter.decode(list(schedule.action.args), [DailyInput])
    return given.jobs  # type: ignore[no-any-return]


def _say(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    schedule = told["schedule"]
    typer.echo(f"{schedule['id']}: next at {schedule['next_at']} ({schedule['zone']})")
    if schedule["jobs_missing"]:
        missing = ", ".join(schedule["jobs_missing"])
        typer.echo(f"it lacks jobs of this version: {missing}; `schedule create` adds them and keeps its time")
    shown = table("run", "state", "job", "", "what came of it")
    for run in told["runs"]:
        for report in run["reports"] or [{"job": "", "wrong": wants_a_look(run), "told": ""}]:
            mark = "look at it" if report["wrong"] else ""
            shown.add_row(run["started_at"], run["state"], report["job"], mark, report["told"])
    if told["runs"]:
        terminal().print(shown)
