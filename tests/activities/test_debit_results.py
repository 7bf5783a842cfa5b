"""What the bank tells of a debit counts once, in whatever order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlmodel import select

from activities.bank_files import BankDesk
from domain.bank_news import BankEntry, BatchRefusal, DebitStatus, FileKind, Statement, StatusReport
from domain.direct_debit import DebitState, MandateStatus
from domain.events.debits import DebitOutcome
from records import audit, bank_entries, loans, mandates, owed_signals
from records.database import Database
from records.tables import Webhook
from tests.activities.debit_desk import (
    MONDAY,
    Desk,
    debit_desk,
    loan_with_mandate,
    needs_person,
    tell,
)
from tests.activities.other_bank import OURS, OtherBank
from tests.records.portfolios import LENDER, entered, handed_over_again


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


@pytest.fixture
async def either(database: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    """As `desk`, once on SQLite and once on PostgreSQL."""
    async with debit_desk(database, bank) as opened:
        yield opened


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


@pytest.mark.parametrize(("again", "of_its_own"), [(False, "debit_returned"), (True, "circumstance_reported")])
async def test_every_loan_of_a_debtor_who_has_died_hears_of_it_from_the_bank(
    desk: Desk, bank: OtherBank, again: bool, of_its_own: str
) -> None:
    """Given that the debit's own loan may have been handed over again since: then it hears as the others do."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [message_id] = await desk.day(MONDAY)
    debit = desk.debit("L1")
    with desk.database.writing() as session:
        entered(session, "L2", "L3", person_id="p-L1")
        entered(session, "L4")
        loans.end(session, loans.get(session, LENDER, "L3"), kind="not_cured", at=MONDAY, final_state={})
        if again:
            handed_over_again(session, "L1")

    died = DebitStatus(end_to_end_id=debit.reference, accepted=False, reason="MD07")
    tell(desk, StatusReport(message_id="B-1", original_message_id=message_id, debits=(died,)), MONDAY)

    assert [(loan, name) for loan, name, _ in desk.signals()] == [("L1", of_its_own), ("L2", "circumstance_reported")]
    assert desk.signals()[1][2] == "bereavement"
    with desk.database.reading() as session:
        assert owed_signals.words_untold(session, loans.get(session, LENDER, "L2"))


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
