"""Debits go to the bank once, whatever becomes of its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from domain.direct_debit import DebitState
from providers.debit_bank import DebitBank, OutgoingFile, Submission
from providers.debits.folder_bank import FolderDebitBank
from providers.errors import ProviderError
from records import audit, debits, mandates
from records.database import Database
from tests.activities.debit_desk import (
    MONDAY,
    Away,
    Desk,
    LosesAnswers,
    NeverKnows,
    cancel,
    debit_desk,
    loan_with_mandate,
    needs_person,
    refused_whole,
    settings,
    tell,
)
from tests.activities.other_bank import OtherBank
from tests.activities.outside import pay
from tests.records.portfolios import LENDER


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


@pytest.fixture
async def either(database: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    """As `desk`, once on SQLite and once on PostgreSQL."""
    async with debit_desk(database, bank) as opened:
        yield opened


@pytest.mark.parametrize(("kind", "after"), [(LosesAnswers, True), (LosesAnswers, False), (NeverKnows, True)])
async def test_a_lost_answer_never_makes_a_second_debit(
    desk: Desk, bank: OtherBank, kind: type[LosesAnswers], after: bool
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    desk.bank = kind(desk.bank, after=after)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)

    outcome = await desk.day(MONDAY + timedelta(hours=1))
    await desk.fetch(bank.advance(2))

    assert list(outcome.values()) == ["accepted"]
    assert len(bank.collections()) == 1
    assert (desk.debit("L1").state, desk.due("L1"), bank.balance()) == (DebitState.COLLECTED, 0, 12_510_000)
    with desk.database.reading() as session:
        assert debits.unanswered(session) == []


async def test_a_bank_that_refuses_a_duplicate_file_changes_nothing_of_the_first(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    await desk.day(MONDAY)
    [message_id] = [file["msg_id"] for file in bank.collections()]
    outgoing = desk.submission._begin(message_id, MONDAY)
    assert outgoing is not None

    again = await desk.bank.submit(outgoing, MONDAY)
    await desk.fetch(bank.advance(2))

    assert (again.accepted, again.code) == (False, "DUPL")
    assert (desk.debit("L1").state, desk.due("L1"), len(bank.collections())) == (DebitState.COLLECTED, 0, 1)


async def test_files_go_through_a_folder_with_a_manifest_and_come_back_through_it(
    lite: Database, bank: OtherBank, tmp_path: Path
) -> None:
    database = lite
    folder = tmp_path / "ebics"
    desk = Desk(database, LosesAnswers(FolderDebitBank(folder), after=True), settings(folder=folder))
    loan_with_mandate(database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)
    assert list((await desk.day(MONDAY)).values()) == ["accepted"]

    # What the transfer agent does: carries the file to the bank and the bank's answers back.
    [file] = (folder / "out").glob("*.xml")
    manifest = json.loads(file.with_suffix(".json").read_text())
    assert (manifest["file"], manifest["debits"], manifest["amount_minor"]) == (file.name, 1, 10_000)
    assert file.stat().st_mode & 0o077 == 0
    assert bank.http.post("/payments", content=file.read_bytes()).status_code == 202
    bank.advance(2)
    for number, message in enumerate(bank.http.get("/_mock/mailbox").json()):
        (folder / "in").mkdir(exist_ok=True)
        (folder / "in" / f"{number}.xml").write_text(message["body"])
    (folder / "in" / "zz-broken.xml").write_text("<Document")
    fetched = await desk.fetch(MONDAY)

    assert desk.due("L1") == 0
    assert list(fetched.refused) == ["zz-broken.xml"]
    assert sorted(path.name for path in (folder / "in").iterdir()) == ["done", "zz-broken.xml"]


class TakesItThenCallsItADuplicate(LosesAnswers):
    """A bank whose word for a file it has is `code`."""

    def __init__(self, real: DebitBank, code: str) -> None:
        super().__init__(real, after=True)
        self._code = code

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        answer = await super().submit(file, at)
        return answer if answer.accepted else Submission(accepted=False, code=self._code)

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        return None


@pytest.mark.parametrize("code", ["DUPL", "AM05", "DU01", "DU02", "DU03", "DU04", "DU05"])
async def test_whatever_a_bank_calls_a_second_copy_of_a_file_the_borrower_is_debited_once(
    desk: Desk, bank: OtherBank, code: str
) -> None:
    """Given an answer that was lost, when the file is handed over again, then the bank's "seen before" changes nothing,
    also told later by a pain.002."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    desk.bank = TakesItThenCallsItADuplicate(desk.bank, code)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)

    [(message_id, outcome)] = (await desk.day(MONDAY + timedelta(hours=1))).items()
    tell(desk, refused_whole(message_id, code), MONDAY + timedelta(hours=2))
    next_day = await desk.day(MONDAY + timedelta(days=1))
    await desk.fetch(bank.advance(2))

    assert (outcome, next_day, len(bank.collections())) == ("accepted", {}, 1)
    assert (desk.debit("L1").state, desk.due("L1"), needs_person(desk)) == (DebitState.COLLECTED, 0, [])


async def test_a_file_that_never_reached_the_bank_is_looked_over_before_it_goes_days_later(
    either: Desk, bank: OtherBank
) -> None:
    """Given a bank that was away, when it is back, then only what is still due goes, on a day still to come."""
    desk = either
    for number, loan_id in enumerate(("L1", "L2", "L3", "L4", "L5"), 11):
        loan_with_mandate(desk.database, loan_id, bank.open_account(loan_id, number))
        await desk.order(loan_id)
    away = desk.bank = Away(desk.bank)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)
    assert desk.debit("L1").state is DebitState.FILED
    pay(desk.database, "L1", 10_000)
    pay(desk.database, "L2", 4_000)
    cancel(desk, "M-L3")
    await desk.order("L4", released=False)
    away.back = True

    outcomes = await desk.day(bank.advance(2))

    assert sorted(outcomes.values()) == ["accepted", "withdrawn"]
    assert [(one["amount"], one["status"]) for one in bank.collections()] == [(6_000, "accepted"), (10_000, "accepted")]
    assert [desk.debit(loan_id).state for loan_id in ("L1", "L2", "L3", "L4", "L5")] == [
        "dropped",
        "filed",
        "dropped",
        "dropped",
        "filed",
    ]
    assert ("L4", "debit_returned", "DT01") in desk.signals(), "what was kept back meanwhile goes back to its loan"
    assert {desk.debit(loan_id).collect_on for loan_id in ("L2", "L5")} == {date(2026, 12, 3)}
    with desk.database.reading() as session:
        [withdrawn] = audit.of_action(session, "debit_file_withdrawn")
        assert len(withdrawn.details["because_of"]) == 5, "the day it asked for is over for all of them"


async def test_a_file_the_bank_never_had_goes_as_it_is_while_it_holds(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    away = desk.bank = Away(desk.bank)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)
    away.back = True

    assert list((await desk.day(MONDAY + timedelta(hours=3))).values()) == ["accepted"]
    assert len(bank.collections()) == 1


async def test_a_file_of_which_the_bank_told_is_never_handed_over_again(desk: Desk, bank: OtherBank) -> None:
    """Given a bank that says it has no such file, when its own messages tell of a debit in it, then those are right."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    desk.bank = NeverKnows(desk.bank, after=True)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)
    await desk.fetch(bank.advance(2))
    assert desk.debit("L1").state is DebitState.COLLECTED

    outcomes = await desk.day(MONDAY + timedelta(days=3))

    assert list(outcomes.values()) == ["accepted"]
    assert len(bank.collections()) == 1


async def test_an_erased_borrowers_file_holds_up_no_other(desk: Desk, bank: OtherBank) -> None:
    """Given two files the bank never got, when a mandate in one is erased, then the others in both are collected."""
    away = desk.bank = Away(desk.bank)
    for number, loan_id in enumerate(("L1", "L2", "L3"), 11):
        loan_with_mandate(desk.database, loan_id, bank.open_account(loan_id, number))
        if loan_id == "L3":
            with pytest.raises(ProviderError):
                await desk.day(MONDAY)
        await desk.order(loan_id)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY + timedelta(minutes=5))
    with desk.database.writing() as session:
        erased = mandates.get(session, LENDER, "M-L1")
        erased.iban, erased.holder = None, None
        session.add(erased)
    away.back = True

    outcomes = await desk.day(MONDAY + timedelta(hours=1))

    assert sorted(outcomes.values()) == ["accepted", "accepted", "withdrawn"]
    assert [desk.debit(loan_id).state for loan_id in ("L1", "L2", "L3")] == ["dropped", "filed", "filed"]
