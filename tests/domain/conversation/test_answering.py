"""What a loan does with what its borrower wrote: what is said, what is done, and what is left to a person."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.agreements.model import AgreementState
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.contact_orders import SendContact
from domain.conversation.model import EARLY_WORDS_KEPT, AnswerKind
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.borrower import OptOut, ReplyUnderstood
from domain.events.contacts import AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.events.control import CaseDecision, Decide
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import CaseKind
from domain.loan_state import LoanState
from domain.planning import plan
from domain.replies.labels import Intent
from tests.domain.simulated_loan import START, facts, strategy

DAY = timedelta(days=1)


def talking(**terms: Any) -> LoanState:
    base = strategy(watch=None)
    return enter(facts(), base.model_copy(update={"conversation": ConversationTerms(**terms)}), START)


def said(*intents: str, number: int = 1, **more: Any) -> ReplyUnderstood:
    values = {
        "message_id": f"twilio:SM{number}",
        "channel": "sms",
        "received_at": START,
        "intents": intents,
        "confidence": 0.95,
    }
    return ReplyUnderstood.model_validate(values | more)


def after(state: LoanState, *events: ReplyUnderstood) -> LoanState:
    for event in events:
        state, refused = apply(state, event, START)
        assert refused is None
    return state


def answer_to(state: LoanState) -> SendContact | None:
    _, order = plan(state, START)
    return order if isinstance(order, SendContact) and order.step == "reply" else None


def kind_of(state: LoanState) -> str | None:
    order = answer_to(state)
    return order.template if order else None


def answered(state: LoanState, outcome: ContactOutcome = ContactOutcome.SENT, number: int | None = None) -> LoanState:
    """The answer that waits went out, or did not; `number`: an earlier one whose place another has taken."""
    assert state.conversation is not None
    said_as = number if number is not None else state.conversation.answers
    report = ContactReported(step="reply", occurrence=said_as, outcome=outcome, channel=Channel.SMS)
    state, refused = apply(state, report, START)
    assert refused is None
    return state


def day(state: LoanState, days: int) -> str:
    return (state.facts.local_date(START) + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("intents", "more", "answer"),
    [
        (["ask_balance"], {}, AnswerKind.BALANCE),
        (["ask_how_to_pay"], {}, AnswerKind.HOW_TO_PAY),
        (["promise_to_pay"], {}, AnswerKind.ASK_DATE),
        (["already_paid"], {}, AnswerKind.CHECKING_PAYMENT),
        (["payment_receipt"], {}, AnswerKind.CHECKING_PAYMENT),
        (["hardship"], {}, AnswerKind.PERSON),
        (["dispute"], {}, AnswerKind.PERSON),
        (["vulnerable"], {}, AnswerKind.WITH_CARE),
        (["ask_balance", "vulnerable"], {}, AnswerKind.WITH_CARE),
        (["request_plan"], {}, AnswerKind.PERSON),
        (["request_discount"], {"needs_human": True}, AnswerKind.PERSON),
        (["complaint"], {"needs_human": True}, AnswerKind.PERSON),
        (["refusal"], {"needs_human": True}, AnswerKind.PERSON),
        (["request_agent"], {"needs_human": True}, AnswerKind.PERSON),
        (["other"], {}, AnswerKind.NOT_UNDERSTOOD),
        (["other"], {"faq": "is_it_safe"}, AnswerKind.FAQ),
        (["ask_balance"], {"confidence": 0.3}, AnswerKind.PERSON),
        (["acknowledgement"], {}, None),
        (["wrong_person"], {}, None),
        (["opt_out"], {}, None),
    ],
)
def test_each_message_gets_the_answer_it_calls_for(
    intents: list[str], more: dict[str, Any], answer: str | None
) -> None:
    assert kind_of(after(talking(), said(*intents, **more))) == answer


def test_an_answer_goes_by_the_way_the_borrower_wrote_and_as_a_reply() -> None:
    order = answer_to(after(talking(), said("ask_how_to_pay", channel="whatsapp")))

    assert order is not None
    assert (order.channels, order.purpose, order.with_link) == ((Channel.WHATSAPP,), Purpose.REPLY, True)


def test_a_promise_is_read_back_and_counts_only_after_the_yes() -> None:
    state = talking()
    state = after(state, said("promise_to_pay", promise_date=day(state, 5), promise_amount_minor=10_000))
    order = answer_to(state)
    assert order is not None
    assert order.template == AnswerKind.CONFIRM_PROMISE
    assert order.agreed is not None
    assert (order.agreed.amount_minor, order.agreed.due.isoformat()) == (10_000, day(state, 5))
    assert state.agreement is None

    state = after(answered(state), said("acknowledgement", number=2, says="yes", text_sha256="a" * 64))

    assert state.agreement is not None
    assert state.agreement.state is AgreementState.OPEN
    assert state.agreement.evidence is not None
    assert state.agreement.evidence.message_id == "twilio:SM2"
    assert kind_of(state) == AnswerKind.PROMISE_TAKEN


def test_a_no_asks_for_another_day_and_another_day_is_read_back() -> None:
    state = talking()
    state = after(state, said("promise_to_pay", promise_date=day(state, 5)))
    state = after(answered(state), said("other", number=2, says="no"))
    assert kind_of(state) == AnswerKind.ASK_DATE
    assert state.agreement is None

    state = after(state, said("promise_to_pay", number=3, promise_date=day(state, 9)))
    order = answer_to(state)

    assert order is not None
    assert order.agreed is not None
    assert order.agreed.due.isoformat() == day(state, 9)


def test_a_yes_days_later_or_without_a_question_promises_nothing() -> None:
    state = after(talking(), said("acknowledgement", says="yes"))
    assert state.agreement is None

    late = START + 4 * DAY
    state = answered(after(state, said("promise_to_pay", number=2, promise_date=day(state, 9))))
    state, _ = apply(state, said("acknowledgement", number=3, says="yes", received_at=late), late)

    assert state.agreement is None
    assert state.cases == ()


def test_a_yes_given_in_time_and_heard_late_is_for_a_person() -> None:
    """Given a promise that was read back and a yes an hour later, when an outage lets us hear it four days after, then
    nothing is promised, and a person reads it and says so."""
    state = answered(after(talking(), said("promise_to_pay", promise_date=day(talking(), 9))))

    in_time = said("acknowledgement", number=2, says="yes", received_at=START + timedelta(hours=1))
    state, _ = apply(state, in_time, START + 4 * DAY)

    assert state.agreement is None
    assert [case.kind for case in state.cases] == ["handoff"]
    assert kind_of(state) == AnswerKind.PERSON


@pytest.mark.parametrize("plain", ["yes", "no"])
def test_what_is_said_before_the_question_left_is_no_answer_to_it(plain: str) -> None:
    """Given "I pay on Tuesday" and "ok" sent in one breath, before the promise was read back, when the question then
    goes out and is confirmed, then the promise counts by that yes and not by the first."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))

    state = after(state, said("acknowledgement", number=2, says=plain))
    assert state.agreement is None
    assert kind_of(state) == AnswerKind.CONFIRM_PROMISE

    state = after(answered(state), said("acknowledgement", number=3, says="yes"))
    assert state.agreement is not None
    assert state.agreement.evidence is not None
    assert state.agreement.evidence.message_id == "twilio:SM3"


@pytest.mark.parametrize("outcome", [ContactOutcome.UNREACHABLE, ContactOutcome.FAILED, ContactOutcome.NOT_WANTED])
def test_a_promise_whose_question_never_arrived_cannot_be_confirmed(outcome: ContactOutcome) -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))

    state = after(answered(state, outcome), said("acknowledgement", number=2, says="yes"))

    assert state.agreements == ()


def test_a_question_that_had_left_before_another_answer_took_its_place_can_be_confirmed() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)), said("ask_balance", number=2))
    assert after(state, said("acknowledgement", number=3, says="yes")).agreement is None

    state = after(answered(state, number=1), said("acknowledgement", number=3, says="yes"))

    assert state.agreement is not None


def test_a_yes_that_overtakes_the_report_that_its_question_left_counts() -> None:
    """Given a question that left at nine while its report is held up, when the yes of five past nine is heard first,
    then it counts as soon as the report comes, with its own words as evidence, and so does one of a minute before by
    clocks that are apart; a yes of before that does not."""
    taken = {}
    for minutes in (-3, -1, 5):
        state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
        received = START + timedelta(minutes=minutes)
        state = after(state, said("acknowledgement", number=2, says="yes", received_at=received))
        assert state.agreement is None
        report = ContactReported(
            step="reply", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=START
        )
        state, _ = apply(LoanState.model_validate(state.model_dump(mode="json")), report, START + DAY)
        taken[minutes] = state

    promise = taken[5].agreement
    assert promise is not None
    assert promise.evidence is not None
    assert (promise.evidence.message_id, promise.evidence.at) == ("twilio:SM2", START + timedelta(minutes=5))
    assert taken[5].conversation is not None
    assert taken[5].conversation.answer is not None
    assert taken[5].conversation.answer.kind is AnswerKind.PROMISE_TAKEN
    assert taken[-1].agreement is not None
    assert taken[-3].agreement is None
    assert taken[-3].cases == (), "a bare yes is courtesy to what was before"
    assert after(taken[-3], said("acknowledgement", number=3, says="yes")).agreement is not None


@pytest.mark.parametrize("sent_at", [START + timedelta(minutes=30), None])
@pytest.mark.parametrize(
    ("intent", "word", "circumstance", "kinds", "answer"),
    [
        ("already_paid", "yes", None, [CaseKind.PAYMENT_QUERY], AnswerKind.CHECKING_PAYMENT),
        ("hardship", "no", "hardship", [CaseKind.CIRCUMSTANCE], AnswerKind.PERSON),
        ("other", "no", None, [CaseKind.HANDOFF], None),
    ],
)
def test_what_was_written_before_the_question_left_and_heard_before_its_report_says_what_it_says(
    sent_at: datetime | None,
    intent: str,
    word: str,
    circumstance: str | None,
    kinds: list[CaseKind],
    answer: AnswerKind | None,
) -> None:
    """Given a promise whose reading back leaves at half past nine, or nobody knows when, when "hecho" or "no puedo" of
    nine is heard before the report on it, then that is a payment, or hardship, as it is where nothing was asked; a bare
    "no" is read by a person, once."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    state = after(state, said(intent, number=2, says=word))
    assert state.cases == ()
    notes = len(state.outbox)

    report = ContactReported(step="reply", outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=sent_at)
    state, _ = apply(state, report, START + timedelta(minutes=31))

    assert (state.agreement, state.circumstance) == (None, circumstance)
    assert [case.kind for case in state.cases] == kinds
    assert state.conversation is not None
    assert (state.conversation.answer.kind if state.conversation.answer else None) == answer
    heard = [entry for entry in state.outbox[notes:] if "reply_understood" in entry.model_dump_json()]
    assert heard == [], "it was heard once"


@pytest.mark.parametrize("outcome", [ContactOutcome.UNREACHABLE, ContactOutcome.FAILED, ContactOutcome.NOT_WANTED])
@pytest.mark.parametrize(
    ("intent", "word", "circumstance", "answer"),
    [
        ("already_paid", "yes", None, AnswerKind.CHECKING_PAYMENT),
        ("hardship", "no", "hardship", AnswerKind.PERSON),
        ("acknowledgement", "yes", None, None),
        ("other", "no", None, AnswerKind.NOT_UNDERSTOOD),
    ],
)
def test_a_word_heard_beside_a_question_that_then_never_left_says_what_it_says(
    outcome: ContactOutcome, intent: str, word: str, circumstance: str | None, answer: AnswerKind | None
) -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    state = answered(after(state, said(intent, number=2, says=word)), outcome)

    assert (state.agreements, state.circumstance) == ((), circumstance)
    assert (kind_of(state) if answer is not None else answer_to(state)) == answer


HECHO = {"intents": ["already_paid"], "says": "yes"}
NO_PUEDO = {"intents": ["hardship"], "says": "no"}
OK = {"intents": ["acknowledgement"], "says": "yes"}


def heard_early(words: list[tuple[dict[str, Any], int]], *, last_first: bool) -> LoanState:
    """Words of so many minutes past nine, heard before it is known whether the reading back of a promise left."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    events = [
        said(number=number, received_at=START + timedelta(minutes=minutes), **word)
        for number, (word, minutes) in enumerate(words, 2)
    ]
    state = after(state, *(reversed(events) if last_first else events))
    return LoanState.model_validate(state.model_dump(mode="json"))


@pytest.mark.parametrize("last_first", [False, True])
@pytest.mark.parametrize("outcome", [ContactOutcome.UNREACHABLE, ContactOutcome.FAILED])
@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ([(HECHO, 1), (OK, 2)], [CaseKind.PAYMENT_QUERY]),
        ([(HECHO, 1), (OK, 2), (OK, 3)], [CaseKind.PAYMENT_QUERY]),
        ([(HECHO, 1), (NO_PUEDO, 2)], [CaseKind.PAYMENT_QUERY, CaseKind.CIRCUMSTANCE]),
        ([(NO_PUEDO, 1), (OK, 2)], [CaseKind.CIRCUMSTANCE]),
        ([(OK, 1), (OK, 2)], []),
    ],
)
def test_all_words_heard_beside_a_question_that_then_never_left_say_what_they_say(
    words: list[tuple[dict[str, Any], int]], kinds: list[CaseKind], outcome: ContactOutcome, last_first: bool
) -> None:
    """Given "hecho" and then "ok", in whatever order they are heard, beside a question that never left, then the
    payment is heard as it would be without the "ok"."""
    state = answered(heard_early(words, last_first=last_first), outcome)

    assert [case.kind for case in state.cases] == kinds
    assert state.agreement is None


@pytest.mark.parametrize("last_first", [False, True])
@pytest.mark.parametrize(
    ("words", "kinds", "promised"),
    [
        ([(HECHO, 0), (OK, 35)], [CaseKind.PAYMENT_QUERY], True),
        ([(NO_PUEDO, 0), (OK, 35)], [CaseKind.CIRCUMSTANCE], False),
        ([(HECHO, 0), (NO_PUEDO, 5)], [CaseKind.PAYMENT_QUERY, CaseKind.CIRCUMSTANCE], False),
        ([(NO_PUEDO, 0), (HECHO, 35), (OK, 40)], [CaseKind.CIRCUMSTANCE, CaseKind.PAYMENT_QUERY], False),
        ([(OK, 0), (OK, 35)], [], True),
        ([(OK, 35), (NO_PUEDO, 40)], [], False),
        ([(NO_PUEDO, 35), (OK, 40)], [], True),
    ],
)
def test_of_words_heard_before_the_report_those_before_the_question_say_what_they_say_and_the_last_after_it_answers(
    words: list[tuple[dict[str, Any], int]], kinds: list[CaseKind], promised: bool, last_first: bool
) -> None:
    """Given a question that leaves at half past nine, when "hecho" of nine and the "ok" of after it are both heard
    before the report, then the payment is heard and the promise counts; hardship of before ends the question."""
    state = heard_early(words, last_first=last_first)
    left = START + timedelta(minutes=30)
    report = ContactReported(step="reply", outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=left)

    state, _ = apply(state, report, START + timedelta(hours=1))

    assert [case.kind for case in state.cases] == kinds
    assert (state.agreement is not None) is promised
    if promised:
        assert state.agreement is not None
        assert state.agreement.evidence is not None
        assert state.agreement.evidence.message_id == "twilio:SM3", "the last yes"


def test_however_much_is_written_before_the_report_a_loan_keeps_the_last_of_it() -> None:
    state = heard_early([(OK, minutes) for minutes in range(60)], last_first=False)

    assert state.conversation is not None
    assert state.conversation.proposed is not None
    assert len(state.conversation.proposed.heard_early) == EARLY_WORDS_KEPT
    assert "earlier" not in heard_early([(OK, 1)], last_first=False).model_dump_json(), "one is kept as ever"


def test_a_word_heard_beside_a_question_that_never_left_opens_nothing_once_all_is_paid() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    state = after(state, said("already_paid", number=2, says="yes"))
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state, _ = apply(state, payment, START)

    state = answered(state, ContactOutcome.NOT_WANTED)

    assert (state.end, state.cases) == ("cured", ())


@pytest.mark.parametrize("heard_after", [True, False])
@pytest.mark.parametrize(
    ("intent", "word", "circumstance", "kinds"),
    [
        ("already_paid", "yes", None, [CaseKind.PAYMENT_QUERY]),
        ("hardship", "no", "hardship", [CaseKind.CIRCUMSTANCE]),
    ],
)
def test_a_word_after_a_question_that_gave_way_to_another_answer_and_never_left_says_what_it_says(
    heard_after: bool, intent: str, word: str, circumstance: str | None, kinds: list[CaseKind]
) -> None:
    """Given a promise whose reading back gave way to another answer, when the borrower writes "hecho" or "no puedo" an
    hour later, before or after that answer is known to have left, then it says what it says."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)), said("ask_balance", number=2))
    later = START + timedelta(hours=1)
    state = answered(state) if heard_after else state
    state, _ = apply(state, said(intent, number=3, says=word, received_at=later), later)
    state = state if heard_after else answered(state, number=2)

    assert (state.agreements, state.circumstance) == ((), circumstance)
    assert [case.kind for case in state.cases] == kinds


@pytest.mark.parametrize(
    ("minutes", "intent", "word", "promised", "kinds"),
    [
        (-3, "acknowledgement", "yes", False, [CaseKind.HANDOFF]),
        (-3, "other", "no", False, [CaseKind.HANDOFF]),
        (-3, "already_paid", "yes", False, [CaseKind.PAYMENT_QUERY]),
        (-1, "acknowledgement", "yes", True, []),
        (3, "acknowledgement", "yes", True, []),
    ],
)
def test_a_word_written_before_the_question_and_fetched_after_it_is_no_answer_to_it(
    minutes: int, intent: str, word: str, promised: bool, kinds: list[CaseKind]
) -> None:
    """Given "ok" to something else, lost on its way, and a promise that is read back an hour later, when the "ok" is
    fetched, then nothing is promised and a person reads it; two minutes are left to the clocks of two machines."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    left = START + timedelta(minutes=30)
    report = ContactReported(step="reply", outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=left)
    state, _ = apply(state, report, left)

    written = left + timedelta(minutes=minutes)
    state, _ = apply(state, said(intent, number=2, says=word, received_at=written), left + timedelta(hours=1))

    assert (state.agreement is not None) is promised
    assert [case.kind for case in state.cases] == kinds
    state, _ = apply(state, said("acknowledgement", number=3, says="yes", received_at=left + DAY), left + DAY)
    assert state.agreement is not None, "the question can still be answered"


def test_a_no_that_was_written_before_an_early_yes_does_not_take_it_back() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    later = START + timedelta(minutes=5)
    state = after(state, said("acknowledgement", number=2, says="yes", received_at=later))
    state = after(state, said("other", number=3, says="no"))
    report = ContactReported(step="reply", outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=START)

    state, _ = apply(state, report, later)

    assert state.agreement is not None


def test_a_word_weeks_after_a_question_that_never_left_says_what_it_says() -> None:
    """Given a promise whose reading back gave way to another answer and never left, when the borrower writes "hecho"
    two weeks later, then that is a payment, and no answer to a question nobody saw."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)), said("ask_balance", number=2))
    state = answered(state)

    later = START + 14 * DAY
    state, _ = apply(state, said("already_paid", number=3, says="yes", received_at=later), later)

    assert [case.kind for case in state.cases] == [CaseKind.PAYMENT_QUERY]


def test_a_no_after_an_early_yes_takes_it_back() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    state = after(state, said("acknowledgement", number=2, says="yes"), said("other", number=3, says="no"))
    report = ContactReported(
        step="reply", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=START
    )

    state, _ = apply(state, report, START)

    assert state.agreement is None


def test_a_no_that_overtakes_the_report_that_its_question_left_is_asked_for_another_day() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    state = after(state, said("other", number=2, says="no", received_at=START + timedelta(minutes=1)))
    report = ContactReported(
        step="reply", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=START
    )

    state, _ = apply(state, report, START + timedelta(minutes=2))

    assert state.conversation is not None
    assert state.conversation.answer is not None
    assert (state.conversation.answer.kind, state.conversation.proposed) == (AnswerKind.ASK_DATE, None)


@pytest.mark.parametrize(
    ("intent", "word", "answer", "circumstance", "kinds"),
    [
        ("hardship", "no", AnswerKind.PERSON, "hardship", [CaseKind.CIRCUMSTANCE]),
        ("already_paid", "yes", AnswerKind.CHECKING_PAYMENT, None, [CaseKind.PAYMENT_QUERY]),
        ("acknowledgement", "yes", None, None, []),
        ("other", "no", AnswerKind.NOT_UNDERSTOOD, None, []),
    ],
)
def test_a_word_that_could_be_an_answer_says_what_it_says_where_nothing_was_asked(
    intent: str, word: str, answer: str | None, circumstance: str | None, kinds: list[CaseKind]
) -> None:
    """Given no question of ours, when the borrower writes "no puedo" or "hecho", then hardship is heard, or a payment;
    "listo" and "no" mean nothing by themselves."""
    state = after(talking(), said(intent, says=word))

    assert (kind_of(state), state.circumstance) == (answer, circumstance)
    assert [case.kind for case in state.cases] == kinds


@pytest.mark.parametrize(
    ("word", "intents", "confidence"),
    [
        ("yes", ("dispute",), 0.83),
        ("yes", ("ask_balance", "dispute"), 0.9),
        ("yes", ("refusal",), 0.9),
        ("yes", ("request_discount",), 0.9),
        ("yes", ("already_paid", "dispute"), 0.9),
        ("no", ("refusal", "dispute"), 0.9),
        ("no", ("hardship",), 0.36),
    ],
)
def test_a_plain_answer_to_nothing_never_holds_a_loan_by_a_guess(
    word: str, intents: tuple[str, ...], confidence: float
) -> None:
    """Given no question of ours, when the borrower writes "combinado" and the model guesses at a dispute, then nothing
    is held and no case opens."""
    state = after(talking(), said(*intents, says=word, confidence=confidence))

    assert (state.circumstance, state.cases) == (None, ())


def test_no_puedo_to_a_day_that_was_read_back_is_a_no() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))

    state = after(answered(state), said("hardship", number=2, says="no"))

    assert (kind_of(state), state.circumstance) == (AnswerKind.ASK_DATE, None)


def test_no_puedo_long_after_a_question_is_no_answer_to_it() -> None:
    state = answered(after(talking(), said("promise_to_pay", promise_date=day(talking(), 9))))

    state, _ = apply(state, said("hardship", number=2, says="no"), START + 4 * DAY)

    assert state.circumstance == "hardship"


def test_a_promise_read_back_by_a_version_that_did_not_ask_whether_it_left_can_be_confirmed() -> None:
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))
    kept = state.model_dump(mode="json")
    del kept["conversation"]["proposed"]["answer"]

    state = after(LoanState.model_validate(kept), said("acknowledgement", number=2, says="yes"))

    assert state.agreement is not None


def test_a_promise_that_a_person_goes_on_with_is_not_confirmed_by_a_yes() -> None:
    """Given a conversation that does not get on, so that a person goes on in the place of the question, when the
    borrower then says yes, then there is no promise."""
    state = after(talking(turns=1), said("other"), said("promise_to_pay", number=2, promise_date=day(talking(), 5)))
    assert kind_of(state) == AnswerKind.PERSON

    state = after(answered(state), said("acknowledgement", number=3, says="yes"))

    assert state.agreements == ()


def test_a_day_too_far_ahead_is_answered_with_the_last_that_can_be_taken() -> None:
    state = talking()
    ahead = state.strategy.promises.days_ahead
    order = answer_to(after(state, said("promise_to_pay", promise_date=day(state, ahead + 10))))

    assert order is not None
    assert order.template == AnswerKind.PROMISE_TOO_FAR
    assert order.agreed is not None
    assert order.agreed.due.isoformat() == day(state, ahead)


def test_a_message_told_twice_is_answered_once() -> None:
    once = after(talking(), said("ask_balance"))

    assert after(once, said("ask_balance")).conversation == once.conversation


def test_a_newer_answer_takes_the_place_of_one_not_sent_yet() -> None:
    state = after(talking(), said("ask_balance"), said("ask_how_to_pay", number=2))

    order = answer_to(state)

    assert order is not None
    assert (order.template, order.occurrence) == (AnswerKind.HOW_TO_PAY, 2)


def test_an_answer_that_went_out_is_not_repeated() -> None:
    state = after(talking(), said("ask_balance"))
    sent = ContactReported(step="reply", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)

    state, _ = apply(state, sent, START)

    assert answer_to(state) is None


def test_without_progress_a_person_goes_on() -> None:
    state = talking(turns=2)
    kinds = []
    for number in range(4):
        state = after(state, said("other", number=number))
        kinds.append(kind_of(state))

    assert kinds[:3] == [AnswerKind.NOT_UNDERSTOOD, AnswerKind.NOT_UNDERSTOOD, AnswerKind.PERSON]
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


def test_very_late_loans_go_straight_to_people() -> None:
    state = talking(people_after_dpd=0)
    late = state.model_copy(update={"facts": state.facts.model_copy(update={"due_date": date(2026, 1, 5)})})

    state = after(late, said("ask_balance"))

    assert kind_of(state) == AnswerKind.PERSON
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


def test_a_dispute_holds_the_loan_and_the_answer_still_goes_out() -> None:
    state = after(talking(), said("dispute"))

    assert state.circumstance == "dispute"
    order = answer_to(state)
    assert order is not None
    assert order.answer_by is not None


@pytest.mark.parametrize(
    ("before", "told", "days", "answered_in"),
    [
        ("already_paid", "dispute", 1, 2),  # what is asked about the payment is due a day sooner
        ("already_paid", "dispute", 5, 2),  # and has lapsed
        ("complaint", "complaint", 5, 2),
        ("dispute", "dispute", 5, None),  # nobody decided in time: no day is left to be named
    ],
)
def test_the_day_that_is_named_is_that_of_what_they_wrote_about_and_never_a_past_one(
    before: str, told: str, days: int, answered_in: int | None
) -> None:
    state = after(talking(), said(before))
    for passed in range(days):
        state, _ = plan(state, START + passed * DAY)
    later = START + days * DAY

    state, _ = apply(state, said(told, number=2, received_at=later), later)

    order = plan(state, later)[1]
    assert isinstance(order, SendContact)
    wanted = None if answered_in is None else state.facts.local_date(later) + timedelta(days=answered_in)
    assert (order.template, order.answer_by) == (AnswerKind.PERSON, wanted)


def test_a_relative_who_tells_of_a_death_holds_the_loan_and_is_told_nothing() -> None:
    state = after(talking(), said("vulnerable", "wrong_person"))

    assert state.circumstance == "vulnerable"
    assert answer_to(state) is None


def test_what_only_may_be_a_wish_to_stop_is_for_a_person_and_not_answered() -> None:
    state = after(talking(), said("opt_out", confidence=0.6))

    assert answer_to(state) is None
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


def test_saying_again_that_it_is_paid_opens_one_case() -> None:
    state = after(talking(), said("already_paid"), said("payment_receipt", number=2))

    assert [case.kind for case in state.cases] == [CaseKind.PAYMENT_QUERY]


def test_who_asked_for_no_more_contact_gets_no_answer() -> None:
    state, _ = apply(talking(), OptOut(channel="all"), START)

    assert kind_of(after(state, said("ask_balance"))) is None


@pytest.mark.parametrize(
    ("intents", "more", "circumstance", "kinds"),
    [
        (["dispute"], {}, "dispute", [CaseKind.CIRCUMSTANCE]),
        (["other", "vulnerable"], {}, "vulnerable", [CaseKind.CIRCUMSTANCE]),
        (["hardship"], {}, "hardship", [CaseKind.CIRCUMSTANCE]),
        (["already_paid"], {"needs_human": True}, None, [CaseKind.HANDOFF]),
        (["payment_receipt"], {}, None, [CaseKind.HANDOFF]),
        (["complaint"], {}, None, [CaseKind.HANDOFF]),
        (["request_plan"], {}, None, [CaseKind.HANDOFF]),
        (["promise_to_pay"], {"promise_date": "2026-03-05"}, None, [CaseKind.HANDOFF]),
        (["ask_how_to_pay"], {}, None, [CaseKind.HANDOFF]),
        (["ask_balance"], {}, None, [CaseKind.HANDOFF]),
        (["other"], {"faq": "is_it_safe"}, None, [CaseKind.HANDOFF]),
        (["acknowledgement"], {}, None, []),
        (["other"], {}, None, []),
        (["wrong_person"], {}, None, []),
        (["wrong_person"], {"needs_human": True}, None, [CaseKind.HANDOFF]),
    ],
)
def test_who_asked_for_no_more_contact_is_still_read(
    intents: list[str], more: dict[str, Any], circumstance: str | None, kinds: list[CaseKind]
) -> None:
    """Given no more contact, and its case decided, when the borrower disputes, is in distress, has paid, promises to or
    asks something, then a person hears of it once, what holds a loan holds it, and nothing is said."""
    state, _ = apply(talking(), OptOut(channel="all"), START)
    decided = Decide(case_id=state.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1")
    state, _ = apply(state, decided, START)

    state = after(state, said(*intents, **more), said(*intents, number=2, **more))

    assert state.circumstance == circumstance
    assert [case.kind for case in state.cases] == kinds
    assert answer_to(state) is None


@pytest.mark.parametrize(
    ("intents", "more", "kinds"),
    [
        (["promise_to_pay"], {"promise_date": "2026-03-05"}, [CaseKind.HANDOFF]),
        (["ask_how_to_pay"], {}, [CaseKind.HANDOFF]),
        (["ask_balance"], {}, [CaseKind.HANDOFF]),
        (["request_plan"], {}, [CaseKind.HANDOFF]),
        (["already_paid"], {}, [CaseKind.PAYMENT_QUERY]),
        (["already_paid", "ask_balance"], {}, [CaseKind.PAYMENT_QUERY]),
        (["hardship"], {}, [CaseKind.CIRCUMSTANCE]),
        (["acknowledgement"], {}, []),
    ],
)
def test_who_stopped_a_channel_and_writes_by_it_is_read_by_a_person_and_not_answered_by_another(
    intents: list[str], more: dict[str, Any], kinds: list[CaseKind]
) -> None:
    """Given messages that were stopped, when the borrower asks by them how to pay, and asks again, then nothing is said
    by any way, and a person has one case."""
    state, _ = apply(talking(), OptOut(channel=Channel.SMS), START)

    state = after(state, said(*intents, **more), said(*intents, number=2, **more))

    assert kind_of(state) is None
    assert [case.kind for case in state.cases] == kinds


@pytest.mark.parametrize(("minutes", "open_again"), [(-60, False), (60, True)])
def test_a_dead_number_is_open_again_only_by_what_was_written_after_it_was_found_dead(
    minutes: int, open_again: bool
) -> None:
    """Given a number found dead at nine, when a message of eight is fetched at eleven, then it stays closed; one of
    ten opens it."""
    report = ContactReported(step="day-3", outcome=ContactOutcome.UNREACHABLE, closed=(Channel.SMS,))
    state, _ = apply(talking(), report, START)
    state = LoanState.model_validate(state.model_dump(mode="json"))

    written = START + timedelta(minutes=minutes)
    state, _ = apply(state, said("ask_balance", received_at=written), START + timedelta(hours=2))

    assert (Channel.SMS not in state.closed_channels) is open_again
    assert (kind_of(state) is None) is not open_again


@pytest.mark.parametrize(("minutes", "open_again"), [(-60, False), (30, True)])
def test_a_number_is_dead_since_the_records_closed_it_and_not_since_the_loan_heard_of_it(
    minutes: int, open_again: bool
) -> None:
    """Given a bounce of nine that the loan hears of at ten, when its owner writes at half past nine, then the number is
    open again, as it is in the records; by a message of eight it is not."""
    bounced = ContactFailed(step="day-3", occurrence=1, channel=Channel.SMS, reason=AddressFailure.DEAD, at=START)
    told = START + timedelta(hours=1)
    state, _ = apply(talking(), bounced, told)
    state = LoanState.model_validate(state.model_dump(mode="json"))

    state, _ = apply(state, said("ask_balance", received_at=START + timedelta(minutes=minutes)), told)

    assert (Channel.SMS not in state.closed_channels) is open_again
    assert (kind_of(state) is None) is not open_again


@pytest.mark.parametrize(("reason", "open_again"), [(AddressFailure.DEAD, True), (AddressFailure.WRONG_PERSON, False)])
def test_news_of_a_dead_number_that_does_not_say_since_when_gives_way_to_any_message_and_a_strangers_to_none(
    reason: AddressFailure, open_again: bool
) -> None:
    failed = ContactFailed(step="day-3", occurrence=1, channel=Channel.SMS, reason=reason)
    assert "at" not in failed.model_dump(mode="json"), "earlier versions read it as ever"
    later = START + timedelta(hours=1)
    state, _ = apply(talking(), failed, later)

    state, _ = apply(state, said("ask_balance"), later)

    assert (Channel.SMS not in state.closed_channels) is open_again


def test_a_number_that_an_earlier_version_found_dead_is_open_again_by_any_message() -> None:
    state = talking().model_copy(update={"dead_addresses": (Channel.SMS,)})

    assert kind_of(after(state, said("ask_balance"))) == AnswerKind.BALANCE


def test_a_paid_loan_says_nothing() -> None:
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state, _ = apply(talking(), payment, START)

    assert kind_of(after(state, said("ask_balance"))) is None


def paid_and_told(*intents: str) -> tuple[LoanState, PaymentReceived]:
    """A loan that was paid in full, whose borrower then wrote while its receipt was under way."""
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state, _ = apply(talking(), payment, START)
    return after(state, said(*intents, needs_human=True)), payment


@pytest.mark.parametrize("kind", ["dispute", "hardship", "vulnerable"])
def test_a_dispute_or_distress_told_after_the_payment_holds_the_loan_once_it_is_taken_back(kind: str) -> None:
    """Given "I do not know this debt" right after it was paid, and the payment taken back, then nothing is written,
    however long nobody decides; and once somebody has, the sequence goes on."""
    state, payment = paid_and_told(kind)
    assert [case.circumstance for case in state.cases] == [kind]
    assert answer_to(state) is None

    taken_back = PaymentReversed(payment_id=payment.payment_id, provider=payment.provider)
    state, _ = apply(state, taken_back, START + DAY)
    state, action = plan(state, START + 60 * DAY)
    assert (state.end, state.circumstance) == (None, kind)
    assert not isinstance(action, SendContact)

    decided = Decide(case_id=state.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1")
    state, _ = apply(state, decided, START + 60 * DAY)
    assert state.stands_still is None


def test_what_else_is_written_after_the_payment_is_for_a_person() -> None:
    assert [case.kind for case in paid_and_told("complaint")[0].cases] == [CaseKind.HANDOFF]


def test_a_stranger_who_disputes_a_paid_debt_stops_nothing() -> None:
    assert paid_and_told("wrong_person", "dispute")[0].circumstance is None


def test_where_the_strategy_has_no_conversation_only_people_answer() -> None:
    state = after(enter(facts(), strategy(watch=None), START), said("ask_balance"), said("complaint", number=2))

    assert answer_to(state) is None
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


_INTENTS = st.lists(st.sampled_from(list(Intent)), min_size=1, max_size=3, unique=True)
_PLAIN = st.sampled_from([None, "yes", "no"])
_LEFT = st.sampled_from([None, ContactOutcome.SENT, ContactOutcome.UNREACHABLE])
_MESSAGE = st.tuples(_INTENTS, st.none() | st.integers(-5, 60), _PLAIN, st.floats(0, 1), _LEFT)


@settings(max_examples=60, deadline=None)
@given(st.lists(_MESSAGE, max_size=8))
def test_no_order_of_messages_makes_a_promise_that_was_not_read_back_or_two_at_once(messages: list[Any]) -> None:
    state, answers, read = talking(), 0, set[int | None]()
    for number, (intents, days, yes, confidence, left) in enumerate(messages):
        proposed = state.conversation.proposed if state.conversation else None
        promised = state.agreements
        event = said(
            *(intent.value for intent in intents),
            number=number,
            promise_date=None if days is None else day(state, days),
            says=yes,
            confidence=confidence,
        )
        state, _ = apply(state, event, START)
        for agreement in state.agreements[len(promised) :]:
            assert proposed is not None
            assert proposed.answer in read
            assert yes == "yes"
            assert agreement.instalments[0].due == proposed.due
        assert sum(agreement.live for agreement in state.agreements) <= 1
        order = answer_to(state)
        if order is not None and order.occurrence > answers:
            assert Intent.WRONG_PERSON not in intents or yes is not None, "a stranger is told nothing"
            assert not order.with_link or intents[0] is Intent.ASK_HOW_TO_PAY, "nobody is asked for money unasked"
        answers = state.conversation.answers if state.conversation else 0
        if order is not None and left is not None:
            state = answered(state, left, order.occurrence)
            read |= {order.occurrence} if left is ContactOutcome.SENT else set()
