"""What the person's ledger says once they wrote: to one of our contacts, or of their own accord."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from domain.contact import Channel, ContactEventKind, Purpose
from records import contact_ledger, contacts, loans, people
from records.database import Database
from records.tables import Contact, ContactState, Person
from tests.records.portfolios import LENDER, NOW, entered

HOUR = timedelta(hours=1)
INBOUND, TWO_WAY = ContactEventKind.INBOUND, ContactEventKind.TWO_WAY


def wrote_to(
    session: Session, loan_id: str, step: str = "r1", purpose: Purpose = Purpose.COLLECTION, hours: int = 0
) -> Contact:
    loan, person = contacts.lock_person(session, LENDER, loan_id)
    return contacts.reserve(
        session,
        loan,
        person,
        step=step,
        occurrence=1,
        purpose=purpose,
        channel=Channel.SMS,
        template="first",
        at=NOW + hours * HOUR,
    ).contact


def answers(session: Session, person: Person) -> list[tuple[ContactEventKind, str | None]]:
    heard = contact_ledger.person_events(session, person, NOW)
    return sorted((event.kind, event.loan_id) for event in heard if event.kind in (INBOUND, TWO_WAY))


def of(session: Session, loan_id: str) -> Person:
    return people.of_loan(session, loans.get(session, LENDER, loan_id))


def test_an_answer_to_our_message_is_an_interaction_about_the_loan_last_written_about(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p")
        wrote_to(session, "L1")
        wrote_to(session, "L2", hours=1)
        contact_ledger.add_inbound(session, of(session, "L1"), Channel.SMS, NOW + 2 * HOUR)

    with database.reading() as session:
        assert answers(session, of(session, "L1")) == [(INBOUND, None), (TWO_WAY, "L2")]


def test_a_message_without_a_contact_of_ours_by_that_channel_before_is_no_interaction(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        contact_ledger.add_inbound(session, of(session, "L1"), Channel.SMS, NOW)
        wrote_to(session, "L1", hours=1)
        contact_ledger.add_inbound(session, of(session, "L1"), Channel.WHATSAPP, NOW + 2 * HOUR)

    with database.reading() as session:
        assert answers(session, of(session, "L1")) == [(INBOUND, None), (INBOUND, None)]


def test_neither_a_receipt_nor_a_message_that_never_left_can_be_answered(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        wrote_to(session, "L1", "receipt", Purpose.TRANSACTIONAL)
        contacts.advance(session, wrote_to(session, "L1"), ContactState.FAILED, at=NOW)
        contact_ledger.add_inbound(session, of(session, "L1"), Channel.SMS, NOW + HOUR)

    with database.reading() as session:
        assert answers(session, of(session, "L1")) == [(INBOUND, None)]


def test_what_somebody_else_writes_from_the_address_reaches_the_person_by_no_contact(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        wrote_to(session, "L1")
        contact_ledger.add_inbound(session, of(session, "L1"), Channel.SMS, NOW + HOUR, by_another=True)

    with database.reading() as session:
        assert answers(session, of(session, "L1")) == [(INBOUND, None)]
