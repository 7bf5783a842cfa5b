"""Receipts of part payments, where a strategy sends them: once each, beside the sequence and never instead of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.actions import Finish, Wait
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.contact_orders import PART_RECEIPT, RECEIPT, SendContact
from domain.entering import enter
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.contacts import ContactFailed, ContactOutcome, ContactReported
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.planning import plan, still_wanted
from domain.strategy import Receipt, Strategy
from tests.domain.simulated_loan import START, facts, strategy

NOW = START
FACTS = facts()
STRATEGY = strategy()

RECEIPTED = STRATEGY.model_copy(
    update={"receipt": Receipt(channels=(Channel.EMAIL, Channel.SMS), template="paid", part_template="part")}
)


def loan(strategy: Strategy = RECEIPTED) -> LoanState:
    return enter(FACTS, strategy, NOW)


def paid(state: LoanState, number: int, amount: int = 1_000) -> LoanState:
    event = PaymentReceived(
        payment_id=f"p{number}", amount_minor=amount, currency=FACTS.currency, paid_at=NOW, provider="bank"
    )
    return apply(state, event, NOW)[0]


def reported(state: LoanState, order: SendContact, outcome: ContactOutcome = ContactOutcome.SENT) -> LoanState:
    event = ContactReported(step=order.step, occurrence=order.occurrence, outcome=outcome, channel=Channel.EMAIL)
    return apply(state, event, NOW)[0]


def order_of(state: LoanState) -> SendContact:
    action = plan(state, NOW)[1]
    assert isinstance(action, SendContact)
    return action


def test_a_part_payment_is_receipted_once_and_the_sequence_goes_on_where_it_stood() -> None:
    before = plan(loan(), NOW)[1]
    state = paid(loan(), 1)
    order = order_of(state)

    assert (order.step, order.occurrence, order.template) == (PART_RECEIPT, 1, "part")
    assert order.purpose is Purpose.TRANSACTIONAL
    assert plan(reported(state, order), NOW)[1] == before


def test_without_a_template_for_it_nothing_is_sent_and_nothing_travels() -> None:
    state = paid(loan(STRATEGY), 1)

    assert plan(state, NOW)[1] == plan(loan(STRATEGY), NOW)[1]
    assert "payments_receipted" not in snapshot(state)
    assert "part_template" not in STRATEGY.model_dump(mode="json", exclude_defaults=True)["receipt"]


def test_payments_that_come_while_it_waits_share_one_receipt() -> None:
    state = paid(loan(), 1)
    first = order_of(state)
    state = paid(state, 2)

    assert not still_wanted(state, first, NOW)
    second = order_of(state)
    assert (second.step, second.occurrence) == (PART_RECEIPT, 2)
    assert not isinstance(plan(reported(state, second), NOW)[1], SendContact)


@pytest.mark.parametrize("outcome", [ContactOutcome.UNREACHABLE, ContactOutcome.FAILED, ContactOutcome.NOT_WANTED])
def test_one_that_cannot_be_sent_holds_nothing_up_and_opens_no_case(outcome: ContactOutcome) -> None:
    state = paid(loan(), 1)

    state = reported(state, order_of(state), outcome)

    assert isinstance(plan(state, NOW)[1], Wait)
    assert state.cases == ()


def test_a_payment_taken_back_before_it_was_receipted_is_not() -> None:
    state = apply(paid(loan(), 1), PaymentReversed(payment_id="p1", provider="bank"), NOW)[0]

    assert isinstance(plan(state, NOW)[1], Wait)


def test_it_goes_out_while_people_decide_but_never_to_who_wants_no_contact() -> None:
    held = apply(paid(loan(), 1), CircumstanceReported(kind=Circumstance.DISPUTE), NOW)[0]
    ceased = apply(paid(loan(), 1), OptOut(channel="all"), NOW)[0]

    assert order_of(held).step == PART_RECEIPT
    assert isinstance(plan(ceased, NOW)[1], Wait)


def test_the_payment_that_ends_the_debt_has_the_receipt_of_the_end_alone() -> None:
    state = paid(paid(loan(), 1), 2, FACTS.amount_due_minor - 1_000)
    order = order_of(state)

    assert (order.step, order.template) == (RECEIPT, "paid")
    assert isinstance(plan(reported(state, order), NOW)[1], Finish)


def test_a_receipt_that_did_not_arrive_is_not_said_again() -> None:
    state = paid(loan(), 1)
    order = order_of(state)
    state = reported(state, order)
    failed: dict[str, Any] = {"step": PART_RECEIPT, "occurrence": 1, "channel": Channel.EMAIL, "reason": "undelivered"}

    state = apply(state, ContactFailed.model_validate(failed), NOW)[0]

    assert state.fallback is None
    assert isinstance(plan(state, NOW + timedelta(minutes=1))[1], Wait)


def test_a_loan_that_goes_on_later_remembers_what_was_receipted() -> None:
    state = paid(loan(), 1)
    state = reported(state, order_of(state))

    again = restore(snapshot(state), FACTS, RECEIPTED)

    assert isinstance(plan(again, NOW)[1], Wait)
