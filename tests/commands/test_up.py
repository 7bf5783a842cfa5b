"""`up`: one in a checkout, found by other commands, gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import local_stack
from commands.processes import ROOT


def command(folder: Path, *words: str) -> list[str]:
    """starter.py as in a checkout whose local stack lives in `folder`."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom commands import local_stack\n"
        f"local_stack.FOLDER = Path({str(folder)!r})\n"
        "from starter import app\napp(sys.argv[1:])"
    )
    return [sys.executable, "-c", code, *words]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("TEMPORAL_", "RECOBRO_"))}


def listens(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, int(port))) == 0


def test_up_serves_this_checkout_until_it_is_told_to_end(tmp_path: Path) -> None:
    run = {"cwd": ROOT, "env": environment(), "capture_output": True, "text": True, "timeout": 60}
    up = subprocess.Popen(
        command(tmp_path, "up"), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert up.stdout is not None
        shown = ""
        for line in up.stdout:
            shown += line
            if "Ctrl-C ends everything" in line:
                break
        known = local_stack.variables(tmp_path)
        second = subprocess.run(command(tmp_path, "up"), **run)  # type: ignore[call-overload]
        listed = subprocess.run(command(tmp_path, "campaign", "list", "--json"), **run)  # type: ignore[call-overload]
        database = Path(known["RECOBRO_DATABASE_URL"].removeprefix("sqlite:///"))
        assert f"export TEMPORAL_ADDRESS={known['TEMPORAL_ADDRESS']}" in shown
        assert known["RECOBRO_WEB__PUBLIC_URL"] in shown
        assert listens(known["TEMPORAL_ADDRESS"])
        assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
        assert "runs already in this checkout" in second.stderr
        assert json.loads(listed.stdout) == {"campaigns": []}
        assert database.parent == tmp_path
        assert database.exists()
    finally:
        up.send_signal(signal.SIGTERM)
        code = up.wait(timeout=30)

    assert code == 0
    assert not listens(known["TEMPORAL_ADDRESS"])
    assert not listens(known["RECOBRO_WEB__PUBLIC_URL"])
    assert local_stack.variables(tmp_path) == {}


def test_variables_of_a_stack_that_died_are_not_used(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\nfrom pathlib import Path\nfrom commands import local_stack as it\n"
            f"folder = Path({str(tmp_path)!r})\n"
            "with it.only_one(folder):\n"
            "    it.write_variables({'TEMPORAL_ADDRESS': 'here:1', 'A': \"it's\"}, folder)\n    time.sleep(60)",
        ],
        cwd=ROOT,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "env").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    alive = local_stack.variables(tmp_path)
    holder.kill()
    holder.wait()

    assert alive == {"TEMPORAL_ADDRESS": "here:1", "A": "it's"}
    assert (tmp_path / "env").exists()
    assert local_stack.variables(tmp_path) == {}


@pytest.mark.parametrize("name", local_stack.DECIDING)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_whoever_says_where_to_work_is_not_sent_to_the_local_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, where: str
) -> None:
    for each in (*local_stack.DECIDING, "RECOBRO_TASK_QUEUE"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local_stack, "variables", lambda _folder=None: {"RECOBRO_TASK_QUEUE": "local"})
    if where == ".env":
        Path(".env").write_text(f"{name}=elsewhere\n")
    else:
        monkeypatch.setenv(name, "elsewhere")

    local_stack.use_if_nothing_else_is_configured()

    assert "RECOBRO_TASK_QUEUE" not in os.environ


def test_a_variable_that_is_set_wins_over_the_local_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in local_stack.DECIDING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_TASK_QUEUE", "mine")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "x")
    monkeypatch.delenv("TEMPORAL_NAMESPACE")
    found = {"RECOBRO_TASK_QUEUE": "local", "TEMPORAL_NAMESPACE": "local"}
    monkeypatch.setattr(local_stack, "variables", lambda _folder=None: found)

    local_stack.use_if_nothing_else_is_configured()

    assert (os.environ["RECOBRO_TASK_QUEUE"], os.environ["TEMPORAL_NAMESPACE"]) == ("mine", "local")
    os.environ.pop("TEMPORAL_NAMESPACE", None)
