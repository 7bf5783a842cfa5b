"""One-off messages beside a loan's sequence: each sent once, none after its time, none after the debt is paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.actions import Finish, Wait
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.events.borrower import CircumstanceReported, OptOut
from domain.events.contacts import AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.events.messages import NoticeOrdered, NoticeWithdrawn
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import NoteEntry
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.planning import plan, still_wanted
from tests.domain.simulated_loan import START, facts, strategy

DAY = timedelta(days=1)


def ordered(**changes: Any) -> NoticeOrdered:
    values = {"notice_id": "help", "template": "help_offer", "channels": ("sms", "email"), "until": START + 3 * DAY}
    return NoticeOrdered.model_validate(values | changes)


def told(event: NoticeOrdered | None = None) -> LoanState:
    state, refused = apply(enter(facts(), strategy(watch=None), START), event or ordered(), START)
    assert refused is None
    return state


def reported(outcome: ContactOutcome, channel: Channel | None = None) -> ContactReported:
    return ContactReported(step="notice-help", occurrence=1, outcome=outcome, channel=channel)


def test_it_is_sent_at_once_by_the_open_channels_and_the_sequence_keeps_its_place() -> None:
    state, order = plan(told(), START)

    assert isinstance(order, SendContact)
    assert (order.step, order.channels, order.give_up_at) == (
        "notice-help",
        (Channel.SMS, Channel.EMAIL),
        START + 3 * DAY,
    )
    sent, _ = apply(state, reported(ContactOutcome.SENT, Channel.SMS), START)
    assert plan(sent, START)[1] == plan(enter(facts(), strategy(watch=None), START), START)[1]
    assert sent.records[-1].step == "notice-help"


@pytest.mark.parametrize("outcome", list(ContactOutcome))
def test_told_again_however_it_ended_it_does_not_go_out_again(outcome: ContactOutcome) -> None:
    over, _ = apply(told(), reported(outcome, Channel.SMS), START)

    again, refused = apply(over, ordered(), START + DAY)

    assert refused is None
    assert isinstance(plan(again, START + DAY)[1], Wait)


def test_after_its_time_it_is_not_sent_any_more() -> None:
    state = told()
    _, order = plan(state, START)
    assert isinstance(order, SendContact)
    assert still_wanted(state, order, START + 3 * DAY - timedelta(seconds=1))

    assert not still_wanted(state, order, START + 3 * DAY)
    assert plan(state, START + 3 * DAY)[0].records[-1].result == "not_sent"


def test_withdrawn_it_is_not_sent() -> None:
    state, _ = apply(told(), NoticeWithdrawn(notice_id="help"), START)

    assert isinstance(plan(state, START)[1], Wait)


def test_a_loan_that_is_held_does_not_send_it_and_a_paid_one_never_does() -> None:
    held, _ = apply(told(), CircumstanceReported(kind="dispute"), START)
    assert isinstance(plan(held, START)[1], Wait)

    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    paid, _ = apply(enter(facts(), strategy(receipt=None), START), payment, START)
    late, refused = apply(paid, ordered(), START)
    assert plan(late, START)[1] == Finish()
    assert refused == "the loan has ended as cured"


PAID = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
TAKEN_BACK = PaymentReversed(payment_id="p", provider="x")


@pytest.mark.parametrize("over", [False, True], ids=["run still open", "run over"])
def test_what_a_payment_in_full_dropped_is_not_sent_when_the_money_is_taken_back(over: bool) -> None:
    """Given a one-off message that waited when the debt was paid, and perhaps its order stopped since, when the payment
    is taken back, then the loan goes on without it; ordered again it stays out; the trail says that it was not sent."""
    state, _ = apply(told(), PAID, START)
    assert [e.detail for e in state.outbox if isinstance(e, NoteEntry) and e.action == "notice_not_sent"] == ["help"]
    if over:
        state = restore(snapshot(state), state.facts, state.strategy)

    state, _ = apply(state, TAKEN_BACK, START + 2 * DAY)
    state, refused = apply(state, ordered(until=START + 20 * DAY), START + 2 * DAY)

    assert (state.end, refused) == (None, None)
    action = plan(state, START + 2 * DAY)[1]
    assert isinstance(action, SendContact)
    assert action.step == "day-3"
    dropped = next(record for record in state.records if record.step == "notice-help")
    assert (dropped.result, dropped.because) == ("not_sent", "the loan ended as cured")


def test_an_end_that_an_earlier_version_kept_with_its_message_does_not_send_it_either() -> None:
    paid, _ = apply(told(), PAID, START)
    kept = snapshot(paid.model_copy(update={"notices": told().notices, "records": ()}))

    state, _ = apply(restore(kept, paid.facts, paid.strategy), TAKEN_BACK, START + DAY)

    assert (state.end, state.notices) == (None, ())


@pytest.mark.parametrize("how", ["paid", "its time was over"])
def test_what_left_in_the_moment_it_was_dropped_counts_as_sent(how: str) -> None:
    if how == "paid":
        state, _ = apply(told(), PAID, START)
    else:
        state, _ = plan(told(), START + 4 * DAY)

    for _ in range(2):
        state, refused = apply(state, reported(ContactOutcome.SENT, Channel.SMS), START + 4 * DAY)

    assert refused is None
    assert [r.result for r in state.records if r.step == "notice-help"] == ["sent"]


def test_without_an_open_channel_it_is_dropped_and_the_sequence_goes_on() -> None:
    state = told()
    for channel in (Channel.SMS, Channel.EMAIL):
        state, _ = apply(state, OptOut(channel=channel), START)

    state, action = plan(state, START)

    assert isinstance(action, Wait)
    assert state.records[-1].result == "unreachable"


def test_a_number_that_proves_dead_is_closed_and_the_message_is_not_repeated() -> None:
    sent, _ = apply(told(), reported(ContactOutcome.SENT, Channel.SMS), START)
    failed = ContactFailed(step="notice-help", occurrence=1, channel=Channel.SMS, reason=AddressFailure.UNDELIVERED)

    state, refused = apply(sent, failed, START + DAY)

    assert refused is None
    assert isinstance(plan(state, START + DAY)[1], Wait)
    assert state.records[-1].result == "not_delivered"


def test_a_failure_told_before_the_message_was_reported_is_heard_then() -> None:
    failed = ContactFailed(step="notice-help", occurrence=1, channel=Channel.SMS, reason=AddressFailure.DEAD)
    early, refused = apply(told(), failed, START)
    assert refused is None

    state, _ = apply(early, reported(ContactOutcome.SENT, Channel.SMS), START)

    assert state.dead_addresses == (Channel.SMS,)


@pytest.mark.parametrize(
    ("event", "why"),
    [(ordered(until=START), "until lies in the past"), (ordered(until=START - DAY), "until lies in the past")],
)
def test_what_cannot_be_sent_in_time_is_refused(event: NoticeOrdered, why: str) -> None:
    assert apply(enter(facts(), strategy(), START), event, START)[1] == why


def test_no_more_wait_than_a_loan_can_carry() -> None:
    state = told()
    for number in range(30):
        state, _ = apply(state, ordered(notice_id=f"n{number}"), START)

    assert len(state.notices) == 20
