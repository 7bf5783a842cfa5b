"""What a strategy file says about agreements: read in major units and percent, every problem told by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.strategies import StrategyError, read_strategy_file
from domain.agreements.terms import Authority, Every

HEAD = """\
name: small
version: 1
title: Small
currency: EUR
languages: [es]
steps:
  - {id: hello, kind: remind, dpd: 1, channels: [sms], template: missed_payment}
queues:
  agents: {sla_hours: 48}
ends: {after_days: 30}
"""
GOOD = """\
promises: {grace_days: 2, tolerance: "1.50", least: 10, queue: agents}
plans:
  move_days: 7
  options:
    - {id: monthly, instalments: 3, amount_at_least: "60.00", least: 20}
  reminder: {channels: [sms], template: agreed_reminder}
settlements:
  options:
    - {id: late, dpd_at_least: 61, floor_percent: 60, agent_percent: 80, every: week, instalments: 2}
restructurings:
  options:
    - {id: a-year, instalments: 12, annual_rate: "12.50", authority: supervisor}
"""


def read(folder: Path, text: str) -> list[str]:
    file = folder / "small.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    try:
        read_strategy_file(file)
    except StrategyError as error:
        return [f"{problem.line} {problem.field}: {problem.reason}" for problem in error.problems]
    return []


def test_catalogues_are_read_in_the_words_of_people(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == []
    strategy = read_strategy_file(tmp_path / "small.yaml").strategy
    assert (strategy.promises.tolerance_minor, strategy.promises.least_minor) == (150, 1_000)
    assert strategy.plans is not None
    assert strategy.settlements is not None
    assert strategy.restructurings is not None
    (monthly,) = strategy.plans.options
    assert (monthly.amount_at_least_minor, monthly.least_minor, monthly.every) == (6_000, 2_000, Every.MONTH)
    assert strategy.settlements.options[0].machine_percent == 100
    (year,) = strategy.restructurings.options
    assert (year.rate_bp, year.authority) == (1_250, Authority.SUPERVISOR)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("grace_days: 2", "grace_day: 2", "11 promises.grace_day: unknown key; did you mean grace_days?"),
        ("queue: agents", "queue: bosses", "11 promises.queue: names a queue that queues does not have"),
        ('"1.50"', '"1.555"', "11 promises.tolerance: has more decimals than EUR"),
        ("instalments: 3", "instalments: 1", "15 plans.options[monthly].instalments: is out of range"),
        ("instalments: 3", "instalments: many", "15 plans.options[monthly].instalments: is not a whole number"),
        ("agreed_reminder", "no_such", "16 plans.reminder.template: sms in es: "),
        ("floor_percent: 60", "floor_percent: 90", "19 settlements.options[late]: floor_percent, agent_percent"),
        ('"12.50"', '"many"', "22 restructurings.options[a-year].annual_rate: is no yearly rate"),
        (
            "authority: supervisor",
            "authority: boss",
            "22 restructurings.options[a-year].authority: is none of",
        ),
        (
            "{id: monthly,",
            "{id: monthly, instalments: 3}\n    - {id: monthly,",
            "16 plans.options[monthly].id: stands twice",
        ),
    ],
)
def test_each_problem_is_told_by_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    problems = read(tmp_path, GOOD.replace(old, new, 1))
    assert len(problems) == 1, problems
    assert problems[0].startswith(told)


def test_an_empty_catalogue_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path, "plans: {options: []}\n") == ["11 plans.options: has no options"]
