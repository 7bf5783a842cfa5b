"""News of money that names its hand-over: a loan that was handed over again counts none of an earlier one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.collection import apply
from domain.entering import enter
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.ledger_entries import CaseKind, NoteEntry
from domain.loan_state import LoanState
from tests.domain.simulated_loan import START, facts, strategy

DUE = 30_000


def handed_over(times: int) -> LoanState:
    return enter(facts(entry=times, amount_due_minor=DUE), strategy(), START)


def received(entry: int | None) -> PaymentReceived:
    return PaymentReceived(
        payment_id="p1", amount_minor=DUE, currency="EUR", paid_at=START, provider="stripe", entry=entry
    )


def taken_back(entry: int | None) -> PaymentReversed:
    return PaymentReversed(payment_id="p1", provider="stripe", entry=entry)


def given_back(entry: int | None) -> PaymentRefunded:
    return PaymentRefunded(payment_id="p1", provider="stripe", refunded_minor=1_000, entry=entry)


@pytest.mark.parametrize("news", [received(1), taken_back(1), given_back(1)], ids=lambda news: type(news).__name__)
def test_what_was_on_its_way_when_the_loan_was_handed_over_again_counts_nowhere(news: LoanEvent) -> None:
    before = handed_over(2)

    state, refused = apply(before, news, START)

    assert refused is None
    assert (state.balance_minor, state.end, state.payments, state.early_reversals) == (DUE, None, (), ())
    [line] = [entry for entry in state.outbox if isinstance(entry, NoteEntry)]
    assert line.action.endswith("_of_earlier_hand_over")
    assert line.detail == "stripe p1: hand-over 1"


def test_a_person_is_asked_about_money_of_an_earlier_hand_over_that_was_taken_back() -> None:
    state, _ = apply(handed_over(2), taken_back(1), START)
    again, _ = apply(state, taken_back(1), START + timedelta(hours=1))

    assert [(case.kind, case.opened_at) for case in again.cases] == [(CaseKind.PAYMENT_QUERY, START)]


@pytest.mark.parametrize(("times", "entry"), [(1, 1), (2, 2), (2, None), (1, 2)])
def test_money_of_this_hand_over_or_of_none_that_is_named_counts(times: int, entry: int | None) -> None:
    """Of a later one too: what the ledger then keeps makes the records tell the later hand-over."""
    state, _ = apply(handed_over(times), received(entry), START)
    assert state.balance_minor == 0

    state, _ = apply(state, taken_back(entry), START)
    assert state.balance_minor == DUE


def test_a_payment_counted_before_its_hand_over_was_told_can_still_be_taken_back() -> None:
    state, _ = apply(handed_over(2), received(None), START)

    state, _ = apply(state, taken_back(1), START)

    assert state.balance_minor == DUE
