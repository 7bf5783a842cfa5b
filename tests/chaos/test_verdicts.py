"""What campaigns came to outlives an interruption, and is never taken for a verdict on other code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaos.campaign import Verdict
from chaos.checker.checks import Check
from chaos.command import main
from chaos.verdicts import CannotCarryOn, code, keep, kept_before

ASKED = "14 faults of any kind, compared with a run without"
VERDICT = Verdict(
    seed=3,
    database="postgresql",
    loans=200,
    faults={"kill": 2},
    struck={"temporal": 7},
    died={},
    checks=(Check("twice", "Was nobody contacted twice for one step?", 412, ["twice: loan 7: two messages"]),),
    ends={"cured": 150, "not_cured": 50},
    compared=190,
    seconds=301.5,
    not_possible={"clock-worker": 1},
)


def _file(**changes: str) -> str:
    told = {"code": "c0de", "asked": ASKED, "campaigns": [], "broken": {}, "holds": True, "seconds": 1}
    return json.dumps(told | changes)


def test_what_was_kept_is_read_back_whole(tmp_path: Path) -> None:
    out = tmp_path / "var" / "chaos.json"

    keep(out, "c0de", ASKED, [VERDICT], {4: "broke"}, 640.0)

    assert kept_before(out, "c0de", ASKED) == ([VERDICT], 640.0)
    assert [file.name for file in out.parent.iterdir()] == ["chaos.json"]


def test_without_a_file_there_is_nothing_to_carry_on_from(tmp_path: Path) -> None:
    assert kept_before(tmp_path / "none.json", "c0de", ASKED) == ([], 0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ("[]", "chaos.json"),
        (json.dumps({"code": "c0de", "asked": ASKED, "campaigns": [{"seed": "x"}]}), "campaigns.0.seed"),
        (_file(code="old"), "other code (old"),
        (_file(asked="3 faults"), "other campaigns (3 faults"),
    ],
)
def test_a_file_that_does_not_help_says_why(tmp_path: Path, text: str, said: str) -> None:
    out = tmp_path / "chaos.json"
    out.write_text(text, encoding="utf-8")

    with pytest.raises(CannotCarryOn) as raised:
        kept_before(out, "c0de", ASKED)

    assert said in str(raised.value)


def test_a_seed_judged_before_is_left_out_and_told_with_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chaos.json"
    keep(out, code(), ASKED, [VERDICT], {}, 640.0)

    ended = main(["--seed", "3", "--carry-on", "--out", str(out)])

    told = capsys.readouterr().out
    assert ended == 1, "what it violated then, it still violated"
    assert "seed 3: judged before" in told
    assert "   3  postgresql    200" in told


def test_a_seed_judged_under_other_faults_is_not_taken_for_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chaos.json"
    keep(out, code(), ASKED, [VERDICT], {}, 640.0)

    assert main(["--seed", "3", "--count", "30", "--carry-on", "--out", str(out)]) == 2
    assert "these: 30 faults of any kind" in capsys.readouterr().err


def test_verdicts_on_other_code_are_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chaos.json"
    keep(out, "0ther", ASKED, [VERDICT], {}, 640.0)

    assert main(["--seed", "3", "--carry-on", "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("chaos: --carry-on: ")
