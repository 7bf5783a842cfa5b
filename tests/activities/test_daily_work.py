"""The daily run: on a real server by a real schedule, and what each of its jobs does and tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import col, select
from temporalio import activity
from temporalio.client import ScheduleActionStartWorkflow, ScheduleUpdate, ScheduleUpdateInput
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from typer.testing import CliRunner

from activities.capabilities import DailyWork
from activities.daily_orders import DayJob, DayOrder, DayReport
from activities.daily_work import DailyWorker
from activities.gateway_check import GatewayChecks
from config.bank_file_settings import DirectDebit, SepaCreditor
from config.payment_settings import Conekta, Stripe
from domain.what_next import WhatNext
from providers.errors import refusal
from records import audit, webhooks
from records.database import Database
from records.tables import GatewayCheck
from starter import app
from tests.activities.outside import TUESDAY, environment, nowhere, settings_for
from tests.activities.servers import temporal_server
from tests.sandbox.running import World
from workflows.connection import connect
from workflows.daily_work import Daily, DailyInput
from workflows.runner import workflow_runner

DAY = TUESDAY.date()


async def done(database: Database, settings: Any, job: DayJob) -> DayReport:
    worker = DailyWorker(database, settings)
    return await environment(TUESDAY).run(worker.job, DayOrder(job=job, day=DAY, zone="Europe/Madrid"))


def audited(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [line.details for line in audit.of_action(session, "daily_work_wrong")]


@pytest.mark.parametrize("job", [DayJob.BANK_FILES, DayJob.DEBIT_FILES])
async def test_a_lender_without_a_bank_for_debits_has_nothing_to_look_at(
    lite: Database, world: World, job: DayJob
) -> None:
    report = await done(lite, settings_for(world), job)

    assert (report.told, report.wrong) == ("not configured", False)


class Meter:
    """Gauges as a worker's metrics show them: by name and labels, what was set last."""

    def __init__(self) -> None:
        self.shown: dict[tuple[str, str, str], float] = {}

    def with_additional_attributes(self, _more: object) -> Meter:
        return self

    def create_gauge_float(self, name: str, _meaning: str) -> Any:
        def set(value: float, labels: dict[str, str]) -> None:
            self.shown[name, labels["work"], labels["outcome"]] = value

        return SimpleNamespace(set=set)


async def test_when_a_job_was_done_last_and_how_is_on_the_workers_metrics(
    lite: Database, world: World, tmp_path: Any
) -> None:
    creditor = SepaCreditor(name="Credialba", creditor_id="ES50ZZZA12345678", iban="ES9121000418450200051332")
    settings = settings_for(world, direct_debit=DirectDebit(folder=tmp_path, creditor=creditor))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd.xml").write_text("<x")
    meter: Any = Meter()
    there = environment(TUESDAY)
    there.metric_meter = meter
    worker = DailyWorker(lite, settings)

    for job in (DayJob.BANK_FILES, DayJob.STATEMENTS):
        await there.run(worker.job, DayOrder(job=job, day=DAY, zone="Europe/Madrid"))

    name, at = "recobro_daily_work_timestamp_seconds", TUESDAY.timestamp()
    assert meter.shown == {(name, "bank_files", "wrong"): at, (name, "statements", "done"): at}


async def test_yesterday_is_compared_and_a_file_nobody_can_read_wants_a_look(
    lite: Database, world: World, tmp_path: Any
) -> None:
    creditor = SepaCreditor(name="Credialba", creditor_id="ES50ZZZA12345678", iban="ES9121000418450200051332")
    settings = settings_for(world, direct_debit=DirectDebit(folder=tmp_path, creditor=creditor))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd.xml").write_text("<x")

    gateways = await done(lite, settings, DayJob.GATEWAYS)
    files = await done(lite, settings, DayJob.BANK_FILES)
    debits = await done(lite, settings, DayJob.DEBIT_FILES)
    back = await done(lite, settings, DayJob.REFUNDS)

    assert (gateways.told, gateways.wrong) == ("stripe: 0 differences", False)
    assert (files.told, files.wrong) == ("0 files taken in; not readable: odd.xml", True)
    assert (debits.told, debits.wrong) == ("0 debits put into 0 files, 0 handed over", False)
    assert [line["job"] for line in audited(lite)] == ["bank_files"]
    assert (back.told, back.wrong) == ("0 of 0 approved refunds given back", False)


def compared(database: Database) -> list[date]:
    with database.reading() as session:
        return sorted(session.exec(select(col(GatewayCheck.day))).all())


def last_compared(database: Database, day: date) -> None:
    with database.writing() as session:
        session.add(GatewayCheck(provider="stripe", day=day, differences=0, checked_at=TUESDAY))


@pytest.mark.parametrize(("days_ago", "made_up_for"), [(1, 1), (2, 1), (4, 3), (31, 30), (90, 31)])
async def test_days_without_workers_are_compared_when_they_are_back(
    lite: Database, world: World, days_ago: int, made_up_for: int
) -> None:
    """Given gateways last compared some days ago, when the daily run comes, then every day since is, and no more than
    31; yesterday always, also a second time."""
    last_compared(lite, DAY - timedelta(days=days_ago))

    report = await done(lite, settings_for(world), DayJob.GATEWAYS)

    newest = [DAY - timedelta(days=number) for number in range(made_up_for, 0, -1)]
    assert compared(lite) == sorted({DAY - timedelta(days=days_ago), *newest})
    since = f" on {made_up_for} days since {newest[0]}" if made_up_for > 1 else ""
    assert (report.told, report.wrong) == (f"stripe: 0 differences{since}", False)


async def test_a_day_that_was_passed_over_is_made_up_for_though_a_later_one_was_compared_by_hand(
    lite: Database, world: World
) -> None:
    """Given days without workers, and somebody who compared one of the last of them by hand, when the daily run comes,
    then those between that nobody compared are, each once, and none from before the first that ever was."""
    for days_ago in (7, 4, 2):
        last_compared(lite, DAY - timedelta(days=days_ago))

    report = await done(lite, settings_for(world), DayJob.GATEWAYS)

    assert compared(lite) == [DAY - timedelta(days=number) for number in range(7, 0, -1)]
    assert report.told == f"stripe: 0 differences on 4 days since {DAY - timedelta(days=6)}"


async def test_a_comparison_that_broke_off_tells_what_it_had_found_when_it_is_tried_again(
    lite: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two days to compare and money on the first that nobody told us of, when the gateway fails at the newest and
    is asked again, then the report tells of the first day too."""
    last_compared(lite, DAY - timedelta(days=3))
    check, failures = GatewayChecks.check, iter([True])

    async def breaks(self: GatewayChecks, provider: str, day: date, *more: Any) -> Any:
        if next(failures, False):
            raise refusal("stripe", "503", WhatNext.RETRY, "Stripe is failing")
        found = await check(self, provider, day, *more)
        return (*found, "a difference") if day == DAY - timedelta(days=2) else found

    monkeypatch.setattr(GatewayChecks, "check", breaks)
    worker, order = DailyWorker(lite, settings_for(world)), DayOrder(job=DayJob.GATEWAYS, day=DAY, zone="Europe/Madrid")
    first, beaten = environment(TUESDAY), []
    first.on_heartbeat = lambda *told: beaten.append(told)
    with pytest.raises(ApplicationError):
        await first.run(worker.job, order)

    report = await environment(TUESDAY, 2, beaten[-1]).run(worker.job, order)

    assert (report.told, report.wrong) == ("stripe: 1 differences on 2 days since 2026-03-08", True)


@pytest.mark.parametrize("what_next", [None, WhatNext.STOP_SENDER])
async def test_what_was_found_is_told_once_while_a_gateway_is_away(
    lite: Database, world: World, monkeypatch: pytest.MonkeyPatch, what_next: WhatNext | None
) -> None:
    """Given a gateway that is away all day, and one with money that we know nothing of or whose key is refused, when
    the day is compared again and again, then that stands in the audit trail after the first time, and once."""

    async def finds(_self: GatewayChecks, provider: str, _day: date, *_more: Any) -> Any:
        if provider == "conekta":
            raise refusal("conekta", "503", WhatNext.RETRY, "Conekta is failing")
        if what_next is not None:
            raise refusal("stripe", "401", what_next, "the key is refused")
        return ("a difference",)

    monkeypatch.setattr(GatewayChecks, "check", finds)
    worker = DailyWorker(lite, two_gateways(world))
    beaten: list[Any] = []
    for attempt in (1, 2, 3):
        there = environment(TUESDAY, attempt, beaten[-1] if beaten else ())
        there.on_heartbeat = lambda *told: beaten.append(told)
        with pytest.raises(ApplicationError):
            await there.run(worker.job, DayOrder(job=DayJob.GATEWAYS, day=DAY, zone="Europe/Madrid"))

    [line] = audited(lite)
    expected = "conekta, stripe: 1 differences" if what_next is None else "stripe 401: the key is refused"
    assert expected in line["told"]


async def test_nothing_is_told_of_a_gateway_that_is_only_away(lite: Database, world: World) -> None:
    with pytest.raises(ApplicationError):
        await done(lite, two_gateways(world), DayJob.GATEWAYS)

    assert audited(lite) == []


def two_gateways(world: World) -> Any:
    """Conekta, which comes first by its name, is asked where nobody listens."""
    return settings_for(world, conekta=Conekta(base_url=nowhere(), api_key=SecretStr("k")))


@pytest.mark.parametrize("what_next", [WhatNext.TERMINAL, WhatNext.RETRY])
async def test_an_old_day_that_cannot_be_read_holds_up_no_other(
    lite: Database, world: World, monkeypatch: pytest.MonkeyPatch, what_next: WhatNext
) -> None:
    last_compared(lite, DAY - timedelta(days=4))
    check, unreadable = GatewayChecks.check, DAY - timedelta(days=2)

    async def refuses(self: GatewayChecks, provider: str, day: date, *more: Any) -> Any:
        if day == unreadable:
            raise refusal("stripe", "odd", what_next, "that day cannot be read")
        return await check(self, provider, day, *more)

    monkeypatch.setattr(GatewayChecks, "check", refuses)

    report = await done(lite, settings_for(world), DayJob.GATEWAYS)

    assert compared(lite) == [DAY - timedelta(days=number) for number in (4, 3, 1)]
    assert report.wrong
    assert report.told.endswith(f"; stripe of {unreadable} not compared: stripe odd: that day cannot be read")


async def test_a_gateway_whose_key_is_refused_holds_up_no_other_gateway(
    lite: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = GatewayChecks.check

    async def refuses(self: GatewayChecks, provider: str, day: date, *more: Any) -> Any:
        if provider == "conekta":
            raise refusal("conekta", "401", WhatNext.STOP_SENDER, "the key is refused")
        return await check(self, provider, day, *more)

    monkeypatch.setattr(GatewayChecks, "check", refuses)

    report = await done(lite, two_gateways(world), DayJob.GATEWAYS)

    assert compared(lite) == [DAY - timedelta(days=1)]
    not_compared = f"conekta of {DAY - timedelta(days=1)} not compared: conekta 401: the key is refused"
    assert (report.told, report.wrong) == (f"conekta, stripe: 0 differences; {not_compared}", True)


async def test_a_gateway_that_is_away_is_asked_again_once_others_were_compared(lite: Database, world: World) -> None:
    with pytest.raises(ApplicationError):
        await done(lite, two_gateways(world), DayJob.GATEWAYS)

    assert compared(lite) == [DAY - timedelta(days=1)]


async def test_a_gateway_that_is_away_is_asked_again(lite: Database, world: World) -> None:
    away = Stripe(base_url=nowhere(), api_key=SecretStr("k"), webhook_secret=SecretStr("w"))

    with pytest.raises(ApplicationError) as later:
        await done(lite, settings_for(world, stripe=away), DayJob.GATEWAYS)

    assert later.value.next_retry_delay is not None
    assert later.value.next_retry_delay < timedelta(minutes=1)


async def test_keys_whose_time_is_over_go_last_and_it_is_told_what_waits(lite: Database, world: World) -> None:
    long_ago = TUESDAY - timedelta(days=40)
    told = webhooks.Proven("meta", "e1", "https://us.example", b"{}", {}, long_ago)
    with lite.writing() as session:
        webhooks.store_many(session, [told], long_ago)

    waits = await done(lite, settings_for(world), DayJob.SPENT_KEYS)
    with lite.writing() as session:
        webhooks.mark_recorded(session, 1, TUESDAY, outcome="message_unmatched", signals=[])
    gone = await done(lite, settings_for(world), DayJob.SPENT_KEYS)

    day = f"webhooks-{long_ago:%Y-%m-%d}"
    assert waits.told == f"keys of 0 days and 0 months destroyed; still needed: {day}"
    assert (gone.told, waits.wrong) == ("keys of 1 days and 0 months destroyed", False)
    assert list(DayJob)[-1] is DayJob.SPENT_KEYS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with temporal_server() as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        yield address


class Jobs(DailyWork):
    """One job's bank is away for good; the others have nothing to say."""

    @activity.defn(name="daily_job")
    async def job(self, order: DayOrder) -> DayReport:
        if order.job is DayJob.DEBIT_FILES:
            raise ApplicationError("the bank is away", non_retryable=True)
        return DayReport(job=order.job, told="fine")


def as_an_earlier_version_made_it(found: ScheduleUpdateInput) -> ScheduleUpdate:
    """The schedule as it is, of a version that did not know the last job."""
    schedule = found.description.schedule
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    schedule.action.args = [DailyInput(zone="Europe/Madrid", jobs=tuple(DayJob)[:-1])]
    return ScheduleUpdate(schedule=schedule)


async def test_the_schedule_is_made_changed_run_read_and_removed(server: str) -> None:
    run = CliRunner(env={"TEMPORAL_ADDRESS": server})

    def said(*words: str) -> Any:
        return run.invoke(app, ["schedule", *words])

    assert (await asyncio.to_thread(said, "list")).exit_code == 2
    wrong = await asyncio.to_thread(said, "create", "--zone", "Nowhere/Land")
    assert (wrong.exit_code, wrong.stderr) == (2, "--zone: 'Nowhere/Land': expected a zone such as Europe/Madrid\n")
    made = await asyncio.to_thread(said, "create", "--zone", "Europe/Madrid", "--json")
    assert json.loads(made.stdout)["schedule"]["zone"] == "Europe/Madrid"
    client = await connect()
    queue = json.loads(made.stdout)["schedule"]["id"].removeprefix("daily-")
    async with Worker(
        client, task_queue=queue, workflows=[Daily], activities=[Jobs().job], workflow_runner=workflow_runner()
    ):
        again = await asyncio.to_thread(said, "create", "--at", "07:15", "--zone", "Europe/Madrid", "--now", "--json")
        next_at = json.loads(again.stdout)["schedule"]["next_at"]
        assert "15:00" in next_at
        for _ in range(100):
            told = await asyncio.to_thread(said, "list", "--json")
            runs = json.loads(told.stdout)["runs"]
            if runs and runs[-1]["state"] == "completed":
                break
            await asyncio.sleep(0.2)

    assert told.exit_code == 1
    assert [(one["job"], one["wrong"]) for one in runs[-1]["reports"]] == [
        ("bank_files", False), ("statements", False), ("debit_files", True), ("gateways", False), ("refunds", False),
        ("consents", False), ("spent_keys", False),
    ]  # fmt: skip
    assert "the bank is away" in runs[-1]["reports"][2]["told"]
    await client.get_schedule_handle(f"daily-{queue}").update(as_an_earlier_version_made_it)
    older = await asyncio.to_thread(said, "list", "--json")
    bare = json.loads((await asyncio.to_thread(said, "create", "--json")).stdout)["schedule"]
    assert (older.exit_code, json.loads(older.stdout)["schedule"]["jobs_missing"]) == (1, ["spent_keys"])
    assert (bare["zone"], bare["next_at"], bare["jobs_missing"]) == ("Europe/Madrid", next_at, [])
    assert (await asyncio.to_thread(said, "remove")).exit_code == 0
    assert (await asyncio.to_thread(said, "remove")).exit_code == 2
