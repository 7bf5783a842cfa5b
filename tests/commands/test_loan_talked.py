"""A call or visit of people counts for the contact rules as soon as it is told of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.contact import Channel, Purpose
from records import audit, contact_ledger, contacts, loans, people
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, enter, handed

RUNNER = CliRunner()
CHILE = {"country": "CL", "region": "RM", "timezone": "America/Santiago", "person_id": "p"}
UNITED_STATES = {"country": "US", "region": "NJ", "timezone": "America/New_York", "person_id": "q"}
BY = ("--by", "ana")


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    """Two loans of somebody in Chile, and two of somebody in New Jersey."""
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        rows = [handed(loan_id, **CHILE) for loan_id in ("L1", "L2")]
        enter(session, rows + [handed(loan_id, **UNITED_STATES) for loan_id in ("U1", "U2")])
    return database


def run(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def talked(loan_id: str, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("loan", "talked", loan_id, *BY, "--json", *words))
    return told


def refused_by(loan_id: str, at: datetime) -> set[str]:
    """By which rules a call is refused at noon, where its person lives, of the day of `at`."""
    noon = f"{at:%Y-%m-%d}T12:00"
    told = json.loads(run("rules", "explain", "--loan", loan_id, "--channel", "call", "--at", noon, "--json"))
    return {reason["rule"] for reason in told["reasons"]} if told["decision"] != "allowed" else set()


def kept(database: Database, loan_id: str) -> list[tuple[str, str]]:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        events = contact_ledger.person_events(session, person, datetime(2020, 1, 1, tzinfo=UTC))
    return [(event.channel.value, event.kind.value) for event in events]


def days_ago(days: int) -> datetime:
    return datetime.now(UTC).replace(hour=16, minute=0, second=0, microsecond=0) - timedelta(days=days)


def test_in_chile_a_persons_call_is_the_weeks_call_of_all_the_borrowers_loans(records: Database) -> None:
    """Ley 21.320: one call or visit a week."""
    yesterday = days_ago(1)
    before = refused_by("L2", yesterday + timedelta(days=1))

    told = talked("L1", "--channel", "visit", "--at", yesterday.isoformat(), "--no-answer")

    after = refused_by("L2", yesterday + timedelta(days=1))
    assert told["noted"] is True
    assert any("week" in rule for rule in after - before), after
    assert kept(records, "L1") == [("visit", "attempt")]


@pytest.mark.parametrize("inbound", [(), ("--inbound",)])
def test_in_the_united_states_nobody_is_called_for_seven_days_after_a_conversation(
    records: Database, inbound: tuple[str, ...]
) -> None:
    """12 CFR 1006.14(b)(2)(i)(B), whoever called."""
    asked, at = days_ago(0), days_ago(3)
    before = refused_by("U1", asked)

    talked("U1", "--channel", "call", "--at", at.isoformat(), *inbound)

    assert "US.contact.conversation" in refused_by("U1", asked) - before


def test_a_talk_told_again_counts_once_and_may_turn_out_to_have_been_answered(records: Database) -> None:
    at = ("--at", days_ago(1).isoformat())
    told = [
        talked("L1", "--channel", "call", *at, *more)["noted"] for more in (("--no-answer",), ("--no-answer",), (), ())
    ]
    with records.reading() as session:
        trail = [row.details["answered"] for row in audit.of_loan(session, LENDER, "L1", action="talk_noted")]

    assert told == [True, False, True, False]
    assert kept(records, "L1") == [("call", "attempt"), ("call", "conversation")]
    assert trail == [False, True]


def test_a_call_of_theirs_told_again_counts_once(records: Database) -> None:
    call = ("--channel", "call", "--at", days_ago(1).isoformat(), "--inbound")

    told = [talked("L1", *call)["noted"] for _ in range(2)]

    assert told == [True, False]
    assert sorted(kept(records, "L1")) == [("call", "conversation"), ("call", "inbound")]


def test_a_call_of_theirs_is_none_of_ours_whichever_loan_our_last_call_was_about(records: Database) -> None:
    """Given a call about one loan in an earlier week, when the borrower, in Chile, calls about the other loan,
    then the week's one call is still to be made."""
    called, at = days_ago(14), days_ago(1)
    with records.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        contacts.reserve(
            session,
            loan,
            people.of_loan(session, loan),
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.CALL,
            template="first",
            at=called,
        )
    before = refused_by("L2", at + timedelta(days=1))

    talked("L2", "--channel", "call", "--at", at.isoformat(), "--inbound")

    assert refused_by("L2", at + timedelta(days=1)) == before
    assert kept(records, "L2") == [("call", "attempt"), ("call", "inbound"), ("call", "conversation")]


def test_of_no_moment_it_is_now(records: Database) -> None:
    before = datetime.now(UTC)

    told = talked("L1", "--channel", "call")

    assert before.replace(microsecond=0) <= datetime.fromisoformat(told["at"]) <= datetime.now(UTC)
    assert (told["loan_id"], told["lender"], told["inbound"], told["answered"]) == ("L1", LENDER, False, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--channel", "call", "--at", "2099-01-01T10:00Z"), "--at: lies in the future"),
        (("--channel", "call", "--at", "2020-01-01T10:00Z"), "--at: lies more than 40 days back"),
        (("--channel", "call", "--at", "2026-11-24"), "--at: '2026-11-24' is a day"),
        (("--channel", "call", "--at", "2026-11-24T10:00"), "has no offset"),
        (("--channel", "sms"), "--channel: expected call or visit"),
        (("--channel", "call", "--inbound", "--no-answer"), "--no-answer: a call or visit of theirs"),
    ],
)
def test_what_cannot_be_a_talk_is_one_line_and_nothing_is_kept(
    records: Database, words: tuple[str, ...], says: str
) -> None:
    said = run("loan", "talked", "L1", *BY, *words, code=2)

    assert says in said
    assert "Traceback" not in said
    assert kept(records, "L1") == []
