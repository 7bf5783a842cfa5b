from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.contact import Channel, ContactEventKind, Decision, Purpose, Reason, Verdict
from records import contact_decisions, contact_ledger, contacts, loans, people
from records.contacts import AlreadyReserved, Reserved
from records.database import Database
from records.tables import Contact, ContactState
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again

DAY = timedelta(days=1)


def reserve(
    session: Session,
    loan_id: str,
    step: str = "r1",
    occurrence: int = 1,
    purpose: Purpose = Purpose.COLLECTION,
) -> Reserved | AlreadyReserved:
    loan, person = contacts.lock_person(session, LENDER, loan_id)
    return contacts.reserve(
        session,
        loan,
        person,
        step=step,
        occurrence=occurrence,
        purpose=purpose,
        channel=Channel.SMS,
        template="first",
        at=NOW,
        address=people.address(session, person, Channel.SMS),
    )


def contact_within_cap(database: Database, loan_id: str, step: str, cap: int, at_least_since: timedelta = DAY) -> bool:
    """What the contact activity does under the person's lock: read their events, decide, reserve."""
    with database.writing() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        if len(contact_ledger.person_events(session, person, NOW - at_least_since)) >= cap:
            return False
        return isinstance(reserve(session, loan_id, step), Reserved)


def test_a_step_is_reserved_once(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        first = reserve(session, "L1")
    with database.writing() as session:
        again = reserve(session, "L1")
        other = reserve(session, "L1", occurrence=2)

    assert isinstance(first, Reserved)
    assert isinstance(again, AlreadyReserved)
    assert again.contact.id == first.contact.id
    assert isinstance(other, Reserved)
    assert first.contact.address == "+34600000001"


def test_the_database_refuses_a_second_row_for_the_same_step(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        contact = reserve(session, "L1").contact

    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Contact(**contact.model_dump(exclude={"id", "message_id"}), message_id="another"))


def test_a_loan_handed_over_again_may_take_the_same_step_again(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        first = reserve(session, "L1").contact
        loans.end(session, loan, kind="recalled", at=NOW, final_state=None)
        loan.entry += 1
        session.add(loan)
        second = reserve(session, "L1")

    assert isinstance(second, Reserved)
    assert second.contact.message_id != first.message_id


def test_events_are_the_persons_over_all_their_loans(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p")
        entered_elsewhere = entered(session, "L3")
        reserve(session, "L1")
        reserve(session, "L2")
        reserve(session, entered_elsewhere[0].loan_id)
        reserve(session, "L1", step="receipt", purpose=Purpose.TRANSACTIONAL)
        _, person = contacts.lock_person(session, LENDER, "L1")
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, NOW + timedelta(hours=1))

    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L2"))
        events = contact_ledger.person_events(session, person, NOW)
        later = contact_ledger.person_events(session, person, NOW + timedelta(minutes=1))

    assert [(event.loan_id, event.kind) for event in events] == [
        ("L1", ContactEventKind.ATTEMPT),
        ("L2", ContactEventKind.ATTEMPT),
        (None, ContactEventKind.INBOUND),
    ]
    assert [event.kind for event in later] == [ContactEventKind.INBOUND]


@pytest.mark.timeout(60)
def test_of_two_loans_contacting_one_person_at_once_exactly_one_passes(database: Database) -> None:
    rounds = 50
    with database.writing() as session:
        for number in range(rounds):
            entered(session, f"A{number}", f"B{number}", person_id=f"p{number}")
    passed: list[list[bool]] = []

    for number in range(rounds):
        both = threading.Barrier(2)
        results: list[bool] = []

        def contact(loan_id: str, both: threading.Barrier = both, results: list[bool] = results) -> None:
            both.wait()
            results.append(contact_within_cap(database, loan_id, "r1", cap=1))

        threads = [threading.Thread(target=contact, args=(f"{letter}{number}",)) for letter in "AB"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        passed.append(sorted(results))

    assert passed == [[False, True]] * rounds


@pytest.mark.timeout(60)
def test_processes_share_a_persons_last_contacts(database: Database, database_url: str) -> None:
    with database.writing() as session:
        entered(session, *[f"L{number}" for number in range(40)], person_id="p")
    program = (
        "import sys\n"
        "from records.database import Database\n"
        "from tests.records.test_contacts import contact_within_cap\n"
        "database = Database(sys.argv[1])\n"
        "sys.stdin.read(1)\n"
        "loans = [f'L{number}' for number in range(int(sys.argv[2]), 40, 2)]\n"
        "print(sum(contact_within_cap(database, loan, 'r1', cap=7) for loan in loans), end='')\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, database_url, str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in (0, 1)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("g")
        process.stdin.flush()

    passed = [int(process.communicate(timeout=50)[0]) for process in processes]

    assert sum(passed) == 7
    with database.reading() as session:
        assert len(contacts.of_loan(session, loans.get(session, LENDER, "L0"))) <= 1


def test_a_contact_dropped_before_sending_counts_for_nothing(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        contact = reserve(session, "L1").contact
        assert contacts.advance(session, contact, ContactState.DROPPED, at=NOW)
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert contact_ledger.person_events(session, person, NOW - DAY) == []
        assert isinstance(reserve(session, "L1"), AlreadyReserved)


_REPORTS = st.permutations(
    [
        ContactState.SENDING,
        ContactState.SENT,
        ContactState.DELIVERED,
        ContactState.READ,
        ContactState.UNDELIVERED,
    ]
)


@given(_REPORTS)
def test_reports_in_any_order_end_the_same(order: list[ContactState]) -> None:
    contact = Contact(
        loan_ref=1,
        person_ref=1,
        message_id="m",
        entry=1,
        step="r1",
        occurrence=1,
        purpose=Purpose.COLLECTION,
        channel=Channel.SMS,
        template="t",
        reserved_at=NOW,
        changed_at=NOW,
    )
    for state in order:
        contacts.move(contact, state, at=NOW)

    assert contact.state is ContactState.READ
    assert contact.sent_at == NOW


def test_a_message_is_found_by_its_providers_id_and_by_our_own(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        contact = reserve(session, "L1").contact
        contacts.advance(session, contact, ContactState.SENT, at=NOW, provider="twilio", provider_message_id="SM1")

    with database.reading() as session:
        by_provider = contacts.by_message(session, "twilio", "SM1")
        by_own = contacts.by_own_id(session, contact.message_id)
        assert contacts.by_message(session, "smtp", "SM1") is None

    assert by_provider is not None
    assert by_own is not None
    assert by_provider.id == by_own.id == contact.id


def test_every_decision_is_kept_with_its_reasons(database: Database) -> None:
    refused = Decision(
        verdict=Verdict.NOT_BEFORE,
        not_before=NOW + DAY,
        reasons=(Reason(rule="hours", source="Ley 1", text="Too late in the day."),),
    )
    with database.writing() as session:
        entered(session, "L1")
        loan, person = contacts.lock_person(session, LENDER, "L1")
        contact_decisions.record(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            channel=Channel.SMS,
            at=NOW,
            decision=refused,
            rules_version="es@1",
        )

    with database.reading() as session:
        (kept,) = contact_decisions.of_loan(session, loans.get(session, LENDER, "L1"))
    assert (kept.verdict, kept.not_before, kept.rules_version) == (Verdict.NOT_BEFORE, NOW + DAY, "es@1")
    assert kept.reasons == [{"rule": "hours", "source": "Ley 1", "text": "Too late in the day."}]


def test_an_unknown_loan_is_named(database: Database) -> None:
    with (
        pytest.raises(loans.UnknownLoan, match="no loan 'L9' of lender 'acme'"),
        database.writing() as session,
    ):
        contacts.lock_person(session, LENDER, "L9")


def test_what_a_person_closed_stays_closed_for_all_their_loans(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p")
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.opt_out(session, person, Channel.SMS, source="message", at=NOW)
        assert not people.opt_out(session, person, Channel.SMS, source="message", at=NOW + DAY)
        assert people.raise_flag(session, person, "cease", source="agent", at=NOW)
        assert people.close_address(session, person, Channel.EMAIL, "l1@example.com", reason="5.1.1", at=NOW)

    with database.writing() as session:
        same = people.of_loan(session, loans.get(session, LENDER, "L2"))
        assert people.opted_out(session, same) == {Channel.SMS}
        assert people.flags(session, same) == {"cease"}
        assert people.opt_in(session, same, Channel.SMS, at=NOW + 2 * DAY)
        assert people.clear_flag(session, same, "cease", at=NOW + DAY)

    with database.writing() as session:
        same = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.opted_out(session, same) == frozenset()
        assert people.flags(session, same) == frozenset()
        assert people.opt_out(session, same, Channel.SMS, source="message", at=NOW + 3 * DAY)
        assert people.opted_out(session, same) == {Channel.SMS}


def test_a_closed_address_is_not_given_out_but_a_new_one_is(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = people.of_loan(session, loan)
        people.close_address(session, person, Channel.SMS, "+34600000001", reason="30005", at=NOW)

        assert people.address(session, person, Channel.SMS) is None
        assert people.address(session, person, Channel.CALL) is None, "a number that does not exist does not ring"
        assert people.address(session, person, Channel.WHATSAPP) is None
        person.phone = "+34611111111"
        assert people.address(session, person, Channel.SMS) == "+34611111111"
        assert people.address(session, person, Channel.POST) is None


@pytest.mark.parametrize(
    ("by", "reason", "closed"),
    [
        (Channel.SMS, "wrong_person", {Channel.SMS, Channel.WHATSAPP, Channel.CALL}),
        (Channel.WHATSAPP, "wrong_person", {Channel.SMS, Channel.WHATSAPP, Channel.CALL}),
        (Channel.WHATSAPP, "131026", {Channel.WHATSAPP}),
        (Channel.SMS, "30006", {Channel.SMS}),
    ],
)
def test_a_number_of_somebody_else_is_used_by_no_channel_and_one_without_whatsapp_or_texts_by_the_others(
    database: Database, by: Channel, reason: str, closed: set[Channel]
) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = people.of_loan(session, loan)
        people.close_address(session, person, by, "+34600000001", reason=reason, at=NOW)

        phone = (Channel.SMS, Channel.WHATSAPP, Channel.CALL)
        assert {channel for channel in phone if people.address(session, person, channel) is None} == closed


def test_that_a_number_is_somebody_elses_is_kept_although_it_was_closed_for_less(database: Database) -> None:
    """Given a number closed for texts alone, when it proves somebody else's, then it is used by no channel, and no
    lesser reason takes that back."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = people.of_loan(session, loan)

        def close(reason: str) -> bool:
            return people.close_address(session, person, Channel.SMS, "+34600000001", reason=reason, at=NOW)

        told = [close(reason) for reason in ("twilio 30006", "twilio 30006", "wrong_person", "wrong_person", "30006")]

        assert told == [True, False, True, False, False]
        phone = (Channel.SMS, Channel.WHATSAPP, Channel.CALL)
        assert [people.address(session, person, channel) for channel in phone] == [None, None, None]
        assert not people.open_address(session, person, Channel.SMS, "+34600000001", written_at=NOW)


def test_a_number_found_dead_is_open_again_only_by_words_written_since(database: Database) -> None:
    """Given a number that proved dead, when a message from before that is fetched, then it stays closed; one that was
    written since opens it."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = people.of_loan(session, loan)
        people.close_address(session, person, Channel.SMS, "+34600000001", reason="twilio 30005", at=NOW)

        def opens(written_at: datetime) -> bool:
            return people.open_address(session, person, Channel.SMS, "+34600000001", written_at=written_at)

        assert [opens(NOW - timedelta(hours=1)), opens(NOW + timedelta(hours=1))] == [False, True]


def test_a_contact_of_an_earlier_hand_over_is_kept_in_its_own(database: Database) -> None:
    """Given a loan that was handed over again, when a contact of its first hand-over is noted late, then the same step
    of the second is still free."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        loan.entry = 2
        person = people.of_loan(session, loan)
        late = contacts.reserve(
            session, loan, person, step="s", occurrence=1, purpose=Purpose.COLLECTION, channel=Channel.SMS,
            template="t", at=NOW, entry=1,
        )  # fmt: skip

        assert isinstance(late, Reserved)
        assert late.contact.entry == 1
        assert contacts.find(session, loan, "s", 1) is None
        assert contacts.find(session, loan, "s", 1, entry=1) is late.contact


def test_a_contact_is_found_by_its_hand_over_beside_which_one_is_current(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        first = reserve(session, "L1", "s")
        handed_over_again(session, "L1")

        of_first = contacts.of_step(session, LENDER, "L1", "s", 1, entry=1)
        of_second = contacts.of_step(session, LENDER, "L1", "s", 1, entry=2)

        assert (of_first.contact, of_first.current_entry) == (first.contact, 2)
        assert (of_second.contact, of_second.current_entry) == (None, 2)
        with pytest.raises(loans.UnknownLoan):
            contacts.of_step(session, LENDER, "L2", "s", 1, entry=1)
