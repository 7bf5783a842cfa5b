"""The daily run: on a real server by a real schedule, and what each of its jobs does and tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from typer.testing import CliRunner

from activities.capabilities import DailyWork
from activities.daily_orders import DayJob, DayOrder, DayReport
from activities.daily_work import DailyWorker
from config.bank_file_settings import DirectDebit, SepaCreditor
from config.payment_settings import Stripe
from records import audit
from records.database import Database
from starter import app
from tests.activities.outside import TUESDAY, environment, nowhere, settings_for
from tests.activities.servers import temporal_server
from tests.sandbox.running import World
from workflows.connection import connect
from workflows.daily_work import Daily
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


async def test_a_gateway_that_is_away_is_asked_again(lite: Database, world: World) -> None:
    away = Stripe(base_url=nowhere(), api_key=SecretStr("k"), webhook_secret=SecretStr("w"))

    with pytest.raises(ApplicationError) as later:
        await done(lite, settings_for(world, stripe=away), DayJob.GATEWAYS)

    assert later.value.next_retry_delay is not None
    assert later.value.next_retry_delay < timedelta(minutes=1)


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
        assert "15:00" in json.loads(again.stdout)["schedule"]["next_at"]
        for _ in range(100):
            told = await asyncio.to_thread(said, "list", "--json")
            runs = json.loads(told.stdout)["runs"]
            if runs and runs[-1]["state"] == "completed":
                break
            await asyncio.sleep(0.2)

    assert told.exit_code == 1
    assert [(one["job"], one["wrong"]) for one in runs[-1]["reports"]] == [
        ("bank_files", False), ("statements", False), ("debit_files", True), ("gateways", False), ("refunds", False),
        ("consents", False),
    ]  # fmt: skip
    assert "the bank is away" in runs[-1]["reports"][2]["told"]
    assert (await asyncio.to_thread(said, "remove")).exit_code == 0
    assert (await asyncio.to_thread(said, "remove")).exit_code == 2
