"""Faults of the database do what they say, and are over when they are over."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from chaos.faults import Disturbance
from chaos.replays import Catcher
from chaos.schedule import Fault
from chaos.stack import ChaosStack
from commands.processes import Processes
from commands.rehearsal import Progress

WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=0.2, isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("CREATE TABLE IF NOT EXISTS said (ok INTEGER, filler TEXT)")
while True:
    try:
        connection.execute("INSERT INTO said VALUES (1, ?)", ("x" * 3000,))
    except sqlite3.OperationalError as error:
        open(sys.argv[2], "a").write(str(error)[:20] + "|")
    time.sleep(0.02)
"""


@pytest.mark.parametrize(("kind", "says"), [("locked", "database is locked"), ("disk-full", "disk I/O error")])
async def test_while_it_lasts_nothing_is_written_and_afterwards_it_is(tmp_path: Path, kind: str, says: str) -> None:
    with Processes(tmp_path / "logs") as processes:
        stack = ChaosStack(processes, tmp_path, skipping=True)
        command = [sys.executable, "-c", WRITER, str(tmp_path / "recobro.db"), str(tmp_path / "errors")]
        processes.wait_ready(processes.start("web", command, {}), lambda: written(tmp_path) > 3)
        told: list[str] = []
        fault = Fault(0, 0.0, kind, "sqlite", 1.5)
        disturb = Disturbance((fault,), {}, Catcher(), None, lambda progress: 1.0, told.append, 1)

        during = asyncio.create_task(disturb(stack, Progress()))
        await asyncio.sleep(0.7)
        before = written(tmp_path)
        await asyncio.sleep(0.5)
        assert written(tmp_path) == before
        await during
        processes.wait_ready(processes.get("web"), lambda: written(tmp_path) > before + 3)

    assert says[:20] in (tmp_path / "errors").read_text()
    assert disturb.happened == [fault]
    assert told == [str(fault)]


async def test_a_killed_process_is_another_one_afterwards(tmp_path: Path) -> None:
    with Processes(tmp_path / "logs") as processes:
        stack = Restarting(processes, tmp_path, skipping=True)
        first = stack.start_web().process
        disturb = Disturbance(
            (Fault(0, 0.0, "kill", "web", 0.3),), {}, Catcher(), None, lambda progress: 1.0, lambda text: None, 1
        )

        await disturb(stack, Progress())

        assert first.returncode == -9
        assert processes.get("web").process.pid != first.pid
        assert not disturb.died


class Restarting(ChaosStack):
    def start_web(self):  # type: ignore[no-untyped-def]
        return self.processes.start("web", [sys.executable, "-c", "import time; time.sleep(60)"], {})


def written(folder: Path) -> int:
    try:
        with sqlite3.connect(f"file:{folder / 'recobro.db'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM said").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
