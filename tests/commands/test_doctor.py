"""`doctor` on real faults: a real Temporal server, real records on both databases, real workers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import select
from temporalio import workflow
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from typer.testing import CliRunner

from activities.composition import connect_outside
from commands import configuration, doctor, doctor_agreement, doctor_temporal
from commands.stack import STRIPE_SECRET
from config.settings import Settings, load_settings
from config.worker_settings import WorkerProcess
from domain.contact import Channel, Purpose
from providers.ports import OutgoingMessage
from records import cases, contacts, loans, own_words, webhooks
from records.database import Database
from records.tables import Contact, ContactState, PaymentInquiry, Person
from starter import app
from tests.activities.servers import temporal_server
from tests.commands.stacks import DOCUMENTED, Operator, keys_of, running_stack, until
from tests.domain.simulated_loan import facts, strategy
from tests.records.portfolios import LENDER, entered
from tests.workflows.skipping import World
from tests.workflows.test_worker_versioning import make_current
from worker import deployment
from workflows.loan import LoanCollection
from workflows.messages import LoanInput
from workflows.payload_encryption import CannotDecrypt
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner
from workflows.starting import start_loan

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with temporal_server() as server:
        asyncio.run(_healthy(server))
        yield server


async def _healthy(server: str) -> None:
    """A server on a busy machine takes connections before it answers."""
    async with asyncio.timeout(60):
        while True:
            try:
                await Client.connect(server)
            except RuntimeError:
                await asyncio.sleep(0.1)
            else:
                return


@dataclass
class Clinic:
    address: str
    queue: str
    url: str

    def run(self, *words: str) -> Any:
        configuration._records.cache_clear()
        told = {
            "TEMPORAL_ADDRESS": self.address,
            "RECOBRO_DATABASE_URL": self.url,
            "RECOBRO_TASK_QUEUE": self.queue,
            "RECOBRO_WEB__PORT": "1",
        }
        return CliRunner(env=told).invoke(app, ["doctor", *words])

    def findings(self, *words: str) -> dict[str, dict[str, Any]]:
        """Findings by check."""
        import json

        said = self.run("--json", *words)
        told = json.loads(said.stdout)
        assert said.exit_code == (0 if told["healthy"] else 1)
        assert keys_of(told) <= DOCUMENTED, "every key stands in docs/cli.md"
        return {finding["check"]: finding for finding in told["findings"]}

    async def client(self) -> Client:
        return await Client.connect(self.address, data_converter=compact_data_converter)


@pytest.fixture
def clinic(address: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(doctor_agreement, "_GRACE", timedelta())
    return Clinic(address, f"q-{uuid4()}", database_url)


@contextmanager
def sqlite_only(url: str) -> Iterator[None]:
    if not url.startswith("sqlite"):
        pytest.skip("the same on both databases")
    yield


def test_without_a_server_that_is_the_finding_and_the_records_are_looked_at(clinic: Clinic) -> None:
    clinic.address = "127.0.0.1:1"

    found = clinic.findings()
    said = clinic.run()

    assert set(found) == {"temporal", "web_app"}
    assert "127.0.0.1:1" in found["temporal"]["what"]
    assert said.exit_code == 1
    assert "mend: " in said.stdout
    assert said.stderr.startswith("these records hold no campaign: ")


def test_tables_of_another_version_are_a_finding(clinic: Clinic, database: Database) -> None:
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    found = clinic.findings()

    assert found["migrations"]["command"] == "starter.py database migrate"
    with database.reading() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"


def test_what_waits_in_the_records_is_named_with_its_mend(clinic: Clinic, database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = session.get(Person, loan.person_ref)
        assert person is not None
        cases.open(
            session,
            loan,
            case_id="L1-agent-1",
            queue="agents",
            kind="handoff",
            at=YESTERDAY,
            sla_at=YESTERDAY + timedelta(hours=2),
        )
        contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.SMS,
            template="first",
            at=YESTERDAY,
            address="+34600000001",
        )
        contact = session.exec(select(Contact)).one()
        contacts.advance(session, contact, ContactState.UNKNOWN, at=YESTERDAY)
        kept = webhooks.store(
            session,
            provider="stripe",
            event_key="evt_1",
            url="/webhooks/stripe",
            body=b"{}",
            headers={},
            received_at=YESTERDAY,
            due_at=YESTERDAY,
            verified=True,
        )

        own_words.keep(
            session,
            loan,
            words_id="w1",
            by="account:1",
            channel=Channel.SMS,
            subject=None,
            text="Hola",
            until=YESTERDAY + timedelta(days=3),
            case_id=None,
            at=YESTERDAY,
        )
        session.add(PaymentInquiry(provider="bank", reference="rb-1", created_at=YESTERDAY, next_at=YESTERDAY))

    found = clinic.findings()

    assert found["payments_unanswered"]["subjects"] == ["bank rb-1"]
    assert found["words_not_ordered"]["subjects"] == ["L1"]
    assert "loan withdraw-words LOAN WORDS" in found["words_not_ordered"]["command"]
    assert found["cases_late"]["subjects"] == ["L1-agent-1"]
    assert "agents" in found["cases_late"]["what"]
    assert found["contacts_unknown"]["subjects"] == ["L1/r1/1"]
    assert found["webhooks_unrelayed"]["subjects"] == [str(kept.id)]
    assert found["webhooks_unrelayed"]["mendable"]
    assert "RECOBRO_TWILIO__" in found["settings"]["what"], "the loan's strategy needs a carrier"
    assert found["no_worker"]["what"].startswith(f"no worker polls task queue {clinic.queue!r}")


def test_what_nothing_carries_is_started_again_when_asked(clinic: Clinic, database: Database) -> None:
    name = f"L{uuid4().hex[:8]}"
    with database.writing() as session:
        entered(session, name)
    id = f"loan-{LENDER}-{name}"

    before = clinic.findings()
    refused = clinic.run("--mend", "--json")
    after = clinic.findings("--mend", "--yes")

    assert before["loans_without_workflow"]["subjects"] == [id]
    assert "c1" in before["campaigns_not_running"]["subjects"]
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert not {"loans_without_workflow", "campaigns_not_running"} & set(after)

    async def running() -> tuple[str, str]:
        client = await clinic.client()
        told = [(await client.get_workflow_handle(one).describe()).status for one in (id, "campaign-c1")]
        await client.get_workflow_handle(id).terminate()
        await client.get_workflow_handle("campaign-c1").terminate()
        return told[0].name, told[1].name  # type: ignore[union-attr]

    assert asyncio.run(running()) == ("RUNNING", "RUNNING")
    later = clinic.findings()
    assert later["loans_closed_in_temporal"]["subjects"] == [id]
    assert f"--workflow-id {id} --type LastWorkflowTask" in later["loans_closed_in_temporal"]["command"]


async def test_a_loan_started_from_the_records_writes_on_where_its_lost_workflow_stopped(
    clinic: Clinic, database: Database
) -> None:
    with sqlite_only(clinic.url):
        client, world, name = await clinic.client(), World(), f"M{uuid4().hex[:8]}"
        with database.writing() as session:
            (loan,) = entered(session, name)
            for number in range(3):
                assert loans.once(session, loan, f"entry:{loan.entry}:{number}", YESTERDAY)
        await asyncio.to_thread(clinic.findings, "--mend", "--yes")
        await client.get_workflow_handle("campaign-c1").terminate()
        async with worker(client, clinic.queue, world):
            handle = client.get_workflow_handle(f"loan-{LENDER}-{name}")
            await handle.execute_update("close", {"reason": "recalled"})
            await handle.result()
        assert world.seen == {3}, "the numbers of the lost workflow are not used again"


def worker(client: Client, queue: str, world: World, **more: Any) -> Worker:
    given: dict[str, Any] = {
        "workflows": [LoanCollection],
        "activities": [world.contact, world.watch, world.write],
        "workflow_runner": workflow_runner(),
        **more,
    }
    return Worker(client, task_queue=queue, **given)


@workflow.defn(name="LoanCollection")
class Broken:
    @workflow.run
    async def run(self, given: Any) -> None:
        raise RuntimeError("the new code cannot go on")


async def test_a_loan_whose_tasks_fail_is_found_with_the_cause(clinic: Clinic) -> None:
    with sqlite_only(clinic.url):
        client = await clinic.client()
        loan = facts(loan_id=uuid4().hex[:8])
        given = LoanInput(facts=loan, strategy=strategy())
        async with worker(
            client, clinic.queue, World(), workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner()
        ):
            handle = await client.start_workflow("LoanCollection", given, id=loan.workflow_id, task_queue=clinic.queue)
            async with asyncio.timeout(60):
                while (await handle.describe()).raw_description.pending_workflow_task.attempt < 2:
                    await asyncio.sleep(0.1)
            found = await asyncio.to_thread(clinic.findings)
        await handle.terminate()
        assert loan.workflow_id in found["tasks_failing"]["subjects"]
        assert "the new code cannot go on" in found["tasks_failing"]["what"]
        assert "no_worker" not in found
        assert loan.workflow_id in found["workflows_without_loan"]["subjects"]


async def test_an_activity_that_does_not_get_through_is_found_and_one_that_waits_is_not(clinic: Clinic) -> None:
    with sqlite_only(clinic.url):
        client, world = await clinic.client(), World()
        begin = datetime.now(UTC)

        def answer(at: datetime, order: Any) -> Any:
            if order.loan_id == stuck.loan_id:
                raise ApplicationError("the carrier is closed", next_retry_delay=timedelta(milliseconds=20))
            return at + timedelta(milliseconds=50) if waits.is_set() else None

        waits = threading.Event()
        waits.set()
        world.answer = answer
        due = begin.date() - timedelta(days=4)
        stuck, waiting = (facts(loan_id=uuid4().hex[:8], due_date=due, consent=False) for _ in range(2))
        async with worker(client, clinic.queue, world):
            handles = [await start_loan(client, clinic.queue, loan, strategy(), (), begin) for loan in (stuck, waiting)]
            async with asyncio.timeout(60):
                for handle in handles:
                    while not any(a.attempt > 6 for a in (await handle.describe()).raw_description.pending_activities):
                        await asyncio.sleep(0.1)
            found = await asyncio.to_thread(clinic.findings)
            for handle in handles:
                await handle.terminate()
        assert found["activities_failing"]["subjects"] == [stuck.workflow_id]
        assert "the carrier is closed" in found["activities_failing"]["what"]


def test_clocks_that_differ_are_found(clinic: Clinic, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a host whose clock is ten minutes slow."""
    monkeypatch.setattr(doctor, "now", lambda: datetime.now(UTC) - timedelta(minutes=10))

    said = clinic.run().stdout

    clocks = [line for line in said.splitlines() if line.startswith("clock:")]
    assert any("the Temporal server is 600 s ahead" in line or "is 599 s ahead" in line for line in clocks), said
    assert any("the database's host" in line for line in clocks) is not database.embedded


async def test_running_workflows_that_were_not_looked_at_are_told(clinic: Clinic) -> None:
    """Given three running loans, when one alone is looked at, then the others are a finding with what looks at all."""
    with sqlite_only(clinic.url):
        client = await clinic.client()
        already = (await client.count_workflows(doctor_temporal.OURS)).count
        names = [f"unseen-{uuid4()}" for _ in range(3)]
        begun = [
            await client.start_workflow("LoanCollection", id=name, task_queue=f"nobody-{uuid4()}") for name in names
        ]
        try:
            while (running := (await client.count_workflows(doctor_temporal.OURS)).count) < already + 3:
                await asyncio.sleep(0.05)

            found, looked_at = await doctor_temporal.look_at_workflows(client, 1)
            every, _ = await doctor_temporal.look_at_workflows(client, running)
        finally:
            for one in begun:
                await one.terminate()

        [unseen] = [one for one in found if one.check == "workflows_not_looked_at"]
        assert (looked_at, unseen.count) == (1, running - 1)
        assert unseen.command == f"starter.py doctor --limit {running}"
        assert [one for one in every if one.check == "workflows_not_looked_at"] == []


async def test_a_build_that_is_current_and_has_no_worker_is_found(clinic: Clinic) -> None:
    with sqlite_only(clinic.url):
        client, name = await clinic.client(), f"d{uuid4().hex[:6]}"
        build = WorkerProcess(deployment=name, build_id="v1")
        settings = Settings(_env_file=None, task_queue=clinic.queue, worker=build)
        async with worker(client, clinic.queue, World(), deployment_config=deployment(build)):
            await make_current(client, "v1", name)
        (found,) = await doctor_temporal.look_at_builds(client, settings, polling={"v2"})
        assert found.check == "build_without_worker"
        assert "'v1'" in found.what
        assert await doctor_temporal.look_at_builds(client, settings, polling={"v1"}) == []


def test_a_healthy_stack_is_called_so_and_what_then_goes_wrong_is_found_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_stack(tmp_path) as stack:
        operator = Operator(stack, tmp_path)
        path = operator.portfolio("loans.csv", [{"loan_id": "L1"}, {"loan_id": "L2"}])
        operator.json("campaign", "start", str(path), "--id", "c", "--yes")
        until(lambda: operator.json("campaign", "status", "c")["in_collection"] == 2, 60)

        # Given everything as it should be
        healthy = operator.json("doctor")
        assert (healthy["healthy"], healthy["findings"], healthy["workflows_looked_at"]) == (True, [], 3)

        # When a webhook is signed ten minutes ago, a worker died while it sent, and the web app went away
        stamp = str(int(time.time()) - 600)
        signature = hmac.new(STRIPE_SECRET.encode(), f"{stamp}.{{}}".encode(), hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={stamp},v1={signature}"}
        answer = httpx.post(f"{stack.addresses.web}/webhooks/stripe", content=b"{}", headers=headers)
        refused = by_check(operator)
        for variable, value in stack.environment.items():
            monkeypatch.setenv(variable, value)
        database = Database(stack.environment["RECOBRO_DATABASE_URL"])
        _send_and_forget(database)
        with database.writing() as session:
            webhooks.store(
                session,
                provider="stripe",
                event_key="evt_lost",
                url="/webhooks/stripe",
                body=b"{}",
                headers={},
                received_at=YESTERDAY,
                due_at=datetime.now(UTC) + timedelta(minutes=4),
                verified=True,
            )
        stack.processes.stop("web")
        before = by_check(operator)
        mended = operator.run("doctor", "--mend", "--yes")
        after = by_check(operator)

        # Then each is named, and what can be mended is
        assert answer.status_code == 400
        assert "timestamp_out_of_tolerance" in refused["webhooks_refused"]["what"]
        assert "clock is off" in refused["webhooks_refused"]["why"]
        assert {"web_app", "webhooks_unrelayed", "contacts_unknown"} <= set(before)
        assert "contacts_unknown: 1 sent" in mended.out
        assert not {"webhooks_unrelayed", "contacts_unknown"} & set(after)
        assert after["webhooks_unmatched"]["count"] == 1, "what could not be read is left for a person"
        with database.reading() as session:
            # Reminders of the campaign's own may have left too, by day on weekdays.
            lost = select(Contact.state).where(Contact.step == "r1")
            assert session.exec(lost).all() == [ContactState.SENT]
        database.dispose()


def by_check(operator: Operator) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in operator.run("doctor", "--json").json["findings"]}


def _send_and_forget(database: Database) -> None:
    """A message that the carrier took, of which the records only know that it was begun."""
    with database.writing() as session:
        loan = loans.get(session, "demo", "L1")
        person = session.get(Person, loan.person_ref)
        assert person is not None
        now = datetime.now(UTC)
        reserved = contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.SMS,
            template="first",
            at=now,
            address=person.phone,
        )
        contact = reserved.contact
        contact.text = "Please pay."
        contacts.advance(session, contact, ContactState.SENDING, at=now - timedelta(hours=1))
        message = OutgoingMessage(
            message_id=contact.message_id,
            channel=Channel.SMS,
            to=str(person.phone),
            text="Please pay.",
            loan_id="L1",
            lender="demo",
            at=now,
        )

    async def send() -> None:
        async with httpx.AsyncClient() as http:
            await connect_outside(load_settings(), http).messengers[Channel.SMS].send(message)

    asyncio.run(send())


@pytest.mark.parametrize(
    ("kind", "is_told"),
    [
        ("Template", True),
        ("NotConfigured", True),
        ("Sender", True),
        ("WhatsApp", True),
        ("twilio_stop_sender", True),
        ("twilio_later", False),
        ("NotYet", False),
    ],
)
async def test_what_an_operator_has_to_mend_is_told_at_the_first_try(kind: str, is_told: bool) -> None:
    """Given an activity that is tried again every hour, when it has failed once, then it is named."""
    failure = Failure(message="no sender", application_failure_info=ApplicationFailureInfo(type=kind))
    pending = PendingActivityInfo(attempt=1, last_failure=failure)

    told = await doctor_temporal._activity_failure(FakeClient(), pending)  # type: ignore[arg-type]

    assert (told is not None) is is_told


async def test_a_failure_that_no_key_here_opens_is_named_and_the_others_are_looked_at() -> None:
    """Given the failure of a loan under a key that this host does not have, when it is looked at, then that is said."""
    failure = Failure(message="Encoded failure", application_failure_info=ApplicationFailureInfo(type="Template"))

    told = await doctor_temporal._activity_failure(
        FakeClient(CannotDecrypt("no key k2 here")),  # type: ignore[arg-type]
        PendingActivityInfo(attempt=9, last_failure=failure),
    )

    assert told == "no key k2 here"


class FakeClient:
    """A client that can do nothing but open failures, or fail to."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.data_converter = self
        self._fails = fails

    async def decode_failure(self, failure: Failure) -> BaseException:
        if self._fails is not None:
            raise self._fails
        return RuntimeError(failure.message)
