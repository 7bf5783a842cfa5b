"""`strategy migrate` beside a campaign that is starting its loans: what is pinned is what runs."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commands import configuration, strategy_migration, temporal_session
from commands.console import Refused
from domain.entering import enter
from domain.loans import workflow_id
from domain.strategy import Strategy
from records import facts, loans
from records.database import Database
from records.tables import Loan
from starter import app
from tests.records import portfolios
from tests.records.portfolios import LENDER, STRATEGY, handed
from workflows.messages import LoanView

NEW = STRATEGY.model_copy(update={"version": 2, "title": "Plain, again"})


@dataclass
class Running:
    """Temporal's side: what each workflow runs on."""

    strategies: dict[str, Strategy] = field(default_factory=dict)
    database: Database | None = None
    silent: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What the next questions come to before an answer."""

    async def tell(self, handle: str, update: str, order: Any, *, id: str) -> str:
        assert update == "migrate"
        if handle not in self.strategies:
            raise temporal_session.NotRunning
        self.strategies[handle] = order.strategy
        return "moved"

    async def ask(self, handle: str, query: str, kind: object) -> LoanView:
        if self.silent and handle in self.strategies:
            await self.silent.pop()()
        if handle not in self.strategies:
            raise temporal_session.NotRunning
        assert self.database is not None
        now = datetime.now(UTC)
        with self.database.reading() as session:
            known = facts.facts_of(session, loans.get(session, LENDER, handle.removeprefix(f"loan-{LENDER}-")), now)
        return LoanView(state=enter(known, self.strategies[handle], now), watching_balance=False, at=now)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "r.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path / 'r.db'}")
    configuration._records.cache_clear()
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    with database.writing() as session:
        portfolios.enter(session, [handed("L1"), handed("L2")])
    yield database
    database.dispose()
    configuration._records.cache_clear()


@pytest.fixture
def temporal(monkeypatch: pytest.MonkeyPatch, records: Database) -> Running:
    running = Running(database=records)

    async def connect() -> object:
        return object()

    def handle(_client: object, loan: Loan) -> str:
        return workflow_id(loan.lender, loan.loan_id)

    monkeypatch.setattr(temporal_session, "connect", connect)
    monkeypatch.setattr("commands.loan_lookup.loan_handle", handle)
    monkeypatch.setattr(temporal_session, "tell", running.tell)
    monkeypatch.setattr(temporal_session, "ask", running.ask)
    monkeypatch.setattr("config.strategies.find_strategy", lambda _name: NEW)
    monkeypatch.setattr(strategy_migration, "IN_FLIGHT", timedelta(), raising=False)
    return running


def migrate() -> dict[str, Any]:
    result = CliRunner().invoke(app, ["strategy", "migrate", "plain@1", "plain@2", "--yes", "--json"])
    assert result.exit_code in (0, 1), result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def pinned(records: Database, loan_id: str) -> int:
    with records.reading() as session:
        return loans.get(session, LENDER, loan_id).strategy_version


def test_a_loan_started_on_the_old_version_while_the_operator_was_asked_is_told(
    records: Database, temporal: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two loans that wait; when the campaign starts one before the answer; then both run on the new version."""

    def answer_late(_question: str, _yes: bool) -> None:
        with records.writing() as session:
            loans.begin(session, loans.get(session, LENDER, "L1"))
        temporal.strategies[workflow_id(LENDER, "L1")] = STRATEGY

    monkeypatch.setattr(strategy_migration, "agree", answer_late)

    told = migrate()

    assert (told["moved"], told["failed"]) == (2, [])
    assert temporal.strategies == {workflow_id(LENDER, "L1"): NEW}
    assert (pinned(records, "L1"), pinned(records, "L2")) == (2, 2)


def test_a_loan_that_was_being_started_as_it_was_noted_is_told_afterwards(
    records: Database, temporal: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a loan that the campaign has read and not yet marked as started."""

    def answer_late(_question: str, _yes: bool) -> None:
        temporal.strategies[workflow_id(LENDER, "L1")] = STRATEGY

    monkeypatch.setattr(strategy_migration, "agree", answer_late)

    told = migrate()

    assert (told["moved"], told["failed"]) == (2, [])
    assert temporal.strategies == {workflow_id(LENDER, "L1"): NEW}


def test_a_loan_that_is_lost_is_not_noted_as_moved(
    records: Database, temporal: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_late(_question: str, _yes: bool) -> None:
        with records.writing() as session:
            loans.end(session, loans.get(session, LENDER, "L1"), kind="recalled", at=datetime.now(UTC), final_state={})

    monkeypatch.setattr(strategy_migration, "agree", answer_late)

    told = migrate()

    assert (told["moved"], told["failed"]) == (1, [{"loan_id": "L1", "reason": "it ended meanwhile"}])
    assert (pinned(records, "L1"), pinned(records, "L2")) == (1, 2)


def started_while_asked(
    records: Database, temporal: Running, monkeypatch: pytest.MonkeyPatch, silent: Callable[[], Awaitable[None]]
) -> None:
    """The campaign has read L1 on the old version and is starting it, and the first question to it is not answered."""

    def answer_late(_question: str, _yes: bool) -> None:
        temporal.strategies[workflow_id(LENDER, "L1")] = STRATEGY
        temporal.silent = [silent]

    monkeypatch.setattr(strategy_migration, "agree", answer_late)


def test_a_loan_that_did_not_say_what_it_runs_on_is_moved_by_the_same_command_again(
    records: Database, temporal: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no worker answers; then the records say what runs; and when one does, the loan is moved."""

    async def no_worker() -> None:
        raise Refused("no worker answered")

    started_while_asked(records, temporal, monkeypatch, no_worker)

    first = migrate()

    assert (first["moved"], first["failed"]) == (1, [{"loan_id": "L1", "reason": "no worker answered"}])
    assert (pinned(records, "L1"), pinned(records, "L2")) == (1, 2)
    monkeypatch.setattr(strategy_migration, "agree", lambda _question, _yes: None)
    assert (migrate()["moved"], pinned(records, "L1")) == (1, 2)
    assert temporal.strategies == {workflow_id(LENDER, "L1"): NEW}


@pytest.mark.parametrize("words", [["--yes"], ["--dry-run"]])
def test_the_exit_code_says_that_a_loan_could_not_be_asked(
    records: Database, temporal: Running, words: list[str]
) -> None:
    """Given a loan that runs and no worker that answers for it; then a script learns that it was not looked at."""

    async def no_worker() -> None:
        raise Refused("no worker answered")

    with records.writing() as session:
        loans.begin(session, loans.get(session, LENDER, "L1"))
    temporal.strategies[workflow_id(LENDER, "L1")] = STRATEGY
    temporal.silent = [no_worker]

    result = CliRunner().invoke(app, ["strategy", "migrate", "plain@1", "plain@2", "--json", *words])

    told = json.loads(result.stdout)
    assert (told["refused"], told["failed"]) == ([{"loan_id": "L1", "reason": "no worker answered"}], [])
    assert result.exit_code == 1


def test_loans_that_wait_need_no_answer_of_theirs(records: Database, temporal: Running) -> None:
    result = CliRunner().invoke(app, ["strategy", "migrate", "plain@1", "plain@2", "--dry-run"])

    assert result.exit_code == 0


def test_an_operator_who_ends_it_in_between_can_do_it_again(
    records: Database, temporal: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    started_while_asked(records, temporal, monkeypatch, ended)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    first = CliRunner().invoke(app, ["strategy", "migrate", "plain@1", "plain@2", "--yes", "--json"])
    signal.signal(signal.SIGINT, before)

    assert (first.exit_code, pinned(records, "L1")) == (130, 1)
    monkeypatch.setattr(strategy_migration, "agree", lambda _question, _yes: None)
    migrate()
    assert (pinned(records, "L1"), pinned(records, "L2")) == (2, 2)
    assert temporal.strategies == {workflow_id(LENDER, "L1"): NEW}
