"""A loan on the time-skipping server, with the outside world played by recorded fake activities."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.api.enums.v1 import EventType, IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from activities.orders import ContactOrder, DebitOrder, LedgerOrder, WatchOrder, WatchReport
from domain.contact import Channel
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.debits import DebitOutcome, DebitReported
from domain.ledger_entries import LedgerEntry
from domain.loans import LoanFacts
from domain.strategy import BalanceWatch, Ends, Queue, Receipt, Step, StepKind, Strategy
from workflows.loan import LoanCollection
from workflows.messages import LoanInput
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner
from workflows.search_attributes import ALL

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def executable(name: str) -> str:
    """A server binary from the environment's own bin folder, whatever PATH says."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed: run make setup"
    return found


def strategy(**changes: Any) -> Strategy:
    steps = (
        Step(id="day-3", kind=StepKind.REMIND, dpd=3, channels=(Channel.SMS, Channel.EMAIL), template="reminder"),
        Step(id="day-8", kind=StepKind.OFFER_LINK, dpd=8, channels=(Channel.SMS,), template="offer"),
        Step(id="firm", kind=StepKind.REMIND, after_days=7, channels=(Channel.EMAIL,), template="firm"),
        Step(id="agent", kind=StepKind.HANDOFF, dpd=30, queue="agents"),
        Step(id="last", kind=StepKind.REMIND, dpd=60, channels=(Channel.SMS,), template="last"),
    )
    return Strategy(
        **{
            "name": "test",
            "version": 1,
            "title": "Test strategy",
            "steps": steps,
            "watch": BalanceWatch(channels=(Channel.SMS,), template="funds", reads_per_day=4),
            "receipt": Receipt(channels=(Channel.SMS,), template="receipt"),
            "queues": {"agents": Queue(sla_hours=48, then="supervisors"), "supervisors": Queue(sla_hours=24)},
            "ends": Ends(after_days=90),
            **changes,
        }
    )


def facts(**changes: Any) -> LoanFacts:
    return LoanFacts(
        **{
            "lender": "demo",
            "loan_id": uuid4().hex[:12],
            "country": "ES",
            "region": "MD",
            "timezone": "Europe/Madrid",
            "currency": "EUR",
            "amount_due_minor": 30_000,
            "due_date": date(2026, 3, 1),
            "consent": False,
            **changes,
        }
    )


@dataclass
class World:
    """What the fake activities were asked to do, and how they answer."""

    contacts: list[tuple[datetime, ContactOrder]] = field(default_factory=list)
    reads: list[datetime] = field(default_factory=list)
    debits: list[DebitOrder] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[datetime, ContactOrder], ContactReported | datetime] | None = None
    funds_at: Callable[[datetime], bool] = lambda at: False
    seen: set[int] = field(default_factory=set)
    portions: list[int] = field(default_factory=list)
    records_down_until: datetime | None = None
    takes: float = 0
    """Seconds a contact takes on the wall's clock."""
    breaks: int = 0
    """How many contacts end in an error that forbids trying again."""

    def sent(self) -> list[str]:
        return [order.step for _, order in self.contacts]

    @activity.defn(name="contact")
    async def contact(self, order: ContactOrder) -> ContactReported:
        now = activity.info().started_time
        if self.takes:
            await asyncio.sleep(self.takes)
        if self.breaks:
            self.breaks -= 1
            raise ApplicationError("broken", non_retryable=True)
        answer = self.answer(now, order) if self.answer else None
        if isinstance(answer, datetime):
            raise ApplicationError("not yet", next_retry_delay=answer - now, category=ApplicationErrorCategory.BENIGN)
        report = answer or ContactReported(
            step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.SENT, channel=order.channels[0]
        )
        if report.outcome is ContactOutcome.SENT:
            self.contacts.append((now, order))
        return report

    @activity.defn(name="watch_balance")
    async def watch(self, order: WatchOrder) -> WatchReport:
        now = activity.info().started_time
        if order.not_before and now < order.not_before:
            delay = order.not_before - now
        else:
            self.reads.append(now)
            if self.funds_at(now):
                return WatchReport(funds_seen_at=now)
            delay = timedelta(days=1) / order.reads_per_day
        raise ApplicationError("no funds", next_retry_delay=delay, category=ApplicationErrorCategory.BENIGN)

    @activity.defn(name="order_debit")
    async def debit(self, order: DebitOrder) -> DebitReported:
        self.debits.append(order)
        planned = DebitOutcome.PLANNED
        return DebitReported(step=order.step, occurrence=order.occurrence, outcome=planned, released=order.released)

    @activity.defn(name="write_ledger")
    async def write(self, order: LedgerOrder) -> None:
        if self.records_down_until is not None and activity.info().started_time < self.records_down_until:
            raise ApplicationError("records are down", next_retry_delay=timedelta(hours=1))
        self.portions.append(len(order.entries))
        for number, entry in enumerate(order.entries, order.first_entry):
            if number not in self.seen:
                self.seen.add(number)
                self.entries.append(entry)
        if order.final_state is not None:
            self.snapshots.append(order.final_state)


async def register_search_attributes(client: Client) -> None:
    kinds = {"Keyword": 2, "Int": 3, "Double": 4, "Bool": 5, "Datetime": 6}
    assert IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD == kinds["Keyword"]
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            search_attributes={key.name: key.indexed_value_type.value for key in ALL}, namespace=client.namespace
        )
    )


@dataclass
class Stage:
    env: WorkflowEnvironment
    client: Client
    world: World
    queue: str

    async def start(self, loan: LoanFacts, plan: Strategy | None = None, **more: Any) -> WorkflowHandle[Any, Any]:
        given = LoanInput(facts=loan, strategy=plan or strategy(), **more)
        return await self.client.start_workflow(LoanCollection.run, given, id=loan.workflow_id, task_queue=self.queue)

    async def pass_days(self, days: float) -> None:
        await self.env.sleep(timedelta(days=days))

    async def now(self) -> datetime:
        return await self.env.get_current_time()

    async def reach(self, moment: datetime) -> None:
        """Let the server's clock run to `moment`; one that is over is no wait."""
        left = moment - await self.now()
        if left > timedelta():
            await self.env.sleep(left)

    async def morning(self, **day: int) -> datetime:
        """Let the server's clock run to the next 07:00 UTC, of this `month` and `day` where they are given.

        What a test sees does not depend on the hour it runs at.
        """
        now = await self.now()
        morning = now.replace(hour=7, minute=0, second=0, microsecond=0, **day)
        if morning <= now:
            morning = morning.replace(year=now.year + 1) if day else morning + timedelta(days=1)
        await self.reach(morning)
        return await self.now()


async def settled(handle: WorkflowHandle[Any, Any]) -> None:
    """Until nothing of it is under way: the test server rejects a task that cancels what has just come back."""
    quiet = 0
    for _ in range(100):
        raw = (await handle.describe()).raw_description
        acting = [a for a in raw.pending_activities if a.activity_type.name != "watch_balance"]
        quiet = 0 if raw.HasField("pending_workflow_task") or acting else quiet + 1
        if quiet == 3:
            return
        await asyncio.sleep(0.1)


async def replays(handle: WorkflowHandle[Any, Any]) -> WorkflowHistory:
    """The history of a run, after replaying it against the code as it is. Raises when it does not replay."""
    history = await handle.fetch_history()
    replayer = Replayer(
        workflows=[LoanCollection], workflow_runner=workflow_runner(), data_converter=compact_data_converter
    )
    await replayer.replay_workflow(history)
    return history


async def failed_tasks(handle: WorkflowHandle[Any, Any]) -> list[str]:
    history = await handle.fetch_history()
    return [
        event.workflow_task_failed_event_attributes.failure.message
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]


@asynccontextmanager
async def stage(**worker: Any) -> AsyncIterator[Stage]:
    """A fresh server with its own clock, a worker, and a world that records."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=executable("temporal-test-server"), data_converter=compact_data_converter
    ) as env:
        await register_search_attributes(env.client)
        world = World()
        queue = "recobro"
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[LoanCollection],
            activities=[world.contact, world.watch, world.debit, world.write],
            workflow_runner=workflow_runner(),
            **worker,
        ):
            yield Stage(env=env, client=env.client, world=world, queue=queue)
