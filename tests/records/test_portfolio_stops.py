"""What was closed at a telephone number holds for whoever is entered under it later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.contact import Channel
from domain.events.contacts import AddressFailure
from records import audit, erasure, loans, people
from records.database import Database
from records.tables import Person
from tests.records.portfolios import LENDER, NOW, enter, entered, handed

PHONE = "+34600000077"
NUMBER_WAYS = (Channel.SMS, Channel.WHATSAPP, Channel.CALL)
LATER = NOW + timedelta(days=2)
ANA, LUIS = "Ana García Soto", "Luis Pérez"


def person_of(database: Database, loan_id: str, lender: str = LENDER) -> Person:
    with database.reading() as session:
        return people.of_loan(session, loans.get(session, lender, loan_id))


def known(database: Database, loan_id: str = "L1", **changes: object) -> Person:
    with database.writing() as session:
        entered(session, loan_id, **{"phone": PHONE, "name": ANA, **changes})
    return person_of(database, loan_id)


def stop(database: Database, person: Person, *channels: Channel) -> None:
    with database.writing() as session:
        for channel in channels:
            people.opt_out(session, session.get_one(Person, person.id), channel, source="twilio", at=NOW)


def wrong_number(database: Database, person: Person, address: str = PHONE, channel: Channel = Channel.SMS) -> None:
    with database.writing() as session:
        answered = session.get_one(Person, person.id)
        people.close_address(
            session, answered, channel, address, reason=AddressFailure.WRONG_PERSON.value, at=NOW
        )  # fmt: skip


def come(database: Database, loan_id: str, *, lender: str = LENDER, **changes: object) -> None:
    """A later file hands the loan over."""
    with database.writing() as session:
        row = handed(loan_id, **{"phone": PHONE, "name": ANA, **changes})
        enter(session, [row], campaign_id=f"later-{lender}-{loan_id}", at=LATER, lender=lender)


def closed_ways(database: Database, loan_id: str, lender: str = LENDER) -> set[Channel]:
    with database.reading() as session:
        return set(people.opted_out(session, people.of_loan(session, loans.get(session, lender, loan_id))))


def is_reached(database: Database, loan_id: str, channel: Channel = Channel.CALL) -> bool:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        return people.address(session, person, channel) is not None


@pytest.mark.parametrize("lender", [LENDER, "beta"])
@pytest.mark.parametrize("name", [ANA, LUIS])
def test_a_stop_holds_for_a_loan_that_is_entered_under_the_number_later(
    database: Database, lender: str, name: str
) -> None:
    """Given a BAJA from a number, when a file without customer numbers brings another loan with that number, of the
    same or another lender and in whoever's name, then the way is closed for it too, and the trail says why."""
    stop(database, known(database), Channel.SMS)

    come(database, "L2", lender=lender, name=name)

    assert closed_ways(database, "L2", lender) == {Channel.SMS}
    with database.reading() as session:
        [noted] = audit.of_loan(session, lender, "L2", action="opt_out")
    assert noted.details == {"channel": "sms", "source": "same number"}


def test_a_stop_holds_for_somebody_known_who_gets_the_number(database: Database) -> None:
    stop(database, known(database), Channel.SMS)
    known(database, "L2", phone="+34600000099", person_id="luis", name=LUIS)
    before = closed_ways(database, "L2")

    come(database, "L3", person_id="luis", name=LUIS)

    assert (before, closed_ways(database, "L2")) == (set(), {Channel.SMS})


def test_no_more_contact_closes_every_way_by_that_number(database: Database) -> None:
    person = known(database)
    with database.writing() as session:
        people.raise_flag(session, session.get_one(Person, person.id), "cease", source="letter", at=NOW)

    come(database, "L2")

    assert closed_ways(database, "L2") == set(NUMBER_WAYS)


def test_in_the_united_states_no_calls_is_no_text_messages_either(database: Database) -> None:
    stop(database, known(database), Channel.CALL)

    come(database, "L2", country="US", region="NJ", timezone="America/New_York")

    assert closed_ways(database, "L2") == {Channel.SMS, Channel.CALL}


def test_a_stop_that_was_taken_back_closes_nothing(database: Database) -> None:
    person = known(database)
    stop(database, person, Channel.SMS)
    with database.writing() as session:
        people.opt_in(session, session.get_one(Person, person.id), Channel.SMS, at=NOW + timedelta(hours=1))

    come(database, "L2")

    assert closed_ways(database, "L2") == set()


def test_a_file_that_tells_nothing_new_of_the_number_closes_nothing(database: Database) -> None:
    """Given two people at one number of whom one said by letter that all contact must end, for herself, when a file
    tells the other's number as it is known, then that one's ways stay open."""
    ana = known(database)
    known(database, "L2", person_id="luis", name=LUIS)
    with database.writing() as session:
        people.raise_flag(session, session.get_one(Person, ana.id), "cease", source="letter", at=NOW)

    come(database, "L3", person_id="luis", name=LUIS, language="pt")

    assert closed_ways(database, "L2") == set()


def test_a_stop_by_email_or_letter_is_its_writers_alone(database: Database) -> None:
    stop(database, known(database, email="casa@example.com"), Channel.EMAIL, Channel.POST)

    come(database, "L2", email="casa@example.com")

    assert closed_ways(database, "L2") == set()


@pytest.mark.parametrize(("name", "reached"), [(ANA, False), ("GARCIA SOTO ANA", False), (LUIS, True), (None, True)])
def test_a_wrong_number_is_one_for_the_same_person_and_not_for_another(
    database: Database, name: str | None, reached: bool
) -> None:
    """Given that somebody else answered at Ana's number, when a file brings a loan with that number, then it is closed
    for another loan of Ana's and not for Luis, who may be just who answered."""
    wrong_number(database, known(database))

    come(database, "L2", name=name)

    assert is_reached(database, "L2") is reached


def test_a_wrong_number_is_one_for_whom_the_same_document_names(database: Database) -> None:
    wrong_number(database, known(database, id_digits="6789"))

    come(database, "L2", name="A. García", id_digits="6789")

    assert not is_reached(database, "L2")
    with database.reading() as session:
        [noted] = audit.of_loan(session, LENDER, "L2", action="address_closed")
    assert noted.details == {"channel": "sms", "reason": "wrong_person", "source": "same number"}


def test_a_wrong_number_stays_one_when_its_person_has_another_meanwhile(database: Database) -> None:
    wrong_number(database, known(database, person_id="ana"))
    come(database, "L2", person_id="ana", phone="+34600000099")

    come(database, "L3")

    assert is_reached(database, "L2")
    assert not is_reached(database, "L3")


def test_a_wrong_email_is_one_for_the_same_person(database: Database) -> None:
    person = known(database, email="casa@example.com")
    wrong_number(database, person, "casa@example.com", Channel.EMAIL)

    come(database, "L2", email="casa@example.com")
    come(database, "L3", email="casa@example.com", name=LUIS)

    assert not is_reached(database, "L2", Channel.EMAIL)
    assert is_reached(database, "L3", Channel.EMAIL)


def test_who_was_erased_is_nobody_a_name_can_be_compared_with(database: Database) -> None:
    person = known(database)
    wrong_number(database, person)
    with database.writing() as session:
        loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=NOW, final_state=None)
    erasure.erase(database, LENDER, person.person_id, at=NOW, actor="test")

    come(database, "L2", name=None)

    assert is_reached(database, "L2")
