"""Loans to measure with: ours and bare ones, driven through the same life by the same code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeVar

from temporalio.client import WorkflowHandle

from benchmarks.bare import Bare
from benchmarks.ground import Ground
from config.strategies import find_strategy
from domain.loans import LoanFacts
from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import campaigns, portfolio
from workflows.starting import start_loan

LENDER = "bench"
AMOUNT_MINOR = 30_000
AT_ONCE = 50
"""Calls of the driver under way at once."""
T = TypeVar("T")


def strategy() -> Strategy:
    return find_strategy("es-microloan")


def due_date() -> date:
    """So far ahead that no step falls due while anything is measured: what is measured is the same at any hour."""
    return datetime.now(UTC).date() + timedelta(days=20)


def handed_over(number: int, prefix: str) -> PortfolioLoan:
    return PortfolioLoan(
        line=number + 2,
        loan_id=f"{prefix}{number}",
        person_id=f"P-{prefix}{number}",
        name="Lucía Gómez",
        phone=f"+346{number % 100_000_000:08d}",
        email=f"{prefix}{number}@mail.example".lower(),
        language="es",
        country="ES",
        region="MD",
        timezone="Europe/Madrid",
        currency="EUR",
        amount_due_minor=AMOUNT_MINOR,
        due_date=due_date(),
        bank_consent=f"consent-{prefix}{number}",
        bank_account=f"account-{prefix}{number}",
        consent_valid_until=due_date() + timedelta(days=120),
    )


class Side(Protocol):
    """One of the two that are compared."""

    async def start(self, number: int) -> WorkflowHandle[Any, Any]: ...

    async def pay(self, handle: WorkflowHandle[Any, Any], parts_before: int = 0) -> None:
        """What is still due after so many small parts."""
        ...

    async def pay_part(self, handle: WorkflowHandle[Any, Any], part: int) -> None: ...

    async def nudge(self, handle: WorkflowHandle[Any, Any]) -> None:
        """News that changes nothing: the loan wakes, looks and sleeps on."""
        ...


class OurLoans:
    """Loans of the product, entered into the records before anything is measured."""

    def __init__(self, ground: Ground, queue: str, count: int) -> None:
        self._client, self._queue = ground.client, queue
        self._prefix = queue.replace("-", "").upper() + "N"
        self._strategy = strategy()
        now = datetime.now(UTC)
        with ground.database.writing() as session:
            campaign = campaigns.create(
                session,
                campaign_id=queue,
                name=queue,
                lender=LENDER,
                strategy_key=self._strategy.key,
                source_file="bench.csv",
                at=now,
            )
            rows = (handed_over(number, self._prefix) for number in range(count))
            portfolio.enter_portfolio(session, campaign, rows, strategy=self._strategy, at=now)
            campaigns.mark_started(session, queue, range(1, count + 1), at=now)

    async def start(self, number: int) -> WorkflowHandle[Any, Any]:
        facts = LoanFacts(
            lender=LENDER,
            loan_id=f"{self._prefix}{number}",
            country="ES",
            region="MD",
            timezone="Europe/Madrid",
            currency="EUR",
            amount_due_minor=AMOUNT_MINOR,
            due_date=due_date(),
            consent=True,
            campaign=self._queue,
        )
        return await start_loan(self._client, self._queue, facts, self._strategy, (), datetime.now(UTC))

    async def pay(self, handle: WorkflowHandle[Any, Any], parts_before: int = 0) -> None:
        await self._pay(handle, "all", AMOUNT_MINOR - parts_before)

    async def pay_part(self, handle: WorkflowHandle[Any, Any], part: int) -> None:
        await self._pay(handle, str(part), 1)

    async def _pay(self, handle: WorkflowHandle[Any, Any], name: str, amount_minor: int) -> None:
        paid = {
            "payment_id": f"{handle.id}-{name}",
            "provider": "bench",
            "amount_minor": amount_minor,
            "currency": "EUR",
            "paid_at": datetime.now(UTC).isoformat(),
        }
        await handle.signal("payment_received", paid)

    async def nudge(self, handle: WorkflowHandle[Any, Any]) -> None:
        await handle.signal("nudge", {})


class BareLoans:
    def __init__(self, ground: Ground, queue: str) -> None:
        self._client, self._queue = ground.plain, queue

    async def start(self, number: int) -> WorkflowHandle[Any, Any]:
        loan_id = f"{self._queue}-{number}"
        return await self._client.start_workflow(Bare.run, loan_id, id=f"bare-{loan_id}", task_queue=self._queue)

    async def pay(self, handle: WorkflowHandle[Any, Any], parts_before: int = 0) -> None:
        await handle.signal(Bare.paid)

    async def pay_part(self, handle: WorkflowHandle[Any, Any], part: int) -> None:
        await handle.signal(Bare.part_paid)

    async def nudge(self, handle: WorkflowHandle[Any, Any]) -> None:
        await handle.signal(Bare.nudge)


async def all_of(work: Callable[[Any], Awaitable[T]], items: Sequence[Any], at_once: int = AT_ONCE) -> list[T]:
    """`work` on every item, so many at once; answers in order."""
    answers: list[Any] = [None] * len(items)
    order = iter(enumerate(items))

    async def one() -> None:
        for index, item in order:
            answers[index] = await work(item)

    await asyncio.gather(*(one() for _ in range(min(at_once, len(items)))))
    return answers


async def asleep(handles: Sequence[WorkflowHandle[Any, Any]], at_least: int, within: float = 600.0) -> None:
    """Until each has at least so many events and nothing under way but its watch and its timer."""
    deadline = time.monotonic() + within
    for handle in reversed(handles):
        while True:
            told = (await handle.describe()).raw_description
            busy = told.HasField("pending_workflow_task") or any(
                activity.activity_type.name != "watch_balance" or activity.state == 2
                for activity in told.pending_activities
            )
            if told.workflow_execution_info.history_length >= at_least and not busy:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{handle.id} did not fall asleep")
            await asyncio.sleep(0.05)


async def event_types(handle: WorkflowHandle[Any, Any]) -> list[str]:
    from temporalio.api.enums.v1 import EventType

    history = await handle.fetch_history()
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events]
