from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from activities.orders import LedgerOrder
from domain.agreements.model import DOCUMENT
from domain.contact import Channel, Purpose
from domain.contact_orders import PART_RECEIPT, RECEIPT
from domain.conversation.model import REPLY
from domain.events.contacts import AddressFailure, ContactOutcome
from domain.events.control import CaseDecision
from domain.ledger_entries import (
    AddressEntry,
    CaseClosedEntry,
    CaseKind,
    CaseMovedEntry,
    CaseOpenedEntry,
    CaseState,
    EndEntry,
    LedgerEntry,
    LoanEnd,
    NoteEntry,
    OptOutEntry,
    PaymentEntry,
    ReopenedEntry,
    ReversalEntry,
)
from domain.loans import Payment as PaymentMade
from records import audit, cases, contacts, loans, payments, people
from records.tables import Audit, CollectionCase, ContactState, LoanState, Payment, PaymentSource
from tests.activities.outside import (
    TUESDAY,
    Desk,
    desk_for,
    enter_loan,
    environment,
    fresh,
    loan_row,
    mails_to,
    nowhere,
    pay,
    remind,
    settings_for,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import Listener, World


def paid(amount: int = 4_000, payment_id: str = "pi_1") -> PaymentEntry:
    made = PaymentMade(provider="stripe", payment_id=payment_id, amount_minor=amount, paid_at=TUESDAY)
    return PaymentEntry(at=TUESDAY, payment=made, currency="EUR")


def opened(case_id: str, kind: CaseKind = CaseKind.HANDOFF) -> CaseOpenedEntry:
    sla = TUESDAY + timedelta(hours=48)
    return CaseOpenedEntry(at=TUESDAY, case_id=case_id, kind=kind, queue="agents", reason="step talk", sla_at=sla)


def decided(case_id: str) -> CaseClosedEntry:
    return CaseClosedEntry(
        at=TUESDAY, case_id=case_id, state=CaseState.DECIDED, decision=CaseDecision.CONTINUE, by="ana", note="called"
    )


def a_life(case_id: str) -> tuple[LedgerEntry, ...]:
    """One of every kind, in an order that can happen."""
    sla = TUESDAY + timedelta(hours=96)
    return (
        NoteEntry(at=TUESDAY, action="paused", detail="2026-04-01"),
        paid(),
        ReversalEntry(at=TUESDAY, provider="stripe", payment_id="pi_1"),
        OptOutEntry(at=TUESDAY, channel=Channel.SMS),
        AddressEntry(at=TUESDAY, channel=Channel.EMAIL, reason=AddressFailure.DEAD),
        opened(case_id),
        CaseMovedEntry(at=TUESDAY, case_id=case_id, queue="supervisors", sla_at=sla),
        decided(case_id),
        EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="decision"),
        ReopenedEntry(at=TUESDAY, why="a payment was reversed"),
    )


def trail(desk: Desk, loan_id: str) -> list[str]:
    with desk.database.reading() as session:
        return [row.action for row in audit.of_loan(session, LENDER, loan_id) if row.action != "entered"]


def balance(desk: Desk, loan_id: str) -> int:
    with desk.database.reading() as session:
        return payments.balance_due(session, loan_row(session, loan_id))


async def test_what_a_person_settled_in_the_records_does_not_keep_its_loan_from_writing(both: Desk) -> None:
    """Given a case settled without its loan, when the loan hands it on and decides it, then the first word stands."""
    loan_id = enter_loan(both.database)
    case_id = f"{LENDER}-{loan_id}-1-1"
    moved = CaseMovedEntry(at=TUESDAY, case_id=case_id, queue="supervisors", sla_at=TUESDAY + timedelta(hours=96))
    await both.write(loan_id, opened(case_id))
    with both.database.writing() as session:
        cases.decide(session, case_id, decision="continue", by="marta", at=TUESDAY)

    await both.write(loan_id, moved, decided(case_id), first=1)

    with both.database.reading() as session:
        case = cases.get(session, case_id)
        assert (case.queue, case.decided_by) == ("agents", "marta")
    assert trail(both, loan_id)[-2:] == ["case_moved", "case_closed"]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


@pytest.mark.parametrize(("opened_again", "closed"), [(10, False), (-10, True)])
async def test_a_stop_that_a_loan_writes_late_closes_nothing_that_was_opened_since(
    both: Desk, opened_again: int, closed: bool
) -> None:
    """Given a STOP that the records took in, when the loan that heard of it writes it down after the person's START,
    then the channel stays open; and it closes where the START was before the STOP."""
    loan_id, minute = enter_loan(both.database), timedelta(minutes=1)
    with both.database.writing() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        people.opt_out(session, person, Channel.SMS, source="twilio message", at=TUESDAY - 30 * minute)
        people.opt_in(session, person, Channel.SMS, at=TUESDAY + opened_again * minute)

    late = OptOutEntry(at=TUESDAY + 20 * minute, channel=Channel.SMS, said_at=TUESDAY)
    await both.write(loan_id, late, moment=TUESDAY + 20 * minute)

    with both.database.reading() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        assert (Channel.SMS in people.opted_out(session, person)) is closed


async def test_each_entry_is_written_once_however_often_it_is_tried(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    life = a_life(f"{loan_id}-1")
    before = trail(both, loan_id)

    await both.write(loan_id, *life)
    once = trail(both, loan_id)
    await both.write(loan_id, *life, moment=TUESDAY + timedelta(minutes=1))
    await both.write(loan_id, *life[4:], paid(500, "pi_2"), first=4)

    kinds = [entry.entry for entry in life]
    kinds[0] = "paused"  # type: ignore[call-overload]
    assert once == before + kinds
    assert trail(both, loan_id) == [*once, "payment"]
    assert balance(both, loan_id) == 9_500
    with both.database.reading() as session:
        [case] = session.exec(select(CollectionCase)).all()
        person = people.of_loan(session, loan_row(session, loan_id))
        assert (case.state, case.decision, case.decided_by, case.queue) == (
            CaseState.DECIDED,
            "continue",
            "ana",
            "supervisors",
        )
        assert len(case.assignments) == 2
        assert people.opted_out(session, person) == {Channel.SMS}
        assert people.address(session, person, Channel.EMAIL) is None
        assert loan_row(session, loan_id).state is LoanState.IN_COLLECTION


@pytest.mark.parametrize("broken", range(10))
async def test_a_crash_in_the_middle_leaves_nothing_half_done(
    both: Desk, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    loan_id = enter_loan(both.database)
    life = a_life(f"{loan_id}-1")
    before = trail(both, loan_id)
    append, calls = audit.append, iter(range(100))

    def dies(*given: Any, **named: Any) -> None:
        append(*given, **named)
        if next(calls) == broken:
            raise RuntimeError("died")

    monkeypatch.setattr(audit, "append", dies)
    with pytest.raises(RuntimeError, match="died"):
        await both.write(loan_id, *life)
    between = trail(both, loan_id)
    monkeypatch.undo()
    await both.write(loan_id, *life)

    assert between == before
    assert len(trail(both, loan_id)) == len(before) + len(life)
    assert balance(both, loan_id) == 10_000


async def test_two_attempts_at_once_write_everything_once(both: Desk) -> None:
    """Temporal gave the first one up while it still runs: the loser fails or finds all done, and is tried again."""
    loan_id = enter_loan(both.database)
    life = a_life(f"{loan_id}-1")
    before = len(trail(both, loan_id))

    await asyncio.gather(*(both.write(loan_id, *life) for _ in range(4)), return_exceptions=True)
    await both.write(loan_id, *life)

    assert len(trail(both, loan_id)) == before + len(life)
    assert balance(both, loan_id) == 10_000


async def test_a_payment_known_from_the_webhook_counts_once(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    pay(both.database, loan_id, 4_000, "pi_1")

    await both.write(loan_id, paid(4_000, "pi_1"))

    assert balance(both, loan_id) == 6_000
    assert [row["known_before"] for row in both.audit(loan_id, "payment")] == [True]


async def test_a_payment_nobody_could_place_is_placed_when_the_loan_hears_of_it(both: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given)
    with both.database.writing() as session:
        payments.record(
            session,
            provider="stripe",
            payment_id="pi_lost",
            lender=None,
            loan_id=None,
            amount_minor=4_000,
            currency="EUR",
            paid_at=TUESDAY,
            received_at=TUESDAY,
            source=PaymentSource.WEBHOOK,
        )

    await both.write(loan_id, paid(4_000, "pi_lost"))
    await both.contact(remind(loan_id))

    assert balance(both, loan_id) == 6_000
    [text] = texts_to(world, given["phone"])
    assert "60,00 €" in text["body"]


async def test_a_payment_of_another_loan_is_not_moved_and_said_so(desk: Desk) -> None:
    one, two = enter_loan(desk.database), enter_loan(desk.database)
    pay(desk.database, one, 4_000, "pi_1")

    await desk.write(two, paid(4_000, "pi_1"))

    assert (balance(desk, one), balance(desk, two)) == (6_000, 10_000)
    [row] = desk.audit(two, "payment")
    assert (row["known_before"], row["counts_here"]) == (True, False)


async def test_a_reversal_that_comes_before_its_payment_takes_it_back(both: Desk) -> None:
    loan_id = enter_loan(both.database)

    await both.write(loan_id, ReversalEntry(at=TUESDAY, provider="stripe", payment_id="pi_1"), paid(4_000, "pi_1"))

    assert balance(both, loan_id) == 10_000
    with both.database.reading() as session:
        assert [p.reversed_at is not None for p in session.exec(select(Payment)).all()] == [True]


async def test_the_end_keeps_what_a_later_reversal_starts_again_from(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    snapshot = {"position": 3, "end": "cured"}

    await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"), final_state=snapshot)

    with both.database.reading() as session:
        loan = loan_row(session, loan_id)
        assert (loan.state, loan.end_kind, loan.ended_at) == (LoanState.ENDED, "cured", TUESDAY)
        assert loan.final_state == snapshot
        assert not loans.is_held(session, loan)

    await both.write(loan_id, ReopenedEntry(at=TUESDAY, why="reversed"), first=1)

    with both.database.reading() as session:
        assert loan_row(session, loan_id).state is LoanState.IN_COLLECTION


async def test_what_a_carrier_never_answered_is_unknown_once_the_loan_has_ended(both: Desk) -> None:
    """Given messages that were begun and whose carrier did not say whether it took them; only the receipt is still
    asked about by an ended loan."""
    loan_id = enter_loan(both.database)
    with both.database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        for step, purpose in (
            ("r1", Purpose.COLLECTION),
            (REPLY, Purpose.REPLY),
            (DOCUMENT, Purpose.TRANSACTIONAL),
            (PART_RECEIPT, Purpose.TRANSACTIONAL),
            (RECEIPT, Purpose.TRANSACTIONAL),
        ):
            begun = {"channel": Channel.SMS, "template": "account_overdue", "state": ContactState.SENDING}
            contacts.reserve(session, loan, person, step=step, occurrence=1, purpose=purpose, at=TUESDAY, **begun)

    await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))

    with both.database.reading() as session:
        found = {contact.step: contact.state for contact in contacts.of_loan(session, loan_row(session, loan_id))}
    unknown = dict.fromkeys(("r1", REPLY, DOCUMENT, PART_RECEIPT), ContactState.UNKNOWN)
    assert found == unknown | {RECEIPT: ContactState.SENDING}


@pytest.mark.parametrize("moved", [True, False])
async def test_the_address_that_is_closed_is_the_one_the_failed_message_went_to(both: Desk, moved: bool) -> None:
    """Given a message that was sent, when the loan hears that it failed, then its address is closed; and no other where
    the person has a new one since."""
    loan_id = enter_loan(both.database)
    await both.contact(remind(loan_id, channels=(Channel.SMS,)))
    with both.database.writing() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        if moved:
            person.phone = str(fresh()["phone"])
            session.add(person)
        now = person.phone
    dead = AddressEntry(at=TUESDAY, channel=Channel.SMS, reason=AddressFailure.DEAD, step="r1", occurrence=1)

    await both.write(loan_id, dead)

    with both.database.reading() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        assert people.address(session, person, Channel.SMS) == (now if moved else None)


async def test_a_stranger_at_a_number_that_was_dead_closes_it_for_every_channel(both: Desk) -> None:
    loan_id = enter_loan(both.database)
    await both.contact(remind(loan_id, channels=(Channel.SMS,)))
    with both.database.writing() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        assert person.phone is not None
        people.close_address(session, person, Channel.SMS, person.phone, reason="twilio 30006", at=TUESDAY)
    named = {"channel": Channel.SMS, "step": "r1", "occurrence": 1}

    await both.write(loan_id, AddressEntry(at=TUESDAY, reason=AddressFailure.WRONG_PERSON, **named))

    with both.database.reading() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        assert people.address(session, person, Channel.CALL) is None


async def test_a_stop_to_everything_reaches_every_loan_of_the_person(both: Desk, world: World) -> None:
    given = fresh(person_id=f"all-{id(both)}")
    one = enter_loan(both.database, **given)
    two = enter_loan(both.database, **fresh(person_id=given["person_id"], phone=given["phone"], email=given["email"]))

    await both.write(one, OptOutEntry(at=TUESDAY, channel="all"))
    report = await both.contact(remind(two))

    assert (report.outcome, report.ceased) == (ContactOutcome.UNREACHABLE, True)
    assert texts_to(world, given["phone"]) == mails_to(world, given["email"]) == []


async def test_a_case_is_told_to_whoever_listens(desk: Desk, world: World, listener: Listener) -> None:
    loan_id = enter_loan(desk.database)
    async with desk_for(desk.database, settings_for(world), case_url=listener.url + "/cases") as listened:
        await listened.write(
            loan_id,
            opened("c-1"),
            CaseMovedEntry(at=TUESDAY, case_id="c-1", queue="supervisors", sla_at=TUESDAY + timedelta(hours=96)),
            opened("c-2"),
            decided("c-2"),
        )

    first, moved = sorted((posted.json for posted in listener.posted), key=lambda told: told["queue"])
    assert first == {
        "case_id": "c-1",
        "lender": LENDER,
        "loan_id": loan_id,
        "queue": "agents",
        "kind": "handoff",
        "reason": "step talk",
        "at": "2026-03-10T09:00:00Z",
        "sla_at": "2026-03-12T09:00:00Z",
    }
    assert (moved["case_id"], moved["queue"], moved["kind"]) == ("c-1", "supervisors", None)


@pytest.mark.parametrize("trouble", ["nobody", "refuses", "hangs", "no_address"])
async def test_a_listener_in_trouble_blocks_nothing(
    desk: Desk, world: World, listener: Listener, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = enter_loan(desk.database)
    monkeypatch.setattr("activities.ledger.TELL_WITHIN", 0.3)
    silent = socket.create_server(("127.0.0.1", 0))
    listener.answer = lambda posted: 500
    url = {
        "nobody": nowhere(),
        "refuses": listener.url,
        "hangs": f"http://127.0.0.1:{silent.getsockname()[1]}",
        "no_address": "http://[broken",
    }[trouble]
    async with desk_for(desk.database, settings_for(world), case_url=url) as listened:
        await asyncio.wait_for(listened.write(loan_id, *(opened(f"c-{n}") for n in range(30))), 30)
    silent.close()

    with desk.database.reading() as session:
        assert len(cases.of_loan(session, loan_row(session, loan_id))) == 30


async def test_a_case_is_told_although_the_gateway_is_down(desk: Desk, world: World, listener: Listener) -> None:
    loan_id = enter_loan(desk.database)
    await desk.links.link_for_balance(LENDER, loan_id, TUESDAY)
    world.fault("stripe", "500", count=1)
    end = EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment")
    async with desk_for(desk.database, settings_for(world), case_url=listener.url) as listened:
        await listened.write(loan_id, end, opened("c-refund", CaseKind.REFUND))

    assert [posted.json["case_id"] for posted in listener.posted] == ["c-refund"]


async def test_a_case_is_told_again_only_to_a_listener_that_did_not_take_it(
    desk: Desk, world: World, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two cases of which one was refused, when what comes behind fails and everything is tried again, then the
    refused one is told once more and the other is not; a crash that tells nothing has both told."""
    loan_id = enter_loan(desk.database)
    order = LedgerOrder(lender=LENDER, loan_id=loan_id, entries=(opened("c-1"), opened("c-2")), first_entry=0)
    listener.answer = lambda posted: 500 if posted.json["case_id"] == "c-2" else 200
    async with desk_for(desk.database, settings_for(world), case_url=listener.url) as listened:
        beaten: list[Any] = []
        first = environment(TUESDAY)
        first.on_heartbeat = lambda *told: beaten.append(told)
        await first.run(listened.ledger.write, order)
        listener.answer = lambda posted: 200
        await environment(TUESDAY, 2, beaten[-1]).run(listened.ledger.write, order)
        again = [posted.json["case_id"] for posted in listener.posted[2:]]
        await environment(TUESDAY, 2).run(listened.ledger.write, order)

    assert again == ["c-2"]
    assert sorted(posted.json["case_id"] for posted in listener.posted[3:]) == ["c-1", "c-2"]


async def test_long_values_are_written_whole_on_both_databases(both: Desk) -> None:
    """A column that is too short would be a loan whose ledger never gets written on PostgreSQL."""
    loan_id = enter_loan(both.database)
    made = PaymentMade(provider="p" * 40, payment_id="i" * 128, amount_minor=1, paid_at=TUESDAY)

    await both.write(
        loan_id,
        PaymentEntry(at=TUESDAY, payment=made, currency="EUR"),
        ReversalEntry(at=TUESDAY, provider="q" * 40, payment_id="j" * 128),
        NoteEntry(at=TUESDAY, action="a" * 80, detail="d" * 2_000),
        opened("c" * 120),
    )

    with both.database.reading() as session:
        assert len(session.exec(select(Audit).where(Audit.loan_id == loan_id)).all()) >= 4


async def test_what_an_earlier_hand_over_wrote_is_not_written_again_in_the_next(desk: Desk) -> None:
    """Given a loan that ended and was handed over again, when the order of its first run comes once more, then nothing
    of it is written a second time."""
    loan_id = enter_loan(desk.database)
    noted = NoteEntry(at=TUESDAY, action="contact_given_up", detail="day-3")
    await desk.write(loan_id, noted)
    with desk.database.writing() as session:
        loan_row(session, loan_id).entry = 2

    order = LedgerOrder(lender=LENDER, loan_id=loan_id, entry=1, entries=(noted,), first_entry=0)

    assert desk.ledger.keep(order) == 0
