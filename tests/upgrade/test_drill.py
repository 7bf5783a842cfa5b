"""Loans that the last release started are carried to their end by this checkout, and nothing of them changes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from commands.processes import ROOT

pytestmark = pytest.mark.long


@pytest.mark.timeout(300)
def test_loans_of_the_last_release_come_to_the_same_end_after_an_upgrade_in_the_middle() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.upgrade.drill", "--loans", "6"], cwd=ROOT, capture_output=True, text=True
    )
    if ended.returncode == 2 and "fetch the whole history" in ended.stderr:
        pytest.skip("this checkout's history does not reach back to the last release")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "the upgrade changed nothing" in ended.stdout
