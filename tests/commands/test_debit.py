"""The day's work from the command line, with a bank reached by folders."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from activities.debit_files import message_id_of
from domain.direct_debit import SequenceType
from domain.what_next import WhatNext
from providers.debit_bank import BankMessage, OutgoingFile, Submission
from providers.debits.folder_bank import FolderDebitBank
from providers.errors import refusal
from records import debits, loans, mandates, payments, people
from records.database import Database
from records.tables import Loan
from starter import app
from tests.records.portfolios import LENDER, enter, entered, handed

RUNNER = CliRunner()
OURS = "ES9121000418450200051332"
MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


class Monday(datetime):
    """A day the bank works, whenever the test runs."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return MONDAY


class TenDaysLater(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return MONDAY + timedelta(days=10)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("RECOBRO_DIRECT_DEBIT__FOLDER", str(tmp_path / "ebics"))
    monkeypatch.setenv("RECOBRO_DIRECT_DEBIT__CREDITOR", json.dumps({"creditor_id": "ES50ZZZA12345678", "iban": OURS}))
    database = Database(f"sqlite:///{file}")
    monkeypatch.setattr("commands.debit.datetime", Monday)
    with database.writing() as session:
        [loan] = entered(session, "L1")
        released(session, loan)
    return database


def released(session: Session, loan: Loan) -> None:
    """A debit of the whole debt, under a mandate, that may go out."""
    mandates.add(
        session,
        people.of_loan(session, loan),
        reference=f"M-{loan.loan_id}",
        iban="ES7921000813610123456789",
        signed_on=date(2025, 3, 1),
        sequence=SequenceType.RCUR,
        at=MONDAY,
    )
    debit = debits.order(
        session,
        loan,
        mandates.get(session, loan.lender, f"M-{loan.loan_id}"),
        step="debit",
        occurrence=1,
        amount_minor=10_000,
        noticed=False,
        notice_days=0,
        at=MONDAY,
    )
    debits.release(session, debit, True, MONDAY)


def owed_to(session: Session, lender: str) -> None:
    """The same with another lender."""
    enter(session, [handed("L2")], campaign_id="c2", lender=lender)
    loan = loans.get(session, lender, "L2")
    loans.begin(session, loan)
    released(session, loan)


def run(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def state() -> str:
    [only] = json.loads(run("debit", "list", "--json"))["debits"]
    told: str = only["state"]
    return told


def returned(reference: str, message_id: str) -> str:
    """A pain.002 that refuses the debit for want of money, as banks write it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>B-1</MsgId><CreDtTm>2026-11-30T09:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>"
        "<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>1</OrgnlPmtInfId>"
        f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
        "<StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    )


def test_the_days_file_is_looked_at_made_once_and_answered(records: Database, tmp_path: Path) -> None:
    ahead = json.loads(run("debit", "submit", "--dry-run", "--json"))
    assert (ahead["debits"], ahead["outcomes"], state()) == (1, {}, "planned")

    made = json.loads(run("debit", "submit", "--json"))
    again = json.loads(run("debit", "submit", "--json"))

    [message_id] = made["files"]
    assert made["outcomes"] == {message_id: "accepted"}
    assert (again["debits"], again["outcomes"], state()) == (0, {}, "filed")
    assert (tmp_path / "ebics" / "out" / f"{message_id}.xml").exists()
    with records.reading() as session:
        [debit] = debits.of_loan(session, loans.get(session, LENDER, "L1"))
    inbox = tmp_path / "ebics" / "in"
    inbox.mkdir()
    (inbox / "answer.xml").write_text(returned(debit.reference, message_id))
    (inbox / "broken.xml").write_text("<no")

    told = run("debit", "fetch", code=1)

    assert "answer.xml (pain.002): 1 rejected" in told
    assert "broken.xml: line 1" in told
    assert state() == "rejected"
    assert "AM04: there was not enough money" in run("debit", "list")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RECOBRO_DIRECT_DEBIT__BASE_URL", "http://127.0.0.1:1", "exactly one of base_url and folder"),
        ("RECOBRO_DIRECT_DEBIT__CREDITOR", '{"creditor_id": "ES50ZZZA12345678", "iban": "ES00"}', "expected an IBAN"),
        ("RECOBRO_DIRECT_DEBIT__CREDITOR", "null", "has no SEPA creditor"),
    ],
)
def test_settings_that_cannot_be_used_end_in_a_line(
    records: Database, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert said in run("debit", "submit", code=2)
    monkeypatch.delenv(variable)


def test_without_a_bank_that_is_said(records: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECOBRO_DIRECT_DEBIT__FOLDER")
    monkeypatch.delenv("RECOBRO_DIRECT_DEBIT__CREDITOR")

    assert "set RECOBRO_DIRECT_DEBIT__BASE_URL or __FOLDER" in run("debit", "submit", code=2)
    assert "set RECOBRO_DIRECT_DEBIT__BASE_URL or __FOLDER" in run("debit", "fetch", code=2)


def test_a_debit_the_bank_never_told_of_is_closed_by_hand_when_no_loan_waits_for_it_any_more(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("debit", "submit")
    [only] = json.loads(run("debit", "list", "--json"))["debits"]
    reference = only["reference"]

    early = run("debit", "settle", reference, "--not-collected", "--by", "marta", code=2)
    unsaid = run("debit", "settle", reference, "--by", "marta", code=2)
    monkeypatch.setattr("commands.debit.datetime", TenDaysLater)
    done = json.loads(run("debit", "settle", reference, "--not-collected", "--by", "marta", "--json"))
    again = run("debit", "settle", reference, "--came", "--by", "marta", code=2)

    assert "settle it from 2026-12-10 on" in early
    assert "--came" in unsaid
    assert done == {"reference": reference, "state": "rejected"}
    assert (state(), "is rejected" in again) == ("rejected", True)
    assert "a person saw at the bank" in json.loads(run("debit", "list", "--json"))["debits"][0]["reason"]


def test_a_debit_whose_money_was_booked_by_hand_is_closed_without_booking_it_again(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("debit", "submit")
    [only] = json.loads(run("debit", "list", "--json"))["debits"]
    monkeypatch.setattr("commands.debit.datetime", TenDaysLater)

    told = run("debit", "settle", only["reference"], "--came", "--by", "marta")

    assert (state(), "no payment was booked" in told) == ("collected", True)
    with records.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 10_000


def test_a_file_the_bank_took_is_taken_back_by_hand_once_it_says_that_it_collects_nothing(records: Database) -> None:
    [message_id] = json.loads(run("debit", "submit", "--json"))["files"]

    taken = json.loads(run("debit", "take-back", message_id, "--by", "marta", "--json"))
    again = run("debit", "take-back", message_id, "--by", "marta", code=2)

    assert (taken["debits"], state()) == (1, "planned")
    assert "is taken back" in again


def test_what_was_handed_over_is_told_also_where_another_file_failed(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two lenders' files; when the bank takes the first and goes away; then both are told."""
    monkeypatch.setenv(
        "RECOBRO_DIRECT_DEBIT__CREDITORS", json.dumps({"other": {"creditor_id": "ES50ZZZA12345678", "iban": OURS}})
    )
    with records.writing() as session:
        owed_to(session, "other")
    submit = FolderDebitBank.submit

    async def takes_one(bank: FolderDebitBank, file: OutgoingFile, at: datetime) -> Submission:
        if file.message_id.endswith(taken):
            return await submit(bank, file, at)
        raise refusal("bank", "down", WhatNext.RETRY, "no way there")

    taken = message_id_of(LENDER, MONDAY.date(), 1)
    monkeypatch.setattr(FolderDebitBank, "submit", takes_one)

    told = json.loads(run("debit", "submit", "--json", code=1))

    assert len(told["files"]) == 2
    assert told["outcomes"] == {taken: "accepted"}
    assert "no way there" in told["error"]


def test_what_was_taken_in_before_the_bank_went_away_is_told(
    records: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Given two answers at the bank; when it goes away after the first; then that is told, and the other next time."""
    [message_id] = json.loads(run("debit", "submit", "--json"))["files"]
    with records.reading() as session:
        [debit] = debits.of_loan(session, loans.get(session, LENDER, "L1"))
    inbox = tmp_path / "ebics" / "in"
    inbox.mkdir()
    (inbox / "a.xml").write_text(returned(debit.reference, message_id))
    (inbox / "b.xml").write_text(returned(debit.reference, message_id).replace("B-1", "B-2"))
    done_with = FolderDebitBank.done_with

    async def goes_away(_bank: FolderDebitBank, _message: BankMessage, _at: datetime) -> None:
        raise refusal("bank", "down", WhatNext.RETRY, "no way there")

    monkeypatch.setattr(FolderDebitBank, "done_with", goes_away)

    told = json.loads(run("debit", "fetch", "--json", code=1))
    text = run("debit", "fetch", code=1)

    assert [one["name"] for one in told["files"]] == ["a.xml"]
    assert "no way there" in told["error"]
    assert "the bank went away" in text
    assert "nothing new" not in text
    monkeypatch.setattr(FolderDebitBank, "done_with", done_with)
    later = json.loads(run("debit", "fetch", "--json"))
    assert ([one["name"] for one in later["files"]], later["error"]) == (["b.xml"], None)
