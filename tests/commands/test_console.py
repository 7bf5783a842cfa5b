"""What an operator sees when something is wrong, and that the command line starts quickly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from sqlalchemy import make_url
from typer.testing import CliRunner

from commands import configuration, console
from commands.agreements import day_of
from commands.campaign_lookup import campaign_id_for
from commands.console import OperatorGroup, Refused, moment_of, operator_app, period_of
from commands.processes import ROOT
from records.database import place_of
from starter import GROUPS, app

run = CliRunner()


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path / 'records.db'}")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    configuration._records.cache_clear()
    yield
    configuration._records.cache_clear()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["laon"], "No such command 'laon'. Did you mean 'loan'?"),
        (["loan", "wy", "L1"], "Did you mean 'why'?"),
        (["loan", "why"], "Missing argument 'LOAN'."),
        (["--bogus"], "No such option"),
        (["case", "list", "--limt", "3"], "No such option"),
        (["loan", "why", "L1"], "no loan 'L1': no loan was handed over yet"),
        (["loan", "pause", "L1", "--until", "tomorrow"], "--until: 'tomorrow' is no moment"),
        (["loan", "pause", "L1", "--until", "2026-12-24T09:00"], "has no offset"),
        (["loan", "close", "L1", "--reason", "gone"], "expected one of recalled, sold, written_off"),
        (["campaign", "status", "x"], "no campaign 'x': none was started yet"),
        (["campaign", "start", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["campaign", "stop", "x", "--reason", "gone", "--yes"], "expected one of recalled, sold, written_off"),
        (["case", "show", "x"], "no case 'x'"),
        (["case", "decide", "x", "--decision", "maybe", "--by", "me"], "expected one of continue, recall"),
        (["case", "decide", "x", "--decision", "sell", "--by", "two words"], "--by: expected"),
        (["payment", "record", "L1", "10"], "Missing option '--id'"),
        (["strategy", "migrate", "a@x", "es-microloan"], "expected name@version"),
        (["strategy", "migrate", "es-microloan@1", "es-micro"], "did you mean es-microloan?"),
        (["strategy", "migrate", "es-microloan@1", "es-microloan", "--campaign", "x"], "no campaign 'x'"),
        (["up", "--preset", "rich"], "expected prime or micro"),
    ],
)
def test_wrong_input_is_one_line_on_stderr_and_exit_code_2(words: list[str], told: str) -> None:
    result = run.invoke(app, words)

    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("RECOBRO_DATABASE_URL", "mysql://x", "database 'mysql' is not supported"),
        ("RECOBRO_DATABASE_URL", "postgresql://127.0.0.1:1/x", "the database cannot be used: connection failed"),
        ("RECOBRO_WEB__PORT", "abc", "RECOBRO_WEB__PORT: "),
        ("RECOBRO_STRIPE__API_KEY", "sk_secret_1", "RECOBRO_STRIPE__WEBHOOK_SECRET: Field required"),
    ],
)
def test_settings_that_cannot_be_used_are_told_without_their_secrets(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)

    result = run.invoke(app, ["campaign", "list"])

    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert told in result.stderr
    assert "sk_secret_1" not in result.stderr


def test_without_a_temporal_server_one_line_says_where_it_was_looked_for(tmp_path: Path) -> None:
    portfolio = tmp_path / "loans.csv"
    portfolio.write_text("loan_id,language,country,currency,amount_due_minor,due_date\nL1,es,ES,EUR,1000,2026-11-01\n")

    result = run.invoke(app, ["campaign", "start", str(portfolio), "--yes"])
    listed = run.invoke(app, ["campaign", "list", "--json"])

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("no Temporal server at 127.0.0.1:1 (namespace default)")
    assert listed.stdout == '{"campaigns": []}\n'


def _failing(error: BaseException) -> typer.Typer:
    group = operator_app("Fails.")

    @group.command()
    def fail() -> None:
        raise error

    @group.command()
    def other() -> None:
        return

    return group


def test_an_unforeseen_error_names_a_file_with_its_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(console, "LOGS", tmp_path / "log")

    result = run.invoke(_failing(ZeroDivisionError("unlucky")), ["fail"])

    [kept] = (tmp_path / "log").iterdir()
    assert result.exit_code == 1
    assert result.stderr == f"unexpected ZeroDivisionError; details are in {kept}\n"
    assert "ZeroDivisionError: unlucky" in kept.read_text()
    assert "raise error" in kept.read_text()


def test_an_unforeseen_error_is_a_line_also_where_its_details_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "var").touch()
    monkeypatch.setattr(console, "LOGS", tmp_path / "var" / "log")

    result = run.invoke(_failing(KeyError("Ana Gil")), ["fail"])

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr == f"unexpected KeyError; its details cannot be kept in {console.LOGS}: Not a directory\n"


def test_what_a_database_says_of_a_row_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sqlalchemy.exc import IntegrityError

    monkeypatch.setattr(console, "LOGS", tmp_path)

    run.invoke(_failing(IntegrityError("INSERT", {"name": "Ana Gil"}, ValueError("Ana Gil"))), ["fail"])

    [kept] = tmp_path.glob("error-*.log")
    assert "Ana" not in kept.read_text()
    assert "IntegrityError" in kept.read_text()


def test_an_interruption_ends_with_130() -> None:
    result = run.invoke(_failing(KeyboardInterrupt()), ["fail"])

    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_a_group_without_a_command_shows_its_help() -> None:
    result = run.invoke(app, ["loan"])

    assert "Commands" in result.output
    assert "why" in result.output


def test_every_command_has_an_example_in_its_help() -> None:
    ours = [name for name, _, _ in GROUPS if name not in ("demo", "rehearse")]
    seen = 0
    for group in ours:
        for words in _commands(group):
            shown = run.invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
            assert shown.exit_code == 0
            assert "Example" in shown.output, words
            assert f"starter.py {' '.join(words)}" in shown.output, words
            seen += 1
    assert seen > 20


def _commands(group: str) -> list[list[str]]:
    from importlib import import_module

    module, name = next(target for known, _, target in GROUPS if known == group).split(":")
    found = getattr(import_module(module), name)
    if not isinstance(found, typer.Typer):
        return [[group]]
    names = [each.name or each.callback.__name__ for each in found.registered_commands if each.callback is not None]
    return [[group, each] for each in names] or [[group]]


def test_a_moment_is_a_day_in_a_zone_or_has_its_offset() -> None:
    from zoneinfo import ZoneInfo

    assert moment_of("2026-12-24", "--until", ZoneInfo("Europe/Madrid")).isoformat() == "2026-12-23T23:00:00+00:00"
    assert moment_of("2026-12-24T09:00+01:00", "--until").isoformat() == "2026-12-24T08:00:00+00:00"
    assert moment_of("2026-12-24T09:00Z", "--until").isoformat() == "2026-12-24T09:00:00+00:00"
    with pytest.raises(Refused):
        moment_of("24/12/2026", "--until")


@pytest.mark.parametrize("slip", ["0026-12-24", "3026-12-24", "0026-12-24T09:00Z"])
def test_a_mistyped_year_is_no_moment_and_no_day(slip: str) -> None:
    with pytest.raises(Refused, match=r"--until: .* is no moment: expected a day such as 2026-12-24"):
        moment_of(slip, "--until")
    with pytest.raises(Refused, match=r"--date: .*: expected a date such as 2026-03-10"):
        day_of(slip, "--date")


def test_help_imports_neither_temporal_nor_the_records() -> None:
    code = (
        "import sys\nfrom starter import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'temporalio', 'sqlmodel', 'polars', 'pydantic'} & set(sys.modules)))"
    )

    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "offered"),
    [("recobro lo", "loan"), ("recobro loan w", "why"), ("recobro campaign start --strategy us", "us-consumer")],
)
def test_the_shell_completes_commands_and_strategies(words: str, offered: str) -> None:
    code = "from starter import app\napp(prog_name='recobro')"
    environment = {
        "_RECOBRO_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "PATH": "/usr/bin:/bin",
    }

    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert offered in shown.stdout.split()


def test_every_group_tells_its_errors_in_the_same_way() -> None:
    assert isinstance(typer.main.get_command(app), OperatorGroup)


@pytest.mark.parametrize(
    ("given", "name", "stem", "made"),
    [
        (None, None, "lendingclub_delinquent", "lendingclub_delinquent"),
        (None, "November, Madrid!", "x", "november-madrid"),
        (None, None, "Préstamos 2026 (2)", "pr-stamos-2026-2"),
        ("own.id_1", "Name", "x", "own.id_1"),
    ],
)
def test_an_id_is_made_from_the_name_or_the_file(given: str | None, name: str | None, stem: str, made: str) -> None:
    assert campaign_id_for(given, name, stem) == made


def test_a_report_is_over_the_days_before_now_unless_told_and_never_over_none() -> None:
    begins, ends = period_of(None, "2026-12-24", 30)

    assert (begins, ends) == (datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC))
    with pytest.raises(Refused, match="--since is not before --until"):
        period_of("2026-12-24", "2026-12-24", 30)


@pytest.mark.parametrize("words", ["campaign list", "case list", "webhooks list", "loan show L1"])
def test_who_forgot_a_setting_is_told_that_these_records_are_empty_and_which_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str
) -> None:
    monkeypatch.delenv("RECOBRO_DATABASE_URL")
    monkeypatch.chdir(tmp_path)

    result = run.invoke(app, words.split())

    assert str(tmp_path / "var" / "recobro.db") in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_which_records_are_read_is_said_without_a_password() -> None:
    url = make_url("postgresql+psycopg://recobro:secret@db.example/recobro?password=other&sslmode=require")

    assert place_of(url) == "postgresql+psycopg://recobro:***@db.example/recobro"


def test_a_help_fills_the_terminal_and_keeps_its_examples_apart() -> None:
    source = "What it does.\n\nA paragraph that\ngoes on.\n\nExamples:\n\n  starter.py one\n  starter.py two"

    assert console.flowing(source) == source.replace("that\ngoes", "that goes")
