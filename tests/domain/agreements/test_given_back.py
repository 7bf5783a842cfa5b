"""Money given back is not paid: neither towards an agreement nor beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.agreements.model import Agreement, AgreementKind, AgreementState, Via
from domain.agreements.terms import Authority
from domain.collection import apply
from domain.entering import enter
from domain.events.agreements import AgreedPayment, OfferApproved, PromiseMade, SettlementAgreed
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.ledger_entries import LoanEnd
from domain.loan_state import LoanState
from domain.planning import plan
from tests.domain.simulated_loan import CATALOGUE, START, facts, strategy

DAY = timedelta(days=1)
DUE = 30_000


def heard(state: LoanState, event: LoanEvent, days: float) -> LoanState:
    state, refused = apply(state, event, START + days * DAY)
    assert refused is None
    return state


def paid(payment_id: str, amount: int, days: float) -> PaymentReceived:
    return PaymentReceived(
        payment_id=payment_id, provider="bank", amount_minor=amount, currency="EUR", paid_at=START + days * DAY
    )


def given_back(payment_id: str, amount: int) -> PaymentRefunded:
    return PaymentRefunded(payment_id=payment_id, provider="bank", refunded_minor=amount)


def paid_twice_then_given_back_and_charged_back(each: int, refunded: int) -> LoanState:
    state = enter(facts(), strategy(watch=None, **CATALOGUE), START)
    state = heard(state, paid("p1", each, 1), 1)
    state = heard(state, paid("p2", each, 1), 1.1)
    state = heard(state, given_back("p2", refunded), 2)
    return heard(state, PaymentReversed(payment_id="p1", provider="bank"), 3)


def promised(state: LoanState, amount: int, days: float) -> LoanState:
    day = (START + (days + 5) * DAY).date()
    return heard(state, PromiseMade(amount_minor=amount, date=day, by="agent-1", via=Via.AGENT), days)


def settled(state: LoanState, total: int, days: float) -> LoanState:
    at = START + days * DAY
    first = total // 2
    agreed = (
        AgreedPayment(due=(at + 3 * DAY).date(), amount_minor=first),
        AgreedPayment(due=(at + 10 * DAY).date(), amount_minor=total - first),
    )
    offer = SettlementAgreed(
        option="late",
        payments=agreed,
        by="agent-1",
        role=Authority.SUPERVISOR,
        via=Via.AGENT,
        evidence={"at": at},
    )
    state = heard(state, offer, days)
    number = state.agreements[-1].number
    return heard(state, OfferApproved(number=number, by="lead-1", role=Authority.SUPERVISOR), days)


def only(state: LoanState) -> Agreement:
    (agreement,) = state.agreements
    return agreement


def test_a_promise_of_which_not_a_cent_came_is_broken_whatever_was_paid_and_given_back_before() -> None:
    state = paid_twice_then_given_back_and_charged_back(each=DUE, refunded=DUE)
    assert (state.end, state.balance_minor) == (None, DUE)

    state = promised(state, DUE, days=4)
    state, _ = plan(state, START + 24 * DAY)

    assert only(state).state is AgreementState.BROKEN
    assert (state.balance_minor, state.broken_promises) == (DUE, 1)


def test_a_settlement_that_was_paid_forgives_all_it_said_though_money_was_given_back_before() -> None:
    state = paid_twice_then_given_back_and_charged_back(each=18_000, refunded=6_000)
    assert (state.end, state.balance_minor) == (None, 18_000)

    state = settled(state, 10_800, days=40)
    state = heard(state, paid("s1", 10_800, 41), 41)

    assert (only(state).state, only(state).remitted_minor) == (AgreementState.COMPLETED, 7_200)
    assert (state.end, state.balance_minor) == (LoanEnd.SETTLED, 0)


def test_what_was_given_back_of_a_payment_covers_no_instalment() -> None:
    state = enter(facts(), strategy(watch=None, **CATALOGUE), START)
    state = promised(state, 20_000, days=1)
    state = heard(state, paid("p1", 20_000, 2), 2)
    state = heard(state, paid("p2", 20_000, 2), 2.1)
    state = heard(state, given_back("p2", 10_000), 3)
    assert (only(state).state, state.balance_minor) == (AgreementState.KEPT, 0)

    state = heard(state, PaymentReversed(payment_id="p1", provider="bank"), 3.5)
    state, _ = plan(state, START + 20 * DAY)

    assert only(state).state is AgreementState.PARTLY_KEPT, "half of what was promised stands"
    assert state.balance_minor == 20_000


@pytest.mark.parametrize("given_back_of", ["s1", "s2"])
def test_a_kept_settlement_stays_kept_whichever_of_two_payments_the_surplus_is_given_back_of(
    given_back_of: str,
) -> None:
    state = settled(enter(facts(), strategy(watch=None, **CATALOGUE), START), 18_000, days=40)
    state = heard(state, paid("s1", 18_000, 41), 41)
    state = heard(state, paid("s2", 18_000, 60), 60)

    state = heard(state, given_back(given_back_of, 18_000), 61)
    assert (only(state).state, state.end, state.balance_minor) == (AgreementState.COMPLETED, LoanEnd.SETTLED, 0)

    state = heard(state, paid("s3", 500, 70), 70)
    assert (only(state).state, state.balance_minor) == (AgreementState.COMPLETED, -500)


@given(
    amounts=st.lists(st.integers(1, 2 * DUE), min_size=1, max_size=4),
    shares=st.lists(st.integers(0, 100), min_size=4, max_size=4),
    reversed_=st.lists(st.booleans(), min_size=4, max_size=4),
    settle=st.booleans(),
    pays=st.booleans(),
)
def test_an_agreement_about_all_that_is_due_is_fulfilled_exactly_when_nothing_is_due_any_more(
    amounts: list[int], shares: list[int], reversed_: list[bool], *, settle: bool, pays: bool
) -> None:
    state = enter(facts(), strategy(watch=None, **CATALOGUE), START)
    for number, amount in enumerate(amounts):
        state = heard(state, paid(f"p{number}", amount, 1), 1 + number / 100)
    for number, (amount, share) in enumerate(zip(amounts, shares, strict=False)):
        back = min(amount * share // 100, max(-state.balance_minor, 0))
        if back > 0:
            state = heard(state, given_back(f"p{number}", back), 2 + number / 100)
    for number, (_, gone) in enumerate(zip(amounts, reversed_, strict=False)):
        if gone:
            state = heard(state, PaymentReversed(payment_id=f"p{number}", provider="bank"), 3 + number / 100)
    due = state.balance_minor
    assume(state.end is None and due >= 2_000)

    total = -(-due * 6 // 10) if settle else due
    state = settled(state, total, days=40) if settle else promised(state, total, days=40)
    if pays:
        state = heard(state, paid("last", total, 41), 41)
    state, _ = plan(state, START + 70 * DAY)

    agreement = only(state)
    fulfilled = AgreementState.COMPLETED if agreement.kind is AgreementKind.SETTLEMENT else AgreementState.KEPT
    assert (agreement.state is fulfilled) == pays
    assert state.balance_minor == (0 if pays else due)
