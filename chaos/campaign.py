"""One campaign under chaos from its start to its verdict, and the same campaign in calm."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from chaos import portfolio
from chaos.checker.check import Check
from chaos.checker.checks import judge
from chaos.checker.ends import compared
from chaos.checker.evidence import Evidence, Outcome, read_debts, read_rows, read_runs, read_world
from chaos.checker.kept import Kept, search
from chaos.checker.names import personal
from chaos.faults import Disturbance
from chaos.postgresql import Postgresql
from chaos.replays import Catcher
from chaos.schedule import Fault, listed
from chaos.settling import let_campaigns_end
from chaos.stack import ChaosStack, proxies_of
from chaos.task_failures import TaskFailures
from commands.processes import Ports
from commands.rehearsal import Plan, Progress, Rehearsal, begin_of, rehearse
from commands.stack import Stack

_DAY = timedelta(days=1)
_WORKERS = 2


@dataclass(frozen=True)
class Verdict:
    """What one campaign under chaos came to."""

    seed: int
    database: str
    loans: int
    faults: dict[str, int]
    struck: dict[str, int]
    """Connections broken or slowed, by service."""
    died: dict[str, int]
    checks: tuple[Check, ...]
    ends: dict[str, int]
    compared: int | None
    """Loans whose end had to be that of the campaign without faults; None: no such campaign was asked for."""
    seconds: float
    not_possible: dict[str, int] = field(default_factory=dict)

    @property
    def violations(self) -> list[str]:
        return [violation for check in self.checks for violation in check.violations]

    @property
    def not_shown(self) -> list[str]:
        """Why a campaign without violations shows nothing all the same: what it was to be judged by was not there."""
        unseen = {check.name for check in self.checks if check.looked_at == 0}
        told: list[str] = []
        if not self.faults and self.not_possible:
            told.append("no fault happened")
        if self.compared == 0:
            told.append("no end was compared with the campaign without faults")
        if "failed-tasks" in unseen:
            told.append("no workflow was looked at")
        if "named" in unseen:
            told.append("nothing was searched for names")
        if "replays" in unseen and self.faults.get("webhooks-replayed"):
            told.append("no late replay was answered")
        return told


def share_of(plan: Plan, progress: Progress) -> float:
    """How much of the campaign's loan days has passed, from 0 to 1."""
    passed = sum(
        1.0 if loan_id in progress.ended else min(1.0, (at - plan.begins) / (_DAY * portfolio.DAYS))
        for loan_id, at in progress.reached.items()
    )
    return passed / max(1, len(plan.loans))


def plan_of(seed: int, number: int, folder: Path, database_url: str = "") -> Plan:
    drawn = portfolio.portfolio_of(seed, number)
    return Plan(
        loans=drawn.loans,
        strategy=drawn.strategy,
        seed=seed,
        begins=begin_of(portfolio.FIRST_DAY),
        days=portfolio.DAYS + portfolio.AFTERWARDS,
        preset="prime",
        folder=folder.resolve(),
        workers=_WORKERS,
        database_url=database_url,
        source=drawn.source,
        words=portfolio.in_words(seed),
    )


async def in_calm(seed: int, number: int, folder: Path, tell: Callable[[str], None]) -> dict[str, Outcome]:
    """The campaign without faults: what each loan came to."""
    plan = plan_of(seed, number, folder)
    progress = Progress()
    telling = asyncio.create_task(_tell_progress(plan, progress, partial(_prefixed, tell, "calm: ")))
    try:
        async with rehearse(plan, progress) as rehearsal:
            return (await _evidence(rehearsal)).outcomes()
    finally:
        await _ended(telling)


async def under_chaos(
    seed: int,
    number: int,
    folder: Path,
    database: str,
    faults: tuple[Fault, ...],
    calm: asyncio.Future[dict[str, Outcome]] | None,
    tell: Callable[[str], None],
) -> Verdict:
    """The campaign under these faults, and the verdict. Everything started is ended, whatever happens."""
    began = time.monotonic()
    with contextlib.ExitStack() as later:
        postgresql = None
        if database == "postgresql":
            postgresql = await asyncio.to_thread(Postgresql)
            later.callback(postgresql.stop)
        plan = plan_of(seed, number, folder, postgresql.url if postgresql else "")
        progress = Progress()
        ports = Ports()
        later.callback(ports.release)
        stacks: list[Stack] = []
        proxies = proxies_of(stacks, ports, postgresql.socket if postgresql else None)
        catcher = Catcher()
        proxies["web"].heard = catcher.hear
        disturb = Disturbance(faults, proxies, catcher, postgresql, partial(share_of, plan), tell, seed)
        failures = TaskFailures()
        metrics_ports = {name: ports.take() for name in ("web", *(f"worker-{number}" for number in range(_WORKERS)))}

        def make_stack(*given: Any, **more: Any) -> Stack:
            stacks.append(ChaosStack(*given, **{**more, "proxies": proxies, "metrics_ports": metrics_ports}))
            return stacks[0]

        async def disturb_and_watch(stack: Stack, progress: Progress) -> None:
            assert isinstance(stack, ChaosStack)
            watching.append(asyncio.create_task(failures.watch(stack)))
            await disturb(stack, progress)

        watching: list[asyncio.Task[None]] = []

        telling = asyncio.create_task(_tell_progress(plan, progress, tell))
        try:
            for proxy in proxies.values():
                await proxy.start()
            async with rehearse(plan, progress, disturb=disturb_and_watch, make_stack=make_stack) as rehearsal:
                without_faults = await calm if calm is not None else None
                evidence = await _evidence(rehearsal, without_faults, catcher, failures)
                evidence = replace(evidence, kept=await _kept(rehearsal, evidence, postgresql))
        finally:
            for task in (telling, *watching):
                await _ended(task)
            for proxy in proxies.values():
                await proxy.stop()
    checks = tuple(judge(evidence))
    ends: dict[str, int] = {}
    for outcome in evidence.outcomes().values():
        ends[str(outcome.end)] = ends.get(str(outcome.end), 0) + 1
    return Verdict(
        seed=seed,
        database=database,
        loans=len(plan.loans),
        faults=listed(disturb.happened),
        struck={name: proxy.struck for name, proxy in proxies.items() if proxy.struck},
        died=dict(disturb.died),
        checks=checks,
        ends=ends,
        compared=None if evidence.calm is None else len(compared(evidence)),
        seconds=round(time.monotonic() - began, 1),
        not_possible=dict(disturb.not_possible),
    )


async def _evidence(
    rehearsal: Rehearsal,
    calm: Mapping[str, Outcome] | None = None,
    catcher: Catcher | None = None,
    failures: TaskFailures | None = None,
) -> Evidence:
    """Read while the stack still stands."""
    stack = rehearsal.stack
    failed: tuple[str, ...] = ()
    if failures is not None:
        await let_campaigns_end(await Client.connect(stack.addresses.temporal, namespace=stack.namespace))
        assert isinstance(stack, ChaosStack)
        await failures.look(stack)
        failed = failures.told(rehearsal.plan.folder / "logs")
    handed = [
        {
            "loan_id": loan.loan_id,
            "person_id": loan.person_id,
            "amount_minor": loan.amount_due_minor,
            "currency": loan.currency,
            "country": loan.country,
            "region": loan.region,
        }
        for loan in rehearsal.plan.loans
    ]
    return Evidence(
        debts=await asyncio.to_thread(read_debts, stack.addresses.sandbox, handed),
        world=await asyncio.to_thread(read_world, rehearsal.world_log),
        rows=await asyncio.to_thread(read_rows, stack.records_url),
        runs=await read_runs(stack.addresses.temporal, stack.namespace),
        calm=calm,
        late_replays=tuple(catcher.late) if catcher else (),
        failed_at_workers=failed,
        # It goes on for as long as from its entry; a day for a closed hour, a holiday.
        last_reopening=rehearsal.plan.begins + _DAY * (portfolio.AFTERWARDS - 1),
        clocks_stop=rehearsal.plan.begins + _DAY * rehearsal.plan.days,
    )


async def _kept(rehearsal: Rehearsal, evidence: Evidence, postgresql: Postgresql | None) -> tuple[Kept, ...]:
    """What is kept in the clear, searched for everybody."""
    wanted = [datum for _, _, datum in personal(evidence)]
    pages = await metrics_pages(rehearsal.stack)
    server = postgresql.folder if postgresql else None
    return await asyncio.to_thread(partial(search, rehearsal.plan.folder, pages, wanted, server=server))


async def metrics_pages(stack: Stack) -> dict[str, bytes]:
    """What each process tells a scraper now. Raises httpx.HTTPError."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        return {
            f"metrics of {name}": (await client.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status().content
            for name, port in stack.metrics_ports.items()
        }


async def _tell_progress(plan: Plan, progress: Progress, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(10)
        tell(f"{progress.phase}: {len(progress.ended)}/{len(plan.loans)} ended, {share_of(plan, progress):.0%} passed")


def _prefixed(tell: Callable[[str], None], prefix: str, text: str) -> None:
    tell(prefix + text)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
