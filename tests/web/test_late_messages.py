"""Messages that come late, in another order, or twice: they count from when they were written, and once."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from domain.contact import Channel, ContactEventKind, Purpose
from domain.contact_rules import unanswered_since
from providers.webhooks import mail_reports, meta
from records import contact_ledger, contacts, loans, people, threads
from records.database import Database
from records.tables import ContactState
from tests.records.portfolios import LENDER, NOW, entered
from web.consequence import Consequence
from web.news import record_news

PHONE = "+34600000001"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def said(message_id: str, words: str, written: datetime) -> dict[str, object]:
    stamp = str(int(written.timestamp()))
    told = {"from": PHONE.removeprefix("+"), "id": message_id, "timestamp": stamp}
    return {**told, "type": "text", "text": {"body": words}}


def delivered(database: Database, at: datetime, *messages: dict[str, object]) -> Consequence:
    """One delivery of Meta's that comes in at `at`."""
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "messages": list(messages)}}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()
    with database.writing() as session:
        return record_news(session, meta.parse(body), at)


def borrower(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", phone=PHONE)
        for loan in loans.listing(session):
            loans.begin(session, loan)


def closed(database: Database) -> frozenset[Channel]:
    with database.reading() as session:
        return people.opted_out(session, people.of_loan(session, loans.get(session, LENDER, "L1")))


def signals(told: Consequence) -> list[tuple[str, object]]:
    return [(signal.name.value, signal.payload.get("channel")) for signal in told.signals]


def test_a_start_that_comes_after_the_stop_that_followed_it_opens_nothing(database: Database) -> None:
    """Given a START at 10:00 that could not be delivered and a STOP at 10:05 that was, when Meta brings the START at
    10:20, then WhatsApp stays closed in the records and no loan hears that it is open."""
    borrower(database)
    delivered(database, NOW, said("wamid.0", "STOP", NOW - HOUR))
    start = said("wamid.1", "START", NOW)
    delivered(database, NOW + 5 * MINUTE, said("wamid.2", "STOP", NOW + 5 * MINUTE))

    late = delivered(database, NOW + 20 * MINUTE, start)

    assert closed(database) == {Channel.WHATSAPP}
    assert "opt_in" not in dict(signals(late))


def test_a_start_that_is_told_again_in_another_delivery_opens_nothing_either(database: Database) -> None:
    borrower(database)
    stop, start = said("wamid.1", "STOP", NOW), said("wamid.2", "START", NOW + MINUTE)
    delivered(database, NOW, stop)
    first = delivered(database, NOW + MINUTE, start)
    delivered(database, NOW + HOUR, said("wamid.3", "STOP", NOW + HOUR))

    again = delivered(database, NOW + 2 * HOUR, start, said("wamid.4", "hola", NOW + 2 * HOUR))

    assert signals(first) == [("opt_in", "whatsapp")]
    assert closed(database) == {Channel.WHATSAPP}
    assert "opt_in" not in dict(signals(again))


def test_a_message_told_again_is_no_new_reply(database: Database) -> None:
    """Given a message that was answered, when it comes once more beside another borrower's, then nothing waits for an
    answer, no loan hears of it and it stands in the records once."""
    borrower(database)
    words = "hola, cuánto debo?"
    hello = said("wamid.1", words, NOW)
    first = delivered(database, NOW, hello)
    answered(database, NOW + MINUTE)

    again = delivered(database, NOW + DAY, hello, said("wamid.x", "hola", NOW + DAY) | {"from": "34699999999"})

    assert [name for name, _ in signals(first)] == ["reply_understood"]
    assert again.signals == ()
    with database.reading() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        assert unanswered_since(Channel.WHATSAPP, contact_ledger.person_events(session, person, NOW - DAY)) is None
        assert [each.text for each in threads.thread_of(session, loan)].count(words) == 1


def answered(database: Database, at: datetime) -> None:
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        named: dict[str, Any] = {"step": "reply", "occurrence": 1, "purpose": Purpose.REPLY, "template": "answer"}
        contact = contacts.reserve(session, loan, person, channel=Channel.WHATSAPP, at=at, **named).contact
        contacts.advance(session, contact, ContactState.SENT, at=at)


def test_a_day_is_read_from_when_it_was_said_and_the_24_hours_run_from_then(database: Database) -> None:
    """Given "pago mañana", written on Monday and delivered on Wednesday after an outage, then the loan hears of
    Tuesday, and the person wrote on Monday."""
    borrower(database)

    late = delivered(database, NOW + 2 * DAY, said("wamid.1", "pago mañana", NOW))

    [reply] = late.signals
    assert reply.payload["promise_date"] == (NOW + DAY).date().isoformat()
    assert datetime.fromisoformat(str(reply.payload["received_at"])) - NOW < timedelta(seconds=1)
    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, "L1")
        [event] = contact_ledger.person_events(session, person, NOW - DAY)
    assert (event.kind, event.at.date()) == (ContactEventKind.INBOUND, NOW.date())


def test_a_message_of_a_clock_ahead_of_ours_counts_from_when_it_came_in(database: Database) -> None:
    borrower(database)

    delivered(database, NOW, said("wamid.1", "hola", NOW + DAY))

    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, "L1")
        assert [event.at for event in contact_ledger.person_events(session, person, NOW - DAY)] == [NOW]


def test_a_mail_counts_from_its_date_but_never_from_before_the_mail_it_answers(database: Database) -> None:
    """Given two answers to a mail of ours, one written a day before it came in and one by a program whose clock stands
    in 2019, then the first is read from its day and the second from that of our mail."""
    borrower(database)
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        named: dict[str, Any] = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "template": "first"}
        ours = contacts.reserve(session, loan, person, channel=Channel.EMAIL, at=NOW, **named).contact
        address, message_id = person.email, ours.message_id

    heard = []
    for number, written in enumerate((NOW + DAY, datetime(2019, 5, 6, tzinfo=UTC))):
        mail = (
            f"From: {address}\nMessage-ID: <a{number}@mail.example>\nDate: {format_datetime(written)}\n"
            f"In-Reply-To: <{message_id}@credialba.example>\n\npago mañana\n"
        )
        with database.writing() as session:
            [reply] = record_news(session, mail_reports.parse(mail.encode()), NOW + 2 * DAY).signals
        heard.append(date.fromisoformat(str(reply.payload["promise_date"])))

    assert heard == [(NOW + 2 * DAY).date(), (NOW + DAY).date()]


def test_the_same_words_in_a_second_mail_without_an_id_are_said_again(database: Database) -> None:
    """Given mails that say "BAJA", then "ALTA", then "BAJA" again, none with a Message-ID, then the channel is closed;
    and one of them that is told twice is one."""
    borrower(database)
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        named: dict[str, Any] = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "template": "first"}
        ours = contacts.reserve(session, loan, person, channel=Channel.EMAIL, at=NOW, **named).contact
        address, message_id = person.email, ours.message_id

    def mailed(words: str, hours: int) -> None:
        mail = (
            f"From: {address}\nDate: {format_datetime(NOW + hours * HOUR)}\n"
            f"In-Reply-To: <{message_id}@credialba.example>\n\n{words}\n"
        )
        with database.writing() as session:
            record_news(session, mail_reports.parse(mail.encode()), NOW + 9 * HOUR)

    for hours, words in enumerate(("BAJA", "ALTA", "BAJA", "BAJA"), 1):
        mailed(words, min(hours, 3))

    assert closed(database) == {Channel.EMAIL}
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        assert [each.text for each in threads.thread_of(session, loan)].count("BAJA") == 2


def test_a_stop_of_before_a_second_start_closes_in_the_records_and_in_the_loan(database: Database) -> None:
    """Given a channel that was closed and opened, and a START said once more, when a STOP written before that comes in
    at last, then it closes the channel as of the last START, so that the loan counts it too."""
    borrower(database)
    for number, (words, minutes) in enumerate((("STOP", 0), ("START", 1), ("START", 30))):
        written = NOW + minutes * MINUTE
        delivered(database, written, said(f"wamid.{number}", words, written))

    late = delivered(database, NOW + HOUR, said("wamid.9", "STOP", NOW + 20 * MINUTE))

    [stop] = late.signals
    assert closed(database) == {Channel.WHATSAPP}
    assert datetime.fromisoformat(str(stop.payload["at"])) >= NOW + 30 * MINUTE


def test_who_never_closed_a_channel_opens_none(database: Database) -> None:
    """So that a STOP that was written before such a START and comes late counts in the loan as in the records."""
    borrower(database)

    started = delivered(database, NOW, said("wamid.1", "START", NOW))

    assert "opt_in" not in dict(signals(started))


@pytest.mark.parametrize("words", [("STOP", "START"), ("START", "STOP")], ids=["stop first", "start first"])
def test_of_a_stop_and_a_start_in_the_same_second_the_stop_counts(database: Database, words: tuple[str, str]) -> None:
    borrower(database)

    for number, each in enumerate(words):
        delivered(database, NOW, said(f"wamid.{number}", each, NOW))

    assert closed(database) == {Channel.WHATSAPP}
