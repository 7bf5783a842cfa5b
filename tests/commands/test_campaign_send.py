"""A message to a segment that Temporal did not take is kept, told of, and not sent twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode
from typer.testing import CliRunner

from commands import configuration, temporal_session
from records import loans, segment_sends
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, enter, handed

SEND = ("campaign", "send", "--template", "help_offer", "--where", "dpd > 0", "--lender", LENDER, "--yes")


class Server:
    """Temporal as far as it is asked here."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.away = False

    async def start_workflow(self, _run: object, _given: object, *, id: str, **_more: object) -> None:
        if self.away:
            raise RPCError("connection reset", RPCStatusCode.UNAVAILABLE, b"")
        self.started.append(id)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()

    async def connect() -> Server:
        return server

    monkeypatch.setattr(temporal_session, "connect", connect)
    return server


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> Iterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "r.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path / 'r.db'}")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("RECOBRO_LENDER__NAME", "Credialba")
    configuration._records.cache_clear()
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    with database.writing() as session:
        due = datetime.now(UTC).date() - timedelta(days=10)
        enter(session, [handed("L1", due_date=due), handed("L2", due_date=due)])
        for loan in loans.listing(session):
            loans.begin(session, loan)
    yield database
    database.dispose()
    configuration._records.cache_clear()


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_what_temporal_did_not_take_is_kept_and_gone_on_with(records: Database, server: Server) -> None:
    """Given Temporal away in between; when the operator does as told; then each loan has one message."""
    server.away = True

    said = run(*SEND, "--id", "help-1")

    assert said.exit_code == 2
    assert "starter.py campaign send --resume help-1" in said.stderr
    assert "try again" not in said.stderr
    assert said.stderr.count("\n") == 1
    server.away = False
    assert run("campaign", "send", "--resume", "help-1").exit_code == 0
    assert server.started == ["send-help-1"]


def test_the_same_message_said_again_names_the_first_and_makes_no_second(records: Database, server: Server) -> None:
    server.away = True
    run(*SEND, "--id", "help-1")
    server.away = False

    again = run(*SEND)
    looked = run(*SEND, "--dry-run")
    meant = run(*SEND, "--id", "help-2", "--json")

    assert again.exit_code == 2
    assert "campaign send --resume help-1" in again.stderr
    assert "--id" in again.stderr
    assert looked.exit_code == 0
    assert json.loads(meant.stdout)["state"] == "running"
    with records.reading() as session:
        assert [send.id for send in segment_sends.listing(session)] == ["help-1", "help-2"]
    assert server.started == ["send-help-2"]


def test_loans_that_were_told_when_the_messages_time_was_over_are_not_said_to_have_ended(
    records: Database, server: Server
) -> None:
    """Given a message whose day passed before a loan heard of it, when somebody asks how far it came, then that is
    among the reasons."""
    run(*SEND, "--id", "help-1")
    with records.writing() as session:
        first = next(iter(loans.listing(session)))
        assert first.id is not None
        segment_sends.mark_refused(session, "help-1", [first.id], reason="refused: its time is over")

    said = run("campaign", "send-status", "help-1")

    assert "1 had ended, were handed over again, or its time was over" in " ".join(said.stdout.split())
