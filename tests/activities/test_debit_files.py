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
from activities.debit_files import DebitFiles, NotWithTheBank, message_id_of
from activities.debit_results import apply_status
from activities.debits import DebitClerk
from activities.orders import DebitOrder
from activities.unheard_debits import NotToSettle, settle
from config.bank_file_settings import DirectDebit, SepaCreditor
from config.settings import Settings
from domain.bank_news import BankEntry, BatchRefusal, DebitStatus, FileKind, Statement, StatusReport
from domain.contact import Channel, Purpose
from domain.direct_debit import DebitState, MandateStatus, SequenceType
from domain.events.debits import DebitOutcome, DebitReported
from domain.what_next import Effect, WhatNext
from providers.debit_bank import BankMessage, DebitBank, OutgoingFile, Submission
from providers.debits.folder_bank import FolderDebitBank
from providers.debits.http_bank import HttpDebitBank, HttpDebitBankSettings
from providers.errors import ProviderError, refusal
from records import audit, bank_entries, cases, debits, loans, mandates, payments, people, webhooks
from records.database import Database
from records.tables import CaseState, Contact, ContactState, Debit, DebitFile, EntryState, Payment, Webhook
from tests.activities.other_bank import OURS, OtherBank, bank_here
from tests.activities.outside import environment, pay
from tests.records.portfolios import LENDER, enter, entered, handed, handed_over_again

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
    outgoing = desk.files._begin(message_id, MONDAY)
    assert outgoing is not None

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


class Away:
    """A bank that is not reached until it is `back`: nothing arrives there, and it can say so only then."""

    def __init__(self, real: DebitBank) -> None:
        self._real, self.back = real, False

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        self._reached()
        return await self._real.submit(file, at)

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        self._reached()
        return await self._real.look_up(message_id, at)

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        return await self._real.messages(at)

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        await self._real.done_with(message, at)

    def _reached(self) -> None:
        if not self.back:
            raise refusal("bank", "down", WhatNext.RETRY, "no way there")


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


def refused_whole(message_id: str, code: str) -> StatusReport:
    return StatusReport(message_id=f"B-{code}", original_message_id=message_id, file_refused=True, file_reason=code)


def tell(desk: Desk, report: StatusReport, at: datetime) -> None:
    """The bank's answer to a file, as it is taken in from a pain.002."""
    with desk.database.writing() as session:
        apply_status(session, report, at)


def announce(desk: Desk, loan_id: str, at: datetime) -> None:
    """The notice of the loan's debit went out."""
    with desk.database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        [debit] = debits.of_loan(session, loan)
        session.add(
            Contact(
                loan_ref=loan.id or 0,
                person_ref=loan.person_ref,
                message_id=f"m-{loan_id}",
                entry=loan.entry,
                step=debit.step,
                occurrence=1,
                purpose=Purpose.COLLECTION,
                channel=Channel.SMS,
                template="debit_notice",
                state=ContactState.SENT,
                reserved_at=at,
                changed_at=at,
            )
        )


def cancel(desk: Desk, reference: str) -> None:
    with desk.database.writing() as session:
        mandate = mandates.get(session, LENDER, reference)
        mandates.set_status(session, mandate, MandateStatus.CANCELLED, reason="by letter", at=MONDAY)


def needs_person(desk: Desk) -> list[str]:
    with desk.database.reading() as session:
        return [str(row.details["kind"]) for row in audit.of_action(session, "webhook_needs_person")]


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


async def test_a_file_refused_after_the_bank_took_it_is_left_to_a_person_who_may_take_it_back(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)

    tell(desk, refused_whole(message_id, "FF01"), MONDAY)
    next_day = await desk.day(MONDAY + timedelta(days=1))
    shown = needs_person(desk)
    number = desk.files.take_back(message_id, "marta", MONDAY + timedelta(days=1))

    assert (next_day, shown) == ({}, ["debit_file:refused_after_accepted"])
    assert (number, desk.debit("L1").state) == (1, DebitState.PLANNED)
    with pytest.raises(NotWithTheBank, match="is taken back"):
        desk.files.take_back(message_id, "marta", MONDAY)


@pytest.mark.parametrize("code", ["DU02", "AM05"])
@pytest.mark.parametrize("whole_batch", [True, False])
async def test_a_batch_or_debit_refused_as_seen_before_is_still_collected_and_shown_to_a_person(
    desk: Desk, bank: OtherBank, code: str, whole_batch: bool
) -> None:
    """Given a second copy that the bank refuses below the file, then its loan waits on for the first copy's money."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)
    debit = desk.debit("L1")
    assert debit.batch_id is not None
    refused: dict[str, Any] = {"debits": (DebitStatus(end_to_end_id=debit.reference, accepted=False, reason=code),)}
    if whole_batch:
        refused = {"batches_refused": (BatchRefusal(batch_id=debit.batch_id, reason=code),)}

    tell(desk, StatusReport(message_id="B-1", original_message_id=message_id, **refused), MONDAY)
    told = (desk.debit("L1").state, desk.signals(), needs_person(desk))
    await desk.fetch(bank.advance(2))

    shown = "debit_file:batch_seen_before" if whole_batch else "debit_file:debit_seen_before"
    assert told == (DebitState.FILED, [], [shown])
    assert (desk.debit("L1").state, desk.due("L1")) == (DebitState.COLLECTED, 0)


async def test_a_debit_of_which_the_bank_says_a_word_nobody_knows_is_still_collected_and_shown_to_a_person(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)
    reference = desk.debit("L1").reference
    status = DebitStatus(end_to_end_id=reference, accepted=True, unknown_status="BLCK")

    tell(desk, StatusReport(message_id="B-1", original_message_id=message_id, debits=(status,)), MONDAY)
    told = (desk.debit("L1").state, desk.signals(), needs_person(desk))
    await desk.fetch(bank.advance(2))

    assert told == (DebitState.FILED, [], ["debit_file:debit_status_unknown"])
    assert (desk.debit("L1").state, desk.due("L1")) == (DebitState.COLLECTED, 0)


@pytest.mark.parametrize(("days", "number", "state"), [(8, 1, DebitState.PLANNED), (9, 0, DebitState.DROPPED)])
async def test_a_debit_taken_back_when_its_loan_has_given_it_up_goes_into_no_other_file(
    desk: Desk, bank: OtherBank, days: int, number: int, state: DebitState
) -> None:
    """Given a debit for 1 December, when its file is taken back after the 8th, by which its outcome is known at the
    latest, then it is not collected on top of what the loan does since."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)

    waiting = desk.files.take_back(message_id, "marta", MONDAY + timedelta(days=days))

    assert (waiting, desk.debit("L1").state, desk.signals()) == (number, state, [])


@pytest.mark.parametrize("left", [False, True])
async def test_a_debit_kept_back_while_it_was_filed_comes_back_to_its_loan_when_the_bank_refuses_the_file(
    desk: Desk, bank: OtherBank, left: bool
) -> None:
    """Given a dispute while the debit is with the bank, when that collects nothing of it, then the loan, which could
    let it go no more, does not wait for it; one that left collection meanwhile hears nothing."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)
    await desk.order("L1", released=False)
    if left:
        with desk.database.writing() as session:
            loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=MONDAY, final_state={})

    number = desk.files.take_back(message_id, "marta", MONDAY + timedelta(days=1))

    assert (number, desk.debit("L1").state) == (0, DebitState.DROPPED)
    assert desk.signals() == ([] if left else [("L1", "debit_returned", "DT01")])


async def test_a_debit_whose_money_came_after_all_goes_into_no_other_file(desk: Desk, bank: OtherBank) -> None:
    """Given a file the bank said it refused, when its money comes all the same, then nothing is collected again."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    bank.change("ACME", behaviour="reject-file")
    await desk.day(MONDAY)
    bank.change("ACME", behaviour="accept")
    entry = BankEntry(
        line=1,
        amount_minor=10_000,
        currency="EUR",
        credit=True,
        booked_on=MONDAY.date(),
        value_on=MONDAY.date(),
        end_to_end_id=desk.debit("L1").reference,
        bank_reference="B-1",
    )
    statement = Statement(kind=FileKind.CAMT_053, message_id="S", account=OURS, currency="EUR", entries=(entry,))
    BankDesk(desk.database, desk.settings).take_in((statement,), b"s", "s.xml", MONDAY)

    made = desk.files.make(MONDAY + timedelta(days=1))

    assert (made.files, made.dropped) == ([], {"its money has come already": 1})
    assert bank.collections() == []


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


async def test_a_lender_whose_file_cannot_be_made_holds_up_no_other(desk: Desk, bank: OtherBank) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    with desk.database.writing() as session:
        enter(session, [handed("L2")], campaign_id="c2", lender="another")
        loan = loans.get(session, "another", "L2")
        loans.begin(session, loan)
        mandates.add(
            session,
            people.of_loan(session, loan),
            reference="M-L2",
            iban=bank.open_account("BEA", 12),
            signed_on=date(2025, 3, 1),
            sequence=SequenceType.FRST,
            at=MONDAY,
        )
    await desk.order("L1")
    await desk.order("L2", lender="another")
    direct_debit = desk.settings.direct_debit
    assert direct_debit is not None
    only_one = direct_debit.model_copy(update={"creditor": None, "creditors": {LENDER: direct_debit.creditor}})
    files = DebitFiles(desk.database, desk.settings.model_copy(update={"direct_debit": only_one}))

    made = files.make(MONDAY)

    assert (made.debits, list(made.not_made)) == (1, ["another"])
    assert "has no SEPA creditor" in made.not_made["another"]


async def test_nothing_is_collected_for_a_debt_that_another_debit_is_collecting(desk: Desk, bank: OtherBank) -> None:
    """Given two debits of a loan let go together, when the day's file is made, then it holds one; the other waits for
    what becomes of it, and a third is not ordered meanwhile."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11, balance=50, behaviour="insufficient-funds"))
    await desk.order("L1")
    await desk.order("L1", step="again")

    await desk.day(MONDAY)
    await desk.day(MONDAY + timedelta(hours=1))
    meanwhile = await desk.order("L1", step="third")
    amounts = [one["amount"] for one in bank.collections()]
    await desk.fetch(bank.advance(1))
    await desk.day(bank.now())

    assert amounts == [10_000]
    assert meanwhile.outcome is DebitOutcome.NOT_POSSIBLE
    assert len(bank.collections()) == 2, "the first one came back"


def settle_by_hand(desk: Desk, reference: str, *, came: bool, at: datetime) -> None:
    with desk.database.writing() as session:
        settle(session, reference, came=came, by="marta", at=at)


async def test_after_a_debit_the_bank_never_told_of_was_settled_by_hand_another_may_be_collected(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    await desk.day(MONDAY)
    later = MONDAY + timedelta(days=10)
    before = await desk.order("L1", later, step="second")

    settle_by_hand(desk, desk.debit("L1").reference, came=False, at=later)
    after = await desk.order("L1", later, step="second")

    assert (before.outcome, after.outcome) == (DebitOutcome.NOT_POSSIBLE, DebitOutcome.PLANNED)
    assert desk.signals() == [], "its loan gave it up days ago"


async def test_money_of_a_debit_that_a_person_said_had_come_waits_for_a_person_and_is_not_counted_twice(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    await desk.day(MONDAY)
    settle_by_hand(desk, desk.debit("L1").reference, came=True, at=MONDAY + timedelta(days=10))
    pay(desk.database, "L1", 10_000)

    await desk.fetch(bank.advance(2))

    assert (desk.debit("L1").state, desk.due("L1")) == (DebitState.COLLECTED, 0)
    with desk.database.reading() as session:
        [waiting] = bank_entries.listing(session, state=EntryState.WAITING)
        assert "a person said that it came" in (waiting.why or "")


async def test_a_debit_is_not_settled_by_hand_against_what_the_records_know(desk: Desk, bank: OtherBank) -> None:
    """Given a file of which nobody knows whether the bank has it, or a bank that told of money with the debit's
    reference, then a person is sent there first."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    real = desk.bank
    desk.bank = NeverKnows(real, after=True)
    with pytest.raises(ProviderError):
        await desk.day(MONDAY)

    with pytest.raises(NotToSettle, match="debit submit"):
        settle_by_hand(desk, desk.debit("L1").reference, came=False, at=MONDAY + timedelta(days=10))
    with pytest.raises(NotToSettle, match="no direct debit"):
        settle_by_hand(desk, "RCBX", came=True, at=MONDAY)
    desk.bank = real
    await desk.files.submit(real, MONDAY)
    entry = BankEntry(
        line=1,
        amount_minor=9_000,
        currency="EUR",
        credit=True,
        booked_on=MONDAY.date(),
        value_on=MONDAY.date(),
        end_to_end_id=desk.debit("L1").reference,
    )
    statement = Statement(kind=FileKind.CAMT_053, message_id="S", account=OURS, currency="EUR", entries=(entry,))
    BankDesk(desk.database, desk.settings).take_in((statement,), b"s", "s.xml", MONDAY)
    with pytest.raises(NotToSettle, match="reconcile list"):
        settle_by_hand(desk, desk.debit("L1").reference, came=False, at=MONDAY + timedelta(days=10))


async def test_a_one_off_mandate_pays_one_debit_of_one_loan(desk: Desk, bank: OtherBank) -> None:
    iban = bank.open_account("ANA", 11)
    with desk.database.writing() as session:
        first, _ = entered(session, "L1", "L2", person_id="P-1")
        mandates.add(
            session,
            people.of_loan(session, first),
            reference="ONCE",
            iban=iban,
            signed_on=date(2025, 3, 1),
            sequence=SequenceType.OOFF,
            at=MONDAY,
        )
    await desk.order("L1")
    await desk.order("L2")

    await desk.day(MONDAY)

    assert [one["sequence_type"] for one in bank.collections()] == ["OOFF"]
    assert [desk.debit(loan_id).state for loan_id in ("L1", "L2")] == ["filed", "dropped"]
    assert desk.signals() == [("L2", "debit_returned", "MD01")]
    assert (await desk.order("L2", step="second")).outcome is DebitOutcome.NO_MANDATE


@pytest.mark.parametrize(("days", "filed"), [(2, True), (21, False)])
async def test_a_debit_is_collected_on_about_the_day_its_notice_named_or_comes_back_to_its_loan(
    desk: Desk, bank: OtherBank, days: int, filed: bool
) -> None:
    """Given a debit announced for Tuesday, when a dispute keeps it back past that day, then it is collected a few days
    late, or not at all."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1", noticed=True, notice_days=1)
    announce(desk, "L1", MONDAY)
    with desk.database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id="c1", queue="q", kind="circumstance", at=MONDAY, sla_at=None)
    assert desk.files.make(MONDAY).debits == 0
    with desk.database.writing() as session:
        cases.close(session, "c1", CaseState.RETRACTED, at=MONDAY)

    await desk.day(bank.advance(days))

    assert len(bank.collections()) == filed
    assert desk.debit("L1").state == ("filed" if filed else "dropped")
    assert desk.signals() == ([] if filed else [("L1", "debit_returned", "DT01")])


@pytest.mark.parametrize(("days", "outcome"), [(2, DebitOutcome.PLANNED), (21, DebitOutcome.NOT_POSSIBLE)])
async def test_a_loan_that_lets_its_debit_go_again_hears_whether_its_notice_still_holds(
    desk: Desk, bank: OtherBank, days: int, outcome: DebitOutcome
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1", noticed=True, notice_days=1)
    announce(desk, "L1", MONDAY)
    await desk.order("L1", released=False)

    told = await desk.order("L1", MONDAY + timedelta(days=days))

    assert told.outcome is outcome


async def test_a_debit_is_collected_under_the_mandate_its_notice_named_or_not_at_all(
    desk: Desk, bank: OtherBank
) -> None:
    """Given two announced debits, when each borrower signs anew and one cancels the old mandate, then the other's is
    collected under the old one and that one's is not made."""
    for number, loan_id in enumerate(("L1", "L2"), 11):
        loan_with_mandate(desk.database, loan_id, bank.open_account(loan_id, number))
        await desk.order(loan_id, noticed=True, notice_days=0)
        announce(desk, loan_id, MONDAY)
        with desk.database.writing() as session:
            mandates.add(
                session,
                people.of_loan(session, loans.get(session, LENDER, loan_id)),
                reference=f"NEW-{loan_id}",
                iban=bank.open_account(f"NEW-{loan_id}", number + 10),
                signed_on=date(2026, 11, 29),
                sequence=SequenceType.FRST,
                at=MONDAY,
            )
    cancel(desk, "M-L2")

    await desk.day(MONDAY)

    assert [one["mandate_id"] for one in bank.collections()] == ["M-L1"]
    assert desk.signals() == [("L2", "debit_returned", "MD01")]


IN_TIME: dict[str, int] = {}
TOO_LATE = {"it went into no file in time": 1}
GIVEN_UP = {"its loan no longer waits for it": 1}


@pytest.mark.parametrize(
    ("day", "state", "dropped", "told"),
    [
        (3, DebitState.FILED, IN_TIME, []),
        (4, DebitState.DROPPED, TOO_LATE, [("L1", "debit_returned", "DT01")]),
        (8, DebitState.DROPPED, TOO_LATE, [("L1", "debit_returned", "DT01")]),
        (9, DebitState.DROPPED, GIVEN_UP, []),
    ],
)
async def test_a_debit_without_notice_is_not_collected_once_its_loan_has_gone_on_without_it(
    desk: Desk,
    bank: OtherBank,
    day: int,
    state: DebitState,
    dropped: dict[str, int],
    told: list[tuple[str, str, str]],
) -> None:
    """Given a debit let go on a Monday that no file took (Tuesday, the 1st, was its first day), when a file is made so
    late that its outcome would come after the 8th, when its loan goes on without it, then it is never collected, and a
    loan that still waits hears of it; up to three settlement days late it is collected."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")

    made = desk.files.make(datetime(2026, 12, day, 9, 0, tzinfo=UTC))

    assert desk.debit("L1").state is state
    assert (made.debits, made.dropped, desk.signals()) == (int(not dropped), dropped, told)


@pytest.mark.parametrize(("day", "state"), [(4, DebitState.PLANNED), (7, DebitState.DROPPED)])
async def test_files_that_the_bank_refuses_day_after_day_do_not_keep_a_debit_alive(
    desk: Desk, bank: OtherBank, day: int, state: DebitState
) -> None:
    """Given a debit first filed for Wednesday, the 2nd, and again later, both files refused, when another is made for a
    day more than three settlement days after the first's, then it is never collected."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    bank.change("ACME", behaviour="reject-file")
    for refused_on in (1, 3):
        await desk.day(datetime(2026, 12, refused_on, 9, 0, tzinfo=UTC))

    await desk.day(datetime(2026, 12, day, 9, 0, tzinfo=UTC))

    assert desk.debit("L1").state is state


@pytest.mark.parametrize(("day", "state"), [(16, DebitState.PLANNED), (22, DebitState.DROPPED)])
async def test_a_debit_that_is_let_go_again_has_its_time_anew(
    desk: Desk, bank: OtherBank, day: int, state: DebitState
) -> None:
    """Given a debit whose file the bank refused and that a dispute then kept back, when it is let go again two weeks
    later, then it is filed as any that is let go that day, however often the bank refuses its files."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    bank.change("ACME", behaviour="reject-file")
    await desk.day(datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
    await desk.order("L1", datetime(2026, 12, 2, 9, 0, tzinfo=UTC), released=False)
    await desk.order("L1", datetime(2026, 12, 14, 9, 0, tzinfo=UTC))

    made = desk.files.make(datetime(2026, 12, 14, 10, 0, tzinfo=UTC))
    await desk.files.submit(desk.bank, datetime(2026, 12, 14, 10, 0, tzinfo=UTC))
    await desk.day(datetime(2026, 12, day, 10, 0, tzinfo=UTC))

    assert (made.debits, made.dropped) == (1, {})
    assert desk.debit("L1").state is state


async def test_a_loan_hears_how_early_the_bank_wants_the_file_and_the_day_it_was_filed_for(
    desk: Desk, bank: OtherBank
) -> None:
    direct_debit = desk.settings.direct_debit
    assert direct_debit is not None
    desk.settings = desk.settings.model_copy(update={"direct_debit": direct_debit.model_copy(update={"lead_days": 5})})
    desk.files = DebitFiles(desk.database, desk.settings)
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))

    planned = await desk.order("L1")
    await desk.day(MONDAY)
    filed = await desk.order("L1")

    assert (planned.outcome, planned.lead_days, planned.collect_on) == (DebitOutcome.PLANNED, 5, None)
    assert (filed.outcome, filed.collect_on) == (DebitOutcome.FILED, date(2026, 12, 7))
