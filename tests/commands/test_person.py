"""What an operator notes about a person binds all their loans at once, and is kept in the audit trail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from records import audit, loans, people
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, NOW, enter, handed

RUNNER = CliRunner()
COLOMBIA = {"country": "CO", "timezone": "America/Bogota", "person_id": "p"}


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        enter(session, [handed(loan_id, **COLOMBIA) for loan_id in ("L1", "L2")])
    return database


def run(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def explained(loan_id: str, at: str, channel: str = "sms") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        run("rules", "explain", "--loan", loan_id, "--channel", channel, "--at", at, "--json")
    )
    return answer


def test_a_fact_holds_for_all_loans_of_the_person_until_it_is_cleared(records: Database) -> None:
    said = run("person", "flag", "L1", "attorney", "--by", "letter of 12 May")
    again = json.loads(run("person", "flag", "L1", "attorney", "--json"))
    stopped = explained("L2", "2026-11-24T10:00")
    run("person", "flag", "L2", "attorney", "--clear")

    assert "facts: attorney" in said
    assert "L1, L2" in said
    assert again == {"changed": False, "flags": ["attorney"], "authorised_channels": None, "loans": ["L1", "L2"]}
    assert (stopped["decision"], stopped["reasons"][0]["rule"]) == ("never", "stop.attorney")
    assert explained("L1", "2026-11-24T10:00")["decision"] == "allowed"
    with records.reading() as session:
        trail = [(row.actor, row.action) for loan in ("L1", "L2") for row in audit.of_loan(session, LENDER, loan)]
    assert [each for each in trail if each[1].startswith("person")] == [
        ("letter of 12 May", "person_flagged"),
        ("operator", "person_flag_cleared"),
    ]


def test_a_stop_to_marketing_that_whatsapp_told_of_is_cleared_like_any_other_fact(records: Database) -> None:
    with records.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        people.raise_flag(session, person, "no_whatsapp_marketing", source="meta", at=NOW)
    noon = explained("L1", "2026-11-24T10:00")["decision"]

    run("person", "flag", "L1", "no_whatsapp_marketing", "--clear")

    assert noon == "allowed"
    with records.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.flags(session, person) == frozenset()


def test_hours_the_person_asked_for_open_a_colombian_evening(records: Database) -> None:
    evening = "2026-11-24T20:30"
    before = explained("L1", evening)["decision"]

    run("person", "flag", "L1", "requested_by_debtor")

    assert (before, explained("L1", evening)["decision"]) == ("not_before", "allowed")


def test_only_the_channels_a_person_agreed_to_stay_open(records: Database) -> None:
    noon = "2026-11-24T12:00"
    run("person", "authorise", "L1", "email", "sms")
    assert [explained("L2", noon, channel)["decision"] for channel in ("sms", "call")] == ["allowed", "never"]

    run("person", "authorise", "L1")
    assert explained("L2", noon)["reasons"][0]["rule"] == "CO.channels.authorised"

    assert "channels agreed to: not known" in run("person", "authorise", "L1", "--unknown")
    assert explained("L2", noon, "call")["decision"] == "allowed"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("flag", "L1", "attourney"), "did you mean attorney?"),
        (("flag", "L9", "attorney"), "no loan 'L9'"),
        (("authorise", "L1", "fax"), "fax"),
        (("authorise", "L1", "sms", "--unknown"), "no channels beside it"),
    ],
)
def test_what_cannot_be_noted_is_one_line(records: Database, words: tuple[str, ...], says: str) -> None:
    said = run("person", *words, code=2)

    assert says in said
    assert "Traceback" not in said
