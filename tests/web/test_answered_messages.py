"""A borrower answers a message of ours: what the law then allows that day, by the ledger that the web app wrote."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from config.jurisdictions import load_rulebook
from domain.contact import Channel, ContactEventKind, ContactRequest, Decision, Purpose, Verdict
from domain.contact_rules import Caps, Profile, decide
from domain.webhook_news import InboundNews
from records import contact_ledger, contacts, loans, people
from records.database import Database
from tests.records.portfolios import LENDER, entered
from web.hearing import MessageReader
from web.inbound_news import record_inbound

MORNING = datetime.fromisoformat("2026-11-17T14:00:00+00:00")
PARAGUAY = {"country": "PY", "timezone": "America/Asuncion"}
COLOMBIA = {"country": "CO", "timezone": "America/Bogota"}


def sends(database: Database, channel: Channel, step: str, at: datetime) -> None:
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        contacts.reserve(
            session,
            loan,
            person,
            step=step,
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=channel,
            template="first",
            at=at,
        )


def hears(database: Database, text: str, at: datetime) -> None:
    news = InboundNews(
        provider="meta",
        channel=Channel.WHATSAPP,
        provider_message_id=f"wamid.{at:%H%M}",
        sender_address="+34600000001",
        text=text,
    )
    with database.writing() as session:
        record_inbound(session, news, at, MessageReader())


def asks(
    database: Database,
    profile: Profile,
    channel: Channel,
    at: datetime,
    purpose: Purpose = Purpose.COLLECTION,
) -> Decision:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        events = contact_ledger.person_events(session, person, MORNING - timedelta(days=30))
    assert person.timezone is not None
    wish = ContactRequest(
        loan_id="L1", channel=channel, purpose=purpose, country=person.country, timezones=(person.timezone,)
    )
    return decide(wish, at, events, load_rulebook(profile=profile), Caps())


def hour(number: int) -> datetime:
    return MORNING + timedelta(hours=number)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("text", ["hola, mañana le pago", ""])
def test_in_paraguay_one_more_contact_is_made_on_the_day_of_an_answer(
    database: Database, profile: Profile, text: str
) -> None:
    with database.writing() as session:
        entered(session, "L1", **PARAGUAY)
    sends(database, Channel.WHATSAPP, "r1", MORNING)
    hears(database, text, hour(1))

    assert asks(database, profile, Channel.SMS, hour(2)).verdict is Verdict.ALLOWED
    sends(database, Channel.SMS, "r2", hour(2))
    third = asks(database, profile, Channel.EMAIL, hour(4))

    assert (third.verdict, third.reasons[0].rule) == (Verdict.NOT_BEFORE, "PY.contact.answered")
    assert third.not_before == datetime.fromisoformat("2026-11-18T11:00:00+00:00")


@pytest.mark.parametrize("profile", list(Profile))
def test_in_colombia_an_answer_closes_the_day_and_the_other_channels_and_is_answered_itself(
    database: Database, profile: Profile
) -> None:
    with database.writing() as session:
        entered(session, "L1", **COLOMBIA)
    sends(database, Channel.WHATSAPP, "r1", MORNING)
    hears(database, "¿cuánto debo?", hour(1))

    other = asks(database, profile, Channel.SMS, hour(2))
    reply = asks(database, profile, Channel.WHATSAPP, hour(2), Purpose.REPLY)

    assert (other.verdict, other.reasons[0].rule) == (Verdict.NOT_BEFORE, "CO.contact.direct")
    assert other.not_before is not None
    assert other.not_before >= datetime.fromisoformat("2026-11-23T12:00:00+00:00")
    assert reply.verdict is Verdict.ALLOWED


def test_a_stranger_who_reads_the_address_is_no_contact_with_the_borrower(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", **COLOMBIA)
    sends(database, Channel.WHATSAPP, "r1", MORNING)
    hears(database, "Número equivocado, no conozco a esa persona", hour(1))

    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        kinds = [event.kind for event in contact_ledger.person_events(session, person, MORNING)]
    assert kinds == [ContactEventKind.ATTEMPT, ContactEventKind.INBOUND]
