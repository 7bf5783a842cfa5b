"""What is pressed on the telephone is acted on once: a link at once, else a person."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.events import CallChoice, CallWish, ContactOutcome, ContactReported, OptOut, PaymentReceived
from domain.loan_state import ASKED, LoanState, enter
from domain.planning import SendContact, Wait, plan
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
