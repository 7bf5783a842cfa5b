"""A real Temporal development server for a module's tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflows.search_attributes import ALL


@contextmanager
def temporal_server() -> Iterator[str]:
    """Its address, once it takes calls: it listens a moment before that. It keeps nothing."""
    port, http_port = _free_ports()
    kinds = {"KEYWORD_LIST": "KeywordList"}
    attributes = []
    for key in ALL:
        kind = key.indexed_value_type.name
        attributes += ["--search-attribute", f"{key.name}={kinds.get(kind, kind.title())}"]
    command = [str(Path(sys.executable).parent / "temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--http-port", str(http_port), "--log-level", "never", *attributes],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(f"http://127.0.0.1:{http_port}/api/v1/system-info"):
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server did not answer in time"
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
