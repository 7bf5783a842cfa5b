"""What a loan never does: wait for a moment that is past, wait for ever, or say again what time has overtaken."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from domain.actions import Action, OrderDebit, Wait
from domain.agreements.model import AgreementKind, AgreementState, Via
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import PART_RECEIPT, SendContact
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.agreements import PromiseMade
from domain.events.borrower import CallChoice, CircumstanceReported, ReplyUnderstood
from domain.events.contacts import ContactFailed, ContactOutcome, ContactReported
from domain.events.control import Decide
from domain.events.debits import DebitReported, DebitReturned
from domain.events.loan_event import LoanEvent
from domain.events.messages import WordsWritten
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.planning import plan
from domain.replies.labels import Intent
from domain.strategy import Conditions, Receipt, Step, StepKind
from tests.domain.agreements.interruption_table import agreement_of
from tests.domain.simulated_loan import CATALOGUE, PROMISES, START, facts, strategy

DAY = timedelta(days=1)
MORNING = datetime.fromisoformat("2026-03-04T10:00:00+01:00")
BOTH = (Channel.EMAIL, Channel.SMS)
LAST = Step(id="last", kind=StepKind.REMIND, dpd=60, channels=(Channel.SMS,), template="last")


def steps(*given: Step, **more: Any) -> LoanState:
    return enter(facts(), strategy(watch=None, steps=(*given, LAST), **more), START)


def told(state: LoanState, event: LoanEvent, now: datetime) -> LoanState:
    state, refused = apply(state, event, now)
    assert refused is None
    return state


def sent(state: LoanState, order: Action, now: datetime) -> LoanState:
    assert isinstance(order, SendContact)
    report = ContactReported(
        step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.SENT, channel=order.channels[0]
    )
    return told(state, report, now)


def settled(state: LoanState, now: datetime) -> tuple[LoanState, Action]:
    """Everything that is to be said now is said."""
    state, action = plan(state, now)
    while isinstance(action, SendContact):
        state, action = plan(sent(state, action, now), now)
    return state, action


def paid(amount: int, at: datetime, name: str = "p1") -> PaymentReceived:
    return PaymentReceived(payment_id=name, provider="bank", amount_minor=amount, currency="EUR", paid_at=at)


DEBIT = Step(
    id="debit", kind=StepKind.DEBIT, dpd=3, channels=BOTH, template="notice", notice_days=14, unread_after_hours=48
)


def test_while_a_debit_is_collected_an_unread_notice_is_not_waited_for_in_the_past() -> None:
    state, _ = plan(steps(DEBIT), MORNING)
    state = told(state, DebitReported(step="debit", outcome="planned", released=True), MORNING)  # type: ignore[arg-type]
    state, order = plan(state, MORNING)
    state = sent(state, order, MORNING)

    later = MORNING + timedelta(hours=49)
    action = plan(state, later)[1]

    assert isinstance(action, Wait)
    assert action.until is not None
    assert action.until > later
    assert action.why == "debit debit is being collected"


def test_a_case_of_words_that_were_not_sent_stops_the_clock_as_any_other() -> None:
    now = START + DAY
    state = enter(facts(), strategy(watch=None), START)
    words = WordsWritten(words_id="w", channel=Channel.SMS, until=now + DAY, by="a", role="agent")  # type: ignore[arg-type]
    state = told(state, words, now)

    state, _ = plan(state, now + 2 * DAY)

    assert state.stands_still is not None
    assert state.held_since == now + 2 * DAY


def test_a_payment_dated_after_the_promised_day_is_judged_when_that_day_is_over() -> None:
    """Given a promise, and money that its bank dates beyond the last day, when that day passes, then it is judged."""
    state = enter(facts(), strategy(watch=None, promises=PROMISES), START)
    promise = PromiseMade(amount_minor=10_000, date=date(2026, 3, 10), by="a", via=Via.AGENT)
    state = told(state, promise, START)
    state = told(state, paid(10_000, datetime(2026, 3, 13, 12, tzinfo=UTC)), START + 7 * DAY)

    early, _ = settled(state, START + 7 * DAY)
    late, _ = settled(early, START + 20 * DAY)

    assert early.agreements[0].state is AgreementState.OPEN
    assert late.agreements[0].state is AgreementState.BROKEN
    assert late.agreement is None


@pytest.mark.parametrize("kind", [AgreementKind.PLAN, AgreementKind.SETTLEMENT])
def test_who_pays_while_it_stands_still_has_paid_in_time(kind: AgreementKind) -> None:
    """Given an agreement that stands still for a dispute, when its payment comes in meanwhile, then it is kept."""
    state = enter(facts(), strategy(watch=None, **CATALOGUE), START)
    state = told(state, agreement_of(kind, state, START), START)
    assert state.agreement is not None
    first = state.agreement.instalments[0]
    now = state.facts.moment(first.due - DAY, time(9))
    state, _ = settled(state, now)
    state = told(state, CircumstanceReported(kind="dispute"), now)  # type: ignore[arg-type]
    [case] = [each for each in state.cases if each.kind == "circumstance"]

    now += 7 * DAY
    state, _ = settled(state, now)
    state = told(state, paid(sum(i.amount_minor for i in state.agreements[0].instalments[:1]), now), now)
    if state.end is None and any(each.case_id == case.case_id for each in state.cases):
        state = told(state, Decide(case_id=case.case_id, decision="continue", by="b"), now + DAY)  # type: ignore[arg-type]
    state, _ = settled(state, now + 5 * DAY)

    assert state.agreements[0].state in (AgreementState.ACTIVE, AgreementState.COMPLETED)


def test_a_debit_let_go_for_a_step_that_was_passed_over_meanwhile_is_kept_back() -> None:
    """Given an order that the records took down while a returned debit called another step, when they report it, then
    they are told to keep it back, and nothing of it is left."""
    again = Step(id="again", kind=StepKind.DEBIT, dpd=10, notice_days=0)
    talk = Step(id="talk", kind=StepKind.HANDOFF, dpd=20, queue="agents")
    first = Step(id="debit", kind=StepKind.DEBIT, dpd=3, notice_days=0, on_return={"other": "talk"})
    state, order = plan(steps(first, again, talk), MORNING)
    state = told(state, DebitReported(step="debit", outcome="planned", released=True), MORNING)  # type: ignore[arg-type]
    later = MORNING + 20 * DAY
    state, order = plan(state, later)
    assert isinstance(order, OrderDebit)
    assert order.step == "again"
    state = told(state, DebitReturned(step="debit", occurrence=1, reason="MD06"), later)  # type: ignore[arg-type]

    state = told(state, DebitReported(step="again", outcome="planned", released=True), later)  # type: ignore[arg-type]
    state, order = plan(state, later)
    assert isinstance(order, OrderDebit)
    kept_back = told(state, DebitReported(step="again", outcome="planned", released=False), later)  # type: ignore[arg-type]

    assert (order.step, order.released) == ("again", False)
    assert kept_back.debit is None


def test_a_debit_whose_step_is_passed_over_before_its_notice_is_kept_back() -> None:
    dear = DEBIT.model_copy(update={"when": Conditions(amount_at_least_minor=20_000), "unread_after_hours": None})
    state, _ = plan(steps(dear), MORNING)
    state = told(state, DebitReported(step="debit", outcome="planned", released=True), MORNING)  # type: ignore[arg-type]
    state = told(state, paid(15_000, MORNING), MORNING)

    state, order = settled(state, MORNING)

    assert isinstance(order, OrderDebit)
    assert (order.step, order.released) == ("debit", False)
    reported = DebitReported(step="debit", outcome="planned", released=False)  # type: ignore[arg-type]
    assert told(state, reported, MORNING).debit is None


def test_one_reversal_told_twice_reverses_one_payment() -> None:
    state = enter(facts(), strategy(watch=None), START)
    for provider in ("bank", None):
        state = told(state, PaymentReversed(payment_id="p1", provider=provider), START)

    state = told(state, paid(5_000, START), START)
    state = told(state, paid(7_000, START).model_copy(update={"provider": "stripe"}), START)

    assert [(p.provider, p.reversed) for p in state.payments] == [("bank", True), ("stripe", False)]


def test_what_waited_when_the_loan_ended_is_not_said_when_it_comes_back() -> None:
    """Given a link asked for on the telephone, and a loan that was paid before it went out, when the payment is taken
    back weeks later, then no link goes out."""
    state = enter(facts(), strategy(watch=None), START)
    state = told(state, CallChoice(step="day-3", occurrence=1, wish="pay_now"), START)  # type: ignore[arg-type]
    state = told(state, paid(30_000, START), START)
    state, _ = settled(state, START)
    back = restore(snapshot(state), state.facts, state.strategy)

    back = told(back, PaymentReversed(payment_id="p1"), START + 20 * DAY)

    assert back.link_asked_at is None
    assert back.unread is None
    action = plan(back, START + 20 * DAY)[1]
    assert not isinstance(action, SendContact) or action.step in [step.id for step in back.strategy.steps]


def test_a_message_from_before_a_promise_is_not_said_again_after_it_was_broken() -> None:
    """Given a reminder, then a promise, and then word that the reminder never arrived, when the promise is broken, then
    the breach is told and the reminder is not."""
    reminder = Step(id="u", kind=StepKind.REMIND, dpd=3, channels=(Channel.SMS, Channel.EMAIL), template="n")
    state, order = plan(steps(reminder, promises=PROMISES), MORNING)
    state = sent(state, order, MORNING)
    promise = PromiseMade(amount_minor=10_000, date=date(2026, 3, 20), by="a", via=Via.AGENT)
    state = told(state, promise, MORNING + DAY)
    failed = ContactFailed(step="u", occurrence=1, channel=Channel.SMS, reason="undelivered")  # type: ignore[arg-type]
    state = told(state, failed, MORNING + 2 * DAY)

    said = []
    for day in range(2, 40):
        state, action = plan(state, MORNING + day * DAY)
        while isinstance(action, SendContact):
            said.append(action.step)
            state, action = plan(sent(state, action, MORNING + day * DAY), MORNING + day * DAY)

    assert "agreement_broken" in said
    assert "u" not in said


def test_a_message_under_way_when_its_step_was_passed_over_is_kept_as_sent() -> None:
    """Given a reminder that waits for its slot while a returned debit calls a later step, when it turns out to have
    left, then it stands as sent, and word that it did not arrive is about it."""
    first = Step(id="debit", kind=StepKind.DEBIT, dpd=3, notice_days=0, on_return={"other": "ask"})
    remind = Step(id="remind", kind=StepKind.REMIND, dpd=20, channels=BOTH, template="n")
    ask = Step(id="ask", kind=StepKind.REMIND, dpd=30, channels=BOTH, template="n")
    state, _ = plan(steps(first, remind, ask), MORNING)
    state = told(state, DebitReported(step="debit", outcome="planned", released=True), MORNING)  # type: ignore[arg-type]
    later = MORNING + 25 * DAY
    state, order = plan(state, later)
    state = told(state, DebitReturned(step="debit", occurrence=1, reason="AM04"), later)  # type: ignore[arg-type]

    state = sent(state, order, later)

    assert isinstance(order, SendContact)
    assert order.step == "remind"
    assert [r.result for r in state.records if r.step == "remind"] == ["sent"]


def test_no_second_receipt_of_a_payment_that_the_last_receipt_was_of() -> None:
    """Given a payment that ended the loan with its receipt, when an older one is taken back, then the last one gets no
    receipt again."""
    receipts = Receipt(channels=(Channel.SMS,), template="receipt", part_template="part")
    state = enter(facts(), strategy(watch=None, receipt=receipts), START)
    state = told(state, paid(10_000, START), START)
    state, _ = settled(state, START)
    state = told(state, paid(20_000, START, "p2"), START)
    kept = snapshot(state)
    state, _ = settled(state, START)
    assert state.payments_receipted == 2

    state = told(restore(kept, state.facts, state.strategy), PaymentReversed(payment_id="p1"), START + DAY)

    order = plan(state, START + DAY)[1]
    assert state.payments_receipted == 2
    assert not isinstance(order, SendContact) or order.step != PART_RECEIPT


def test_a_yes_to_a_question_that_left_while_another_message_came_in_counts() -> None:
    """Given a question about a day that was under way when the borrower asked something else, when it left and they say
    yes to it, then the payment moves: the yes was silently lost."""
    terms = ConversationTerms(turns=4, confidence=0.5)
    state = enter(facts(), strategy(watch=None, **CATALOGUE, conversation=terms), START)
    state = told(state, agreement_of(AgreementKind.PLAN, state, START), START)
    state, _ = settled(state, START)
    state, question = plan(wrote(state, 1, Intent.REQUEST_PLAN, day_named="2026-03-20"), START)

    state = wrote(state, 2, Intent.ASK_BALANCE)
    state, _ = settled(sent(state, question, START), START)
    state = wrote(state, 3, Intent.ACKNOWLEDGEMENT, says="yes")

    assert state.agreements[0].instalments[0].due == date(2026, 3, 20)


def wrote(state: LoanState, number: int, *intents: Intent, **more: Any) -> LoanState:
    given = {"message_id": f"m{number}", "channel": "sms", "received_at": START, "confidence": 0.95, "intents": intents}
    return told(state, ReplyUnderstood.model_validate({**given, "text_sha256": "d" * 64, **more}), START)


def test_a_payment_after_a_reversal_has_its_receipt_although_the_old_one_is_reported_late() -> None:
    receipts = Receipt(channels=(Channel.SMS,), template="receipt", part_template="part")
    state = enter(facts(), strategy(watch=None, receipt=receipts), START)
    state, receipt = plan(told(state, paid(30_000, START), START), START)
    state = told(state, PaymentReversed(payment_id="p1"), START + DAY)
    state = told(state, paid(5_000, START + DAY, "p2"), START + DAY)

    state = sent(state, receipt, START + DAY)

    order = plan(state, START + DAY)[1]
    assert isinstance(order, SendContact)
    assert order.step == PART_RECEIPT


def test_when_neither_the_message_nor_its_repeat_arrives_somebody_looks_for_an_address() -> None:
    """Given a message that was said again unread, when the repeat fails and then the first turns out dead, then a case
    asks for contact data."""
    step = Step(
        id="u",
        kind=StepKind.REMIND,
        dpd=3,
        channels=(Channel.WHATSAPP, Channel.SMS),
        template="n",
        unread_after_hours=24,
    )
    state, order = plan(steps(step), MORNING)
    state, order = plan(sent(state, order, MORNING), MORNING + DAY)
    state, order = plan(state, MORNING + DAY)
    state = sent(state, order, MORNING + DAY)

    for occurrence, channel, reason in ((2, Channel.SMS, "undelivered"), (1, Channel.WHATSAPP, "dead")):
        news = ContactFailed(step="u", occurrence=occurrence, channel=channel, reason=reason)  # type: ignore[arg-type]
        state = told(state, news, MORNING + 2 * DAY)

    assert [case.kind for case in state.cases] == ["contact_data"]
    assert not isinstance(plan(state, MORNING + 2 * DAY)[1], SendContact)


def test_a_debit_that_came_back_already_is_not_waited_for_again() -> None:
    """Given a debit that the bank returned, when an older answer that it was filed comes in, then it is over."""
    first = Step(id="debit", kind=StepKind.DEBIT, dpd=3, notice_days=0)
    state, _ = plan(steps(first), MORNING)
    state = told(state, DebitReported(step="debit", outcome="planned", released=True), MORNING)  # type: ignore[arg-type]
    state = told(state, DebitReturned(step="debit", occurrence=1, reason="AM04"), MORNING + DAY)  # type: ignore[arg-type]

    state = told(state, DebitReported(step="debit", outcome="filed", released=True), MORNING + DAY)  # type: ignore[arg-type]

    assert state.debit is None


def test_a_promise_that_was_never_read_back_does_not_come_into_force_after_a_reversal() -> None:
    terms = ConversationTerms(turns=4, confidence=0.5)
    state = enter(facts(), strategy(watch=None, promises=PROMISES, conversation=terms), START)
    state = wrote(state, 1, Intent.PROMISE_TO_PAY, promise_date="2026-03-06")
    state = told(state, paid(30_000, START), START)
    state = told(state, PaymentReversed(payment_id="p1"), START + DAY)

    state = wrote(state, 2, Intent.ACKNOWLEDGEMENT, says="yes")

    assert state.agreements == ()


def test_a_report_that_comes_after_a_promise_makes_nothing_unread() -> None:
    step = Step(id="u", kind=StepKind.REMIND, dpd=3, channels=BOTH, template="n", unread_after_hours=24)
    state, order = plan(steps(step, promises=PROMISES), MORNING)
    promise = PromiseMade(amount_minor=10_000, date=date(2026, 3, 20), by="a", via=Via.AGENT)

    state = sent(told(state, promise, MORNING), order, MORNING)

    assert state.unread is None


def test_money_dated_ahead_is_no_worse_than_none_when_a_dispute_is_decided() -> None:
    state = enter(facts(), strategy(watch=None, **CATALOGUE), START)
    state = told(state, agreement_of(AgreementKind.PLAN, state, START), START)
    first = state.agreements[0].instalments[0]
    now = state.facts.moment(first.due - DAY, time(9))
    state, _ = settled(state, now)
    state = told(state, CircumstanceReported(kind="dispute"), now)  # type: ignore[arg-type]
    case = next(each for each in state.cases if each.kind == "circumstance")
    now += 9 * DAY
    state = told(state, paid(first.amount_minor, now + 2 * DAY), now)

    decided = told(state, Decide(case_id=case.case_id, decision="continue", by="b"), now)  # type: ignore[arg-type]

    assert settled(decided, now)[0].agreements[0].state is AgreementState.ACTIVE


def test_a_dispute_told_again_while_the_loan_was_paid_is_one_case_when_the_money_goes_back() -> None:
    state = told(steps(), CircumstanceReported(kind="dispute"), START)
    state = told(state, paid(30_000, START, "p1"), START)
    state = told(state, CircumstanceReported(kind="dispute"), START + DAY)

    state = told(state, PaymentReversed(payment_id="p1"), START + 2 * DAY)

    assert [case.circumstance for case in state.cases] == ["dispute"]
