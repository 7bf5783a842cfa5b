"""Debits go to the bank once, whatever becomes of its answers; what it tells counts once, in whatever order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from activities.bank_files import BankDesk
from activities.bank_mail import Fetched, fetch_all
from activities.debit_files import DebitFiles, message_id_of
from activities.debits import DebitClerk
from activities.orders import DebitOrder
from config.settings import DirectDebit, SepaCreditor, Settings
from domain.bank_news import BankEntry, FileKind, Statement
from domain.direct_debit import DebitState, MandateStatus, SequenceType
from domain.events import DebitOutcome, DebitReported
from domain.what_next import Effect, WhatNext
from providers.debit_bank import BankMessage, DebitBank, OutgoingFile, Submission
from providers.debits.folder_bank import FolderDebitBank
from providers.debits.http_bank import HttpDebitBank, HttpDebitBankSettings
from providers.errors import ProviderError, refusal
from records import audit, bank_entries, debits, loans, mandates, payments, people, webhooks
from records.database import Database
from records.tables import Debit, DebitFile, Payment, Webhook
from tests.activities.other_bank import OURS, OtherBank, bank_here
from tests.activities.outside import environment, pay
from tests.records.portfolios import LENDER, entered, handed_over_again

MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@pytest.fixture
def bank() -> Iterator[OtherBank]:
    with bank_here(MONDAY) as opened:
        yield opened


def settings(**given: Any) -> Settings:
    creditor = SepaCreditor(creditor_id="ES50ZZZA12345678", iban=OURS, name="Credialba")
    way = given or {"base_url": "http://127.0.0.1:1"}
    return Settings(_env_file=None, direct_debit=DirectDebit(creditor=creditor, **way))


class Desk:
    """The day's work of one lender, with whatever bank a test gives it."""

    def __init__(self, database: Database, real: DebitBank, given: Settings | None = None) -> None:
        self.database = database
        self.bank: DebitBank = real
        self.settings = given or settings()
        self.files = DebitFiles(database, self.settings)

    async def order(self, loan_id: str, at: datetime = MONDAY, **changes: Any) -> DebitReported:
        order = DebitOrder(**{"lender": LENDER, "loan_id": loan_id, "step": "debit", "released": True, **changes})
        return await environment(at).run(DebitClerk(self.database, self.settings.direct_debit).order, order)

    async def day(self, now: datetime) -> dict[str, str]:
        self.files.make(now)
        return await self.files.submit(self.bank, now)

    async def fetch(self, now: datetime) -> Fetched:
        return await fetch_all(self.bank, BankDesk(self.database, self.settings), now)

    def debit(self, loan_id: str) -> Debit:
        with self.database.reading() as session:
            [found] = debits.of_loan(session, loans.get(session, LENDER, loan_id))
            return found

    def due(self, loan_id: str) -> int:
        with self.database.reading() as session:
            return payments.balance_due(session, loans.get(session, LENDER, loan_id))

    def signals(self) -> list[tuple[str, str, str]]:
        """What the loans are owed, in order: loan, signal, and the reason or payment."""
        with self.database.reading() as session:
            rows = session.exec(select(Webhook).order_by(Webhook.id)).all()  # type: ignore[arg-type]
        return [
            (one["loan_id"], one["name"], one["payload"].get("reason") or one["payload"]["payment_id"])
            for row in rows
            for one in row.signals
        ]


def loan_with_mandate(database: Database, loan_id: str, iban: str, reference: str = "", **changes: Any) -> None:
    with database.writing() as session:
        [loan] = entered(session, loan_id, **changes)
        mandates.add(
            session,
            people.of_loan(session, loan),
            reference=reference or f"M-{loan_id}",
            iban=iban,
            signed_on=date(2025, 3, 1),
            sequence=SequenceType.FRST,
            at=MONDAY,
        )


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Desk(lite, HttpDebitBank(HttpDebitBankSettings(base_url=bank.url), client))


@pytest.fixture
async def either(database: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    """As `desk`, once on SQLite and once on PostgreSQL."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Desk(database, HttpDebitBank(HttpDebitBankSettings(base_url=bank.url), client))


async def test_a_debit_is_collected_once_however_often_the_days_work_is_done(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    assert (await desk.order("L1")).outcome is DebitOutcome.PLANNED
    assert (await desk.order("L1")).outcome is DebitOutcome.PLANNED

    first, again = await desk.day(MONDAY), await desk.day(MONDAY + timedelta(hours=1))
    now = bank.advance(2)
    await desk.fetch(now)
    once = desk.signals()
    await desk.fetch(now)

    assert (list(first.values()), again) == (["accepted"], {})
    assert [(one["amount"], one["status"], one["sequence_type"]) for one in bank.collections()] == [
        (10_000, "accepted", "FRST")
    ]
    assert (desk.debit("L1").state, desk.due("L1")) == (DebitState.COLLECTED, 0)
    reference = desk.debit("L1").reference
    assert once == desk.signals() == [("L1", "payment_received", reference)]
    with desk.database.reading() as session:
        mandate = mandates.get(session, LENDER, "M-L1")
        assert (mandate.sequence, mandate.last_used_on) == (SequenceType.RCUR, date(2026, 12, 1))
        [payment] = session.exec(select(Payment)).all()
        assert (payment.provider, payment.paid_at) == ("sepa-dd", datetime(2026, 11, 30, 23, 0, tzinfo=UTC))


class LosesAnswers:
    """A bank whose answer to a file is lost: `after` it took effect, or before the file arrived."""

    def __init__(self, real: DebitBank, *, after: bool) -> None:
        self._real, self._after, self.lost = real, after, 0

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        if self.lost == 0:
            self.lost += 1
            if self._after:
                await self._real.submit(file, at)
            raise refusal("bank", "timeout", WhatNext.RETRY, "no answer", effect=Effect.UNKNOWN)
        return await self._real.submit(file, at)

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        return await self._real.look_up(message_id, at)

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        return await self._real.messages(at)

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        await self._real.done_with(message, at)


class NeverKnows(LosesAnswers):
    """As it, and it cannot say what it has."""

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        return None


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
    outgoing, _ = desk.files._begin(message_id, MONDAY)

    again = await desk.bank.submit(outgoing, MONDAY)
    await desk.fetch(bank.advance(2))

    assert (again.accepted, again.code) == (False, "DUPL")
    assert (desk.debit("L1").state, desk.due("L1"), len(bank.collections())) == (DebitState.COLLECTED, 0, 1)


async def test_a_file_the_bank_refuses_whole_leaves_its_debits_for_the_next(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    bank.change("ACME", behaviour="reject-file")

    refused = await desk.day(MONDAY)
    await desk.fetch(MONDAY)
    bank.change("ACME", behaviour="accept")
    taken = await desk.day(MONDAY + timedelta(hours=2))
    await desk.fetch(bank.advance(2))

    assert list(refused.values()) == ["FF01"]
    assert list(taken.values()) == ["accepted"]
    assert list(refused) != list(taken)
    assert desk.due("L1") == 0
    with desk.database.reading() as session:
        assert [row.details["code"] for row in audit.of_action(session, "debit_file_refused")] == ["FF01"]


async def test_too_little_money_a_closed_account_and_a_late_return_are_told_once_and_to_the_cent(
    either: Desk, bank: OtherBank
) -> None:
    desk = either
    poor = bank.open_account("POOR", 11, balance=50, behaviour="insufficient-funds")
    closed = bank.open_account("CLOSED", 12, behaviour="closed-account")
    late = bank.open_account("LATE", 13, behaviour="return-later", parameters={"days": 15, "reason": "MD07"})
    for loan_id, iban in (("L1", poor), ("L2", closed), ("L3", late)):
        loan_with_mandate(desk.database, loan_id, iban)
        await desk.order(loan_id)
    await desk.day(MONDAY)
    await desk.fetch(MONDAY)
    await desk.fetch(bank.advance(2))
    assert [desk.due(loan_id) for loan_id in ("L1", "L2", "L3")] == [10_000, 10_000, 0]

    now = bank.advance(21)
    await desk.fetch(now)
    await desk.fetch(now)

    told = [(loan, name, told) for loan, name, told in desk.signals() if not told.startswith("RCB")]
    assert told == [
        ("L1", "debit_returned", "AM04"),
        ("L2", "debit_returned", "AC04"),
        ("L3", "debit_returned", "MD07"),
    ]
    assert [name for loan, name, _ in desk.signals() if loan == "L3"] == [
        "payment_received",
        "payment_reversed",
        "debit_returned",
    ]
    assert [desk.debit(loan_id).state for loan_id in ("L1", "L2", "L3")] == ["rejected", "rejected", "returned"]
    assert [desk.due(loan_id) for loan_id in ("L1", "L2", "L3")] == [10_000, 10_000, 10_000]
    assert bank.balance() == 12_500_000
    with desk.database.reading() as session:
        states = {m.reference: (m.status, m.reason) for m in mandates.listing(session)}
        assert bank_entries.waiting(session) == 0  # told by three files, and nobody need look
    assert states["M-L1"] == (MandateStatus.ACTIVE, None)
    assert states["M-L2"] == (MandateStatus.BLOCKED, "AC04: the account is closed")
    assert states["M-L3"][0] is MandateStatus.BLOCKED
    assert (await desk.order("L2", step="second")).outcome is DebitOutcome.NO_MANDATE


async def test_a_return_that_is_told_before_its_money_leaves_the_debt_due(desk: Desk, bank: OtherBank) -> None:
    late = bank.open_account("LATE", 13, behaviour="return-later", parameters={"days": 1})
    loan_with_mandate(desk.database, "L1", late)
    await desk.order("L1")
    await desk.day(MONDAY)
    now = bank.advance(4)
    messages = await desk.bank.messages(now)
    desk_ = BankDesk(desk.database, desk.settings)
    from providers.bankfiles.iso20022 import read

    for message in reversed(messages):
        desk_.take_in(read(message.body), message.body, message.name, now)

    assert (desk.due("L1"), desk.debit("L1").state) == (10_000, DebitState.RETURNED)
    assert sorted(name for _, name, _ in desk.signals()) == ["debit_returned", "payment_received", "payment_reversed"]


async def test_the_return_of_an_earlier_hand_overs_debit_is_left_to_a_person(either: Desk, bank: OtherBank) -> None:
    """Given a debit collected in the first hand-over, when it comes back in the second, then that one hears nothing."""
    late = bank.open_account("LATE", 13, behaviour="return-later", parameters={"days": 15})
    loan_with_mandate(either.database, "L1", late)
    await either.order("L1")
    await either.day(MONDAY)
    await either.fetch(bank.advance(2))
    with either.database.writing() as session:
        handed_over_again(session, "L1")

    await either.fetch(bank.advance(21))

    assert [name for _, name, _ in either.signals()] == ["payment_received"]
    assert (either.due("L1"), either.debit("L1").state) == (6_000, DebitState.RETURNED)
    with either.database.reading() as session:
        [shown] = audit.of_action(session, "webhook_needs_person")
        outcomes = [row.outcome for row in session.exec(select(Webhook)).all()]
    assert (shown.loan_id, shown.details["kind"]) == ("L1", "reversal:earlier_entry")
    assert "earlier_reversal_unmatched" in outcomes


async def test_only_what_is_still_due_is_collected_and_what_is_paid_or_held_is_not(desk: Desk, bank: OtherBank) -> None:
    for number, loan_id in enumerate(("L1", "L2", "L3", "L4"), 11):
        loan_with_mandate(desk.database, loan_id, bank.open_account(loan_id, number))
        await desk.order(loan_id, released=loan_id != "L3")
    pay(desk.database, "L1", 4_000)
    pay(desk.database, "L2", 10_000)
    with desk.database.writing() as session:
        mandates.set_status(
            session, mandates.get(session, LENDER, "M-L4"), MandateStatus.CANCELLED, reason="test", at=MONDAY
        )
    ahead = desk.files.make(MONDAY, keep=False)

    await desk.day(MONDAY)

    assert (ahead.debits, ahead.amount_minor, ahead.dropped) == (1, 6_000, {"nothing is due": 1, "no mandate": 1})
    assert [one["amount"] for one in bank.collections()] == [6_000]
    assert [desk.debit(loan_id).state for loan_id in ("L1", "L2", "L3", "L4")] == [
        "filed",
        "dropped",
        "planned",
        "dropped",
    ]
    assert desk.signals() == [("L4", "debit_returned", "MD01")]


@pytest.mark.parametrize(("sum_minor", "state", "due"), [(20_000, "collected", 0), (19_999, "filed", 10_000)])
async def test_a_batch_that_the_bank_books_in_one_sum_pays_each_of_its_debits_if_it_is_their_sum(
    desk: Desk, bank: OtherBank, sum_minor: int, state: str, due: int
) -> None:
    for number, loan_id in enumerate(("L1", "L2"), 11):
        loan_with_mandate(desk.database, loan_id, bank.open_account(loan_id, number))
        await desk.order(loan_id)
    await desk.day(MONDAY)
    entry = BankEntry(
        line=1,
        amount_minor=sum_minor,
        currency="EUR",
        credit=True,
        booked_on=MONDAY.date(),
        value_on=MONDAY.date(),
        batch_id=desk.debit("L1").batch_id,
        bank_reference="B-1",
    )
    statement = Statement(kind=FileKind.CAMT_053, message_id="S", account=OURS, currency="EUR", entries=(entry,))

    taken = BankDesk(desk.database, desk.settings).take_in((statement,), b"s", "s.xml", MONDAY)

    assert [(desk.debit(loan_id).state, desk.due(loan_id)) for loan_id in ("L1", "L2")] == [(state, due)] * 2
    assert taken.counts == {"debit" if due == 0 else "waiting": 1}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({"currency": "USD"}, DebitOutcome.NOT_POSSIBLE), ({}, DebitOutcome.NO_MANDATE)],
)
async def test_what_cannot_be_debited_says_why(desk: Desk, changes: dict[str, Any], outcome: DebitOutcome) -> None:
    with desk.database.writing() as session:
        entered(session, "L1", **changes)

    assert (await desk.order("L1")).outcome is outcome


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


def test_a_message_id_fits_and_is_unique() -> None:
    names = {message_id_of(lender, date(2026, 11, 30), n) for lender in ("a", "b" * 64) for n in (1, 999)}

    assert len(names) == 4
    assert max(map(len, names)) <= 31  # with a batch's number it still fits 35


async def test_no_account_number_stands_readable_in_the_records(desk: Desk, bank: OtherBank) -> None:
    iban = bank.open_account("ANA", 11)
    loan_with_mandate(desk.database, "L1", iban)
    await desk.order("L1")
    await desk.day(MONDAY)
    await desk.fetch(bank.advance(2))

    with desk.database.reading() as session:
        from sqlalchemy import text

        for name in ("mandate", "debit", "debit_file", "bank_file", "bank_entry", "webhook", "audit"):
            for row in session.execute(text(f"SELECT * FROM {name}")).all():
                assert iban not in str(row), name
        assert session.exec(select(DebitFile)).all()
        assert webhooks.newest(session) == 1
