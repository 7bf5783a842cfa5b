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

    from temporalio.client import (
        Client,
        Schedule,
        ScheduleActionExecutionStartWorkflow,
        ScheduleHandle,
        ScheduleSpec,
        ScheduleUpdate,
        ScheduleUpdateInput,
    )

    from activities.daily_orders import DayJob

app = operator_app("The daily run: bank files, debits, gateways' lists, refunds, consents, by itself every morning.")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_AT, _ZONE = "06:30", "UTC"
"""Of a schedule that is new and was told neither."""
_LAST = 5
_IN_ORDER = frozenset({"completed", "running", "no longer kept", "no longer readable"})


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

    Exit code 1: something of the last one wants a look, or it did not come to its end, or the schedule is paused, or it
    was made by an earlier version and lacks a job of this one: `schedule create` without more adds it.

    Example: starter.py schedule list
    """
    from commands.temporal_session import with_temporal

    queue = configuration.settings().task_queue
    told = with_temporal(lambda client: _described(client, queue))
    _say(told, as_json)
    schedule = told["schedule"]
    if schedule["paused"] or schedule["jobs_missing"] or any(wants_a_look(run) for run in told["runs"][-1:]):
        raise typer.Exit(1)


def wants_a_look(run: dict[str, Any]) -> bool:
    """Whether somebody has to look at a run: one that failed, timed out or was ended, or whose jobs found something.

    Any: a run as `schedule list --json` tells it.
    """
    return run["state"] not in _IN_ORDER or any(report["wrong"] for report in run["reports"])


@app.command()
def remove(
    end_run: Annotated[bool, typer.Option("--end-run", help="End a run that is under way, too, at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Do the daily run by itself no more. One that is under way goes on, and is named, unless it is to be ended too.

    What is ended loses nothing that was done: each job is a command of its own, safe to repeat. It needs no worker; one
    that works at that moment still finishes its job, so stop the workers first where nothing more may be done. Exit
    code 1: a run is under way and goes on.

    Example: starter.py schedule remove --end-run
    """
    from temporalio.service import RPCError, RPCStatusCode

    from commands.temporal_session import with_temporal

    queue = configuration.settings().task_queue

    async def work(client: Client) -> tuple[bool, list[str]]:
        handle, known = client.get_schedule_handle(schedule_id(queue)), True
        under_way: dict[str, None] = {}
        try:
            under_way |= dict.fromkeys(run.workflow_id for run in await _running(handle))
            await handle.delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            known = False
        # A run outlives its schedule.
        started_by = f"TemporalScheduledById='{schedule_id(queue)}' AND ExecutionStatus='Running'"
        under_way |= dict.fromkeys([run.id async for run in client.list_workflows(started_by)])
        return known, [one for one in under_way if await _goes_on(client, one, end_run)]

    known, runs = with_temporal(work)
    if not known and not runs:
        raise Refused("there is no daily run")
    if as_json:
        print_json(
            {"schedule": None, "runs": [], "ended": runs if end_run else [], "under_way": [] if end_run else runs}
        )
    else:
        typer.echo("the daily run is removed" if known else "there is no schedule of the daily run")
        for one in runs:
            typer.echo(
                f"{one} was under way and is ended; what it had not done is to be done by hand, or by the next run"
                if end_run
                else f"{one} is under way and goes on; to end it: starter.py schedule remove --end-run"
            )
    if runs and not end_run:
        raise typer.Exit(1)


async def _running(handle: ScheduleHandle) -> list[ScheduleActionExecutionStartWorkflow]:
    from temporalio.client import ScheduleActionExecutionStartWorkflow

    running = (await handle.describe()).info.running_actions
    return [one for one in running if isinstance(one, ScheduleActionExecutionStartWorkflow)]


async def _goes_on(client: Client, workflow_id: str, end_it: bool) -> bool:
    """Whether a run was under way; where that is wanted it is ended at once.

    Cancelled, it would give up the job it is at, and go on with the next.
    """
    from temporalio.client import WorkflowExecutionStatus
    from temporalio.service import RPCError, RPCStatusCode

    handle = client.get_workflow_handle(workflow_id)
    try:
        if end_it:
            await handle.terminate(reason="schedule remove --end-run")
            return True
        return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False


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

    def changed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        # One that somebody paused stays so.
        schedule.state = found.description.schedule.state
        return ScheduleUpdate(schedule=schedule)

    try:
        handle = await client.create_schedule(schedule_id(queue), schedule)
    except ScheduleAlreadyRunningError:
        await handle.update(changed)
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
    return _time_of_day(spec) or _AT, spec.time_zone_name or _ZONE


def _time_of_day(spec: ScheduleSpec) -> str | None:
    """As --at; None of a schedule that somebody made otherwise."""
    if not spec.calendars:
        return None
    calendar = spec.calendars[0]
    return f"{calendar.hour[0].start:02}:{calendar.minute[0].start:02}"


async def _described(client: Client, queue: str) -> dict[str, Any]:
    """The schedule and its last runs, oldest first. Raises Refused: there is none."""
    from temporalio.client import ScheduleActionExecutionStartWorkflow, WorkflowExecutionStatus
    from temporalio.service import RPCError, RPCStatusCode

    from activities.daily_orders import DayJob
    from workflows.daily_work import Daily
    from workflows.payload_encryption import CannotDecrypt

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
        except CannotDecrypt:
            run["state"] = "no longer readable"
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            run["state"] = "no longer kept"
        runs.append(run)
    coming = found.info.next_action_times
    kept = await _jobs(client, found.schedule)
    told = {
        "id": found.id,
        "at": _time_of_day(found.schedule.spec),
        "zone": found.schedule.spec.time_zone_name,
        "next_at": iso(coming[0]) if coming else None,
        "paused": found.schedule.state.paused,
        "jobs_missing": [job.value for job in DayJob if job not in kept],
    }
    return {"schedule": told, "runs": runs}


async def _jobs(client: Client, schedule: Schedule) -> Collection[DayJob]:
    """What a described schedule has its runs do. Raises Refused where it cannot be read, as by the runs it starts."""
    from temporalio.client import ScheduleActionStartWorkflow

    from workflows.daily_work import DailyInput
    from workflows.payload_encryption import CannotDecrypt

    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    try:
        [given] = await client.data_converter.decode(list(schedule.action.args), [DailyInput])
    except CannotDecrypt as why:
        raise Refused(
            f"what the daily run is started with cannot be read, and each run stands still: {why}. `schedule create` "
            "writes it anew; a run that began before it needs that key, or an end: schedule remove --end-run"
        ) from None
    return given.jobs  # type: ignore[no-any-return]


def _next(schedule: dict[str, Any]) -> str:
    if schedule["paused"]:
        at = schedule["at"] or "times of its own"
        return (
            f"paused, else at {at} ({schedule['zone']}): no run begins until somebody lets it go on: "
            f"temporal schedule toggle --unpause --schedule-id {schedule['id']}"
        )
    return f"next at {schedule['next_at']} ({schedule['zone']})"


def _say(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    schedule = told["schedule"]
    typer.echo(f"{schedule['id']}: {_next(schedule)}")
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
