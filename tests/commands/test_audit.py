"""What an auditor sees of the trail, and that tampering is told with its row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands import configuration
from records import audit
from records.database import Database
from starter import app
from tests.records.portfolios import NOW


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "records.db"
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{path}")
    configuration._records.cache_clear()
    database = Database(f"sqlite:///{path}")
    for number in range(1, 4):
        with database.writing() as session:
            audit.append(
                session,
                at=NOW,
                actor=f"a{number % 2}",
                action="noted",
                lender="acme",
                loan_id=f"L{number}",
                details={"n": number, "text": "[bold]"},
            )
    database.dispose()
    yield path
    configuration._records.cache_clear()


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["audit", *words])
    assert result.exit_code == code, result.output
    return result.output


def tamper(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)


def test_entries_are_listed_by_loan_and_actor(trail: Path) -> None:
    assert [row["loan_id"] for row in json.loads(run("list", "--actor", "a1", "--json"))["entries"]] == ["L1", "L3"]
    assert [row["id"] for row in json.loads(run("list", "--loan", "L2", "--json"))["entries"]] == [2]
    assert [row["id"] for row in json.loads(run("list", "--limit", "2", "--json"))["entries"]] == [2, 3]
    assert "n 2, text [bold]" in run("list", "--loan", "L2")
    assert "no such entry" in run("list", "--loan", "L9")


def test_tampering_is_told_with_its_row(trail: Path) -> None:
    assert run("verify") == "3 rows, none changed, removed or inserted\n"

    tamper(trail, "DELETE FROM audit WHERE id = 2")

    assert run("verify", code=1) == "row 2 was removed before row 3\n"
    told = json.loads(run("verify", "--json", code=1))
    assert (told["whole"], told["faults"][0]["row"], told["faults"][0]["kind"]) == (False, 2, "removed")


def test_a_head_kept_elsewhere_finds_a_trail_cut_off_with_its_head(trail: Path, tmp_path: Path) -> None:
    kept = tmp_path / "head.json"
    kept.write_text(run("head", "--json"))
    assert "3 rows" in run("verify", "--head", str(kept))

    tamper(trail, "UPDATE audit_head SET rows = 2, last_id = 2, hash = (SELECT hash FROM audit WHERE id = 2)")
    tamper(trail, "DELETE FROM audit WHERE id = 3")

    assert "2 rows" in run("verify")
    assert run("verify", "--head", str(kept), code=1) == "row 3, the last when the head was kept, is not there\n"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rows": "x", "last_id": 1, "hash": ""}', "\x00"])
def test_a_file_that_is_no_head_is_one_line(trail: Path, tmp_path: Path, content: str) -> None:
    wrong = tmp_path / "head.json"
    wrong.write_text(content)

    assert "head.json: expected what" in run("verify", "--head", str(wrong), code=2)
    assert "cannot be read" in run("verify", "--head", str(tmp_path / "nowhere.json"), code=2)


def test_who_has_looked_at_what_was_left_to_a_person_stands_in_the_trail(trail: Path) -> None:
    database = Database(f"sqlite:///{trail}")
    with database.writing() as session:
        details = {"kind": "payment:paid_again", "reference": "pi_1"}
        audit.append(session, at=NOW, actor="stripe", action="webhook_needs_person", details=details)
    database.dispose()

    told = json.loads(run("seen", "payment:paid_again", "--up-to", "4", "--by", "marta", "--json"))
    refused = run("seen", "payment:paid_again", "--up-to", "3", "--by", "marta", code=2)

    stranger = run("seen", "payment:paid_again", "--up-to", "4", "--by", "ana@example.com, +34 600 000 001", code=2)
    run("seen", "payment:paid_again", "--up-to", "4", "--by", "the desk " * 20)

    assert told == {"kind": "payment:paid_again", "up_to": 4}
    assert "it is kept for ever" in stranger
    assert "row 3 of the audit trail shows nothing of the kind" in refused
    [row, long] = json.loads(run("list", "--action", "shown_was_seen", "--json"))["entries"]
    assert len(long["actor"]) == 160
    assert (row["actor"], row["details"]) == ("marta", {"kind": "payment:paid_again", "up_to": 4})
