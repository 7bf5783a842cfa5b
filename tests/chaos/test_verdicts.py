"""What campaigns came to outlives an interruption, and is never taken for a verdict on other code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaos import verdicts
from chaos.campaign import Verdict
from chaos.checker.check import Check
from chaos.command import main
from chaos.portfolio import FIRST_DAY
from chaos.verdicts import CannotCarryOn, code, holds, keep, kept_before, table

ASKED = f"14 faults of any kind from {FIRST_DAY}, compared with a run without"
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
)
CLEAN = replace(VERDICT, checks=(Check("twice", "Was nobody contacted twice for one step?", 412, []),))


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


def test_a_campaign_without_violations_holds() -> None:
    assert holds([CLEAN], {})
    assert holds([replace(CLEAN, compared=None)], {}), "a comparison that was not asked for is not missed"
    assert not holds([CLEAN, VERDICT], {})
    assert not holds([CLEAN], {4: "broke"})
    assert not holds([], {})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"compared": 0}, "no end was compared"),
        ({"faults": {}, "not_possible": {"clock-worker": 1}}, "no fault happened"),
        ({"checks": (Check("failed-tasks", "Did no workflow task fail?", 0, []),)}, "no workflow was looked at"),
        ({"checks": (Check("named", "Is nobody named?", 0, []),)}, "nothing was searched for names"),
        (
            {"faults": {"webhooks-replayed": 1}, "checks": (Check("replays", "Was each refused?", 0, []),)},
            "no late replay was answered",
        ),
    ],
)
def test_a_campaign_that_could_not_be_judged_does_not_hold_and_the_table_says_why(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    empty = replace(CLEAN, **changes)  # type: ignore[arg-type]

    keep(tmp_path / "chaos.json", "c0de", ASKED, [empty], {}, 1.0)

    assert empty.violations == []
    assert json.loads((tmp_path / "chaos.json").read_text())["holds"] is False
    assert f"   3  shows nothing: {why}" in table([empty], {})


@pytest.mark.parametrize(
    ("verdict", "kept", "said"),
    [
        (CLEAN, False, "no violations\n"),
        (replace(CLEAN, compared=0), True, "no violations, it shows nothing: no end was compared"),
        (VERDICT, True, "1 violations; "),
    ],
)
def test_what_a_campaign_left_behind_is_kept_unless_it_holds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verdict: Verdict,
    kept: bool,
    said: str,
) -> None:
    """Given a campaign that fills its folder and comes to this."""

    async def campaign(_seed: int, _loans: int, folder: Path, *_more: object) -> Verdict:
        folder.mkdir(parents=True)
        return verdict

    monkeypatch.setattr("chaos.command.under_chaos", campaign)

    main(["--seed", "3", "--no-calm", "--folder", str(tmp_path / "c"), "--out", str(tmp_path / "chaos.json")])

    assert (tmp_path / "c" / "seed-3").exists() is kept
    assert said in capsys.readouterr().out


def test_the_table_names_faults_that_were_not_possible_and_comparisons_that_were_not_asked_for() -> None:
    in_part = replace(CLEAN, not_possible={"clock-worker": 1})
    told = table([in_part, replace(in_part, seed=4, compared=None)], {})

    assert "faults: kill 4" in told
    assert "not possible: clock-worker 2" in told
    assert "      not asked" in told
    assert "not possible" not in table([CLEAN], {})


def test_what_was_drawn_and_never_possible_is_not_shown_by_any_number_of_campaigns() -> None:
    drawn_in_vain = replace(CLEAN, not_possible={"clock-worker": 1})
    assert not holds([drawn_in_vain, drawn_in_vain], {})
    assert "never happened, so nothing is shown of it: clock-worker" in table([drawn_in_vain], {})

    once = replace(CLEAN, faults={"clock-worker": 1}, not_possible={})
    assert holds([drawn_in_vain, once], {})
    assert "never happened" not in table([drawn_in_vain, once], {})


def test_other_loans_are_other_campaigns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the files that a campaign runs, in a place of their own."""
    for name in ("portfolios/loans.csv", "requirements.lock", "worker.py", "starter.py", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before", encoding="utf-8")
    monkeypatch.setattr(verdicts, "_TOP", tmp_path)
    before = code()

    (tmp_path / "README.md").write_text("after", encoding="utf-8")
    assert code() == before
    (tmp_path / "portfolios/loans.csv").write_text("after", encoding="utf-8")
    assert code() != before
