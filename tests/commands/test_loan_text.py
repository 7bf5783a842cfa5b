"""`loan show` and `loan thread` as an operator reads them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands import configuration
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment, Via
from domain.contact import Channel, Purpose
from records import agreements, cases, loans, people
from records.database import Database
from records.tables import CaseState, Contact, ContactState
from starter import app
from tests.records.portfolios import LENDER, NOW, entered

GONE = "(gone: the person's data was erased)"


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> Iterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "r.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path / 'r.db'}")
    configuration._records.cache_clear()
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    with database.writing() as session:
        entered(session, "L1")
    yield database
    database.dispose()
    configuration._records.cache_clear()


def said(*words: str) -> str:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_was_agreed_on_is_shown_in_major_units(records: Database) -> None:
    plan = Agreement(
        number=1,
        kind=AgreementKind.PLAN,
        state=AgreementState.OPEN,
        made_at=NOW,
        by="agent-1",
        via=Via.AGENT,
        instalments=(Instalment(number=1, due=date(2026, 3, 10), amount_minor=12_050),),
        balance_minor=12_050,
    )
    with records.writing() as session:
        agreements.keep(session, loans.get(session, LENDER, "L1"), plan, (5_000,), of_entry=1, at=NOW)

    assert "50.00 EUR of 120.50 EUR by 2026-03-10" in said("loan", "show", "L1")


def decided_and_dropped(records: Database) -> None:
    """A case decided without a note, and a message that was dropped before it had words."""
    with records.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        case = cases.open(session, loan, case_id="c-1", queue="q", kind="handoff", at=NOW, sla_at=None)
        case.state, case.decision, case.decided_by = CaseState.DECIDED, "continue", "marta"
        case.decided_at = NOW + timedelta(hours=1)
        assert loan.id is not None
        session.add(
            Contact(
                loan_ref=loan.id,
                person_ref=loan.person_ref,
                message_id="m-1",
                entry=1,
                step="r1",
                occurrence=1,
                purpose=Purpose.COLLECTION,
                channel=Channel.SMS,
                template="first",
                state=ContactState.DROPPED,
                reserved_at=NOW,
                changed_at=NOW,
            )
        )


def test_what_never_had_words_is_not_said_to_be_erased(records: Database) -> None:
    decided_and_dropped(records)

    told = said("loan", "thread", "L1")

    assert "person marta by case (handoff: continue)" in told
    assert "r1: first, dropped" in told
    assert "gone" not in told


def test_words_of_a_person_who_was_erased_are_said_to_be_gone(records: Database) -> None:
    decided_and_dropped(records)
    with records.writing() as session:
        people.of_loan(session, loans.get(session, LENDER, "L1")).erased_at = NOW

    told = said("loan", "thread", "L1")

    assert told.count(GONE) == 1, "of the message, not of the case"
