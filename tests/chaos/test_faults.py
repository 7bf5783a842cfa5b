"""Faults of the database do what they say, and are over when they are over."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chaos import faults
from chaos.faults import Disturbance
from chaos.replays import Catcher
from chaos.schedule import Fault
from chaos.stack import ChaosStack
from commands.processes import Processes
from commands.rehearsal import Progress
from commands.stack import Addresses

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


def passing(provider: str, header: str) -> bytes:
    """The bytes of a webhook."""
    lines = (
        f"POST /webhooks/{provider} HTTP/1.1",
        "Content-Length: 2",
        "Date: Tue, 01 Dec 2026 10:00:00 GMT",
        header,
        "",
        "{}",
    )
    return "\r\n".join(lines).encode()


async def test_a_replay_waits_for_a_signature_that_can_be_too_old(tmp_path: Path) -> None:
    """Given a campaign so young that nothing has passed yet but news of an SMS, whose signature states no time."""
    taken: list[str] = []

    async def refuse(request: Request) -> Response:
        taken.append(request.url.path)
        return Response(status_code=400 if request.headers.get("stripe-signature") else 200)

    app = Starlette(routes=[Route("/webhooks/{provider}", refuse, methods=["POST"])])
    catcher = Catcher()
    catcher.hear(1, passing("twilio", "X-Twilio-Signature: x"))
    with Processes(tmp_path / "logs") as processes:
        stack = ChaosStack(processes, tmp_path, skipping=True)
        port = processes.ports.take()
        stack.addresses = Addresses("", "", web=f"http://127.0.0.1:{port}")
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve())
        fault = Fault(0, 0.0, "webhooks-replayed", "web", 0.0)
        disturb = Disturbance((fault,), {}, catcher, None, lambda progress: 1.0, lambda text: None, 1)

        during = asyncio.create_task(disturb(stack, Progress()))
        await asyncio.sleep(1)
        assert taken == []

        catcher.hear(2, passing("stripe", "Stripe-Signature: t=1,v1=x"))
        await during
        server.should_exit = True
        await serving

    assert catcher.late == [400]
    assert sorted(set(taken)) == ["/webhooks/stripe", "/webhooks/twilio"]
    assert disturb.happened == [fault]
    assert not disturb.not_possible


async def test_a_fault_that_was_not_possible_did_not_happen_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "fake_time_library", lambda: None)
    monkeypatch.setattr(faults, "_UNTIL_DATED_SECONDS", 0.1)
    told: list[str] = []
    drawn = (Fault(0, 0.0, "clock-worker", "worker-1", 5.0), Fault(1, 0.0, "webhooks-replayed", "web", 0.0))
    with Processes(tmp_path / "logs") as processes:
        disturb = Disturbance(drawn, {}, Catcher(), None, lambda progress: 1.0, told.append, 1)
        await disturb(ChaosStack(processes, tmp_path, skipping=True), Progress())

    assert disturb.happened == []
    assert dict(disturb.not_possible) == {"clock-worker": 1, "webhooks-replayed": 1}
    assert told == [
        "clock-worker was not possible: there is no libfaketime here",
        "webhooks-replayed was not possible: no webhook with a dated signature came by",
    ]


class Restarting(ChaosStack):
    def start_web(self):  # type: ignore[no-untyped-def]
        return self.processes.start("web", [sys.executable, "-c", "import time; time.sleep(60)"], {})


def written(folder: Path) -> int:
    try:
        with sqlite3.connect(f"file:{folder / 'recobro.db'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM said").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
