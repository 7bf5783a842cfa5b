"""Only what is due, announced and mandated is collected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from activities.bank_files import BankDesk
from domain.bank_news import BankEntry, FileKind, Statement
from domain.contact_rules.stops import HOLD_DEBITS
from domain.direct_debit import DebitState, MandateStatus, SequenceType
from domain.events.debits import DebitOutcome
from domain.gateway_choice import BANK
from providers.ports import PaymentState
from records import cases, debits, inquiries, links, loans, mandates, people
from records.database import Database
from records.tables import CaseState
from tests.activities.debit_desk import (
    MONDAY,
    Desk,
    announce,
    cancel,
    debit_desk,
    loan_with_mandate,
)
from tests.activities.other_bank import OURS, OtherBank
from tests.activities.outside import pay
from tests.records.portfolios import LENDER, entered, handed_over_again


@pytest.fixture
async def desk(lite: Database, bank: OtherBank) -> AsyncIterator[Desk]:
    async with debit_desk(lite, bank) as opened:
        yield opened


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


async def test_a_debit_of_the_hand_over_before_holds_up_one_of_the_new_until_its_fate_is_known(
    desk: Desk, bank: OtherBank
) -> None:
    """Given a debit with the bank, when its loan is handed over again, then none is ordered beside it, and one that
    was ordered before it was filed waits."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11, balance=50, behaviour="insufficient-funds"))
    await desk.order("L1")
    await desk.day(MONDAY)
    with desk.database.writing() as session:
        loan = handed_over_again(session, "L1")
        debits.order(
            session,
            loan,
            mandates.get(session, LENDER, "M-L1"),
            step="again",
            occurrence=1,
            amount_minor=6_000,
            noticed=False,
            notice_days=0,
            at=MONDAY,
        ).released = True

    await desk.day(MONDAY + timedelta(hours=1))
    meanwhile = await desk.order("L1", step="third", entry=2)
    amounts = [one["amount"] for one in bank.collections()]
    await desk.fetch(bank.advance(1))
    await desk.day(bank.now())

    assert amounts == [10_000]
    assert meanwhile.outcome is DebitOutcome.NOT_POSSIBLE
    assert [one["amount"] for one in bank.collections()] == [10_000, 6_000], "the first one came back"


def begin_transfer(desk: Desk, status: str, at: datetime = MONDAY) -> None:
    """The borrower's bank took a transfer over all that L1 owes, from the page of a link."""
    with desk.database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        link = links.keep(
            session,
            loan,
            purpose="balance",
            amount_minor=10_000,
            generation=1,
            provider=BANK,
            provider_link_id="R1",
            url="https://pay.example/1",
            at=at,
            reference="R1",
        )
        taken = inquiries.begin(session, link, "request", at)
        assert taken is not None
        assert taken.id is not None
        inquiries.begun(session, taken.id, "at-the-bank", status, None, None)


@pytest.mark.parametrize(
    ("status", "days_ago", "waits"),
    [
        ("RCVD", 0, True),
        ("RCVD", 1, True),
        ("RCVD", 2, False),
        ("PATC", 2, False),
        ("ACTC", 2, True),
        ("ACSP", 9, True),
        ("ACSP", 11, False),
        (PaymentState.FAILED, 0, False),
    ],
)
async def test_a_debit_waits_while_the_borrowers_own_transfer_is_under_way(
    desk: Desk, bank: OtherBank, status: str, days_ago: int, waits: bool
) -> None:
    """Given that it is begun after the debit was put into a file, then the file is not handed over as it is; one that
    was begun the day before yesterday and never confirmed was given up by the borrower."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    [in_a_file] = desk.files.make(MONDAY).files
    begin_transfer(desk, status, MONDAY - timedelta(days=days_ago))

    outcomes = await desk.submission.submit(desk.bank, MONDAY)

    assert outcomes == {in_a_file: "withdrawn" if waits else "accepted"}
    assert len(bank.collections()) == (not waits)
    assert desk.debit("L1").state is (DebitState.PLANNED if waits else DebitState.FILED)


async def test_a_debit_goes_to_the_bank_once_the_transfer_came_to_nothing_and_not_where_it_paid(
    desk: Desk, bank: OtherBank
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    begin_transfer(desk, "ACSP")
    meanwhile = desk.files.make(MONDAY)
    with desk.database.writing() as session:
        known = inquiries.find(session, BANK, "R1")
        assert known is not None
        assert known.id is not None
        inquiries.answered(session, known.id, PaymentState.FAILED, None)

    failed = desk.files.make(MONDAY + timedelta(days=1), keep=False)
    pay(desk.database, "L1", 10_000)
    paid = desk.files.make(MONDAY + timedelta(days=1))

    assert (meanwhile.debits, meanwhile.dropped) == (0, {})
    assert failed.debits == 1
    assert (paid.debits, paid.dropped) == (0, {"nothing is due": 1})


def note_fact(desk: Desk, loan_id: str, flag: str, *, holds: bool = True) -> None:
    with desk.database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        if holds:
            people.raise_flag(session, person, flag, source="letter", at=MONDAY)
        else:
            people.clear_flag(session, person, flag, at=MONDAY)


@pytest.mark.parametrize("flag", sorted(HOLD_DEBITS))
async def test_nothing_is_collected_from_somebody_with_whom_all_collection_has_stopped(
    desk: Desk, bank: OtherBank, flag: str
) -> None:
    """Given a debit that was let go, when a stop state of its person is noted, then it waits and none is ordered after
    it; once the fact is cleared it is filed."""
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    note_fact(desk, "L1", flag)

    await desk.day(MONDAY)
    another = await desk.order("L1", step="again")
    meanwhile = (bank.collections(), desk.debit("L1").state, another.outcome)
    note_fact(desk, "L1", flag, holds=False)
    await desk.day(MONDAY)

    assert meanwhile == ([], DebitState.PLANNED, DebitOutcome.NOT_POSSIBLE)
    assert desk.debit("L1").state is DebitState.FILED


async def test_a_file_that_the_bank_does_not_have_goes_without_whom_a_stop_was_noted_of_since(
    desk: Desk, bank: OtherBank
) -> None:
    for number, loan_id in enumerate(("L1", "L2"), 11):
        loan_with_mandate(desk.database, loan_id, bank.open_account(loan_id, number))
        await desk.order(loan_id)
    desk.files.make(MONDAY)
    note_fact(desk, "L1", "bankruptcy")

    await desk.submission.submit(desk.bank, MONDAY)

    assert [one["mandate_id"] for one in bank.collections()] == ["M-L2"]
    assert desk.debit("L1").state is DebitState.PLANNED


@pytest.mark.parametrize("flag", ["no_calls", "workplace", "requested_by_debtor"])
async def test_a_wish_about_calls_or_a_fact_about_an_address_holds_no_debit(
    desk: Desk, bank: OtherBank, flag: str
) -> None:
    loan_with_mandate(desk.database, "L1", bank.open_account("ANA", 11))
    await desk.order("L1")
    note_fact(desk, "L1", flag)

    await desk.day(MONDAY)

    assert desk.debit("L1").state is DebitState.FILED


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
    await desk.submission.submit(desk.bank, datetime(2026, 12, 14, 10, 0, tzinfo=UTC))
    await desk.day(datetime(2026, 12, day, 10, 0, tzinfo=UTC))

    assert (made.debits, made.dropped) == (1, {})
    assert desk.debit("L1").state is state
