"""What a loan does next, and moving it to another strategy."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from domain.actions import Finish, Wait
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.events.borrower import OptOut
from domain.events.control import Pause
from domain.events.payments import PaymentReceived
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.migration import migrate, migration_refused, position_after
from domain.planning import plan, still_wanted
from domain.strategy import Step, StepKind
from tests.domain.simulated_loan import START, STEPS, Borrower, SimulatedLoan, facts, strategy

DUE = datetime.fromisoformat("2026-03-04T10:00:00+01:00")


def waiting() -> LoanState:
    return enter(facts(), strategy(watch=None), START)


def order_at(state: LoanState, now: datetime) -> SendContact:
    _, action = plan(state, now)
    assert isinstance(action, SendContact)
    return action


def test_it_waits_for_the_next_step_and_says_for_what() -> None:
    _, action = plan(waiting(), START)
    assert action == Wait(until=DUE, why="remind day-3 falls due")


def test_a_step_is_due_at_its_minute_and_not_before() -> None:
    assert isinstance(plan(waiting(), DUE - timedelta(microseconds=1))[1], Wait)
    order = order_at(waiting(), DUE)
    assert (order.step, order.occurrence, order.channels) == ("day-3", 1, (Channel.SMS, Channel.EMAIL))


def test_an_offer_carries_a_link_and_a_reminder_does_not() -> None:
    subject = SimulatedLoan.entered(facts(), strategy(watch=None), START)
    subject.pass_days(10)
    assert {o.step: o.with_link for _, o, _ in subject.contacts} == {"day-3": False, "day-8": True, "big": False}


def test_a_receipt_is_transactional() -> None:
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state, _ = apply(waiting(), payment, START)
    assert order_at(state, START).purpose is Purpose.TRANSACTIONAL


def test_without_a_receipt_in_the_strategy_it_is_finished() -> None:
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state, _ = apply(enter(facts(), strategy(receipt=None), START), payment, START)
    assert plan(state, START)[1] == Finish()


def test_a_waiting_contact_is_wanted_until_something_changes_it() -> None:
    state = waiting()
    order = order_at(state, DUE)
    assert still_wanted(state, order, DUE + timedelta(days=1))
    paused, _ = apply(state, Pause(until=DUE + timedelta(days=9)), DUE)
    assert not still_wanted(paused, order, DUE)
    closed, _ = apply(state, OptOut(channel=Channel.SMS), DUE)
    assert not still_wanted(closed, order, DUE), "the order names a channel that is closed"


def test_a_held_loan_waits_for_the_end_of_its_pause() -> None:
    until = START + timedelta(days=400)
    paused, _ = apply(waiting(), Pause(until=until), START)
    assert plan(paused, START)[1] == Wait(until=until, why="paused until 2027-04-06T09:00+00:00")


@pytest.mark.parametrize("day", [0, 4, 9, 20, 35, 61])
def test_a_snapshot_goes_on_as_the_loan_itself_would(day: int) -> None:
    subject = SimulatedLoan.entered(facts(), strategy(watch=None), START)
    subject.pass_days(day)
    state = subject.state
    again = SimulatedLoan(state=restore(snapshot(state), state.facts, state.strategy), now=subject.now)
    done = len(subject.contacts)
    for one in (subject, again):
        one.pass_days(100)
    assert [(at, order) for at, order, _ in subject.contacts[done:]] == [(at, o) for at, o, _ in again.contacts]


class TestMigration:
    def test_no_step_that_is_behind_comes_again(self) -> None:
        subject = SimulatedLoan.entered(facts(), strategy(watch=None), START)
        subject.pass_days(9)
        new = Step(id="new", kind=StepKind.REMIND, dpd=10, channels=(Channel.SMS,), template="x")
        plan_2 = strategy(watch=None, version=2, steps=(STEPS[0], STEPS[1], STEPS[2], new, STEPS[-1]))
        subject.state = migrate(subject.state, plan_2, subject.now)
        subject.pass_days(80)
        assert subject.sent == ["day-3", "day-8", "big", "new", "last"]

    def test_a_loan_keeps_its_version_until_it_is_moved(self) -> None:
        # Lago: edits of a campaign reached loans in flight.
        subject = SimulatedLoan.entered(facts(), strategy(watch=None), START)
        assert subject.state.strategy.key == "test@1"
        moved = migrate(subject.state, strategy(watch=None, version=2), subject.now)
        assert moved.strategy.key == "test@2"

    def test_a_strategy_with_nothing_in_common_is_entered_not_run_through_in_a_day(self) -> None:
        subject = SimulatedLoan.entered(facts(), strategy(watch=None), START)
        subject.pass_days(25)
        steps = tuple(step.model_copy(update={"id": f"other-{step.id}"}) for step in STEPS)
        plan_2 = strategy(watch=None, name="other", steps=steps)
        before = len(subject.contacts)
        assert position_after(subject.state, plan_2) == 0
        subject.state = migrate(subject.state, plan_2, subject.now)
        subject.run_until(subject.now)
        assert subject.sent[before:] == []
        assert subject.state.next_step is not None
        assert {r.because for r in subject.state.records if r.step == "other-day-8"} == {"moved to other@1"}

    def test_a_repeat_of_a_step_that_is_gone_is_dropped(self) -> None:
        subject = SimulatedLoan.entered(facts(), strategy(watch=None), START, Borrower())
        subject.pass_days(3)
        plan_2 = strategy(watch=None, version=2, steps=(STEPS[-1],))
        subject.state = migrate(subject.state, plan_2, subject.now)
        subject.pass_days(10)
        assert subject.sent == ["day-3"]

    def test_another_currency_is_refused(self) -> None:
        wrong = strategy(currency="USD")
        assert migration_refused(waiting(), wrong) == "the strategy is for USD, the loan is in EUR"
        assert migration_refused(waiting(), strategy(currency="EUR")) is None


def test_entering_before_the_due_date_waits_for_the_first_step() -> None:
    state = enter(facts(due_date=date(2026, 3, 20)), strategy(watch=None), START)
    assert state.position == 0
    assert state.days_past_due(START) == -18
