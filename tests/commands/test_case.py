"""`case decide`: who decides is named as everywhere else, and nobody takes a name of ours that they do not have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.service import RPCError, RPCStatusCode
from typer.testing import CliRunner

from commands import case
from domain.access import Role
from domain.events.control import Decide
from domain.ledger_entries import CaseKind
from records import accounts, cases, loans
from records.database import Database
from records.tables import CaseState, Loan, LoanState
from starter import app
from tests.records.portfolios import LENDER, enter, entered, handed, handed_over_again

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


@pytest.mark.parametrize("note", ["llamar al 600 111 222", "DNI 12345678Z", "ana@correo.example lo confirma"])
def test_a_note_that_says_how_to_reach_somebody_is_refused_before_temporal_has_it(
    told: list[Decide], note: str
) -> None:
    words = ["case", "decide", "c-1", "--decision", "continue", "--by", "ana", "--note", note]

    result = CliRunner().invoke(app, words)

    assert (result.exit_code, told) == (2, [])
    assert result.stderr.startswith("--note: a note holds no telephone number")
    assert result.stderr.count("\n") == 1


def test_the_note_is_shown_to_who_asks_for_it(records: Database) -> None:
    with records.writing() as session:
        enter(session, [handed("L1")])
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id="c-1", kind=CaseKind.HANDOFF, queue="agents", at=NOW, sla_at=NOW)
        cases.decide(session, "c-1", decision="continue", by="ana", at=NOW, note="su hermana paga")

    plain = CliRunner().invoke(app, ["case", "show", "c-1"]).stdout
    asked = CliRunner().invoke(app, ["case", "show", "c-1", "--contact-data"]).stdout

    assert ("su hermana paga" in plain, "su hermana paga" in asked) == (False, True)


class Temporal:
    """What Temporal has of the loans: nothing at all, or a workflow that is closed. `exists`: its namespace does."""

    id = f"loan-{LENDER}-L1"
    namespace = "collections"
    service_client = SimpleNamespace(config=SimpleNamespace(target_host="temporal:7233"))

    def __init__(self, *, knows: bool, exists: bool = True) -> None:
        self.knows, self.exists = knows, exists

    async def count_workflows(self, _query: str) -> None:
        if not self.exists:
            raise RPCError("Namespace collections is not found.", RPCStatusCode.NOT_FOUND, b"")

    def get_workflow_handle(self, _id: str) -> Temporal:
        return self

    async def execute_update(self, *_given: object, **_more: object) -> None:
        raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")

    async def describe(self) -> None:
        if not self.knows:
            raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")


def with_case(records: Database, monkeypatch: pytest.MonkeyPatch, *, knows: bool) -> str:
    """A loan in collection with an open case, and a Temporal that does not run it."""

    async def connect() -> Temporal:
        return Temporal(knows=knows)

    monkeypatch.setattr("commands.temporal_session.connect", connect)
    case_id = f"{LENDER}-L1-1-1"
    with records.writing() as session:
        (loan,) = entered(session, "L1")
        cases.open(session, loan, case_id=case_id, kind=CaseKind.HANDOFF, queue="agents", at=NOW, sla_at=NOW)
    return case_id


def decided(case_id: str, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["case", "decide", case_id, "--decision", "continue", "--by", "agent-7", *more])
    return result.exit_code, result.stdout + result.stderr


def test_the_note_to_a_refused_decision_is_none_of_what_the_records_settle(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a note to a decision that the loan refused, when the same person settles the case of a lost loan without
    one, then the case has none."""
    case_id = with_case(records, monkeypatch, knows=False)
    with records.writing() as session:
        cases.keep_note(session, case_id, "sold to another house", by="agent-7")

    assert decided(case_id, "--lost", "--yes")[0] == 0

    with records.reading() as session:
        case_kept = cases.get(session, case_id)
    assert (case_kept.state, case_kept.decided_by, case_kept.note) == (CaseState.DECIDED, "agent-7", None)


def state_of(records: Database, case_id: str) -> CaseState:
    with records.reading() as session:
        return cases.get(session, case_id).state


def test_a_case_of_a_loan_that_temporal_has_lost_is_settled_in_the_records_when_that_is_said(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = with_case(records, monkeypatch, knows=False)

    refused = decided(case_id)
    settled = decided(case_id, "--lost", "--yes")

    assert refused[0] == 2
    assert "--lost settles the case in the records" in refused[1]
    assert settled[0] == 0
    assert "doctor --mend" in settled[1]
    assert state_of(records, case_id) is CaseState.DECIDED


def test_a_case_of_a_loan_whose_workflow_is_only_closed_is_not_settled_as_lost(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = with_case(records, monkeypatch, knows=True)

    code, told = decided(case_id, "--lost", "--yes")

    assert code == 2
    assert "Temporal knows a workflow of loan 'L1'" in told
    assert state_of(records, case_id) is CaseState.OPEN


def test_a_case_of_an_earlier_hand_over_is_settled_while_the_loan_is_collected_again(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a refund case of the first hand-over, when the loan is in its second, then the case has a way out."""
    case_id = with_case(records, monkeypatch, knows=True)
    with records.writing() as session:
        handed_over_again(session, "L1")

    other = CliRunner().invoke(app, ["case", "decide", case_id, "--decision", "recall", "--by", "agent-7"])
    settled = decided(case_id)

    assert other.exit_code == 2
    assert "can only be settled with continue" in other.stderr
    assert settled[0] == 0
    assert state_of(records, case_id) is CaseState.DECIDED
    with records.reading() as session:
        assert loans.get(session, LENDER, "L1").state is LoanState.IN_COLLECTION


def test_an_offer_that_waits_for_approval_is_no_way_to_end_its_loan(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = with_case(records, monkeypatch, knows=True)
    with records.writing() as session:
        cases.get(session, case_id).kind = CaseKind.APPROVAL

    refused = CliRunner().invoke(app, ["case", "decide", case_id, "--decision", "write_off", "--by", "agent-7"])

    assert refused.exit_code == 2
    assert "`loan close` ends the loan" in refused.stderr
    assert state_of(records, case_id) is CaseState.OPEN
