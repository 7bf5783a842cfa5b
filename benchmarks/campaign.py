"""A campaign of 20,000 loans: how fast it starts, what the command takes, what its sleeping loans cost a worker.

First the loans are only started, by the campaign and, before and after it, by a plain loop over
`client.start_workflow` with the same arguments and as many calls under way. Then one worker takes them up until all
sleep; on the way its memory is read with 10,000 of them asleep, and its cost for a loan among the first 2,000 and
among all.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import func
from sqlmodel import select

from activities.campaigns import BATCH
from benchmarks import LEAST_CPU, Figure, progress, sized
from benchmarks.ground import Ground, cpu_seconds, ground
from benchmarks.loans import LENDER, OurLoans, all_of, due_date
from commands.processes import ROOT
from records import campaigns
from records.tables import BalanceRead

LOANS = 20_000
FEW, ASLEEP_FOR_MEMORY = 0.1, 0.5
"""Of all loans: those a growth is measured from, and those asleep when memory is read."""
PLAIN = 10
"""The plain loop starts one in so many, before and after: its rate does not change with their number."""
_STARTED_WITHIN = 900.0
_COLUMNS = (
    "loan_id", "person_id", "name", "phone", "email", "language", "country", "region", "timezone", "currency",
    "amount_due_minor", "due_date", "bank_consent", "bank_account", "consent_valid_until",
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """So many loans by then; CPU seconds of the worker and of the server since the beginning."""

    loans: int
    at: float
    worker_cpu: float
    server_cpu: float


def measure(scale: float = 1.0) -> list[Figure]:
    return asyncio.run(_measure(sized(LOANS, scale)))


async def _measure(count: int) -> list[Figure]:
    async with ground() as on:
        progress(f"{count // PLAIN} loans started by a plain loop, {count} by a campaign, {count // PLAIN} by the loop")
        before = await _plain_loop(on, max(1, count // PLAIN))
        starter_mb, started, queue = await _by_campaign(on, count)
        after = await _plain_loop(on, max(1, count // PLAIN))
        figures = _starting(started, (before + after) / 2, starter_mb, count)
        for figure in figures:
            if figure.value is not None:
                progress(f"{figure.name} {figure.value:,.4g} {figure.unit}")
        async with on.workers("product", queue=f"{queue}-loans") as workers:
            empty = workers.resident_mb()
            pid = workers.children[0].process.pid
            marks = (max(1, round(count * FEW)), max(1, round(count * ASLEEP_FOR_MEMORY)), count)
            begun = Moment(0, time.monotonic(), cpu_seconds(pid), cpu_seconds(on.server_pid))
            moments = {}
            for mark in marks:
                progress(f"until {mark} of {count} loans sleep")
                await _until(partial(_sleep, on, mark), _between_looks(count))
                moments[mark] = Moment(_asleep(on), time.monotonic(), cpu_seconds(pid), cpu_seconds(on.server_pid))
                if mark == marks[1]:
                    full = workers.resident_mb()
                    progress(f"{full - empty:,.0f} MB with {mark} asleep")
        return figures + _sleeping(begun, moments, marks, full - empty, empty)


def _starting(started: list[Moment], plain_rate: float, starter_mb: float | None, count: int) -> list[Figure]:
    first = next(one for one in started if one.loans)
    if first is started[-1]:
        # So few that they were all started between two looks.
        first = started[0]
    few = next((one for one in started if one.loans >= first.loans + count * FEW), started[-1])
    rate = _rate(first, started[-1])
    cpu_few = (few.worker_cpu - first.worker_cpu) / max(1, few.loans - first.loans)
    cpu_all = (started[-1].worker_cpu - first.worker_cpu) / max(1, started[-1].loans - first.loans)
    return [
        Figure("campaign.start_rate", rate, "loans/s", note=f"{count} loans, {BATCH} starts under way"),
        Figure("campaign.plain_rate", plain_rate, "loans/s", note="a client loop with the same arguments"),
        Figure("campaign.to_plain_loop", rate / plain_rate, "of a plain client loop", 0.9),
        Figure(
            "campaign.starter_memory",
            starter_mb,
            "MB",
            200,
            at_most=True,
            note="peak of `campaign start` and what it starts",
        ),
        Figure(
            "campaign.start_growth",
            cpu_all / max(cpu_few, LEAST_CPU),
            "times",
            1.15,
            at_most=True,
            note=f"worker CPU for a start: {1000 * cpu_few:.2f} ms among the first, {1000 * cpu_all:.2f} ms over all",
        ),
    ]


def _sleeping(
    begun: Moment, moments: dict[int, Moment], marks: tuple[int, int, int], more_mb: float, empty_mb: float
) -> list[Figure]:
    few, every = moments[marks[0]], moments[marks[2]]
    ours = [(one.worker_cpu - begun.worker_cpu) / one.loans for one in (few, every)]
    server = [(one.server_cpu - begun.server_cpu) / one.loans for one in (few, every)]
    return [
        Figure(
            "campaign.sleeping_memory",
            more_mb,
            "MB",
            100,
            at_most=True,
            note=f"{moments[marks[1]].loans} loans asleep, above the {empty_mb:.0f} MB of the empty worker",
        ),
        Figure("campaign.first_task", 1000 * ours[1], "ms/loan", note="worker CPU until a loan sleeps"),
        Figure(
            "campaign.growth",
            ours[1] / max(ours[0], LEAST_CPU),
            "times",
            1.15,
            at_most=True,
            note=f"worker CPU for a loan until it sleeps, {every.loans} loans against {few.loans}",
        ),
        Figure(
            "campaign.server_growth",
            server[1] / max(server[0], LEAST_CPU),
            "times",
            note="the same of Temporal's server",
        ),
    ]


def _rate(first: Moment, last: Moment) -> float:
    return (last.loans - first.loans) / (last.at - first.at)


async def _plain_loop(on: Ground, count: int) -> float:
    loans = OurLoans(on, on.new_queue("plain"), 0)
    begun = time.monotonic()
    await all_of(loans.start, range(count), at_once=BATCH)
    return count / (time.monotonic() - begun)


async def _by_campaign(on: Ground, count: int) -> tuple[float | None, list[Moment], str]:
    """Peak memory of the command in MB, how far the campaign was when, and its queue."""
    file = on.folder / "portfolio.csv"
    await asyncio.to_thread(_write_portfolio, file, count)
    queue = on.new_queue("campaign")
    async with on.workers("campaign", queue=queue) as workers:
        starter = asyncio.create_task(asyncio.to_thread(_start, on, file, queue))
        pid = workers.children[0].process.pid
        moments = [Moment(0, time.monotonic(), cpu_seconds(pid), cpu_seconds(on.server_pid))]
        deadline = time.monotonic() + _STARTED_WITHIN
        while moments[-1].loans < count:
            await asyncio.sleep(_between_looks(count))
            if starter.done():
                starter.result()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{moments[-1].loans} of {count} loans started")
            started = await asyncio.to_thread(_started, on, queue)
            moments.append(Moment(started, time.monotonic(), cpu_seconds(pid), cpu_seconds(on.server_pid)))
        return await starter, moments, queue


def _start(on: Ground, file: Path, queue: str) -> float | None:
    command = ["starter.py", "campaign", "start", str(file), "--id", queue, "--strategy", "es-microloan"]
    command += ["--lender", LENDER, "--rate", "10000", "--yes", "--json"]
    with (on.folder / "log" / "campaign-start.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **on.environment(RECOBRO_TASK_QUEUE=queue)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        peak = _peak_mb(process)
    if process.returncode != 0:
        raise AssertionError((on.folder / "log" / "campaign-start.log").read_text()[-2000:])
    return peak


def _peak_mb(process: subprocess.Popen[bytes]) -> float | None:
    """Wait for its end; the most memory it held together with the processes it started, in MB.

    None where the kernel does not tell (it needs Linux's /proc). What each holds (VmRSS of proc_pid_status(5)) is added
    up every 20 ms; pages that several hold count for each. What wait4 tells of a child would not do: it is never less
    than what its parent held when it was forked, and this process has held a classifier by then.
    """
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_resident_kb(pid) for pid in _family(process.pid)))
        time.sleep(0.02)
    return peak * 1024 / 1e6 if peak else None


def _family(pid: int) -> list[int]:
    """A process and all it started, as far as they run."""
    family, unseen = [], [pid]
    while unseen:
        family.append(unseen.pop())
        for children in Path(f"/proc/{family[-1]}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                unseen += map(int, children.read_text(encoding="ascii").split())
    return family


def _resident_kb(pid: int) -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    return 0


def _started(on: Ground, campaign_id: str) -> int:
    with on.database.reading() as session:
        try:
            return campaigns.progress(session, campaign_id).started
        except campaigns.UnknownCampaign:
            return 0


def _asleep(on: Ground) -> int:
    """Loans whose balance was looked at once: their first task is done and they sleep."""
    with on.database.reading() as session:
        return session.exec(select(func.count()).select_from(BalanceRead)).one()


def _sleep(on: Ground, at_least: int) -> bool:
    return _asleep(on) >= at_least


def _between_looks(count: int) -> float:
    """Seconds. A look counts all loans, on the cores that are measured."""
    return 0.2 if count < 2_000 else 1.5


async def _until(done: Callable[[], bool], between_looks: float) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN
    while not await asyncio.to_thread(done):
        if time.monotonic() > deadline:
            raise TimeoutError("the loans did not fall asleep")
        await asyncio.sleep(between_looks)


def _write_portfolio(file: Path, count: int) -> None:
    due = due_date()
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(_COLUMNS)
        for number in range(count):
            key = f"C{number:06d}"
            rows.writerow(
                (key, f"P{number}", "Lucía Gómez", f"+346{number:08d}", f"{key.lower()}@mail.example", "es", "ES", "MD",
                 "Europe/Madrid", "EUR", 30_000, due.isoformat(), f"consent-{key}", f"account-{key}",
                 f"{due.year + 1}-01-01")
            )  # fmt: skip
