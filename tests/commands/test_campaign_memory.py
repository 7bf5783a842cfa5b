"""What entering a portfolio costs in memory: a page of its rows, not the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FEW, MANY = 1_000, 20_000
GROWTH_MB = 25
"""7 are seen; with all rows in memory it was 115."""
_ENTER = """
import resource, sys
from datetime import date
from pathlib import Path

from intake.apart import checked_apart
from commands.campaign_entry import Order, enter
from config.strategies import find_strategy
from records.database import Database

folder = Path(sys.argv[1])
strategy, order = find_strategy("es-microloan"), Order("one", "one", "demo", "loans.csv")
database = Database(f"sqlite:///{folder / 'records.db'}")
with checked_apart(folder / "loans.csv", None, date(2026, 11, 23), 20) as checked:
    held = enter(database, order, strategy, checked.loans_by_priority(), bank="xs2a")
assert "polars" not in sys.modules, "what reads tables is in a process of its own"
print(held.held, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_HEADER = "loan_id,person_id,name,phone,email,language,country,timezone,currency,amount_due_minor,due_date,priority"


def _peak_mb(folder: Path, count: int) -> float:
    folder.mkdir()
    rows = (
        f"L{number},P{number},Eva Gil,+346{number:08d},p{number}@mail.example,es,ES,Europe/Madrid,EUR,1000,2026-11-01,"
        f"{number % 9}"
        for number in range(count)
    )
    (folder / "loans.csv").write_text("\n".join([_HEADER, *rows, ""]), encoding="utf-8")

    done = subprocess.run([sys.executable, "-c", _ENTER, str(folder)], capture_output=True, text=True, check=True)

    held, kibibytes = map(int, done.stdout.split())
    assert held == count
    return kibibytes * 1024 / 1e6


@pytest.mark.long
def test_twenty_times_the_rows_take_little_more_memory(tmp_path: Path) -> None:
    few, many = _peak_mb(tmp_path / "few", FEW), _peak_mb(tmp_path / "many", MANY)

    assert many - few < GROWTH_MB, f"peak {few:.0f} MB with {FEW} rows, {many:.0f} MB with {MANY}"
