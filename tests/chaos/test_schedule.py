"""The faults of a seed: the same each time, of every kind over some seeds, and only of those asked for."""

from __future__ import annotations

import shlex

import pytest

from chaos.command import database_of, main, parser
from chaos.portfolio import in_words
from chaos.schedule import KINDS, draw, listed
from commands.processes import ROOT


def test_a_seed_brings_the_same_faults_each_time_and_another_seed_brings_others() -> None:
    assert draw(7, "sqlite") == draw(7, "sqlite")
    assert draw(7, "sqlite") != draw(8, "sqlite")


def test_twenty_seeds_bring_every_kind_to_each_of_its_targets() -> None:
    brought = {(fault.kind, fault.target) for seed in range(1, 21) for fault in draw(seed, database_of(seed, None))}

    assert brought == {(kind.name, target) for kind in KINDS.values() for target in kind.targets}


def test_faults_come_in_order_spread_over_the_campaign() -> None:
    faults = draw(3, "postgresql", count=20)

    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert faults[0].at < 0.1
    assert 0.7 < faults[-1].at < 1.0
    assert sum(listed(faults).values()) == 20


def test_only_kinds_that_were_asked_for_come_and_only_where_they_apply() -> None:
    assert set(listed(draw(1, "sqlite", kinds=["kill", "kill-postgresql"]))) == {"kill"}
    with pytest.raises(ValueError, match="sqlite"):
        draw(1, "sqlite", kinds=["kill-postgresql"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--faults", "kil"], "no kind 'kil'"),
        (["--faults", "kill-postgresql", "--database", "sqlite"], "applies to sqlite"),
        (["--loans", "0"], "--loans"),
        (["--seeds", "0"], "--seeds"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert says in told.err
    assert told.err.count("\n") == 1


def test_the_list_names_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == list(KINDS)


def test_the_short_run_kills_every_process_and_fills_locks_cuts_doubles_and_replays() -> None:
    """Given the options of `make chaos-short`."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("chaos-short: setup")[2].partition("\n\n")[0]
    asked = shlex.split(recipe.replace("\\\n", "").partition("-m chaos")[2])
    given = parser().parse_args(asked)
    kinds = given.faults.split(",")

    brought = {
        (fault.kind, fault.target)
        for seed in given.seed
        for fault in draw(seed, database_of(seed, given.database), count=given.count, kinds=kinds)
    }

    assert given.within is None
    assert [in_words(seed) for seed in given.seed].count(True) == 1
    assert {database_of(seed, None) for seed in given.seed} == {"sqlite", "postgresql"}
    assert {kind for kind, _ in brought} == set(kinds)
    assert {"temporal", "sandbox", "web"} < {target for kind, target in brought if kind == "kill"}
    assert {"locked", "disk-full", "kill-postgresql", "lost-commit", "webhooks-doubled", "webhooks-reordered"} < set(
        kinds
    )
    assert {"webhooks-replayed", "webhooks-delayed", "clock", "cut-after-effect"} < set(kinds)
