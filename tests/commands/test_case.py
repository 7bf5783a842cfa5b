"""`case decide`: who decides is named as everywhere else, and nobody takes a name of ours that they do not have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands import case
from domain.access import Role
from domain.events import Decide
from domain.ledger_entries import CaseKind
from records import accounts, cases, loans
from records.database import Database
from records.tables import Loan
from starter import app
from tests.records.portfolios import LENDER, enter, handed

NOW = datetime.now(UTC)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    return Database(f"sqlite:///{file}")


@pytest.fixture
def told(records: Database, monkeypatch: pytest.MonkeyPatch) -> list[Decide]:
    """What the loan is told of a case that waits; `ana` has an account."""
    heard: list[Decide] = []

    async def decide(_client: object, _database: Database, _loan: Loan, order: Decide) -> str:
        heard.append(order)
        return "decided"

    monkeypatch.setattr(case, "_decide", decide)
    monkeypatch.setattr("commands.temporal_session.connect", nobody)
    with records.writing() as session:
        enter(session, [handed("L1")])
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id="c-1", kind=CaseKind.HANDOFF, queue="agents", at=NOW, sla_at=NOW)
        accounts.create(session, login="ana", role=Role.AGENT, password_hash=None, at=NOW, by="test")
    return heard


async def nobody() -> None:
    """No Temporal is there to connect to."""


def decide_as(by: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["case", "decide", "c-1", "--decision", "continue", "--by", by])
    return result.exit_code, result.stderr


def test_who_has_an_account_decides_under_its_name_and_others_under_their_own(told: list[Decide]) -> None:
    assert decide_as("ana")[0] == 0
    assert decide_as("agent-7")[0] == 0
    assert [order.by for order in told] == ["account:1", "agent-7"]


def test_nobody_decides_under_the_name_of_an_account_by_its_number(told: list[Decide]) -> None:
    code, why = decide_as("account:1")
    assert (code, told) == (2, [])
    assert "expected the name they sign in by" in why
