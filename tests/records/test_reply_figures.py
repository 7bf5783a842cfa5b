"""What `report replies` counts: what the machine answered, and what people answered in their own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.contact import Channel, Purpose
from domain.conversation.model import REPLY
from domain.own_words import step_of
from records import loans
from records.database import Database
from records.reply_figures import reply_figures
from records.tables import Contact, InboundMessage, Loan
from tests.records.portfolios import LENDER, enter, handed

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


def wrote(loan: Loan, at: datetime, intent: str, needs_human: bool) -> InboundMessage:
    return InboundMessage(
        person_ref=loan.person_ref,
        loan_ref=loan.id,
        at=at,
        channel=Channel.SMS,
        provider="twilio",
        provider_message_id=f"SM{at.timestamp()}",
        text="?",
        language="es",
        intents=[intent],
        confidence=0.9,
        needs_human=needs_human,
    )


def sent(loan: Loan, at: datetime, step: str, template: str) -> Contact:
    assert loan.id is not None
    return Contact(
        loan_ref=loan.id,
        person_ref=loan.person_ref,
        message_id=f"m{at.timestamp()}",
        entry=1,
        step=step,
        occurrence=1,
        purpose=Purpose.REPLY,
        channel=Channel.SMS,
        template=template,
        reserved_at=at,
        sent_at=at,
        changed_at=at,
    )


def test_a_persons_own_words_answer_what_was_left_for_a_person(database: Database) -> None:
    """Given a question for the machine, a dispute that somebody answered a day later, and a complaint nobody did."""
    with database.writing() as session:
        enter(session, [handed("L1", person_id="p"), handed("L2", person_id="q")])
    hour = timedelta(hours=1)
    with database.writing() as session:
        first, second = (loans.get(session, LENDER, name) for name in ("L1", "L2"))
        for row in (
            wrote(first, NOW, "ask_balance", needs_human=False),
            sent(first, NOW + timedelta(seconds=8), REPLY, "reply_balance"),
            wrote(first, NOW + hour, "dispute", needs_human=True),
            sent(first, NOW + 25 * hour, step_of("w1"), "own_words"),
            wrote(second, NOW + 2 * hour, "complaint", needs_human=True),
        ):
            session.add(row)

    with database.reading() as session:
        ((where, told),) = reply_figures(session, NOW, NOW + 3 * hour, LENDER).items()

    assert where[1] is Channel.SMS
    assert (told.messages, told.answered, told.for_a_person, told.by_person) == (3, 1, 2, 1)
    assert told.median_seconds == 8.0
    assert told.median_person_seconds == 24 * 3600


def test_what_the_machine_answered_with_an_offer_was_not_left_for_a_person(database: Database) -> None:
    """Given two requests for a discount, which are always marked: one answered with an offer, one left to a person."""
    hour = timedelta(hours=1)
    with database.writing() as session:
        enter(session, [handed("L1", person_id="p"), handed("L2", person_id="q")])
        first, second = (loans.get(session, LENDER, name) for name in ("L1", "L2"))
        for row in (
            wrote(first, NOW, "request_discount", needs_human=True),
            sent(first, NOW + timedelta(seconds=8), REPLY, "reply_settlement_offer"),
            wrote(second, NOW + hour, "request_discount", needs_human=True),
            sent(second, NOW + hour + timedelta(seconds=8), REPLY, "reply_person"),
        ):
            session.add(row)

    with database.reading() as session:
        (told,) = reply_figures(session, NOW, NOW + 3 * hour, LENDER).values()

    assert (told.messages, told.answered, told.alone, told.for_a_person) == (2, 2, 1, 1)


def test_the_answer_to_a_later_message_answers_none_of_the_period(database: Database) -> None:
    """Given a message of the period that a later one overtook: what is then answered is that one."""
    hour = timedelta(hours=1)
    with database.writing() as session:
        enter(session, [handed("L1")])
        loan = loans.get(session, LENDER, "L1")
        for row in (
            wrote(loan, NOW, "ask_balance", needs_human=False),
            wrote(loan, NOW + 5 * hour, "ask_how_to_pay", needs_human=False),
            sent(loan, NOW + 5 * hour + timedelta(seconds=8), REPLY, "reply_how_to_pay"),
        ):
            session.add(row)

    with database.reading() as session:
        (first,) = reply_figures(session, NOW, NOW + hour, LENDER).values()
        (both,) = reply_figures(session, NOW, NOW + 6 * hour, LENDER).values()

    assert (first.messages, first.answered, first.seconds) == (1, 0, [])
    assert (both.messages, both.answered, both.seconds) == (2, 1, [8.0])
