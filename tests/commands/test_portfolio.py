"""`portfolio check` as an operator meets it: what is printed, where, and the exit code."""

import csv
import json
import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.portfolio import app

SHIPPED = Path(__file__).resolve().parents[2] / "portfolios"
HEADER = "loan_id,phone,language,country,currency,amount_due_minor,due_date,name\n"
GOOD = "L1,,es,ES,EUR,1000,2026-10-01,Ana\n"
BAD = "L 2,600,es,ES,EUR,-1,31/02/2026,[bold]Eva\n"


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"COLUMNS": "160", "TERM": "dumb"})


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "loans.csv"
    path.write_text(HEADER + GOOD + BAD)
    return path


def test_a_good_file_shows_its_figures_and_exits_0(runner: CliRunner) -> None:
    result = runner.invoke(app, ["check", str(SHIPPED / "lendingclub_delinquent.csv"), "--as-of", "2026-11-23"])

    assert result.exit_code == 0
    assert "All 178 rows are good." in result.stdout
    assert "USD 256,440.54" in result.stdout
    assert result.stderr == ""


def test_bad_cells_are_listed_and_the_exit_code_is_1(runner: CliRunner, mixed: Path) -> None:
    result = runner.invoke(app, ["check", str(mixed)])

    assert result.exit_code == 1
    for shown in ("L 2", "600", "31/02/2026", "not a telephone number of ES", "1 of 2 rows are bad"):
        assert shown in result.stdout


def test_strict_says_that_nothing_is_accepted(runner: CliRunner, mixed: Path) -> None:
    told = runner.invoke(app, ["check", str(mixed), "--strict"])
    as_json = runner.invoke(app, ["check", str(mixed), "--strict", "--json"])

    assert told.exit_code == as_json.exit_code == 1
    assert "--strict accepts none" in told.stdout
    assert json.loads(as_json.stdout)["accepted"] == 0
    assert json.loads(as_json.stdout)["good"] == 1


def test_json_is_one_object_with_the_documented_keys(runner: CliRunner, mixed: Path) -> None:
    result = runner.invoke(app, ["check", str(mixed), "--json", "--as-of", "2026-10-11", "--limit", "2"])

    told = json.loads(result.stdout)
    documented = (SHIPPED.parent / "docs" / "portfolio.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in documented for key in told)
    assert told["as_of"] == "2026-10-11"
    assert told["amount_due"] == [{"currency": "EUR", "loans": 1, "amount_minor": 1000}]
    assert told["days_past_due"]["1-30"] == 1
    assert told["errors_total"] == 4
    assert len(told["errors"]) == 2
    assert told["errors"][0] == {
        "line": 3,
        "column": "loan_id",
        "value": "L 2",
        "reason": "not a loan id: expected up to 64 letters a-z, digits, . _ or -",
    }


def test_all_errors_go_to_a_file_that_a_spreadsheet_cannot_run(runner: CliRunner, mixed: Path, tmp_path: Path) -> None:
    mixed.write_text(HEADER + GOOD + "=1+1,+34 1,es,ES,EUR,-1,31/02/2026,Eva\n")
    to = tmp_path / "bad.csv"

    result = runner.invoke(app, ["check", str(mixed), "--errors-to", str(to), "--limit", "0"])

    with to.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert result.exit_code == 1
    assert {(row["line"], row["column"], row["value"]) for row in rows} == {
        ("3", "loan_id", "'=1+1"),
        ("3", "phone", "+34 1"),
        ("3", "amount_due_minor", "-1"),
        ("3", "due_date", "31/02/2026"),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["none.csv"],
        ["{folder}"],
        ["{file}", "--mapping", "nothing"],
        ["{file}", "--mapping", "none.yaml"],
        ["{file}", "--mapping", "lendingclub"],
        ["{file}", "--errors-to", "{file}"],
        ["{file}", "--errors-to", "{folder}/no/such/folder.csv"],
    ],
)
def test_what_cannot_be_used_is_one_line_on_stderr_and_exit_code_2(
    runner: CliRunner, mixed: Path, arguments: list[str]
) -> None:
    before = mixed.read_text()
    result = runner.invoke(app, ["check", *(a.format(file=mixed, folder=mixed.parent) for a in arguments)])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert mixed.read_text() == before


@pytest.mark.parametrize("arguments", [["--as-of", "23/11/2026"], ["--limit", "-1"], ["--colour"]])
def test_wrong_usage_exits_2(runner: CliRunner, mixed: Path, arguments: list[str]) -> None:
    assert runner.invoke(app, ["check", str(mixed), *arguments]).exit_code == 2


def test_no_cell_reaches_the_log(runner: CliRunner, mixed: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    runner.invoke(app, ["check", str(mixed)])

    assert "L 2" not in caplog.text
    assert "Eva" not in caplog.text
