"""Which question a bare yes or no answers: of several loans, and where we wrote something else since."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from domain.contact import Channel
from domain.conversation.model import REPLY, AnswerKind
from domain.message_names import of_whatsapp
from records import loans
from records.database import Database
from records.tables import ContactState, InboundMessage
from tests.records.portfolios import NOW, enter, handed
from tests.web.test_shared_numbers import DAY, HOUR, MINUTE, PHONE, asked, heard, replies, wrote


@pytest.fixture
def two_loans(database: Database) -> Database:
    """One person owes L1 and L2."""
    with database.writing() as session:
        enter(session, [handed("L1", phone=PHONE), handed("L2", person_id="p-L1", phone=PHONE, email="l1@example.com")])
        for loan in loans.listing(session):
            loans.begin(session, loan)
    return database


@pytest.fixture
def one_loan(database: Database) -> Database:
    with database.writing() as session:
        enter(session, [handed("L1", phone=PHONE)])
        for loan in loans.listing(session):
            loans.begin(session, loan)
    return database


def answered(database: Database, loan_id: str, at: datetime, kind: AnswerKind) -> None:
    wrote(database, loan_id, at, step=REPLY, template=kind.value)


def told(database: Database, words: str, at: datetime = NOW, **more: Any) -> dict[str, tuple[object, object]]:
    """By loan: what it hears as a yes or no, and whether a person is to look."""
    found = replies(heard(database, words, at, **more))
    return {loan_id: (each.get("says"), each["needs_human"]) for loan_id, each in found.items()}


YES, NO, UNSURE, COURTESY = ("yes", False), ("no", False), (None, True), (None, False)


@pytest.mark.parametrize(
    ("kind", "words", "says"),
    [
        (AnswerKind.CONFIRM_PROMISE, "Sí", YES),
        (AnswerKind.CONFIRM_MOVE, "no", NO),
        (AnswerKind.PLAN_OFFER, "ok", YES),
        (AnswerKind.SETTLEMENT_OFFER, "no", NO),
    ],
)
def test_a_bare_word_goes_to_the_loan_that_asked_for_one(
    two_loans: Database, kind: AnswerKind, words: str, says: tuple[object, object]
) -> None:
    """Given a question of L1 and two hours later a reminder of L2, when a bare yes or no comes, then L1 hears it."""
    asked(two_loans, "L1", NOW - 3 * HOUR, kind)
    wrote(two_loans, "L2", NOW - HOUR, template="missed_payment")

    assert told(two_loans, words) == {"L1": says}


def test_what_says_more_than_yes_is_for_the_loan_that_wrote_last(two_loans: Database) -> None:
    asked(two_loans, "L1", NOW - 3 * HOUR)
    wrote(two_loans, "L2", NOW - HOUR)

    assert list(told(two_loans, "pago el viernes")) == ["L2"]


@pytest.mark.parametrize("after", [3 * DAY + HOUR, 30 * DAY])
def test_after_three_days_no_yes_is_waited_for(two_loans: Database, after: timedelta) -> None:
    asked(two_loans, "L1", NOW - after)
    wrote(two_loans, "L2", NOW - HOUR)

    assert told(two_loans, "Sí") == {"L2": YES}


@pytest.mark.parametrize("state", [ContactState.RESERVED, ContactState.FAILED, ContactState.UNDELIVERED])
def test_a_question_that_did_not_reach_them_waits_for_nothing(two_loans: Database, state: ContactState) -> None:
    wrote(two_loans, "L1", NOW - 3 * HOUR, step=REPLY, template=AnswerKind.CONFIRM_PROMISE.value, state=state)
    wrote(two_loans, "L2", NOW - HOUR)

    assert told(two_loans, "Sí") == {"L2": YES}


def test_of_two_loans_that_wait_for_a_yes_a_person_asks_which(two_loans: Database) -> None:
    """Given questions of both loans, when a bare yes comes, then none is agreed to and a person is to ask, once."""
    asked(two_loans, "L1", NOW - 3 * HOUR)
    asked(two_loans, "L2", NOW - HOUR, AnswerKind.PLAN_OFFER)

    assert told(two_loans, "Sí") == {"L2": UNSURE}
    with two_loans.reading() as session:
        assert session.exec(select(InboundMessage)).one().needs_human

    answered(two_loans, "L2", NOW + MINUTE, AnswerKind.PERSON)
    assert told(two_loans, "ok, gracias", NOW + HOUR, number=2) == {"L2": COURTESY}


def test_words_that_name_what_one_of_them_asked_are_for_that_one(two_loans: Database) -> None:
    asked(two_loans, "L1", NOW - 3 * HOUR, AnswerKind.PLAN_OFFER)
    asked(two_loans, "L2", NOW - HOUR)

    assert told(two_loans, "acepto el plan") == {"L1": YES}


def test_a_yes_that_was_given_is_not_waited_for_any_more(two_loans: Database) -> None:
    """Given a yes to the question of L1 that L1 took, when L2 asks and a yes comes, then it is one to L2."""
    asked(two_loans, "L1", NOW - 3 * HOUR)
    assert told(two_loans, "sí", NOW - 2 * HOUR) == {"L1": YES}
    asked(two_loans, "L2", NOW - HOUR)

    assert told(two_loans, "sí", number=2) == {"L2": YES}


def test_thanks_for_what_another_loan_answered_are_no_yes(two_loans: Database) -> None:
    asked(two_loans, "L1", NOW - 3 * HOUR)
    answered(two_loans, "L2", NOW - HOUR, AnswerKind.PROMISE_TAKEN)

    assert told(two_loans, "ok, gracias") == {"L2": COURTESY}


def test_what_another_loan_told_in_their_talk_makes_a_yes_unsure(two_loans: Database) -> None:
    asked(two_loans, "L1", NOW - 3 * HOUR)
    answered(two_loans, "L2", NOW - HOUR, AnswerKind.BALANCE)

    assert told(two_loans, "ok") == {"L1": UNSURE}


@pytest.mark.parametrize(
    ("kind", "words", "channel"),
    [
        (AnswerKind.CONFIRM_PROMISE, "ok", Channel.SMS),
        (AnswerKind.CONFIRM_MOVE, "Sí", Channel.EMAIL),
        (AnswerKind.PLAN_OFFER, "vale", Channel.WHATSAPP),
        (AnswerKind.SETTLEMENT_OFFER, "no", Channel.SMS),
    ],
)
def test_a_reminder_in_between_leaves_a_bare_word_to_a_person(
    one_loan: Database, kind: AnswerKind, words: str, channel: Channel
) -> None:
    """Given a question and the next day a reminder, by whatever channel, when a bare yes or no comes, then it is no
    answer to the question, and a person asks what is meant."""
    asked(one_loan, "L1", NOW - DAY, kind)
    wrote(one_loan, "L1", NOW - 5 * MINUTE, step="day-3", template="missed_payment", channel=channel)

    assert told(one_loan, words) == {"L1": UNSURE}


@pytest.mark.parametrize("words", ["ok", "Sí", "vale", "hecho"])
def test_a_bare_word_to_the_last_message_answers_it(one_loan: Database, words: str) -> None:
    wrote(one_loan, "L1", NOW - DAY)
    asked(one_loan, "L1", NOW - HOUR)

    assert told(one_loan, words) == {"L1": YES}


def test_who_says_that_they_paid_after_a_reminder_is_heard_so(one_loan: Database) -> None:
    asked(one_loan, "L1", NOW - 20 * HOUR)
    wrote(one_loan, "L1", NOW - 5 * MINUTE, step="day-3", template="missed_payment")

    (payload,) = replies(heard(one_loan, "hecho")).values()

    assert payload["intents"][0] == "already_paid"
    assert ("says" in payload, payload["needs_human"]) == (False, False)


@pytest.mark.parametrize(
    ("kind", "words", "says"),
    [
        (AnswerKind.PLAN_OFFER, "acepto el plan", "yes"),
        (AnswerKind.PLAN_OFFER, "sí, acepto", "yes"),
        (AnswerKind.SETTLEMENT_OFFER, "no acepto la propuesta", "no"),
        (AnswerKind.CONFIRM_PROMISE, "ese día no puedo", "no"),
        (AnswerKind.CONFIRM_PROMISE, "acepto el plan", None),
    ],
)
def test_words_that_name_what_was_asked_answer_it_whatever_came_since(
    one_loan: Database, kind: AnswerKind, words: str, says: str | None
) -> None:
    asked(one_loan, "L1", NOW - DAY, kind)
    wrote(one_loan, "L1", NOW - 5 * MINUTE, step="day-3", template="missed_payment")

    assert told(one_loan, words)["L1"][0] == says


@pytest.mark.parametrize("state", [ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED])
def test_a_reminder_that_was_not_sent_is_not_in_between(one_loan: Database, state: ContactState) -> None:
    asked(one_loan, "L1", NOW - DAY)
    wrote(one_loan, "L1", NOW - 5 * MINUTE, step="day-3", template="missed_payment", state=state)

    assert told(one_loan, "ok") == {"L1": YES}


def test_calls_letters_and_what_is_sent_later_are_not_in_between(one_loan: Database) -> None:
    asked(one_loan, "L1", NOW - DAY)
    wrote(one_loan, "L1", NOW - 5 * HOUR, step="call", channel=Channel.CALL)
    wrote(one_loan, "L1", NOW - 4 * HOUR, step="letter", channel=Channel.POST)
    wrote(one_loan, "L1", NOW, step="day-3", template="missed_payment")

    assert told(one_loan, "ok", NOW, written_at=NOW - HOUR) == {"L1": YES}


@pytest.mark.parametrize(
    ("quoted", "words", "says"),
    [("q1", "ok", YES), ("r1", "ok", UNSURE), ("of nobody", "ok", UNSURE), ("r1", "acepto el plan", UNSURE)],
)
def test_a_reply_that_quotes_answers_what_it_quotes(
    one_loan: Database, quoted: str, words: str, says: tuple[object, object]
) -> None:
    """Given a plan offered and a reminder after it, when a reply quotes one, then it answers that one alone."""
    for at, step, template, number in (
        (NOW - DAY, REPLY, AnswerKind.PLAN_OFFER.value, "q1"),
        (NOW - 5 * MINUTE, "day-3", "missed_payment", "r1"),
    ):
        wrote(
            one_loan, "L1", at, step=step, template=template, channel=Channel.WHATSAPP,
            message_id=of_whatsapp(number),
        )  # fmt: skip

    assert told(one_loan, words, channel=Channel.WHATSAPP, quotes=of_whatsapp(quoted)) == {"L1": says}


def test_a_reply_that_quotes_an_older_message_is_no_yes_to_the_last(one_loan: Database) -> None:
    wrote(one_loan, "L1", NOW - DAY, channel=Channel.WHATSAPP, message_id=of_whatsapp("r1"))
    wrote(
        one_loan, "L1", NOW - HOUR, step=REPLY, template=AnswerKind.PLAN_OFFER.value, channel=Channel.WHATSAPP,
        message_id=of_whatsapp("q1"),
    )  # fmt: skip

    assert told(one_loan, "ok", channel=Channel.WHATSAPP, quotes=of_whatsapp("r1")) == {"L1": UNSURE}


@pytest.mark.parametrize("kind", [AnswerKind.PERSON, AnswerKind.WITH_CARE, AnswerKind.CHECKING_PAYMENT])
def test_thanks_to_word_that_a_person_goes_on_are_courtesy(one_loan: Database, kind: AnswerKind) -> None:
    """Given a question and then word that a person looks, when "ok" comes, then it agrees to nothing, and no second
    case is asked for, nor a second answer."""
    asked(one_loan, "L1", NOW - HOUR)
    answered(one_loan, "L1", NOW - MINUTE, kind)

    (payload,) = replies(heard(one_loan, "ok")).values()

    assert (payload.get("says"), payload["needs_human"]) == COURTESY
    assert payload["intents"] == ["acknowledgement"]


@pytest.mark.parametrize("kind", [AnswerKind.PROMISE_TAKEN, AnswerKind.AGREED, AnswerKind.MOVED])
def test_thanks_for_what_was_agreed_stay_what_they_were(one_loan: Database, kind: AnswerKind) -> None:
    asked(one_loan, "L1", NOW - HOUR)
    answered(one_loan, "L1", NOW - MINUTE, kind)

    assert told(one_loan, "ok, gracias") == {"L1": YES}


def test_a_no_that_was_answered_with_a_question_for_the_day_opens_no_case(one_loan: Database) -> None:
    asked(one_loan, "L1", NOW - HOUR)
    assert told(one_loan, "no", NOW - 30 * MINUTE) == {"L1": NO}
    answered(one_loan, "L1", NOW - 29 * MINUTE, AnswerKind.ASK_DATE)

    assert told(one_loan, "ok", number=2) == {"L1": YES}


def test_questions_of_an_earlier_hand_over_wait_for_nothing(one_loan: Database) -> None:
    asked(one_loan, "L1", NOW - DAY)
    with one_loan.writing() as session:
        (loan,) = loans.listing(session)
        loan.entry += 1
        session.add(loan)
    wrote(one_loan, "L1", NOW - HOUR)

    assert told(one_loan, "ok") == {"L1": YES}
