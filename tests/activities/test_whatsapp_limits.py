"""What WhatsApp lets the whole portfolio of numbers send, counted from the ledger where a message is decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select

from activities.contact_slots import ContactSlots, NotYet, Slot
from activities.whatsapp_limits import WhatsAppLimits
from domain.contact import Channel, Purpose
from domain.contact_rules import Caps
from records import contact_decisions, contact_ledger, contacts, loans, people
from records.database import Database
from records.tables import Contact, ContactState, Loan
from tests.activities.outside import LENDER, RULES, TUESDAY, enter_loan, fresh, remind
from tests.records.portfolios import enter, handed


def wrote(database: Database, loan_ids: Sequence[str], *moments: datetime) -> None:
    """A message that left for each moment, to the loans in turn."""
    with database.writing() as session:
        found = session.exec(select(Loan).where(col(Loan.loan_id).in_(loan_ids))).all()
        for number, at in enumerate(moments):
            loan = found[number % len(found)]
            session.add(
                Contact(
                    message_id=f"{loan.loan_id}-{number}", loan_ref=loan.id, person_ref=loan.person_ref, entry=1,
                    step=f"s{number}", occurrence=1, purpose=Purpose.COLLECTION, channel=Channel.WHATSAPP,
                    template="first", state=ContactState.SENDING, reserved_at=at, changed_at=at,
                )
            )  # fmt: skip


def crowd(database: Database, number: int) -> list[str]:
    given = [fresh() for _ in range(number)]
    with database.writing() as session:
        enter(session, [handed(each.pop("loan_id"), **each) for each in given], campaign_id="crowd")
        return list(session.exec(select(Loan.loan_id).where(Loan.campaign_id == "crowd")).all())


def wants_to_write(database: Database, loan_id: str, at: datetime, tier: int | None) -> object:
    slots = ContactSlots(RULES, Caps(), whatsapp=WhatsAppLimits(tier))
    order = remind(loan_id, channels=(Channel.WHATSAPP,))
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        return slots.find(session, loan, person, order, at, keep=True)


def test_the_251st_person_of_24_hours_waits_until_the_first_leaves_them(database: Database) -> None:
    first = TUESDAY - timedelta(hours=20)
    wrote(database, crowd(database, 250), *(first + timedelta(minutes=number) for number in range(250)))
    one_more, known, answered = (enter_loan(database) for _ in range(3))
    wrote(database, [known], TUESDAY - timedelta(hours=25))
    with database.writing() as session:
        _, person = contacts.lock_person(session, LENDER, answered)
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, TUESDAY - timedelta(hours=1))

    held = wants_to_write(database, one_more, TUESDAY, 250)

    assert held == NotYet(first + timedelta(hours=24), "whatsapp.tier")
    assert wants_to_write(database, known, TUESDAY, 250) == held
    assert isinstance(wants_to_write(database, answered, TUESDAY, 250), Slot)
    assert isinstance(wants_to_write(database, one_more, TUESDAY, 2000), Slot)
    assert isinstance(wants_to_write(database, one_more, TUESDAY, None), Slot)
    with database.reading() as session:
        kept = contact_decisions.of_loan(session, loans.get(session, LENDER, one_more))
        assert [(row.verdict, row.reasons[0]["rule"]) for row in kept][:1] == [("not_before", "whatsapp.tier")]


def test_messages_inside_a_persons_own_window_and_those_that_never_left_take_no_place(lite: Database) -> None:
    people_written_to = crowd(lite, 250)
    wrote(lite, people_written_to, *[TUESDAY - timedelta(hours=10)] * 250)
    one_more = enter_loan(lite)
    assert isinstance(wants_to_write(lite, one_more, TUESDAY, 250), NotYet)

    with lite.writing() as session:
        _, person = contacts.lock_person(session, LENDER, people_written_to[0])
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, TUESDAY - timedelta(hours=34))
    assert isinstance(wants_to_write(lite, one_more, TUESDAY, 250), NotYet)

    with lite.writing() as session:
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, TUESDAY - timedelta(hours=33, minutes=59))
    assert isinstance(wants_to_write(lite, one_more, TUESDAY, 250), Slot)

    wrote(lite, [enter_loan(lite)], TUESDAY - timedelta(hours=2))
    assert isinstance(wants_to_write(lite, one_more, TUESDAY, 250), NotYet)
    with lite.writing() as session:
        loan, _ = contacts.lock_person(session, LENDER, people_written_to[1])
        contacts.advance(session, contacts.of_loan(session, loan)[0], ContactState.FAILED, at=TUESDAY)
    assert isinstance(wants_to_write(lite, one_more, TUESDAY, 250), Slot)


def test_one_person_gets_45_at_once_and_then_one_in_six_seconds(database: Database) -> None:
    loan_id = enter_loan(database)
    wrote(database, [loan_id], *[TUESDAY] * 45)

    assert wants_to_write(database, loan_id, TUESDAY, None) == NotYet(TUESDAY + timedelta(seconds=6), "whatsapp.pair")
    assert isinstance(wants_to_write(database, loan_id, TUESDAY + timedelta(seconds=6), None), Slot)


def test_a_person_known_to_have_agreed_to_whatsapp_has_opted_in(database: Database) -> None:
    loan_id = enter_loan(database, authorised_channels="whatsapp")

    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        assert people.authorised_channels(person) == {Channel.WHATSAPP}
