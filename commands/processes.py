"""Child processes of a local stack: started with their ports, watched, and never left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Self

from commands.reaper import GRACE_SECONDS

ROOT = Path(__file__).resolve().parent.parent
_PORTS = range(20_000, 32_000)


class ProcessFailed(RuntimeError):
    """A child ended or did not get ready; the text ends with the last lines it wrote."""


def executable(name: str) -> str:
    """A program of the environment this runs in, whatever PATH says. Raises ProcessFailed."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ProcessFailed(f"{name} is not installed here: run `make setup`")
    return found


class Ports:
    """Free ports of this machine, kept from other stacks until `release`.

    A port is probed and locked by a file in the temporary folder: two stacks that start at once cannot both
    choose it. Ports come from below the range the kernel uses for outgoing connections.
    """

    def __init__(self) -> None:
        self._locks: list[IO[bytes]] = []
        self._folder = Path(tempfile.gettempdir()) / f"recobro-ports-{os.getuid()}"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def take(self, preferred: int | None = None) -> int:
        """`preferred` if nobody has it, else any free port. Raises ProcessFailed when there is none."""
        others = random.sample(_PORTS, 200)  # nosec B311 # any free port will do
        for port in others if preferred is None else [preferred, *others]:
            lock = (self._folder / str(port)).open("wb")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            if _is_free(port):
                self._locks.append(lock)
                return port
            lock.close()
        raise ProcessFailed("this machine has no free port")

    def release(self) -> None:
        for lock in self._locks:
            lock.close()
        self._locks.clear()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Child:
    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    def last_lines(self, number: int = 8) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return "\n".join(f"  {line[:300]}" for line in lines[-number:])
        return ""


class Processes:
    """The children of one stack. As a context manager it ends them all; a watcher does so if we are killed."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: dict[str, Child] = {}
        self._reaper: subprocess.Popen[bytes] | None = None
        self.ports = Ports()

    def __enter__(self) -> Self:
        self._reaper = subprocess.Popen(  # nosec B603 # our own programs, no shell
            [sys.executable, "-m", "commands.reaper"], stdin=subprocess.PIPE, cwd=ROOT, start_new_session=True
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop_all()
        self.ports.release()

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> Child:
        """Start a child in a process group of its own; what it writes goes to `<logs>/<name>.log`."""
        log = self.log(name)
        with log.open("ab") as output:
            process = subprocess.Popen(  # nosec B603 # our own programs, no shell
                command,
                cwd=ROOT,
                env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children[name] = child
        self._tell_reaper(process.pid)
        return child

    def wait_ready(self, child: Child, ready: Callable[[], bool], seconds: float = 120.0) -> None:
        """Wait until `ready` says so. Raises ProcessFailed when the child ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if child.process.poll() is not None:
                raise ProcessFailed(f"{child.name} ended with code {child.process.returncode}\n{child.last_lines()}")
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{child.name} was not ready after {seconds:.0f} s\n{child.last_lines()}")
            time.sleep(0.05)
        if child.process.poll() is not None:
            raise ProcessFailed(f"{child.name} ended with code {child.process.returncode}\n{child.last_lines()}")

    def get(self, name: str) -> Child:
        return self._children[name]

    def ended(self) -> Child | None:
        """A child that ended by itself, if there is one; other threads may start or stop others meanwhile."""
        return next((child for child in list(self._children.values()) if child.process.poll() is not None), None)

    def stop(self, name: str, *, kill: bool = False) -> None:
        """End one child, with SIGKILL if asked."""
        child = self._children.pop(name)
        _signal(child, signal.SIGKILL if kill else signal.SIGTERM)
        self._wait([child])
        self._tell_reaper(-child.process.pid)

    def stop_all(self) -> None:
        """End all children, the last started first; what does not end in time is killed."""
        children = list(reversed(self._children.values()))
        for child in children:
            _signal(child, signal.SIGTERM)
        self._wait(children)
        self._children.clear()
        if self._reaper is not None and self._reaper.stdin is not None:
            for child in children:
                self._tell_reaper(-child.process.pid)
            self._reaper.stdin.close()
            self._reaper.wait(timeout=GRACE_SECONDS + 5)
            self._reaper = None

    def _wait(self, children: list[Child]) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        for child in children:
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.process.wait(timeout=10)

    def _tell_reaper(self, number: int) -> None:
        if self._reaper is not None and self._reaper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._reaper.stdin.write(f"{number}\n".encode())
                self._reaper.stdin.flush()


def _signal(child: Child, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)
