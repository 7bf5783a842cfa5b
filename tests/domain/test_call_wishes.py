"""What is pressed on the telephone is acted on once: a link at once, else a person."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.actions import Wait
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.contact_orders import ASKED, SendContact
from domain.conversation.model import REPLY
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.borrower import CallChoice, CallWish, Circumstance, CircumstanceReported, OptOut, ReplyUnderstood
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.messages import WordsWritten
from domain.events.payments import PaymentReceived
from domain.ledger_entries import CaseOpenedEntry
from domain.loan_state import LoanState
from domain.planning import plan, still_wanted
from domain.replies.labels import Intent
from domain.waiting import falls_due_at
from tests.domain.simulated_loan import START, facts, strategy

NOW = datetime.fromisoformat("2026-03-02T12:00:00+01:00")


@pytest.fixture
def called() -> LoanState:
    return enter(facts(), strategy(watch=None), START)


def press(state: LoanState, wish: CallWish, now: datetime = NOW, **more: Any) -> LoanState:
    state, refused = apply(state, CallChoice(step="day-3", occurrence=1, wish=wish, **more), now)
    assert refused is None
    return state


def test_pay_now_sends_the_link_at_once_as_an_answer(called: LoanState) -> None:
    state, order = plan(press(called, CallWish.PAY_NOW), NOW)
    assert isinstance(order, SendContact)
    assert (order.step, order.purpose, order.with_link) == (ASKED, Purpose.REPLY, True)
    assert order.channels[0] is Channel.SMS

    state, _ = apply(
        state,
        ContactReported(step=ASKED, occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS),
        NOW,
    )
    assert isinstance(plan(state, NOW)[1], Wait)
    assert state.done(ASKED) is not None


def test_the_same_wish_told_twice_counts_once(called: LoanState) -> None:
    once = press(called, CallWish.PAY_NOW)
    assert press(once, CallWish.PAY_NOW).links_asked == 1


def test_it_goes_out_while_a_case_holds_the_loan(called: LoanState) -> None:
    state = press(press(called, CallWish.PERSON), CallWish.PAY_NOW)
    assert state.hold is not None
    assert isinstance(plan(state, NOW)[1], SendContact)


def test_with_every_channel_closed_or_nothing_sent_a_person_is_asked(called: LoanState) -> None:
    for channel in (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL):
        called, _ = apply(called, OptOut(channel=channel), NOW)
    state, action = plan(press(called, CallWish.PAY_NOW), NOW)
    assert isinstance(action, Wait)
    assert [case.kind for case in state.cases] == ["handoff"]


def test_a_promised_day_is_a_promise_of_all_that_is_due(called: LoanState) -> None:
    state = press(called, CallWish.PROMISE, promised_on=date(2026, 3, 9))
    agreement = state.agreement
    assert agreement is not None
    assert (agreement.via, agreement.instalments[0].amount_minor) == ("keypad", called.balance_minor)
    assert agreement.instalments[0].due == date(2026, 3, 9)
    assert agreement.evidence is not None
    assert (agreement.evidence.message_id or "").startswith("call:")


@pytest.mark.parametrize(
    ("wish", "more", "says"),
    [
        (CallWish.PERSON, {}, "asked on the telephone for a person"),
        (CallWish.PROMISE, {"promised_on": date(2027, 3, 9)}, "promised by keypad to pay on 2027-03-09: the date lies"),
        (CallWish.PROMISE, {}, "promised by keypad to pay on a day not understood"),
    ],
)
def test_what_no_rule_can_take_is_handed_over(
    called: LoanState, wish: CallWish, more: dict[str, Any], says: str
) -> None:
    state = press(called, wish, **more)
    assert [case.kind for case in state.cases] == ["handoff"]
    assert any(getattr(entry, "reason", "").startswith(says) for entry in state.outbox)


def test_paid_in_the_meantime_no_link_is_sent(called: LoanState) -> None:
    paid = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=NOW, provider="x")
    state, _ = apply(press(called, CallWish.PAY_NOW), paid, NOW + timedelta(seconds=1))
    orders = plan(state, NOW + timedelta(seconds=1))[1]
    assert not isinstance(orders, SendContact) or orders.step != ASKED


def test_asked_for_a_second_time_it_is_sent_a_second_time(called: LoanState) -> None:
    state = press(called, CallWish.PAY_NOW)
    report = ContactReported(step=ASKED, occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)
    state, _ = apply(state, report, NOW)
    state, _ = apply(state, CallChoice(step="day-8", occurrence=1, wish=CallWish.PAY_NOW), NOW)
    order = plan(state, NOW)[1]
    assert isinstance(order, SendContact)
    assert (order.step, order.occurrence) == (ASKED, 2)


def test_who_says_that_their_mother_died_is_answered_with_care_and_gets_no_link() -> None:
    """Given a link asked for by keypad that still waits for a lawful moment, when the borrower writes that somebody has
    died, then the answer to that goes out and no link ever does, and the case says so."""
    state = press(enter(facts(), strategy(watch=None, conversation=ConversationTerms()), START), CallWish.PAY_NOW)
    later = NOW + timedelta(hours=5)
    told = ReplyUnderstood(
        message_id="SM1", channel=Channel.SMS, received_at=later, intents=(Intent.VULNERABLE,), confidence=0.95
    )

    state, _ = apply(state, told, later)

    state, order = plan(state, later)
    assert isinstance(order, SendContact)
    assert (order.step, order.template, order.with_link) == (REPLY, "reply_with_care", False)
    answered = ContactReported(step=REPLY, occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)
    state, _ = apply(state, answered, later)
    assert isinstance(plan(state, later)[1], Wait)
    reasons = [entry.reason for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    assert "vulnerable reported; a link asked for on the telephone is not sent" in reasons


@pytest.mark.parametrize("kind", Circumstance)
def test_who_asks_for_a_link_while_a_circumstance_is_undecided_is_handed_to_a_person(
    called: LoanState, kind: Circumstance
) -> None:
    state, _ = apply(called, CircumstanceReported(kind=kind), NOW)

    state = press(state, CallWish.PAY_NOW)

    assert isinstance(plan(state, NOW)[1], Wait)
    assert [case.kind for case in state.cases] == ["circumstance", "handoff"]


def test_a_link_is_not_sent_days_after_it_was_asked_for(called: LoanState) -> None:
    """Given a link that no rule let out on the day it was asked for, when that local day is over, then a person is
    asked in its place."""
    state, order = plan(press(called, CallWish.PAY_NOW), NOW)
    midnight = datetime.fromisoformat("2026-03-03T00:00:00+01:00")
    assert isinstance(order, SendContact)
    assert order.give_up_at == midnight

    state, after = plan(state, midnight)

    assert not isinstance(after, SendContact) or after.step != ASKED
    assert [case.kind for case in state.cases] == ["handoff"]
    reasons = [entry.reason for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    assert reasons == ["a link asked for on the telephone could not be sent"]


def test_a_link_that_was_leaving_when_it_was_dropped_stands_as_sent(called: LoanState) -> None:
    state = press(called, CallWish.PAY_NOW)
    state, _ = apply(state, CircumstanceReported(kind=Circumstance.BEREAVEMENT), NOW)
    left = ContactReported(step=ASKED, occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)

    state, _ = apply(state, left, NOW)
    state, _ = apply(state, left, NOW)

    assert [record.result for record in state.records if record.step == ASKED] == ["sent"]


def test_a_link_that_was_asked_for_does_not_wait_behind_a_persons_words(called: LoanState) -> None:
    """Given words of a person that wait for days for their moment, when the borrower asks for a link by keypad, then
    the link goes out first, and the words after it."""
    words = WordsWritten(
        words_id="w1", channel=Channel.EMAIL, until=NOW + timedelta(days=3), by="account:7", role="agent"
    )
    state, _ = apply(called, words, NOW)
    state, waiting = plan(state, NOW)
    assert isinstance(waiting, SendContact)
    state = press(state, CallWish.PAY_NOW)

    assert not still_wanted(state, waiting, NOW)
    state, first = plan(state, NOW)
    sent = ContactReported(step=ASKED, occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)
    state, _ = apply(state, sent, NOW)

    assert isinstance(first, SendContact)
    assert first.step == ASKED
    assert plan(state, NOW)[1] == waiting


def test_a_link_that_could_not_be_sent_becomes_a_case_when_its_day_is_over_whatever_else_waits(
    called: LoanState,
) -> None:
    """Given a link that waits for a lawful moment, when nothing else comes, then the loan wakes at the end of that
    local day, and not days later, to ask a person."""
    state, _ = plan(press(called, CallWish.PAY_NOW), NOW)

    wakes_at = falls_due_at(state)

    assert wakes_at == datetime.fromisoformat("2026-03-03T00:00:00+01:00")
    state, _ = plan(state, wakes_at)
    assert [case.kind for case in state.cases] == ["handoff"]
    assert falls_due_at(state) != wakes_at
