"""`rehearse` and `demo`: a day that is past, or a place that cannot be written, is said before minutes are spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commands import demo, rehearse
from commands.processes import ROOT
from commands.rehearsal import BeginsInThePast, Progress, begin_of, next_first_day
from commands.rehearsal import rehearse as rehearsed
from starter import app
from tests.system.campaigns import plan

PORTFOLIO = str(ROOT / "portfolios" / "microprestamos_es.csv")
WORDS = ["rehearse", PORTFOLIO, "--strategy", "es-microloan", "--loans", "1"]


class Results:
    violations: tuple[str, ...] = ()

    def model_dump(self, mode: str) -> dict[str, Any]:
        return {"loans": 1}


def test_a_first_day_that_is_past_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a first day of last year, then nothing is rehearsed: most of its days would pass for checked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rehearse, "run", lambda *_given, **_more: pytest.fail("the rehearsal was begun"))
    long_past = (datetime.now(UTC) - timedelta(days=365)).date()

    said = CliRunner().invoke(app, [*WORDS, "--begin", long_past.isoformat()])

    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert f"--begin: a rehearsal begins in the future: {long_past} 05:00 UTC is past" in said.stderr


async def test_a_plan_that_begins_in_the_past_starts_nothing(tmp_path: Path) -> None:
    begun = begin_of((datetime.now(UTC) - timedelta(days=1)).date())

    with pytest.raises(BeginsInThePast, match="is past"):
        async with rehearsed(plan(tmp_path / "folder", 1, begins=begun), Progress()):
            pass

    assert not (tmp_path / "folder").exists()


def test_a_first_day_is_at_least_a_day_ahead_and_the_next_that_suits() -> None:
    now = datetime.now(UTC)
    soonest = begin_of(next_first_day())
    september = begin_of(next_first_day(lambda day: (day.month, day.day) == (9, 10)))

    assert timedelta(days=1) <= soonest - now + timedelta(seconds=5)
    assert soonest - now <= timedelta(days=2)
    assert (september.month, september.day) == (9, 10)
    assert soonest <= september <= soonest + timedelta(days=366)


def test_a_report_that_cannot_be_written_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rehearse, "run", lambda *_given, **_more: pytest.fail("the rehearsal was begun"))
    (tmp_path / "file").touch()

    for path in (tmp_path, tmp_path / "file" / "report.html"):
        said = CliRunner().invoke(app, [*WORDS, "--report", str(path)])

        assert said.exit_code == 2
        assert "--report" in said.stderr
        assert "cannot be written" in said.stderr
        assert said.stderr.count("\n") == 1


def test_a_disk_that_is_full_at_the_end_costs_the_report_and_not_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    def write_report(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    def run(_plan: object, after: Any, *, quiet: bool) -> Results:
        results = Results()
        asyncio.run(after(None, results))
        return results

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rehearse, "run", run)
    monkeypatch.setattr("commands.report.write_report", write_report)

    said = CliRunner().invoke(app, [*WORDS, "--report", str(tmp_path / "report.html"), "--json"])

    assert said.exit_code == 2
    assert said.stdout == '{"loans": 1}\n'
    assert "report.html cannot be written: No space left on device" in said.stderr
    assert not (tmp_path / "report.html").exists(), "nothing is left of the look"


def test_a_disk_that_is_full_at_the_end_costs_a_demo_its_report_and_not_the_loans_worth_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_report(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    def run(_plan: object, after: Any, **_more: object) -> Results:
        results = Results()
        after(None, results)
        return results

    monkeypatch.setattr(demo, "FOLDER", tmp_path / "demo")
    monkeypatch.setattr(rehearse, "run", run)
    monkeypatch.setattr("commands.rehearsal_display.show_results", lambda _results: None)
    monkeypatch.setattr("commands.report.write_report", write_report)
    monkeypatch.setattr("commands.report.three_worth_opening", lambda _rehearsal: [("cured", "L1", "http://ui/L1")])

    said = CliRunner().invoke(app, ["demo", "--loans", "1", "--no-stay"])

    assert said.exit_code == 2
    assert "cured: loan L1" in said.stdout
    assert "report.html cannot be written: No space left on device" in said.stderr


def test_a_demo_without_a_place_to_write_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(demo, "FOLDER", tmp_path / "file" / "demo")
    monkeypatch.setattr(rehearse, "run", lambda *_given, **_more: pytest.fail("the demo was begun"))

    said = CliRunner().invoke(app, ["demo", "--loans", "1"])

    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "cannot be written" in said.stderr
