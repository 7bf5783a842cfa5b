"""Money given back: who may, and that the loan's books stay right to the cent whatever comes afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from domain.access import Role
from domain.collection import apply
from domain.entering import enter
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.ledger_entries import CaseKind, CaseOpenedEntry, LoanEnd
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.refunds import why_not_decided, why_not_given_back, why_not_proposed
from tests.domain.simulated_loan import START, facts, strategy

DUE = 30_000


def overpaid(provider: str = "stripe") -> LoanState:
    """Due 300.00; paid 300.00 and then 50.00."""
    state = enter(facts(), strategy(), START)
    for number, amount in ((1, DUE), (2, 5_000)):
        event = PaymentReceived(
            payment_id=f"p{number}", amount_minor=amount, currency="EUR", paid_at=START, provider=provider
        )
        state = apply(state, event, START)[0]
    return state


def refund(state: LoanState, minor: int, payment: str = "p2") -> tuple[LoanState, str | None]:
    event = PaymentRefunded(payment_id=payment, provider="stripe", refunded_minor=minor)
    return apply(state, event, START)


def test_the_case_and_what_the_records_hear_of_it_name_the_amount() -> None:
    state = overpaid()

    [case] = [case for case in state.cases if case.kind is CaseKind.REFUND]
    opened = [entry for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    assert case.amount_minor == 5_000
    assert [entry.amount_minor for entry in opened] == [5_000]


def test_what_was_given_back_counts_no_longer_and_counts_once() -> None:
    state, _ = refund(overpaid(), 2_000)
    state, _ = refund(state, 2_000)
    assert state.balance_minor == -3_000
    state, _ = refund(state, 5_000)

    assert state.balance_minor == 0
    assert state.end is LoanEnd.CURED
    assert refund(state, 2_000)[0].balance_minor == 0  # older news that comes late


def test_a_reversal_after_the_refund_finds_the_whole_debt_again() -> None:
    state, _ = refund(overpaid(), 5_000)

    state = apply(state, PaymentReversed(payment_id="p1", provider="stripe"), START)[0]

    assert state.balance_minor == DUE
    assert state.end is None


def test_a_refund_in_full_that_the_gateway_also_tells_as_taken_back_counts_once() -> None:
    state, _ = refund(overpaid(), 5_000)

    state = apply(state, PaymentReversed(payment_id="p2", provider="stripe"), START)[0]

    assert state.balance_minor == 0
    assert state.end is LoanEnd.CURED


@pytest.mark.parametrize("refund_first", [True, False])
@pytest.mark.parametrize(
    ("provider", "asked"), [("sepa-dd", 1), ("bank", 1), ("berlin_group_pis", 1), ("stripe", 0), ("core", 0)]
)
def test_money_that_a_transfer_gave_back_and_the_bank_took_back_too_is_shown_to_a_person(
    provider: str, asked: int, refund_first: bool
) -> None:
    """Given that a gateway takes back what is left alone: the debtor's bank knows nothing of the lender's transfer."""
    state = overpaid(provider)
    given = PaymentRefunded(payment_id="p2", provider=provider, refunded_minor=2_000)
    taken = PaymentReversed(payment_id="p2", provider=provider)

    for event in (given, taken) if refund_first else (taken, given):
        state = apply(state, event, START)[0]

    opened = [entry for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    why = [entry.reason for entry in opened if entry.kind is CaseKind.PAYMENT_QUERY]
    words = "2000 of 5000 minor units were given back by transfer, and the bank took all back"
    assert why == [f"{words} ({provider} p2)"] * asked
    assert state.balance_minor == 0
    assert state.end is LoanEnd.CURED


def test_a_refund_of_a_payment_nobody_knows_changes_nothing() -> None:
    before = overpaid()

    state, refused = refund(before, 1, "p9")

    assert state == before
    assert refused is not None
    assert "no such payment" in refused


def test_more_given_back_than_was_paid_too_much_counts_and_a_person_looks() -> None:
    state, refused = refund(overpaid(), 5_001, "p1")

    assert refused is None
    assert state.balance_minor == 1
    assert [case.kind for case in state.cases] == [CaseKind.PAYMENT_QUERY]
    reasons = [entry.reason for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    assert reasons[-1] == "more was given back than had been paid beyond what is due: 1 minor units (stripe p1)"
    assert state.end is LoanEnd.CURED  # a refund alone revives no debt


@pytest.mark.parametrize(("given_back", "taken_back", "due"), [("p2", "p1", DUE), ("p1", "p2", 5_000)])
def test_what_is_due_after_a_refund_and_a_chargeback_does_not_hang_on_which_is_heard_of_first(
    given_back: str, taken_back: str, due: int
) -> None:
    chargeback = PaymentReversed(payment_id=taken_back, provider="stripe")

    refund_first = apply(refund(overpaid(), 5_000, given_back)[0], chargeback, START)[0]
    refund_last, refused = refund(apply(overpaid(), chargeback, START)[0], 5_000, given_back)

    assert refused is None
    assert (refund_first.balance_minor, refund_first.end) == (due, None)
    assert (refund_last.balance_minor, refund_last.end) == (due, None)
    assert not [case for case in refund_last.cases if case.kind is CaseKind.REFUND]


def test_a_loan_whose_refund_was_heard_of_after_the_chargeback_is_cured_by_the_whole_debt_alone() -> None:
    state = apply(overpaid(), PaymentReversed(payment_id="p1", provider="stripe"), START)[0]
    state, _ = refund(state, 5_000)

    def pay(state: LoanState, number: int, amount: int) -> LoanState:
        event = PaymentReceived(
            payment_id=f"p{number}", amount_minor=amount, currency="EUR", paid_at=START, provider="stripe"
        )
        return apply(state, event, START)[0]

    state = pay(state, 3, DUE - 5_000)
    assert state.end is None
    assert pay(state, 4, 5_000).end is LoanEnd.CURED


def test_a_loan_that_goes_on_later_remembers_it_and_one_without_says_nothing_of_it() -> None:
    state, _ = refund(overpaid(), 5_000)

    assert restore(snapshot(state), facts(), strategy()).balance_minor == 0
    assert "refunded_minor" not in str(snapshot(overpaid()))


A, O, S, U = Role.AGENT, Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR  # noqa: E741


@pytest.mark.parametrize(
    ("role", "amount", "excess", "left", "why"),
    [
        (A, 100, 100, 100, None),
        (O, 50, 100, 100, None),
        (S, 1, 100, 100, None),
        (U, 100, 100, 100, "auditor proposes no refunds"),
        (A, 101, 100, 500, "more than is paid beyond"),
        (A, 0, 100, 500, "more than is paid beyond"),
        (A, 100, 0, 500, "nothing is paid beyond"),
        (A, 100, -5, 500, "nothing is paid beyond"),
        (A, 100, 100, 99, "more than is left of the payment"),
    ],
)
def test_who_may_propose_how_much(role: Role, amount: int, excess: int, left: int, why: str | None) -> None:
    refused = why_not_proposed(role, amount, excess, left)

    assert (refused is None) == (why is None)
    assert why is None or (refused is not None and why in refused)


@pytest.mark.parametrize(
    ("role", "by", "allowed"), [(S, "luis", True), (S, "marta", False), (A, "luis", False), (O, "luis", False)]
)
def test_it_takes_authority_and_another_person_to_decide(role: Role, by: str, allowed: bool) -> None:
    assert (why_not_decided(role, by, "marta") is None) is allowed


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"excess_minor": 100}, None),
        ({"excess_minor": None}, None),
        ({"excess_minor": 99}, "no longer paid beyond what is due"),
        ({"excess_minor": -7_000}, "no longer paid beyond what is due"),
        ({"left_of_payment_minor": 99}, "no longer left of the payment"),
        ({"taken_back": True}, "the payment was taken back"),
        ({"case_open": False}, "its case was closed"),
    ],
)
def test_what_was_approved_is_given_back_only_while_it_rests_on_something(
    changed: dict[str, Any], why: str | None
) -> None:
    as_approved = {"excess_minor": 500, "left_of_payment_minor": 500, "taken_back": False, "case_open": True}

    refused = why_not_given_back(100, **(as_approved | changed))

    assert (refused is None) == (why is None)
    assert why is None or (refused is not None and why in refused)
