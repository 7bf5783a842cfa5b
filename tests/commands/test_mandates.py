"""Mandates from the command line: kept once, sealed, listed without the account, ended for good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.direct_debit import MandateStatus
from records import erasure, loans, mandates, people, person_export
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, NOW, enter, handed

RUNNER = CliRunner()
IBAN = "ES91 2100 0418 4502 0005 1332"
ADD = ("mandate", "add", "L1", "--reference", "M-1", "--signed", "2026-03-01")


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2")])
    return database


def run(*words: str, code: int = 0, typed: str = "") -> str:
    result = RUNNER.invoke(app, words, input=typed)
    assert result.exit_code == code, result.output
    return result.output


def test_a_mandate_is_kept_once_and_its_account_is_shown_to_nobody(records: Database, tmp_path: Path) -> None:
    assert json.loads(run(*ADD, "--json", typed=f"{IBAN}\n"))["new"] is True
    assert json.loads(run(*ADD, "--json", "--iban", IBAN))["new"] is False

    [listed] = json.loads(run("mandate", "list", "--loan", "L1", "--json"))["mandates"]
    assert (listed["reference"], listed["account"], listed["sequence"]) == ("M-1", "ES91...1332", "FRST")
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("recobro.db*"))
    assert IBAN.replace(" ", "").encode() not in raw
    with records.reading() as session:
        kept = mandates.usable(session, loans.get(session, LENDER, "L1"), NOW.date())
        assert kept is not None
        assert (kept.iban, kept.bic) == (IBAN.replace(" ", ""), "CAIXESBB")
        assert mandates.people_of(session, IBAN.replace(" ", "")) == {kept.person_ref}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--iban", "ES91 2100 0418 4502 0005 1333"), "no IBAN: invalid checksum digits"),
        (("--iban", IBAN, "--signed", "yesterday"), "--signed: expected a day"),
        (("--iban", IBAN, "--signed", "2999-01-01"), "lies ahead"),
        (("--iban", IBAN, "--reference", "Mañana"), "--reference: expected 1 to 35"),
    ],
)
def test_a_slip_is_told_in_a_line_and_nothing_is_kept(records: Database, words: tuple[str, ...], said: str) -> None:
    told = run(*ADD, *words, code=2)

    assert said in told
    assert "0418" not in told
    assert json.loads(run("mandate", "list", "--json"))["mandates"] == []


def test_another_mandate_cannot_take_a_reference_that_was_used(records: Database) -> None:
    run(*ADD, "--iban", IBAN)

    assert "is another mandate's" in run("mandate", "add", "L2", *ADD[3:], "--iban", IBAN, code=2)
    run("mandate", "cancel", "M-1")
    assert "is cancelled: a new one needs a reference" in run(*ADD, "--iban", IBAN, code=2)
    with records.reading() as session:
        assert mandates.usable(session, loans.get(session, LENDER, "L1"), NOW.date()) is None


def test_a_file_of_mandates_is_kept_whole_or_not_at_all(records: Database, tmp_path: Path) -> None:
    file = tmp_path / "mandates.csv"
    file.write_text(
        f"loan_id;reference;iban;signed\nL1;M-1;{IBAN};2026-03-01\nL2;M-2;ES00;2026-03-01\nL2;M-3;{IBAN};soon\n"
    )

    told = run("mandate", "import", str(file), code=2)
    assert "line 3: --iban" in told
    assert "line 4: signed" in told
    assert json.loads(run("mandate", "list", "--json"))["mandates"] == []
    file.write_text(f"loan_id,reference,iban,signed\nL1,M-1,{IBAN},2026-03-01\nL9,M-2,{IBAN},2026-03-01\n")
    assert "line 3: no loan 'L9'" in run("mandate", "import", str(file), code=2)
    file.write_text(f"loan_id,reference,iban,signed\nL1,M-1,{IBAN},2026-03-01\nL2,M-2,{IBAN},2026-03-01\n")
    assert json.loads(run("mandate", "import", str(file), "--json")) == {"mandates": 2, "new": 2}
    assert json.loads(run("mandate", "import", str(file), "--json"))["new"] == 0


def test_the_person_is_told_of_their_mandate_and_it_goes_when_they_are_erased(records: Database) -> None:
    run(*ADD, "--iban", IBAN)
    with records.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        told = person_export.export(session, person)
    assert told["mandates"][0]["iban"] == IBAN.replace(" ", "")
    with records.writing() as session:
        loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=NOW, final_state=None)

    erasure.erase(records, LENDER, person.person_id, at=NOW, actor="test")

    with records.reading() as session:
        [left] = mandates.of_person(session, person.id or 0)
        assert (left.iban, left.iban_index, left.status) == (None, "", MandateStatus.CANCELLED)
