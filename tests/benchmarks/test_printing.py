from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

import benchmarks
from benchmarks import Figure
from benchmarks.__main__ import main


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("measured_here")
    module.fast = lambda scale: [Figure("fast.rate", 120.0, "calls/s", 100)]  # type: ignore[attr-defined]
    module.slow = lambda scale: [  # type: ignore[attr-defined]
        Figure("slow.seconds", 3.0, "s", 2, at_most=True),
        Figure("slow.missing", None, "s", 1, note="not installed"),
        Figure("slow.size", 7.0, "MB"),
    ]
    monkeypatch.setitem(sys.modules, "measured_here", module)
    both = {"fast": ("measured_here:fast", "how fast"), "slow": ("measured_here:slow", "how slow")}
    monkeypatch.setattr(benchmarks, "BENCHMARKS", both)
    monkeypatch.setattr("benchmarks.__main__.BENCHMARKS", both)


@pytest.mark.usefixtures("two")
def test_figures_are_printed_and_kept_with_their_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "var" / "bench.json"

    code = main(["--out", str(out)])

    kept = {figure["name"]: (figure["value"], figure["bar"], figure["holds"]) for figure in json.loads(out.read_text())}
    assert code == 1
    assert kept == {
        "fast.rate": (120.0, 100, True),
        "slow.seconds": (3.0, 2, False),
        "slow.missing": (None, 1, False),
        "slow.size": (7.0, None, None),
    }
    printed = capsys.readouterr().out
    assert "fast.rate: 120 calls/s (bar: at least 100: holds)" in printed
    assert "DOES NOT HOLD" in printed
    drawn = out.with_suffix(".svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "fast.rate" in drawn
    assert "slow.size" not in drawn, "it has no bar to stand beside"


@pytest.mark.usefixtures("two")
def test_one_benchmark_by_name_and_a_list_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fast", "--out", str(tmp_path / "bench.json")]) == 0
    assert main(["--list"]) == 0
    assert "slow: how slow" in capsys.readouterr().out
    assert main(["unknown"]) == 2
    assert "no benchmark 'unknown'" in capsys.readouterr().err
