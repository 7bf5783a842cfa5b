"""A step that nobody reads goes out again by its next channel, once, and inside everything that holds for contacts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from domain.actions import Wait
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.events.borrower import OptOut
from domain.events.contacts import AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.events.control import Pause
from domain.loan_parts import Fallback
from domain.loan_state import LoanState
from domain.planning import plan
from domain.strategy import Step, StepKind
from tests.domain.simulated_loan import START, facts, strategy

DUE = datetime.fromisoformat("2026-03-04T10:00:00+01:00")
STEP = Step(
    id="day-3",
    kind=StepKind.REMIND,
    dpd=3,
    channels=(Channel.EMAIL, Channel.SMS, Channel.CALL),
    template="reminder",
    unread_after_hours=48,
)
LATER = Step(id="day-20", kind=StepKind.REMIND, dpd=20, channels=(Channel.SMS,), template="reminder")
TWO_DAYS = timedelta(hours=48)


def sent(state: LoanState, now: datetime, outcome: ContactOutcome = ContactOutcome.SENT) -> LoanState:
    state, order = plan(state, now)
    assert isinstance(order, SendContact)
    channel = order.channels[0] if outcome is ContactOutcome.SENT else None
    report = ContactReported(step=order.step, occurrence=order.occurrence, outcome=outcome, channel=channel)
    return apply(state, report, now)[0]


@pytest.fixture
def mailed() -> LoanState:
    return sent(enter(facts(), strategy(watch=None, steps=(STEP, LATER)), START), DUE)


def test_unread_after_its_time_it_goes_out_by_the_next_channel_and_only_then(mailed: LoanState) -> None:
    state, waits = plan(mailed, DUE)
    assert waits == Wait(until=DUE + TWO_DAYS, why="a message has to be read by then, or goes out by another channel")

    state, order = plan(state, DUE + TWO_DAYS)

    assert isinstance(order, SendContact)
    assert (order.step, order.occurrence, order.unless_read) == ("day-3", 2, 1)
    assert order.channels == (Channel.SMS, Channel.CALL)
    assert plan(state, DUE + TWO_DAYS) == (state, order)


def test_when_it_was_read_after_all_the_sequence_goes_on_without_it(mailed: LoanState) -> None:
    state = sent(plan(mailed, DUE + TWO_DAYS)[0], DUE + TWO_DAYS, ContactOutcome.SEEN)
    _, action = plan(state, DUE + TWO_DAYS)
    assert isinstance(action, Wait)
    assert action.why == "remind day-20 falls due"


def test_the_repeat_has_a_time_to_be_read_of_its_own_and_then_the_last_channel_is_used(mailed: LoanState) -> None:
    state = sent(mailed, DUE + TWO_DAYS)
    state, order = plan(state, DUE + 2 * TWO_DAYS)
    assert isinstance(order, SendContact)
    assert (order.occurrence, order.channels, order.unless_read) == (3, (Channel.CALL,), 2)
    state = sent(state, DUE + 2 * TWO_DAYS)
    assert isinstance(plan(state, DUE + 3 * TWO_DAYS)[1], Wait)


def test_a_closed_channel_is_not_used_for_it(mailed: LoanState) -> None:
    state, _ = apply(mailed, OptOut(channel=Channel.SMS), DUE)
    order = plan(state, DUE + TWO_DAYS)[1]
    assert isinstance(order, SendContact)
    assert order.channels == (Channel.CALL,)


def test_time_in_which_the_loan_was_held_does_not_count(mailed: LoanState) -> None:
    state, _ = apply(mailed, Pause(until=DUE + timedelta(hours=30)), DUE + timedelta(hours=10))
    assert isinstance(plan(state, DUE + TWO_DAYS)[1], Wait)
    assert isinstance(plan(state, DUE + timedelta(hours=67))[1], Wait)
    assert isinstance(plan(state, DUE + timedelta(hours=68))[1], SendContact)


def test_a_message_that_did_not_arrive_goes_out_again_at_once_and_not_twice(mailed: LoanState) -> None:
    failed = ContactFailed(step="day-3", occurrence=1, channel=Channel.EMAIL, reason="dead")
    state, _ = apply(mailed, failed, DUE + timedelta(hours=1))
    state = sent(state, DUE + timedelta(hours=1))
    order = plan(state, DUE + timedelta(hours=49))[1]
    assert isinstance(order, SendContact)
    assert (order.occurrence, order.unless_read, order.channels) == (3, 2, (Channel.CALL,))


def test_a_later_step_makes_it_moot() -> None:
    soon = LATER.model_copy(update={"dpd": 4})
    state = sent(enter(facts(), strategy(watch=None, steps=(STEP, soon)), START), DUE)
    state = sent(state, DUE + timedelta(days=1))
    _, action = plan(state, DUE + timedelta(days=9))
    assert isinstance(action, Wait)


def test_one_channel_is_not_enough_to_say_it_again() -> None:
    with pytest.raises(ValidationError, match="second channel"):
        Step.model_validate({**STEP.model_dump(), "channels": ["sms"]})


def test_late_news_that_the_first_never_arrived_says_nothing_a_third_time(mailed: LoanState) -> None:
    """Given a message that nobody read and that went out again, when it turns out that the first never arrived, then
    its repeat stands and is waited for; the plan asked for the repeat again and again before."""
    state = sent(mailed, DUE + TWO_DAYS)
    late = ContactFailed(step="day-3", occurrence=1, channel=Channel.EMAIL, reason=AddressFailure.DEAD)

    state, refused = apply(state, late, DUE + TWO_DAYS)
    state, action = plan(state, DUE + TWO_DAYS)

    assert refused is None
    assert state.fallback is None
    assert action == Wait(
        until=DUE + 2 * TWO_DAYS, why="a message has to be read by then, or goes out by another channel"
    )
    assert [(r.occurrence, r.result) for r in state.records if r.step == "day-3"] == [(1, "not_delivered"), (2, "sent")]
    assert Channel.EMAIL in state.closed_channels


def test_when_the_repeat_does_not_arrive_either_the_last_channel_is_used(mailed: LoanState) -> None:
    state = sent(mailed, DUE + TWO_DAYS)
    for occurrence, channel in ((1, Channel.EMAIL), (2, Channel.SMS)):
        news = ContactFailed(step="day-3", occurrence=occurrence, channel=channel, reason=AddressFailure.DEAD)
        state, _ = apply(state, news, DUE + TWO_DAYS)

    order = plan(state, DUE + TWO_DAYS)[1]

    assert isinstance(order, SendContact)
    assert (order.occurrence, order.channels) == (3, (Channel.CALL,))


def test_a_report_of_what_was_said_already_ends_the_waiting_for_it(mailed: LoanState) -> None:
    """Given a loan of an earlier release that asks for a repeat which went out long ago, when the records answer that
    it did, then it is not asked for again."""
    state = sent(mailed, DUE + TWO_DAYS)
    state = state.model_copy(update={"fallback": Fallback(step="day-3", occurrence=2, channels=(Channel.CALL,))})

    report = ContactReported(step="day-3", occurrence=2, outcome=ContactOutcome.SENT, channel=Channel.SMS)
    state, _ = apply(state, report, DUE + TWO_DAYS)

    assert state.fallback is None
    assert isinstance(plan(state, DUE + TWO_DAYS)[1], Wait)
