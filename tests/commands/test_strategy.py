"""The strategy commands as an operator uses them."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from commands.strategy import app, show_migration
from config.strategies import STRATEGIES_FOLDER, find_strategy
from domain.strategy_timeline import LoanPosition, compare

run = CliRunner()


def test_a_good_file_is_told_so_and_exits_with_zero() -> None:
    result = run.invoke(app, ["check", str(STRATEGIES_FOLDER / "es-microloan.yaml")])

    assert result.exit_code == 0
    assert "es-microloan@3 is good: 14 steps, templates checked in es, en" in result.stdout


def test_a_bad_file_gives_one_line_for_each_problem_and_exits_with_two(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: bad\nversion: 1\ntitel: Bad\nsteps: []\nends: {after_days: x}\n")

    result = run.invoke(app, ["check", str(file)])

    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert [line.removeprefix(f"{file}:").split(" (")[0] for line in lines] == [
        "3: titel: unknown key; did you mean title?",
        "4: steps: has no steps",
        "5: ends.after_days: is not a whole number",
    ]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"{", b"[" * 500])
def test_a_file_that_is_none_ends_in_one_line_and_no_traceback(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "file.yaml"
    if content is not None:
        file.write_bytes(content)

    result = run.invoke(app, ["check", str(file)])

    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    assert isinstance(result.exception, SystemExit)


def test_check_as_json_names_line_field_and_what_was_expected(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text((STRATEGIES_FOLDER / "us-consumer.yaml").read_text().replace("version: 4", "version: two"))

    result = run.invoke(app, ["check", str(file), "--json"])

    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert [(each["line"], each["field"], each["expected"]) for each in told["problems"]] == [
        (6, "version", "a whole number")
    ]


def test_list_names_every_strategy_there_is() -> None:
    told = json.loads(run.invoke(app, ["list", "--json"]).stdout)

    assert [(each["name"], each["version"], each["current"]) for each in told["strategies"]] == [
        ("br-consumer", 1, True),
        ("es-microloan", 3, True),
        ("es-microloan", 2, False),
        ("es-microloan", 1, False),
        ("latam-consumer", 2, True),
        ("latam-consumer", 1, False),
        ("us-consumer", 4, True),
        ("us-consumer", 3, False),
        ("us-consumer", 2, False),
        ("us-consumer", 1, False),
    ]
    table = run.invoke(app, ["list"]).stdout
    assert "es-microloan@3" in table
    assert "US consumer loans already past due, 90 days" in table


def test_show_reads_as_a_timeline_with_days_words_and_conditions() -> None:
    result = run.invoke(app, ["show", "es-microloan"])

    assert result.exit_code == 0
    for words in (
        "due -3", "due day", "due +61", "17:00", "whatsapp › sms", "once more by the next", "within 48 hours",
        "hoy vence tu cuota de 123,50 €",
        "only if 50.00 EUR or more is due", "queue agents", "stage becomes late",
        "4 reads a day; when the balance covers the whole amount due",
        "Queue agents: a decision within 48 hours, then to supervisors.",
        "Ends as not cured 93 days after the loan entered.",
    ):  # fmt: skip
        assert words in result.stdout


def test_show_for_a_loan_that_enters_late_tells_where_it_begins() -> None:
    told = json.loads(run.invoke(app, ["show", "es-microloan", "--entry-dpd", "8", "--json"]).stdout)

    steps = {each["step_id"]: (each["before_entry"], each["dpd"], each["day"]) for each in told["timeline"]}
    assert steps["first-link"] == (True, 3, None)
    assert steps["offer-help"] == (False, 8, 0)
    assert steps["second-link"] == (False, 12, 4)


def test_show_speaks_the_language_asked_for() -> None:
    told = json.loads(run.invoke(app, ["show", "us-consumer", "--language", "es", "--json"]).stdout)

    assert told["language"] == "es"
    assert "quedan 123,50" in told["timeline"][1]["preview"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "us-consumr"], "us-consumr: there is no such strategy; did you mean us-consumer?"),
        (["show", "us-consumer@9"], "us-consumer@9: there is no such version (expected one of 1, 2, 3, 4)"),
        (["show", "us-consumer", "--language", "fr"], "has no messages in 'fr': expected one of en, es"),
        (["show", "nowhere/x.yaml"], "nowhere/x.yaml: there is no such file"),
    ],
)
def test_wrong_input_ends_in_one_clear_line_and_exit_code_two(arguments: list[str], words: str) -> None:
    result = run.invoke(app, arguments)

    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_title_is_printed_as_written_whatever_it_holds(tmp_path: Path) -> None:
    text = (STRATEGIES_FOLDER / "us-consumer.yaml").read_text()
    title = "[red]Loans[/blue] [link=x]"
    (tmp_path / "us-consumer.yaml").write_text(
        text.replace("title: US consumer loans already past due, 90 days", f"title: '{title}'")
    )

    for arguments in (["list"], ["show", "us-consumer"]):
        result = run.invoke(app, [*arguments, "--folder", str(tmp_path)])
        assert result.exit_code == 0
        assert title in result.stdout


def test_a_migration_is_printed_with_the_loans_it_would_touch() -> None:
    old = find_strategy("es-microloan")
    steps = tuple(
        step.model_copy(update={"dpd": 10}) if step.id == "second-link" else step
        for step in old.steps
        if step.id != "help-again"
    )
    new = old.model_copy(update={"version": 4, "steps": steps, "ends": old.ends.model_copy(update={"after_days": 60})})
    early = ("before-due", "due-day", "day-after", "first-link", "offer-help")
    loans = [
        LoanPosition(loan_id="A1", step_ids_done=early, dpd=8, days_since_entry=11),
        LoanPosition(loan_id="A2", step_ids_done=early, dpd=11, days_since_entry=14),
        LoanPosition(loan_id="A3", step_ids_done=(*early, "second-link", "late"), dpd=70, days_since_entry=73),
    ]
    screen = io.StringIO()

    show_migration(compare(old, new, loans), console=Console(file=screen, width=120))

    told = screen.getvalue()
    assert "es-microloan@3 → es-microloan@4: 3 loans" in told
    assert "Unchanged: 0 loans" in told
    assert "2 days earlier" in told
    assert "1 day earlier" in told
    assert "Next step due on the day of the move: 1 loan\n" in told
    assert "Would end: 1 loan: A3" in told
    assert "Steps removed: help-again" in told
    assert "Steps changed: second-link" in told
    assert "Also different: ends" in told


def test_the_preview_of_a_text_message_from_a_name_says_whom_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a sender that is a name in Spain, when a strategy is shown, then its text messages and their segments are
    those that leave there: with a telephone instead of a reply."""
    name = {"account_sid": "AC" + "0" * 32, "auth_token": "t", "sender": "Credialba"}
    monkeypatch.setenv("RECOBRO_TWILIO", json.dumps(name))
    monkeypatch.setenv("RECOBRO_DATABASE_URL", "sqlite://")

    shown = run.invoke(app, ["show", "es-microloan", "--json"])

    texts = [each["preview"] for each in json.loads(shown.stdout)["timeline"] if each["channels"][:1] == ["sms"]]
    assert texts
    assert all("Darse de baja: 900 555 010" in text and "BAJA" not in text for text in texts)
