"""The memory of a command is its own and that of what it starts, not that of whoever measures it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.campaign import _peak_mb

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
_HOLDS = "import sys, time; held = bytearray({} * 1_000_000); time.sleep(0.5)"


@pytest.mark.parametrize(("megabytes", "least", "most"), [(0, 1, 60), (150, 150, 250)])
def test_it_is_what_the_command_held_at_most(megabytes: int, least: int, most: int) -> None:
    """Given a measuring process that itself holds more."""
    ballast = bytearray(400 * 1_000_000)
    process = subprocess.Popen([sys.executable, "-c", _HOLDS.format(megabytes)])

    peak = _peak_mb(process)

    assert len(ballast) == 400_000_000
    assert peak is not None
    assert least <= peak <= most
    assert process.returncode == 0


def test_what_a_process_of_its_own_holds_is_counted_with_it() -> None:
    child = f"subprocess.run([sys.executable, '-c', {_HOLDS.format(100)!r}])"
    both = f"import subprocess, sys; held = bytearray(100_000_000); {child}"
    process = subprocess.Popen([sys.executable, "-c", both])

    peak = _peak_mb(process)

    assert peak is not None
    assert 200 <= peak <= 280
