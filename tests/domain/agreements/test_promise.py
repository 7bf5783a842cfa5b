"""A promise to pay: what it keeps back, how it is kept, and what comes after one that was not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.agreements.model import BROKEN, DOCUMENT, LINK, REMINDER, AgreementState, Evidence, Via
from domain.agreements.promise import promise_told_again
from domain.agreements.terms import AgreementMessage, PromiseTerms
from domain.collection import not_acted_on
from domain.contact import Channel, Purpose
from domain.contact_orders import Agreed
from domain.conversation.terms import ConversationTerms
from domain.events.agreements import AgreementCancelled, PromiseMade
from domain.events.borrower import CallChoice, CallWish, Circumstance, CircumstanceReported, OptOut, ReplyUnderstood
from domain.events.control import CaseDecision, Decide, Pause
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.loan_state import LoanState
from domain.replies.labels import Intent
from domain.strategy import Conditions, Step, StepKind
from tests.domain.simulated_loan import PROMISES, START, Borrower, SimulatedLoan, facts, strategy


def loan(borrower: Borrower | None = None, *, consent: bool = False, **changes: Any) -> SimulatedLoan:
    """Entered the day after the due date; the first step is due on 4 March."""
    plan = strategy(**{"promises": PROMISES, **changes})
    return SimulatedLoan.entered(facts(consent=consent), plan, START, borrower)


def promised(day: int, amount: int = 30_000, month: int = 3) -> PromiseMade:
    return PromiseMade(amount_minor=amount, date=date(2026, month, day), by="agent-1", via=Via.AGENT)


def paid(amount: int, at: datetime, payment_id: str = "p1") -> PaymentReceived:
    return PaymentReceived(payment_id=payment_id, amount_minor=amount, currency="EUR", paid_at=at, provider="bank")


def state_of(subject: SimulatedLoan, number: int = 1) -> AgreementState:
    return next(a.state for a in subject.state.agreements if a.number == number)


def test_planned_messages_wait_until_the_day_and_its_grace_are_over_and_the_breach_is_told_first() -> None:
    subject = loan()
    assert subject.hear(promised(10)) is None

    subject.pass_days(30)

    sent = [(order.step, at.date().isoformat()) for at, order, _ in subject.contacts]
    assert sent[:3] == [
        (REMINDER, "2026-03-09"),
        (BROKEN, "2026-03-12"),
        ("day-3", "2026-03-14"),
    ], "the reminder on the day before; the grace ends with the 12th in Madrid; then as much is left as there was"
    assert [order.step for _, order, _ in subject.contacts].count(REMINDER) == 1
    assert state_of(subject) is AgreementState.BROKEN
    assert subject.state.broken_promises == 1


def test_a_kept_promise_lets_the_sequence_go_on_with_the_rest() -> None:
    subject = loan()
    subject.hear(promised(10, 10_000))
    subject.pass_days(4)

    subject.hear(paid(9_950, subject.now))

    assert state_of(subject) is AgreementState.KEPT, "within the tolerance"
    assert subject.state.hold is None
    subject.pass_days(3)
    assert subject.sent == ["day-3"]
    assert subject.state.broken_promises == 0


def test_too_little_is_partly_kept_and_counts_neither_way() -> None:
    subject = loan()
    subject.hear(promised(10, 10_000))
    subject.hear(paid(3_000, subject.now))
    subject.pass_days(12)
    assert state_of(subject) is AgreementState.PARTLY_KEPT
    assert subject.state.broken_promises == 0
    assert BROKEN not in subject.sent


def test_money_known_before_the_promise_does_not_keep_it() -> None:
    subject = loan()
    subject.hear(paid(10_000, subject.now))
    subject.hear(promised(10, 10_000))
    assert state_of(subject) is AgreementState.OPEN
    subject.pass_days(15)
    assert state_of(subject) is AgreementState.BROKEN


def test_late_news_of_money_that_came_in_time_takes_the_breach_back() -> None:
    subject = loan()
    subject.hear(promised(10, 10_000))
    subject.pass_days(12)
    assert (state_of(subject), subject.state.broken_promises) == (AgreementState.BROKEN, 1)
    assert [case.kind for case in subject.state.cases] == ["broken_agreement"]

    subject.hear(paid(10_000, datetime.fromisoformat("2026-03-11T10:00:00+00:00")))

    assert (state_of(subject), subject.state.broken_promises) == (AgreementState.KEPT, 0)
    assert subject.state.cases == ()
    closed = [e for e in subject.ledger if e.entry == "case_closed"]
    assert [e.state for e in closed] == ["retracted"]


def test_money_that_came_too_late_does_not() -> None:
    subject = loan()
    subject.hear(promised(10, 10_000))
    subject.pass_days(12)
    subject.hear(paid(10_000, subject.now))
    assert state_of(subject) is AgreementState.BROKEN


def test_a_payment_taken_back_is_judged_again() -> None:
    subject = loan()
    subject.hear(promised(10))
    subject.hear(paid(30_000, subject.now))
    assert (subject.state.end, state_of(subject)) == ("cured", AgreementState.KEPT)

    subject.hear(PaymentReversed(payment_id="p1"))

    assert state_of(subject) is AgreementState.OPEN, "its day has not come yet"
    subject.pass_days(13)
    assert state_of(subject) is AgreementState.BROKEN


def test_a_payment_taken_back_after_the_day_breaks_the_promise() -> None:
    subject = loan()
    subject.hear(promised(10))
    subject.hear(paid(30_000, subject.now))
    subject.pass_days(20)
    assert subject.finished
    subject.hear(PaymentReversed(payment_id="p1"))
    assert state_of(subject) is AgreementState.BROKEN
    subject.pass_days(1)
    assert subject.sent[-1] == BROKEN


def test_a_promise_broken_again_by_money_taken_back_is_one_case_and_not_two() -> None:
    """Given a broken promise with its case, late news of money in time that takes both back, when that money is taken
    back in turn, then one case waits for one agent, and the records opened it once."""
    subject = loan()
    subject.hear(promised(10, 10_000))
    subject.pass_days(15)
    subject.hear(paid(10_000, START + timedelta(days=3)))
    assert subject.state.cases == ()

    subject.hear(PaymentReversed(payment_id="p1", provider="bank"))

    assert state_of(subject) is AgreementState.BROKEN
    assert [(case.kind, case.agreement) for case in subject.state.cases] == [("broken_agreement", 1)]
    assert [entry.entry for entry in subject.ledger].count("case_opened") == 2, "the first breach, and this one"
    assert subject.state.broken_promises == 1


@pytest.mark.parametrize("kind", list(Circumstance))
def test_what_a_person_must_decide_on_voids_a_promise(kind: Circumstance) -> None:
    subject = loan()
    subject.hear(promised(10))
    subject.hear(CircumstanceReported(kind=kind))
    assert state_of(subject) is AgreementState.VOID
    refused = subject.hear(promised(12))
    assert refused == f"{kind} was reported: a person must decide first"
    subject.pass_days(30)
    assert subject.sent == []
    subject.hear(Decide(case_id=subject.state.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1"))
    assert subject.hear(promised(20, month=4)) is None


def test_a_pause_leaves_the_day_where_it_is() -> None:
    subject = loan()
    subject.hear(promised(10))
    subject.hear(Pause(until=START + timedelta(days=20)))
    subject.pass_days(15)
    assert state_of(subject) is AgreementState.BROKEN
    assert subject.sent == [], "nothing is written while it is paused"
    subject.pass_days(6)
    assert subject.sent[0] == BROKEN


def test_who_waited_to_talk_has_talked() -> None:
    subject = handed_over()
    assert [case.kind for case in subject.state.cases] == ["handoff"]
    subject.hear(promised(10))
    assert subject.state.cases == ()


def test_a_new_promise_takes_the_place_of_the_one_before() -> None:
    subject = loan()
    subject.hear(promised(10))
    assert subject.hear(promised(10)) is None, "the same again is the same"
    assert len(subject.state.agreements) == 1
    subject.hear(promised(20, 15_000))
    assert [a.state for a in subject.state.agreements] == ["replaced", "open"]
    subject.pass_days(12)
    assert subject.state.broken_promises == 0, "the first one's day no longer counts"


@pytest.mark.parametrize(
    ("promise", "why"),
    [
        (promised(1), "the date lies in the past"),
        (promised(20, month=4), "the date lies more than 31 days ahead"),
        (promised(10, 30_001), "more than what is due (30000)"),
        (promised(10, 999), "less than the strategy takes (1000)"),
        (promised(10).model_copy(update={"currency": "USD"}), "the loan is in EUR"),
    ],
)
def test_a_promise_outside_the_limits_is_refused_with_the_reason(promise: PromiseMade, why: str) -> None:
    subject = loan()
    assert subject.hear(promise) == why
    assert subject.state.agreements == ()


def test_the_whole_rest_is_never_too_small() -> None:
    subject = loan()
    subject.hear(paid(29_500, subject.now))
    assert subject.hear(promised(10, 500)) is None


def test_so_many_promises_and_no_more() -> None:
    subject = loan(promises=PromiseTerms(at_most=2, broken_at_most=1))
    subject.hear(promised(3))
    subject.pass_days(5)
    assert subject.hear(promised(20)) == "1 promises were broken already"
    other = loan(promises=PromiseTerms(at_most=2))
    other.hear(promised(10))
    other.hear(promised(11))
    assert other.hear(promised(12)) == "the loan has had 2 promises already"


def test_the_watch_looks_for_what_was_promised_and_sends_one_link_over_it() -> None:
    money = ((START + timedelta(days=2), START + timedelta(days=6)),)
    subject = loan(Borrower(money=money), consent=True)
    subject.hear(promised(10, 10_000))
    subject.pass_days(6)
    links = [order for _, order, _ in subject.contacts]
    assert [order.step for order in links] == [LINK]
    assert links[0].agreed is not None
    assert (links[0].agreed.amount_minor, links[0].agreed.due) == (10_000, date(2026, 3, 10))
    assert links[0].with_link


def test_somebody_who_wants_no_contact_may_promise_and_is_not_reminded() -> None:
    subject = loan()
    subject.hear(OptOut(channel="all"))
    assert subject.hear(promised(10)) is None
    subject.pass_days(20)
    assert subject.sent == []
    assert state_of(subject) is AgreementState.BROKEN


def test_a_reminder_that_has_no_lawful_minute_on_the_day_before_is_left_out() -> None:
    subject = loan(Borrower(not_before=datetime.fromisoformat("2026-03-10T08:00:00+00:00")))
    subject.hear(promised(10))
    subject.pass_days(8.5)
    assert subject.sent == []
    assert subject.state.cases == ()


def test_a_promise_called_off_lets_the_sequence_go_on() -> None:
    subject = loan()
    subject.hear(promised(10))
    subject.pass_days(1)
    assert subject.hear(AgreementCancelled(number=1, by="agent-1")) is None
    assert state_of(subject) is AgreementState.CANCELLED
    assert subject.hear(AgreementCancelled(number=1, by="agent-1")) == "promise 1 is cancelled already"
    assert subject.hear(AgreementCancelled(number=9, by="agent-1")) == "the loan has no agreement 9"
    subject.pass_days(5)
    assert subject.sent == ["day-3"]


def test_a_step_may_ask_for_broken_promises() -> None:
    steps = (
        Step(
            id="firm",
            kind=StepKind.REMIND,
            dpd=20,
            channels=(Channel.SMS,),
            template="firm",
            when=Conditions(broken_promises_at_least=1),
        ),
    )
    keeps, breaks = loan(steps=steps), loan(steps=steps)
    breaks.hear(promised(5))
    for subject in (keeps, breaks):
        subject.pass_days(40)
    assert "firm" not in keeps.sent
    assert "firm" in breaks.sent


def test_a_promise_is_sent_in_writing_by_the_channel_in_use() -> None:
    written = AgreementMessage(channels=(Channel.EMAIL, Channel.WHATSAPP, Channel.SMS), template="agreed_document")
    subject = loan(promises=PROMISES.model_copy(update={"document": written}), conversation=ConversationTerms(turns=4))
    said = {"received_at": subject.now, "confidence": 0.95, "channel": "sms"}
    wish = {"intents": ("promise_to_pay",), "promise_date": "2026-03-10", "promise_amount_minor": 20_000}
    subject.hear(ReplyUnderstood.model_validate({"message_id": "m1", **wish, **said}))
    subject.pass_days(0.1)
    subject.hear(ReplyUnderstood.model_validate({"message_id": "m2", "intents": ("other",), "says": "yes", **said}))
    subject.pass_days(1)

    by_message = next(order for _, order, _ in subject.contacts if order.step == DOCUMENT)
    assert (by_message.template, by_message.purpose) == ("agreed_document", Purpose.TRANSACTIONAL)
    assert by_message.channels == (Channel.SMS, Channel.EMAIL, Channel.WHATSAPP)
    assert by_message.agreed == Agreed(amount_minor=20_000, due=date(2026, 3, 10))

    by_agent = loan(promises=PROMISES.model_copy(update={"document": written}))
    by_agent.hear(promised(10))
    by_agent.pass_days(1)
    [order] = [order for _, order, _ in by_agent.contacts if order.step == DOCUMENT]
    assert order.channels == written.channels


SAID = Evidence(at=START, message_id="SM1", text_sha256="0" * 64)


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, True),
        ({"evidence": None}, False),
        ({"evidence": SAID.model_copy(update={"message_id": "SM2"})}, False),
        ({"date": date(2026, 3, 11)}, False),
        ({"amount_minor": 9_000}, False),
        ({"by": "agent-2"}, False),
    ],
)
def test_a_promise_that_was_kept_is_known_by_its_evidence_when_it_is_told_once_more(
    changes: dict[str, Any], again: bool
) -> None:
    """Given a promise of a part that was kept, when its news comes a second time, then it is that one; anything else
    that is promised, or the same said in another message, is new."""
    borrower = loan()
    made = promised(10, 10_000).model_copy(update={"evidence": SAID})
    borrower.hear(made)
    while_open = promise_told_again(borrower.state, made)
    borrower.hear(paid(10_000, borrower.now))

    assert borrower.state.agreements[0].state is AgreementState.KEPT
    assert not while_open
    assert promise_told_again(borrower.state, made.model_copy(update=changes)) is again


COMPLAINS = ReplyUnderstood(
    message_id="m1", channel=Channel.SMS, received_at=START, intents=(Intent.COMPLAINT,), confidence=0.9
)
ASKS_FOR_A_PLAN = ReplyUnderstood(
    message_id="m2", channel=Channel.SMS, received_at=START, intents=(Intent.REQUEST_PLAN,), confidence=0.9
)
WANTS_A_PERSON = CallChoice(step="day-3", occurrence=1, wish=CallWish.PERSON)
NAMES_NO_DAY = CallChoice(step="day-3", occurrence=1, wish=CallWish.PROMISE)
BY_THEMSELVES = (Via.MESSAGE, Via.KEYPAD, Via.PAGE)


def handed_over() -> SimulatedLoan:
    """A loan that a step has put to a person."""
    subject = loan(steps=(Step(id="agent", kind=StepKind.HANDOFF, dpd=1, queue="agents"),))
    subject.pass_days(0.5)
    return subject


def cases_after(subject: SimulatedLoan, via: Via) -> list[str]:
    """The cases that wait once it was promised to pay, by this way."""
    assert subject.hear(promised(10).model_copy(update={"via": via})) is None
    return [case.case_id for case in subject.state.cases]


@pytest.mark.parametrize("via", Via)
@pytest.mark.parametrize("asked", [(), (NAMES_NO_DAY,), (ASKS_FOR_A_PLAN,), (NAMES_NO_DAY, ASKS_FOR_A_PLAN)])
def test_a_promise_answers_what_was_asked_about_paying_by_whatever_way_it_is_made(
    asked: tuple[LoanEvent, ...], via: Via
) -> None:
    subject = loan() if asked else handed_over()
    for event in asked:
        subject.hear(event)
    assert len(subject.state.cases) == 1

    assert cases_after(subject, via) == []


@pytest.mark.parametrize("via", Via)
@pytest.mark.parametrize(
    "asked", [(COMPLAINS,), (WANTS_A_PERSON,), (ASKS_FOR_A_PLAN, COMPLAINS), (COMPLAINS, NAMES_NO_DAY)]
)
@pytest.mark.parametrize("by_a_step", [False, True])
def test_who_wants_a_person_for_something_else_still_waits_for_one_after_promising_by_themselves(
    by_a_step: bool, asked: tuple[LoanEvent, ...], via: Via
) -> None:
    """Given a complaint or a wish for a person, alone or in a case that paying had opened, when the borrower promises
    to pay without anybody, then the case waits; a person who takes the promise down has talked with them."""
    subject = handed_over() if by_a_step else loan()
    for event in asked:
        subject.hear(event)
    assert len(subject.state.cases) == 1

    waiting = cases_after(subject, via)

    assert waiting == (["demo-L1-1-1"] if via in BY_THEMSELVES else [])


@pytest.mark.parametrize("via", Via)
def test_a_message_on_which_the_rules_failed_is_answered_by_no_promise(via: Via) -> None:
    subject = loan()
    subject.state = not_acted_on(subject.state, "reply_understood", "KeyError", START)

    assert cases_after(subject, via) == ["demo-L1-1-1"]
    assert LoanState.model_validate_json(subject.state.model_dump_json()) == subject.state


def test_what_is_asked_about_paying_after_a_complaint_has_lapsed_does_not_hide_it() -> None:
    """Given a complaint that nobody decided in time, when the borrower asks how to pay and promises, then the case in
    which the complaint goes on still waits."""
    subject = loan()
    subject.hear(COMPLAINS)
    subject.pass_days(4)
    subject.hear(NAMES_NO_DAY)

    assert cases_after(subject, Via.KEYPAD) == ["demo-L1-1-2"]
