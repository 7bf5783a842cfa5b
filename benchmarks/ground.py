"""Where benchmarks of loans take place: one real Temporal server, records in SQLite, workers in their own processes."""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from temporalio.client import Client

from commands.processes import Child, Processes
from commands.stack import Stack
from records.database import Database
from workflows.connection import ensure_search_attributes
from workflows.payload_json import compact_data_converter

_STARTED_WITHIN = 60.0


@dataclass
class Workers:
    """Worker processes of one kind on one task queue."""

    queue: str
    children: list[Child] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        """CPU time spent so far, all processes together."""
        return sum(cpu_seconds(child.process.pid) for child in self.children)

    def resident_mb(self) -> float:
        return sum(resident_mb(child.process.pid) for child in self.children)


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_mb(pid: int) -> float:
    """Memory that is the process's own: pages shared with others (the interpreter's code) do not count twice."""
    return float(psutil.Process(pid).memory_full_info().uss) / 1e6


@dataclass
class Ground:
    processes: Processes
    folder: Path
    stack: Stack
    database: Database
    client: Client
    """Speaks as the product does."""
    plain: Client
    """Speaks with Temporal's default converter, as the bare workflow does."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def server_pid(self) -> int:
        return self.processes.get("temporal").process.pid

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder / 'recobro.db'}"

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "TEMPORAL_ADDRESS": self.stack.addresses.temporal,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_CONFIG_FILE": str(self.folder / "no-temporal-profile.toml"),
            "RECOBRO_DATABASE_URL": self.database_url,
            **more,
        }

    def new_queue(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    @asynccontextmanager
    async def workers(
        self, kind: str, processes: int = 1, *, queue: str | None = None, cached: int | None = None
    ) -> AsyncIterator[Workers]:
        """`kind`: product or bare. `cached`: as the settings have it when None."""
        workers = Workers(queue or self.new_queue(kind))
        more = {"RECOBRO_TASK_QUEUE": workers.queue}
        if cached is not None:
            more["RECOBRO_WORKER__CACHED_WORKFLOWS"] = str(cached)
        names = [f"{workers.queue}-{next(self._numbers)}" for _ in range(processes)]
        try:
            for name in names:
                command = ["-m", "benchmarks.worker_process", kind]
                child = self.processes.start(name, [sys.executable, *command], self.environment(**more))
                workers.children.append(child)
            for child in workers.children:
                await asyncio.to_thread(self.processes.wait_ready, child, partial(said_ready, child), _STARTED_WITHIN)
            yield workers
        finally:
            for child in workers.children:
                await asyncio.to_thread(self.processes.stop, child.name)


def said_ready(child: Child) -> bool:
    return child.log.exists() and "worker ready" in child.log.read_text(errors="replace")


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A fresh server and empty records; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="recobro-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with Processes(folder / "log") as processes:
            stack = Stack(processes, folder, skipping=False)
            await asyncio.to_thread(stack.start_temporal)
            database = Database(f"sqlite:///{folder / 'recobro.db'}")
            await asyncio.to_thread(database.check)
            address = stack.addresses.temporal
            client = await Client.connect(address, data_converter=compact_data_converter)
            await ensure_search_attributes(client)
            plain = await Client.connect(address)
            try:
                yield Ground(processes, folder, stack, database, client, plain)
            finally:
                database.dispose()
