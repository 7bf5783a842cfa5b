"""What a loan hears of a short message while a question of ours about it waits, and what it hears without one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from domain.contact import Channel, Purpose
from domain.conversation.model import REPLY, AnswerKind
from domain.webhook_news import InboundNews
from records import contacts, loans
from records.database import Database
from records.tables import ContactState, InboundMessage
from tests.records.portfolios import LENDER, NOW, enter, handed, handed_over_again
from web.hearing import MessageReader
from web.inbound_news import record_inbound
from web.ports import OwedSignal

PHONE = "+34600000001"
READER = MessageReader()
OFFER = "Acme: puedes pagar en partes: 40,00 € (20 dic 2026), 40,00 € (20 ene 2027), 40,00 € (20 feb 2027). (ref. L1)"


def told(database: Database, *asked: AnswerKind, state: ContactState = ContactState.SENT, days_ago: int = 0) -> None:
    """L1 and L2 of one person; about L1 they were told all that was `asked`, one after the other."""
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2", person_id="p-L1", phone=PHONE, email="l1@example.com")])
        for loan in loans.listing(session):
            loans.begin(session, loan)
        loan, person = contacts.lock_person(session, LENDER, "L1")
        for number, kind in enumerate(("first", *asked)):
            contacts.reserve(
                session,
                loan,
                person,
                step=REPLY if number else "r1",
                occurrence=number or 1,
                purpose=Purpose.TRANSACTIONAL if number else Purpose.COLLECTION,
                channel=Channel.SMS,
                template=kind,
                at=NOW - timedelta(days=days_ago, minutes=10 - number),
                address=PHONE,
                text=OFFER,
                state=state,
            )


def write(database: Database, words: str, number: int = 1) -> list[OwedSignal]:
    news = InboundNews(
        provider="twilio",
        channel=Channel.SMS,
        provider_message_id=f"in-{number}",
        sender_address=PHONE,
        text=words,
        kind="text",
    )
    with database.writing() as session:
        return list(record_inbound(session, news, NOW, READER).signals)


def heard(database: Database, words: str) -> dict[str, Any]:
    (signal,) = write(database, words)
    assert (signal.loan_id, signal.name) == ("L1", "reply_understood")
    return dict(signal.payload)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (AnswerKind.CONFIRM_PROMISE, "sí, confirmo el pago"),
        (AnswerKind.CONFIRM_PROMISE, "Sí, acepto. Gracias por la ayuda"),
        (AnswerKind.PLAN_OFFER, "Si acepto el plan de 3 pagos"),
        (AnswerKind.PLAN_OFFER, "yes I accept the plan"),
        (AnswerKind.SETTLEMENT_OFFER, "acepto el descuento"),
        (AnswerKind.SETTLEMENT_OFFER, "I accept the settlement"),
    ],
)
def test_a_yes_in_ordinary_words_is_told_as_one(database: Database, asked: AnswerKind, words: str) -> None:
    """Given a question that waits, when it is agreed to in so many words, then the loan hears a yes and nothing of
    what the model makes of it."""
    told(database, asked)

    payload = heard(database, words)

    assert (payload["says"], payload["intents"], payload["needs_human"]) == ("yes", ["acknowledgement"], False)


@pytest.mark.parametrize(
    ("asked", "state", "days_ago"),
    [
        ((), ContactState.SENT, 0),
        ((AnswerKind.SETTLEMENT_OFFER, AnswerKind.PERSON), ContactState.SENT, 0),
        ((AnswerKind.SETTLEMENT_OFFER, AnswerKind.PLAN_OFFER), ContactState.SENT, 0),
        ((AnswerKind.SETTLEMENT_OFFER,), ContactState.FAILED, 0),
        ((AnswerKind.SETTLEMENT_OFFER,), ContactState.SENT, 4),
    ],
)
def test_without_that_question_nothing_is_agreed_to(
    database: Database, asked: tuple[AnswerKind, ...], state: ContactState, days_ago: int
) -> None:
    told(database, *asked, state=state, days_ago=days_ago)

    assert "says" not in heard(database, "acepto el descuento")


def test_what_was_said_beside_a_question_leaves_it_open(database: Database) -> None:
    told(database, AnswerKind.SETTLEMENT_OFFER, AnswerKind.BALANCE, AnswerKind.NOT_UNDERSTOOD)

    assert heard(database, "acepto el descuento")["says"] == "yes"


@pytest.mark.parametrize("words", ["sí, pero…", "¿correcto?", "vale?", "¿Sí?"])
def test_a_doubtful_yes_is_not_passed_over_in_silence(database: Database, words: str) -> None:
    told(database, AnswerKind.PLAN_OFFER)

    payload = heard(database, words)

    assert (payload.get("says"), payload["intents"]) == (None, ["other"])


@pytest.mark.parametrize("words", ["acepto si me quitan los intereses", "I agree if you remove the interest"])
def test_a_condition_is_for_a_person_and_no_refusal(database: Database, words: str) -> None:
    told(database, AnswerKind.SETTLEMENT_OFFER)

    payload = heard(database, words)

    assert (payload.get("says"), payload["needs_human"]) == (None, True)
    assert not {"request_discount", "request_plan"} & set(payload["intents"])


@pytest.mark.parametrize("asked", [AnswerKind.CONFIRM_PROMISE, AnswerKind.PROMISE_TAKEN, AnswerKind.CONFIRM_MOVE])
@pytest.mark.parametrize(
    "words", ["sí, pero el lunes", "el viernes no, mejor el lunes", "mejor el lunes", "el lunes mejor", "el lunes"]
)
def test_another_day_is_heard_as_that_and_holds_nothing(database: Database, asked: AnswerKind, words: str) -> None:
    """Given a day that was named, when another one is written, then the loan hears of it alone: no hardship, no call
    back, and no word to the person's other loans."""
    told(database, asked)

    payload = heard(database, words)

    assert (payload["intents"], payload["asks_to_move"], payload["needs_human"]) == (["promise_to_pay"], True, False)
    assert payload["day_named"] == payload["promise_date"]


def test_an_asked_day_is_a_promise(database: Database) -> None:
    told(database, AnswerKind.ASK_DATE)

    payload = heard(database, "mejor el lunes")

    assert (payload["intents"], "promise_date" in payload) == (["promise_to_pay"], True)


def test_another_day_for_what_was_read_back_keeps_the_sum_that_was_named(database: Database) -> None:
    told(database)
    write(database, "os pago 120 el viernes")
    with database.writing() as session:
        (before,) = session.exec(select(InboundMessage)).all()
        before.at = NOW - timedelta(hours=1)
        loan, person = contacts.lock_person(session, LENDER, "L1")
        contacts.reserve(
            session, loan, person, step=REPLY, occurrence=1, purpose=Purpose.TRANSACTIONAL, channel=Channel.SMS,
            template=AnswerKind.CONFIRM_PROMISE, at=NOW, address=PHONE, state=ContactState.SENT,
        )  # fmt: skip

    (signal,) = write(database, "mejor el lunes", 2)

    assert signal.payload["promise_amount_minor"] == 12_000


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("no puedo el viernes, me quedé sin trabajo", "hardship"),
        ("el lunes no tengo, estoy enfermo", "hardship"),
        ("llámame el lunes", "callback_request"),
        ("no estoy de acuerdo", "dispute"),
    ],
)
def test_what_is_really_said_is_heard(database: Database, words: str, intent: str) -> None:
    told(database, AnswerKind.CONFIRM_PROMISE)

    payload = heard(database, words)

    assert intent in payload["intents"]
    assert "says" not in payload


def test_a_stranger_and_a_stop_are_no_answer(database: Database) -> None:
    told(database, AnswerKind.CONFIRM_PROMISE)

    said = [*write(database, "sí, soy su hermana"), *write(database, "STOP", 2)]

    assert not [each for each in said if "says" in each.payload or "day_named" in each.payload]
    assert "opt_out" in {each.name for each in said}


def test_a_question_of_an_earlier_hand_over_waits_for_no_answer(database: Database) -> None:
    """Given an offer made before the loan ended and came back, when it is accepted now, then nothing is agreed to."""
    told(database, AnswerKind.PLAN_OFFER)
    with database.writing() as session:
        handed_over_again(session, "L1")

    signals = write(database, "Si acepto el plan de 3 pagos")

    assert [signal.payload.get("says") for signal in signals if signal.name == "reply_understood"] == [None]
