"""A campaign rehearsed from end to end: real server, real workers, a pretend world, skipped time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.client import Client

from commands.agents import Agents, CaseNews
from commands.conductor import Conductor
from commands.processes import Processes
from commands.rehearsal_retries import patiently_read
from commands.stack import Stack
from commands.start_warnings import channels_of
from config.platform_rules import load_whatsapp
from config.settings import load_settings
from domain.contact import Channel
from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import campaigns
from records.database import Database
from records.platform_notices import acknowledge_whatsapp
from records.portfolio import Entered, enter_portfolio
from workflows.campaign import Campaign
from workflows.campaign_messages import CampaignInput, campaign_workflow_id
from workflows.payload_encryption import data_converter

LENDER = "demo"


class BeginsInThePast(ValueError):
    """The loans would begin now and their clocks end early: most of the days would never be rehearsed."""


_PHONES = {"ES": "900 555 010", "MX": "55 5555 0100", "BR": "0800 555 0100"}
"""How pretend borrowers reach the pretend lender; numbers that belong to nobody."""


@dataclass(frozen=True)
class Plan:
    """What to rehearse. `begins` is the loans' first moment; `days` how far their clocks go."""

    loans: tuple[PortfolioLoan, ...]
    strategy: Strategy
    seed: int
    begins: datetime
    days: int
    preset: str
    folder: Path
    workers: int = 1
    database_url: str = ""
    source: str = "portfolio"
    words: bool = False
    """Borrowers answer in words of their own."""


@dataclass
class Progress:
    """How far a rehearsal came, for whoever shows it."""

    phase: str = "starting"
    total: int = 0
    started: int = 0
    ended: set[str] = field(default_factory=set)
    reached: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Rehearsal:
    """A rehearsal that ran; the stack still stands, so that one can look at it."""

    plan: Plan
    stack: Stack
    database: Database
    campaign_id: str
    entered: Entered
    decided: dict[str, str]
    world_log: Path
    seconds: float


def begin_of(day: date) -> datetime:
    """A rehearsal's first moment: 05:00 UTC, before any market's lawful hours begin in Spain or the Americas."""
    return datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


def next_first_day(suits: Callable[[date], bool] = lambda _day: True) -> date:
    """The first suitable day that begins at least a day ahead, so that a rehearsal of it can still get ready."""
    soonest = datetime.now(UTC) + timedelta(days=1)
    day = soonest.date()
    while begin_of(day) < soonest or not suits(day):
        day += timedelta(days=1)
    return day


def check_begin(begins: datetime) -> None:
    """Raises BeginsInThePast."""
    if begins <= datetime.now(UTC):
        raise BeginsInThePast(f"a rehearsal begins in the future: {begins:%Y-%m-%d %H:%M} UTC is past")


@asynccontextmanager
async def rehearse(
    plan: Plan,
    progress: Progress,
    changed: Callable[[], None] = lambda: None,
    disturb: Callable[[Stack, Progress], Any] | None = None,
    make_stack: Callable[..., Stack] = Stack,
) -> AsyncIterator[Rehearsal]:
    """Run a plan to its end. The stack is ended with the context.

    Raises BeginsInThePast, ProcessFailed, RehearsalStuck.

    `disturb` is awaited beside the rehearsal with the running stack, from the moment the campaign starts its loans,
    to break things on purpose; `make_stack` takes the arguments of Stack.
    """
    check_begin(plan.begins)
    started = asyncio.get_running_loop().time()
    settings = load_settings()
    with Processes(plan.folder / "logs") as processes:
        listener = _Listener(processes.ports.take())
        async with listener.running():
            stack = make_stack(
                processes,
                plan.folder,
                skipping=True,
                namespace="rehearsal",
                seed=plan.seed,
                preset=plan.preset,
                words=plan.words,
                database_url=plan.database_url,
                workers=plan.workers,
                clock_url=f"{listener.address}/clock",
                case_webhook_url=f"{listener.address}/cases",
                encrypt=settings.encryption.encrypts_payloads,
                settings={"RECOBRO_LENDER__PHONE": _PHONES.get(plan.loans[0].country, "+1 202-555-0100")},
            )
            progress.phase, progress.total = (
                "starting Temporal, the sandbox world, the web app, a worker",
                len(plan.loans),
            )
            changed()
            await asyncio.to_thread(stack.start)
            database = Database(stack.records_url)
            client = await Client.connect(
                stack.addresses.temporal,
                namespace=stack.namespace,
                data_converter=data_converter(settings.model_copy(update={"database_url": stack.records_url})),
            )
            agents = Agents(plan.seed)
            horizon = plan.begins + timedelta(days=plan.days)

            def note(loan_id: str, at: datetime, ended: bool) -> None:
                progress.reached[loan_id] = at
                (progress.ended.add if ended else progress.ended.discard)(loan_id)
                changed()

            conductor = Conductor(client, database, LENDER, stack.addresses.sandbox, agents, plan.begins, horizon, note)
            for loan in plan.loans:
                conductor.add(loan.loan_id)
            listener.conductor = conductor
            progress.phase = "the world invents the borrowers"
            changed()
            loans = await invent_people(stack.addresses.sandbox, plan)
            progress.phase = "the campaign starts its loans"
            changed()
            campaign_id = f"rehearsal-{plan.seed}"
            entered = await asyncio.to_thread(enter, database, plan, campaign_id, loans)
            await client.start_workflow(
                Campaign.run,
                CampaignInput(campaign_id=campaign_id, rate_per_second=200, begin_at=plan.begins),
                id=campaign_workflow_id(campaign_id),
                task_queue="recobro",
                static_summary=f"Rehearsal of {len(loans)} loans, strategy {plan.strategy.key}",
            )
            beside = asyncio.create_task(disturb(stack, progress)) if disturb else None
            try:
                await _until_started(database, campaign_id, progress, changed)
                progress.phase = f"{plan.days} days pass"
                changed()
                await conductor.drive_all(_people(loans))
                if beside is not None:
                    await beside
            finally:
                if beside is not None and not beside.done():
                    beside.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await beside
            progress.phase = "done"
            changed()
            try:
                yield Rehearsal(
                    plan=plan,
                    stack=stack,
                    database=database,
                    campaign_id=campaign_id,
                    entered=entered,
                    decided={case: str(decision) for case, decision in agents.decided.items()},
                    world_log=stack.world_log,
                    seconds=asyncio.get_running_loop().time() - started,
                )
            finally:
                database.dispose()


class _Listener:
    """Hears the world's clock and the product's cases, and lets the conductor act before it answers."""

    def __init__(self, port: int) -> None:
        self.conductor: Conductor | None = None
        self.address = f"http://127.0.0.1:{port}"
        self._port = port

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        app = Starlette(
            routes=[
                Route("/clock", self._clock, methods=["POST"]),
                Route("/cases", self._case, methods=["POST"]),
            ]
        )
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=self._port, log_config=None, access_log=False, lifespan="off")
        )
        # A request that Ctrl-C cuts off is no news; one that fails shows in the world's log.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        # Ctrl-C belongs to the command, not to this server.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        task = asyncio.create_task(server.serve())
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield
        finally:
            server.should_exit = True
            server.force_exit = True
            await task

    async def _clock(self, request: Request) -> JSONResponse:
        told = await request.json()
        if self.conductor is not None:
            await self.conductor.hear_world(
                told["loan_id"], datetime.fromisoformat(told["now"]), datetime.fromisoformat(told["next_at"])
            )
        return JSONResponse({})

    async def _case(self, request: Request) -> JSONResponse:
        if self.conductor is not None:
            await self.conductor.hear_case(CaseNews.model_validate(await request.json()))
        return JSONResponse({})


async def invent_people(sandbox: str, plan: Plan) -> list[PortfolioLoan]:
    """Contact data and consents for loans that came without; the world invents them, never the product."""
    wanted = [
        {
            "loan_id": loan.loan_id,
            "person": loan.person_id,
            "lender": LENDER,
            "country": loan.country,
            "region": loan.region,
            "language": loan.language,
            "currency": loan.currency,
            "amount_minor": loan.amount_due_minor,
            "due_date": loan.due_date.isoformat(),
            "as_of": plan.begins.isoformat(),
            "grade": loan.grade,
        }
        for loan in plan.loans
    ]
    async with httpx.AsyncClient(base_url=sandbox, timeout=300) as client:
        answer = await client.post("/_world/loans", json={"loans": wanted})
        answer.raise_for_status()
        people = {person["loan_id"]: person for person in answer.json()["people"]}
    whatsapp = Channel.WHATSAPP in channels_of(plan.strategy)
    return [_with_person(loan, people[loan.loan_id], whatsapp=whatsapp) for loan in plan.loans]


def _with_person(loan: PortfolioLoan, person: dict[str, Any], *, whatsapp: bool) -> PortfolioLoan:
    until = person.get("consent_valid_until")
    invented = {
        "name": person["name"],
        "phone": person["phone"],
        "email": person["email"],
        "birth_year": person["birth_year"],
        "postal_address": person["postal_address"],
        "language": person["language"],
        "timezone": person["timezone"],
        "bank_consent": person["bank_consent"],
        "bank_account": person["bank_account"],
        "consent_valid_until": date.fromisoformat(until[:10]) if until else None,
    }
    if whatsapp:
        # Where a strategy writes on WhatsApp it matters who agreed to it; every other way they agreed to with the loan.
        agreed = tuple(c for c in Channel if c is not Channel.WHATSAPP or person.get("whatsapp_opt_in"))
        invented["authorised_channels"] = agreed
    return loan.model_copy(update=invented)


def enter(database: Database, plan: Plan, campaign_id: str, loans: Iterable[PortfolioLoan]) -> Entered:
    with database.writing() as session:
        if Channel.WHATSAPP in channels_of(plan.strategy):
            policy = load_whatsapp().policy
            acknowledge_whatsapp(
                session, LENDER, actor="rehearsal", rule=policy.id, source=policy.source, at=plan.begins
            )
        campaign = campaigns.create(
            session,
            campaign_id=campaign_id,
            name=f"Rehearsal of {plan.source}",
            lender=LENDER,
            strategy_key=plan.strategy.key,
            source_file=plan.source,
            at=plan.begins,
        )
        return enter_portfolio(session, campaign, loans, strategy=plan.strategy, at=plan.begins)


async def _until_started(database: Database, campaign_id: str, progress: Progress, changed: Callable[[], None]) -> None:
    def look() -> campaigns.Progress:
        with database.reading() as session:
            return campaigns.progress(session, campaign_id)

    while True:
        found = await patiently_read(look)
        progress.started = found.started
        changed()
        if found.waiting == 0:
            return
        await asyncio.sleep(0.2)


def _people(loans: Iterable[PortfolioLoan]) -> list[list[str]]:
    """Loan ids by person."""
    groups: dict[str, list[str]] = {}
    for loan in loans:
        groups.setdefault(loan.person_id, []).append(loan.loan_id)
    return list(groups.values())
