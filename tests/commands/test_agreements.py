"""`loan agreement-document`: written to a file once an agreement is in force; before that it says why there is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from domain.agreements.model import Agreement, AgreementKind, AgreementState, Evidence, Instalment, Via
from records import agreements, loans
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, enter, handed

NOW = datetime.now(UTC)
OFFER = Agreement(
    number=1,
    kind=AgreementKind.PLAN,
    state=AgreementState.PROPOSED,
    made_at=NOW,
    by="agent-1",
    via=Via.AGENT,
    instalments=tuple(Instalment(number=n, due=date(2026, 2 + n, 20), amount_minor=5_000) for n in (1, 2)),
    balance_minor=10_000,
    expires_at=NOW + timedelta(days=9),
)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    return Database(f"sqlite:///{file}")


def keep(records: Database, agreement: Agreement) -> None:
    with records.writing() as session:
        agreements.keep(session, loans.get(session, LENDER, "L1"), agreement, (0, 0), of_entry=1, at=NOW)


def document() -> Result:
    return CliRunner().invoke(app, ["loan", "agreement-document", "L1", "1", "agreed.pdf"])


def test_an_offer_has_no_document_and_the_command_says_so_until_it_is_in_force(records: Database) -> None:
    with records.writing() as session:
        enter(session, [handed("L1")])
    nothing = document()
    keep(records, OFFER)
    waiting = document()
    keep(records, OFFER.model_copy(update={"state": AgreementState.EXPIRED, "ended_at": NOW}))
    over = document()
    said = Evidence(at=NOW, message_id="SM1")
    keep(records, OFFER.model_copy(update={"state": AgreementState.ACTIVE, "expires_at": None, "evidence": said}))
    written = document()

    assert (nothing.exit_code, nothing.stderr) == (2, "loan 'L1' has no document of an agreement 1\n")
    reason = "a document is made when it comes into force\n"
    assert (waiting.exit_code, waiting.stderr) == (2, f"plan 1 is proposed and has not been in force: {reason}")
    assert (over.exit_code, over.stderr) == (2, f"plan 1 is expired and has not been in force: {reason}")
    assert (written.exit_code, Path("agreed.pdf").read_bytes()[:4]) == (0, b"%PDF")
