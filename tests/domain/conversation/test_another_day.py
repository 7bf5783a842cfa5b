"""Another day for the next payment, asked for in a message: read back, moved by a yes, never beyond the rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.agreements.model import DOCUMENT, REMINDER, AgreementState, Evidence, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.conversation.model import AnswerKind
from domain.conversation.terms import ConversationTerms
from domain.events.agreements import AgreementCancelled, DueDateMoved, PromiseMade
from domain.events.borrower import Circumstance, CircumstanceReported, ReplyUnderstood
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.loan_event import LoanEvent
from domain.events.messages import WordsWritten
from domain.events.payments import PaymentReceived, PaymentReversed
from tests.domain.simulated_loan import CATALOGUE, START, Borrower, SimulatedLoan, facts, strategy

DUE, LAST = date(2026, 3, 17), date(2026, 3, 24)
"""A Tuesday, and the last day the strategy lets its payment be moved to."""
HASH = "d" * 64


def loan(borrower: Borrower | None = None, **changes: Any) -> SimulatedLoan:
    terms = {**CATALOGUE, "watch": None, "conversation": ConversationTerms(turns=4, confidence=0.5), **changes}
    return SimulatedLoan.entered(facts(), strategy(**terms), START, borrower)


def agree(
    subject: SimulatedLoan, option: str = "monthly", percent: int | None = None, bearable: int | None = None
) -> SimulatedLoan:
    asked = request_of(subject.state, subject.now, Authority.AGENT, bearable)
    found = offers(asked, subject.state.strategy).offers
    offer = next(o for o in found if o.option == option and percent in (None, o.percent))
    said = Evidence(at=START, message_id="SM0", text_sha256="a" * 64)
    order = {"by": "agent-1", "role": Authority.AGENT, "via": Via.MESSAGE, "holidays": asked.holidays}
    assert subject.hear(agreeing(offer, evidence=said, **order)) is None
    return subject


def planned(borrower: Borrower | None = None, **changes: Any) -> SimulatedLoan:
    return agree(loan(borrower, **changes))


def promised(**changes: Any) -> SimulatedLoan:
    subject = loan(**changes)
    subject.hear(PromiseMade(amount_minor=12_000, date=date(2026, 3, 10), by="agent-1", via=Via.AGENT))
    return subject


def says(subject: SimulatedLoan, *intents: str, **more: Any) -> SendContact | None:
    """The borrower writes; the answer that went out."""
    before = len(subject.contacts)
    heard = len(subject.state.conversation.heard) if subject.state.conversation else 0
    values = {"message_id": f"twilio:SM{heard + 1}", "channel": "sms", "received_at": subject.now, "confidence": 0.95}
    values |= {"text_sha256": HASH, "intents": intents}
    assert subject.hear(ReplyUnderstood.model_validate(values | more)) is None
    answers = [order for _, order, _ in subject.contacts[before:] if order.step == "reply"]
    return answers[-1] if answers else None


def yes(subject: SimulatedLoan) -> SendContact | None:
    return says(subject, "acknowledgement", says="yes")


def no(subject: SimulatedLoan) -> SendContact | None:
    return says(subject, "other", says="no")


def told(order: SendContact | None) -> tuple[str, str | None, int | None]:
    """The answer, with the day and the sum that it names."""
    assert order is not None
    agreed = order.agreed
    return order.template, agreed.due.isoformat() if agreed else None, agreed.amount_minor if agreed else None


def first(subject: SimulatedLoan) -> date:
    return subject.state.agreements[0].instalments[0].due


def pay(amount: int, name: str = "p1") -> Callable[[SimulatedLoan], LoanEvent]:
    return lambda subject: PaymentReceived(
        payment_id=name, amount_minor=amount, currency="EUR", paid_at=subject.now, provider="bank"
    )


CONFIRM, DAYS, NEXT = AnswerKind.CONFIRM_MOVE, AnswerKind.MOVE_DAYS, AnswerKind.NEXT_PAYMENT


@pytest.mark.parametrize(
    ("intents", "more", "answer", "on"),
    [
        (["promise_to_pay"], {"promise_date": "2026-03-20"}, CONFIRM, "2026-03-20"),
        (["promise_to_pay"], {"promise_date": "2026-03-20", "promise_amount_minor": 10_000}, CONFIRM, "2026-03-20"),
        (["request_plan"], {"day_named": "2026-03-20"}, CONFIRM, "2026-03-20"),
        (["request_plan", "hardship"], {"day_named": "2026-03-20", "asks_to_move": True}, CONFIRM, "2026-03-20"),
        (["request_plan"], {"day_named": "2026-03-24"}, CONFIRM, "2026-03-24"),
        # Rules have read the wish and the day in its words, and it is read back.
        (["request_plan"], {"day_named": "2026-03-20", "asks_to_move": True, "confidence": 0.4}, CONFIRM, "2026-03-20"),
        # What a message calls the day it cannot keep is not the day it asks for.
        (
            ["promise_to_pay"],
            {"promise_date": "2026-03-17", "day_named": "2026-03-18", "asks_to_move": True},
            CONFIRM,
            "2026-03-18",
        ),
        (["promise_to_pay"], {"promise_date": "2026-03-17", "asks_to_move": True}, DAYS, "2026-03-24"),
        # A Saturday: the Monday after it.
        (["request_plan"], {"day_named": "2026-03-21"}, CONFIRM, "2026-03-23"),
        (["request_plan"], {"asks_to_move": True}, DAYS, "2026-03-24"),
        (["request_plan"], {"day_named": "2026-03-25"}, DAYS, "2026-03-24"),
        (["request_plan"], {"day_named": "2026-06-01", "asks_to_move": True}, DAYS, "2026-03-24"),
        (["promise_to_pay"], {"promise_date": "2026-03-17"}, NEXT, "2026-03-17"),
        (["promise_to_pay"], {"promise_date": "2026-03-05", "promise_amount_minor": 2_000}, NEXT, "2026-03-17"),
        (["promise_to_pay"], {}, NEXT, "2026-03-17"),
        (["request_plan"], {"day_named": "2026-03-16"}, NEXT, "2026-03-17"),
    ],
)
def test_a_message_about_a_day_while_a_plan_is_kept(
    intents: list[str], more: dict[str, Any], answer: AnswerKind, on: str
) -> None:
    subject = planned()

    assert told(says(subject, *intents, **more)) == (answer, on, 10_000)
    assert first(subject) == DUE, "nothing moves before the yes"
    assert len(subject.state.agreements) == 1


@pytest.mark.parametrize(
    ("intents", "more"),
    [
        (["request_plan"], {}),
        (["request_plan"], {"day_named": "2026-03-20", "needs_human": True}),
        (["request_plan"], {"day_named": "2026-03-20", "confidence": 0.3}),
        (["promise_to_pay", "request_plan"], {"promise_date": "2026-03-20"}),
        (["promise_to_pay", "request_discount"], {"promise_date": "2026-03-20"}),
        (["promise_to_pay"], {"promise_date": "2026-03-20", "promise_amount_minor": 9_999}),
        (["complaint", "request_plan"], {"day_named": "2026-03-20", "asks_to_move": True}),
        (["dispute", "promise_to_pay"], {"promise_date": "2026-03-20"}),
    ],
)
def test_what_is_more_than_another_day_goes_to_a_person(intents: list[str], more: dict[str, Any]) -> None:
    subject = planned()

    assert told(says(subject, *intents, **more))[0] == AnswerKind.PERSON

    yes(subject)
    assert first(subject) == DUE


def test_the_yes_moves_it_and_is_kept_beside_the_yes_to_the_plan() -> None:
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-20")

    assert told(yes(subject)) == (AnswerKind.MOVED, "2026-03-20", 10_000)

    [plan] = subject.state.agreements
    assert (plan.state, first(subject), plan.date_moved) == (AgreementState.ACTIVE, date(2026, 3, 20), True)
    assert plan.move_evidence == Evidence(at=subject.now, message_id="twilio:SM2", text_sha256=HASH)
    assert plan.evidence is not None
    assert plan.evidence.message_id == "SM0"


def test_the_plans_reminder_and_document_follow_the_new_day() -> None:
    subject = planned()
    subject.pass_days(1)
    says(subject, "promise_to_pay", promise_date="2026-03-20")
    yes(subject)
    subject.pass_days(20)

    papers = [order for _, order, _ in subject.contacts if order.step == DOCUMENT]
    reminders = [(at.date(), order) for at, order, _ in subject.contacts if order.step == REMINDER]
    assert [order.occurrence for order in papers] == [1000, 1001]
    assert [at for at, _ in reminders] == [date(2026, 3, 19)], "none for the day it no longer has"
    assert subject.state.agreement is not None
    assert subject.state.agreement.instalments[0].due == date(2026, 3, 20)


def test_who_says_no_hears_which_days_there_are_and_then_a_person_writes() -> None:
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-20")

    assert told(no(subject)) == (DAYS, LAST.isoformat(), 10_000)
    assert told(no(subject))[0] == AnswerKind.PERSON
    assert first(subject) == DUE


@pytest.mark.parametrize("intent", ["other", "acknowledgement", "promise_to_pay", "request_plan"])
def test_a_bare_day_answers_the_question_which(intent: str) -> None:
    subject = planned()
    says(subject, "request_plan", asks_to_move=True)

    unsure = 0.4 if intent == "other" else 0.9
    answer = says(subject, intent, day_named="2026-03-19", confidence=unsure)
    assert told(answer) == (CONFIRM, "2026-03-19", 10_000)
    yes(subject)
    assert first(subject) == date(2026, 3, 19)


def test_a_day_said_as_a_promise_and_a_wish_answers_the_question_which() -> None:
    """ "Então pode ser daqui a 23 dias": it promises and asks, and only the promised day was read."""
    subject = planned()
    says(subject, "request_plan", asks_to_move=True)

    answer = says(subject, "promise_to_pay", "request_plan", promise_date="2026-03-19")

    assert told(answer) == (CONFIRM, "2026-03-19", 10_000)


def test_the_same_words_without_the_question_go_to_a_person() -> None:
    subject = planned()

    answer = says(subject, "promise_to_pay", "request_plan", promise_date="2026-03-19")

    assert told(answer)[0] == AnswerKind.PERSON


def test_a_bare_day_without_the_question_moves_nothing() -> None:
    subject = planned()

    assert told(says(subject, "other", day_named="2026-03-19"))[0] == AnswerKind.NOT_UNDERSTOOD


def test_ok_to_the_question_which_day_is_no_day() -> None:
    subject = planned()
    says(subject, "request_plan", asks_to_move=True)

    assert yes(subject) is None
    assert first(subject) == DUE


def test_it_moves_once() -> None:
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-18")
    yes(subject)

    assert told(says(subject, "request_plan", day_named="2026-03-20"))[0] == AnswerKind.PERSON
    yes(subject)

    assert first(subject) == date(2026, 3, 18)
    assert [case.kind for case in subject.state.cases] == ["handoff"]


def test_where_the_strategy_moves_nothing_a_person_writes() -> None:
    subject = agree(loan(), "late", percent=80)

    assert told(says(subject, "request_plan", day_named="2026-03-20"))[0] == AnswerKind.PERSON


def test_a_settlement_in_instalments_moves_as_a_plan_does_before_its_next_payment() -> None:
    moving = CATALOGUE["settlements"].model_copy(update={"move_days": 5})
    subject = agree(loan(settlements=moving), "late", percent=80, bearable=12_500)
    [one, two] = subject.state.agreements[0].instalments
    wanted = one.due + timedelta(days=1)

    assert told(says(subject, "promise_to_pay", promise_date=wanted.isoformat()))[0] == CONFIRM
    yes(subject)

    assert first(subject) == wanted
    assert subject.state.agreements[0].instalments[1].due == two.due


def test_a_missed_payment_may_still_come_within_its_grace_but_moves_no_more() -> None:
    subject = planned()
    subject.run_until(subject.state.facts.moment(DUE + timedelta(days=1), START.time()))
    assert subject.state.agreements[0].instalments[0].missed

    in_time = told(says(subject, "promise_to_pay", promise_date="2026-03-19"))
    assert in_time == (NEXT, "2026-03-20", 10_000)
    assert told(says(subject, "promise_to_pay", promise_date="2026-03-23"))[0] == AnswerKind.PERSON


def by_the_agent(subject: SimulatedLoan) -> LoanEvent:
    return DueDateMoved(number=1, to=date(2026, 3, 18), by="agent-1")


NEWS: dict[str, tuple[list[Callable[[SimulatedLoan], LoanEvent]], str | None, int | None]] = {
    "part paid": ([pay(4_000)], CONFIRM, 6_000),
    "paid, the next is a month later": ([pay(10_000)], NEXT, 10_000),
    "paid and taken back": (
        [pay(4_000), lambda _: PaymentReversed(payment_id="p1", provider="bank")],
        CONFIRM,
        10_000,
    ),
    "moved by an agent": ([by_the_agent], AnswerKind.PERSON, None),
    "called off": ([lambda _: AgreementCancelled(number=1, by="agent-1")], None, None),
    "a dispute": ([lambda _: CircumstanceReported(kind=Circumstance.DISPUTE)], AnswerKind.PERSON, None),
    "paid in full": ([pay(30_000)], None, None),
}


@pytest.mark.parametrize("news", NEWS)
def test_news_between_question_and_yes_makes_the_question_void(news: str) -> None:
    events, answer, amount = NEWS[news]
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-20")
    for event in events:
        assert subject.hear(event(subject)) is None
    dues = [i.due for i in subject.state.agreements[0].instalments]

    order = yes(subject)

    assert [i.due for i in subject.state.agreements[0].instalments] == dues, "that yes was to something else"
    assert (order.template if order else None) == answer
    if order is not None and amount is not None:
        assert order.agreed is not None
        assert order.agreed.amount_minor == amount
    if answer == CONFIRM:
        yes(subject)
        assert first(subject) == date(2026, 3, 20)


def test_what_a_person_wrote_between_takes_the_place_of_the_question() -> None:
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-20")
    wrote = {"words_id": "w1", "channel": "sms", "by": "account:7", "role": "agent"}
    assert subject.hear(WordsWritten.model_validate(wrote | {"until": subject.now + timedelta(days=1)})) is None
    subject.pass_days(2.9)

    yes(subject)

    assert first(subject) == DUE, "it answers the person"


def test_a_reminder_between_question_and_yes_is_no_news() -> None:
    subject = planned()
    subject.run_until(subject.state.facts.moment(DUE - timedelta(days=1), START.time()))
    says(subject, "request_plan", day_named="2026-03-20")
    subject.pass_days(0.2)
    assert REMINDER in subject.sent

    yes(subject)

    assert first(subject) == date(2026, 3, 20)


def test_a_yes_days_later_is_asked_for_anew() -> None:
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-20")
    subject.pass_days(4)

    assert told(yes(subject)) == (CONFIRM, "2026-03-20", 10_000)
    assert first(subject) == DUE


def test_a_yes_before_the_question_went_out_moves_nothing() -> None:
    subject = planned(Borrower(not_before=START + timedelta(days=1)))
    assert says(subject, "request_plan", day_named="2026-03-20") is None

    yes(subject)

    assert first(subject) == DUE


def left(subject: SimulatedLoan, at: datetime) -> None:
    """The report comes that the question, the first answer of all, began to leave then."""
    report = ContactReported(step="reply", outcome=ContactOutcome.SENT, channel=Channel.SMS, sent_at=at)
    assert subject.hear(report) is None


@pytest.mark.parametrize(("minutes", "day"), [(-3, DUE), (-1, date(2026, 3, 20)), (5, date(2026, 3, 20))])
def test_a_yes_that_overtakes_the_report_that_its_question_left_moves_the_day(minutes: int, day: date) -> None:
    """Given a new day whose reading back left at nine while its report is held up, when the yes of five past nine is
    heard first, then the payment moves as soon as the report comes, and so it does by one of a minute before by clocks
    that are apart; a yes of before that moves nothing."""
    subject = planned(Borrower(not_before=START + timedelta(days=1)))
    says(subject, "request_plan", day_named="2026-03-20")
    began = subject.now
    says(subject, "acknowledgement", says="yes", received_at=began + timedelta(minutes=minutes))
    assert first(subject) == DUE

    left(subject, began)

    assert first(subject) == day


def test_a_no_that_overtakes_the_report_that_its_question_left_is_told_which_days_there_are() -> None:
    subject = planned(Borrower(not_before=START + timedelta(hours=1)))
    says(subject, "request_plan", day_named="2026-03-20")
    says(subject, "other", says="no", received_at=subject.now + timedelta(minutes=5))

    left(subject, subject.now)
    subject.pass_days(0.2)

    assert [order.template for _, order, _ in subject.contacts if order.step == "reply"] == [DAYS]


def test_a_yes_written_before_the_question_and_fetched_after_it_moves_nothing() -> None:
    """Given "ok" to a reminder, lost on its way, when it is fetched after a new day was read back, then nothing moves
    and a person reads it."""
    subject = planned()
    written = subject.now
    subject.pass_days(0.1)
    says(subject, "request_plan", day_named="2026-03-20")

    says(subject, "acknowledgement", says="yes", received_at=written)
    assert first(subject) == DUE
    assert [case.kind for case in subject.state.cases] == ["handoff"]

    yes(subject)
    assert first(subject) == date(2026, 3, 20)


def test_a_question_that_something_else_was_answered_in_the_place_of_gets_no_yes() -> None:
    subject = planned(Borrower(not_before=START + timedelta(days=1)))
    says(subject, "request_plan", day_named="2026-03-20")
    says(subject, "ask_balance")
    subject.pass_days(1.2)

    yes(subject)

    assert first(subject) == DUE


@pytest.mark.parametrize("asked", ["told", "never told", "of which nothing is known"])
@pytest.mark.parametrize(
    ("intent", "word", "circumstance", "kinds"),
    [("already_paid", "yes", None, ["payment_query"]), ("hardship", "no", "hardship", ["circumstance"])],
)
def test_a_word_weeks_after_a_question_about_a_day_says_what_it_says(
    asked: str, intent: str, word: str, circumstance: str | None, kinds: list[str]
) -> None:
    """Given a new day that was read back, or whose reading back gave way to another answer, when the borrower writes
    "hecho" or "no puedo" two weeks later, then that is a payment, or hardship, and no answer to that question."""
    subject = planned(Borrower() if asked == "told" else Borrower(not_before=START + timedelta(days=1)))
    says(subject, "request_plan", day_named="2026-03-20")
    if asked == "never told":
        says(subject, "ask_balance")
    if asked == "of which nothing is known":
        later = subject.now + timedelta(days=4)
        state, _ = apply(subject.state, word_of(intent, word, later), later)
    else:
        subject.run_until(subject.state.facts.moment(date(2026, 3, 16), START.time()))
        says(subject, intent, says=word)
        state = subject.state

    assert state.circumstance == circumstance
    assert [case.kind for case in state.cases] == kinds
    assert state.agreement is not None
    assert state.agreement.instalments[0].due == DUE


def word_of(intent: str, word: str, at: datetime) -> ReplyUnderstood:
    values = {"message_id": "twilio:SM9", "channel": "sms", "received_at": at, "confidence": 0.95}
    return ReplyUnderstood.model_validate(values | {"intents": [intent], "says": word})


def test_a_question_that_a_payment_overtook_is_not_asked_any_more() -> None:
    subject = planned(Borrower(not_before=START + timedelta(days=1)))
    says(subject, "request_plan", day_named="2026-03-20")
    subject.hear(pay(10_000)(subject))
    subject.pass_days(1.2)

    assert CONFIRM not in [order.template for _, order, _ in subject.contacts]
    assert told(no(subject))[0] == AnswerKind.NOT_UNDERSTOOD, "nothing was asked, so who says no is asked what is meant"


def test_another_question_takes_the_place_of_the_one_before() -> None:
    subject = planned()
    says(subject, "request_plan", day_named="2026-03-20")
    says(subject, "request_plan", day_named="2026-03-23")
    yes(subject)

    assert first(subject) == date(2026, 3, 23)


def test_after_turns_without_progress_a_person_goes_on_and_a_yes_moves_nothing() -> None:
    subject = planned(conversation=ConversationTerms(turns=2, confidence=0.5))
    kinds = [told(says(subject, "request_plan", day_named=f"2026-03-{day}"))[0] for day in (18, 19, 20)]
    assert kinds == [CONFIRM, CONFIRM, AnswerKind.PERSON]

    yes(subject)

    assert first(subject) == DUE


def test_who_asks_how_to_pay_during_a_plan_gets_a_link_over_its_next_payment_and_not_over_the_debt() -> None:
    subject = planned()

    order = says(subject, "ask_how_to_pay")
    assert told(order) == ("agreed_link", "2026-03-17", 10_000)
    assert order is not None
    assert (order.with_link, order.purpose) == (True, "reply")

    subject.hear(pay(4_000)(subject))
    assert told(says(subject, "ask_how_to_pay")) == ("agreed_link", "2026-03-17", 6_000)
    assert told(says(subject, "ask_how_to_pay", channel="whatsapp"))[0] == AnswerKind.HOW_TO_PAY


def test_a_promise_during_a_plan_makes_no_second_agreement_whatever_follows() -> None:
    subject = planned()
    says(subject, "promise_to_pay", promise_date="2026-03-10", promise_amount_minor=30_000)
    yes(subject)
    says(subject, "promise_to_pay", promise_date="2026-05-10", promise_amount_minor=30_000)
    yes(subject)

    assert [(a.kind, a.state) for a in subject.state.agreements] == [("plan", "active")]


@pytest.mark.parametrize(
    ("intent", "more", "amount"),
    [
        ("promise_to_pay", {"promise_date": "2026-03-13", "promise_amount_minor": 7_000}, 7_000),
        ("promise_to_pay", {"promise_date": "2026-03-13"}, 30_000),
        ("promise_to_pay", {"day_named": "2026-03-13", "asks_to_move": True}, 12_000),
        ("request_plan", {"day_named": "2026-03-13", "asks_to_move": True}, 12_000),
    ],
)
def test_another_day_for_an_open_promise_is_a_new_promise_in_its_place(
    intent: str, more: dict[str, Any], amount: int
) -> None:
    subject = promised()

    assert told(says(subject, intent, **more)) == (AnswerKind.CONFIRM_PROMISE, "2026-03-13", amount)
    assert told(yes(subject)) == (AnswerKind.PROMISE_TAKEN, "2026-03-13", amount)

    old, new = subject.state.agreements
    assert (old.state, new.state, new.total_minor) == ("replaced", "open", amount)
    assert new.evidence is not None
    assert new.evidence.message_id == "twilio:SM2"


def test_whoever_names_the_day_later_still_means_what_the_promise_was_over() -> None:
    subject = promised()

    assert told(says(subject, "request_plan", asks_to_move=True))[0] == AnswerKind.ASK_DATE
    named = told(says(subject, "promise_to_pay", promise_date="2026-03-13"))
    assert named == (AnswerKind.CONFIRM_PROMISE, "2026-03-13", 12_000)
    assert told(no(subject))[0] == AnswerKind.ASK_DATE
    told(says(subject, "promise_to_pay", promise_date="2026-03-12"))
    assert told(yes(subject)) == (AnswerKind.PROMISE_TAKEN, "2026-03-12", 12_000)

    anew = told(says(subject, "promise_to_pay", promise_date="2026-03-13"))
    assert anew == (AnswerKind.CONFIRM_PROMISE, "2026-03-13", 30_000), "the promise that was asked about is over"


def test_another_day_for_a_promise_stays_within_its_limits() -> None:
    subject = promised()

    too_far = told(says(subject, "request_plan", day_named="2026-05-13", asks_to_move=True))
    assert too_far == (AnswerKind.PROMISE_TOO_FAR, "2026-04-02", 12_000)
    assert told(says(subject, "request_plan", asks_to_move=True))[0] == AnswerKind.ASK_DATE

    few = promised(promises=CATALOGUE["promises"].model_copy(update={"at_most": 1}))
    assert told(says(few, "request_plan", day_named="2026-03-13", asks_to_move=True))[0] == AnswerKind.PERSON
    assert [a.state for a in few.state.agreements] == ["open"]


def test_without_an_agreement_a_day_that_is_asked_for_is_answered_as_before() -> None:
    assert told(says(loan(), "request_plan", day_named="2026-03-20", asks_to_move=True))[0] == AnswerKind.PLAN_OFFER
