"""Where the processes of a stack stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.processes import Ports, Processes
from commands.stack import Stack
from workflows.connection import DEFAULT_PORT


def test_no_command_finds_a_rehearsals_server_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loans started there by mistake would be gone with it."""
    asked: list[int | None] = []
    take = Ports.take
    monkeypatch.setattr(Ports, "take", lambda ports, preferred=None: asked.append(preferred) or take(ports, preferred))
    with Processes(tmp_path / "logs") as processes:
        stack = Stack(processes, tmp_path, skipping=True, namespace="rehearsal")

        stack.start_temporal()

    assert asked
    assert DEFAULT_PORT not in asked
    assert not stack.addresses.temporal.endswith(f":{DEFAULT_PORT}")
