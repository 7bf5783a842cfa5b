"""What a loan takes of its stores in the shipped 90-day strategy: PostgreSQL's disk, log, transactions and CPU, and
Temporal's database.

A rehearsal on PostgreSQL: real delinquent US loans, with reminders, links, balance reads with consent, payments,
replies, webhooks and cases. Of two campaigns, a small one and a large one, the difference: an index of one row takes a
page, and a page holds a hundred.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections import Counter
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import psutil
import psycopg

import intake
from benchmarks import Figure, sized
from benchmarks.taking_in import postgresql
from commands.processes import ROOT
from commands.rehearsal import Plan, Progress, begin_of, next_first_day, rehearse
from config.strategies import find_strategy
from records.database import Database

LOANS = 90
DAYS = 95
_FILE = ROOT / "portfolios" / "lendingclub_delinquent.csv"
_IDLE_SECONDS = 20.0
_COUNTED = ("balance_read", "sms", "email", "whatsapp", "call", "payment", "webhook")


@dataclass(frozen=True)
class _Taken:
    """So far: bytes of PostgreSQL's tables and indexes and of its write-ahead log, its transactions, its CPU (seconds);
    bytes of Temporal's database. `at`: when, by a clock that only goes on."""

    at: float
    kept: float
    log: float
    transactions: float
    cpu: float
    temporal: float

    def since(self, before: _Taken) -> _Taken:
        mine, theirs = astuple(self), astuple(before)
        return _Taken(*(one - other for one, other in zip(mine, theirs, strict=True)))

    def without(self, idle: _Taken) -> _Taken:
        """Less the transactions and CPU of as long a time without work: whoever waits for it asks for it."""
        as_long = self.at / idle.at
        transactions = self.transactions - idle.transactions * as_long
        return replace(self, transactions=transactions, cpu=self.cpu - idle.cpu * as_long)


@dataclass(frozen=True)
class _Rehearsed:
    loans: int
    taken: _Taken
    asked_idle: float
    happened: Counter[str]


def measure(scale: float = 1.0) -> list[Figure]:
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    return asyncio.run(_measure(sized(LOANS, scale)))


async def _measure(number: int) -> list[Figure]:
    few, many = await _rehearsed(max(1, number // 3)), await _rehearsed(number)
    more = many.loans - few.loans
    taken = many.taken.since(few.taken)
    happened = {kind: (many.happened[kind] - few.happened[kind]) / more for kind in _COUNTED}
    note = f"{more} loans beyond {few.loans}, on average: " + ", ".join(
        f"{n:.1f} {kind}" for kind, n in happened.items()
    )
    waiting = f"and {many.asked_idle:.0f} a second of processes that wait for work, whatever the number of loans"
    return [
        Figure("footprint.kept", taken.kept / more / 1000, "KB", note=note),
        Figure("footprint.log", taken.log / more / 1000, "KB", note="PostgreSQL's write-ahead log"),
        Figure("footprint.transactions", taken.transactions / more, "transactions", note=waiting),
        Figure("footprint.postgresql_cpu", 1000 * taken.cpu / more, "ms"),
        Figure("footprint.temporal", taken.temporal / more / 1000, "KB", note="the development server's SQLite file"),
    ]


async def _rehearsed(number: int) -> _Rehearsed:
    with tempfile.TemporaryDirectory(prefix="rcb-foot-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with postgresql(folder) as url:
            Database(url).migrate()
            server = _server(folder / "pg")
            before = await asyncio.to_thread(_taken, url, server, folder)
            async with rehearse(_plan(number, folder / "stack", url), Progress()) as rehearsal:
                after = await asyncio.to_thread(_taken, url, server, folder)
                await asyncio.sleep(_IDLE_SECONDS)
                idle = (await asyncio.to_thread(_taken, url, server, folder)).since(after)
                happened = _happened(rehearsal.world_log)
    return _Rehearsed(number, after.since(before).without(idle), idle.transactions / idle.at, happened)


def _plan(number: int, folder: Path, url: str) -> Plan:
    first_day = next_first_day()
    loans = tuple(intake.check(_FILE, "lendingclub", first_day).loans())
    return Plan(
        loans=loans[:number],
        strategy=find_strategy("us-consumer"),
        seed=7,
        begins=begin_of(first_day),
        days=DAYS,
        preset="prime",
        folder=folder,
        database_url=url,
        source=_FILE.name,
    )


def _server(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))


def _taken(url: str, server: psutil.Process, folder: Path) -> _Taken:
    """After a checkpoint and a vacuum: what a table keeps for rows that are no more is not what a loan takes."""
    with psycopg.connect(url, autocommit=True) as connection:
        log = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        committed = connection.execute(
            "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        cpu = _cpu(server)
        connection.execute("VACUUM")
        kept = connection.execute("SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables").fetchone()
    assert log is not None
    assert committed is not None
    assert kept is not None
    temporal = sum(file.stat().st_size for file in folder.glob("stack/temporal.db*"))
    return _Taken(time.monotonic(), float(kept[0]), float(log[0]), float(committed[0]), cpu, float(temporal))


def _cpu(server: psutil.Process) -> float:
    """Of the server, of those of its processes that live and of those that have ended."""
    own = server.cpu_times()
    living = [child.cpu_times() for child in server.children(recursive=True)]
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(one.user + one.system for one in living))


def _happened(world: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in world.read_text(encoding="utf-8").splitlines():
        found.update(kind for kind in _COUNTED if f'"kind":"{kind}"' in line or f'"kind": "{kind}"' in line)
    return found
