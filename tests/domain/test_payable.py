"""What people are asked for can be paid: in Colombia whole pesos, and nobody is dunned for centavos."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agreements.judging import left_of, next_unpaid
from domain.agreements.limits import amounts_refused
from domain.agreements.model import AgreementKind, Via
from domain.agreements.offers import Offer, agreeing, offers, request_of
from domain.agreements.schedule import repayment, split
from domain.agreements.terms import Authority, Every, PlanOption, RestructuringOption
from domain.events.agreements import PlanAgreed, PromiseMade, RestructuringAgreed, SettlementAgreed
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.ledger_entries import CaseKind, LoanEnd
from domain.loan_state import LoanState
from domain.money import Money
from domain.payable import counts_as_paid, payable, payable_money, smallest_payable
from domain.standing_clock import pass_time
from tests.domain.agreements.test_catalogue import SAID
from tests.domain.simulated_loan import CATALOGUE, START, SimulatedLoan, facts, strategy

DEBT = 10_000_000
"""100,000 pesos; they are not thirds of anything whole."""


def loan(amount_due_minor: int = DEBT, **changes: Any) -> SimulatedLoan:
    where = {"country": "CO", "timezone": "America/Bogota", "currency": "COP"}
    owed = facts(**where, amount_due_minor=amount_due_minor, **changes)
    return SimulatedLoan.entered(owed, strategy(**CATALOGUE), START)


def pay(subject: SimulatedLoan, amount_minor: int) -> None:
    name = f"p{len(subject.state.payments)}"
    subject.hear(
        PaymentReceived(
            payment_id=name, amount_minor=amount_minor, currency="COP", paid_at=subject.now, provider="mercadopago"
        )
    )


def offered(subject: SimulatedLoan, kind: AgreementKind) -> list[Offer]:
    found = offers(request_of(subject.state, subject.now, Authority.AGENT), subject.state.strategy)
    return [offer for offer in found.offers if offer.kind is kind]


def agree(subject: SimulatedLoan, offer: Offer) -> None:
    order = agreeing(offer, by="agent-1", role=Authority.AGENT, via=Via.MESSAGE, evidence=SAID)
    assert isinstance(order, PlanAgreed | SettlementAgreed | RestructuringAgreed)
    assert subject.hear(order) is None


def asked_for(subject: SimulatedLoan) -> int:
    """What the next payment of the agreement in force is asked for with."""
    assert subject.state.agreement is not None
    covered = next_unpaid(subject.state, subject.state.agreement)
    assert covered is not None
    return left_of(subject.state, covered)


@pytest.mark.parametrize(
    ("minor", "currency", "paid"),
    [
        (15_000_037, "COP", 15_000_000),
        (99, "COP", 0),
        (-150, "COP", -100),
        (15_000_037, "EUR", 15_000_037),
        (1, "NOK", 1),
        (-7, "CLP", -7),
    ],
)
def test_only_colombian_pesos_are_paid_in_whole_ones(minor: int, currency: str, paid: int) -> None:
    assert payable(minor, currency) == paid
    assert payable_money(Money(amount_minor=minor, currency=currency)).amount_minor == paid


def test_less_than_a_peso_left_counts_as_paid_and_a_cent_does_not() -> None:
    assert (counts_as_paid(99, "COP"), counts_as_paid(100, "COP"), counts_as_paid(-5, "COP")) == (True, False, True)
    assert (counts_as_paid(1, "EUR"), counts_as_paid(0, "EUR")) == (False, True)


@given(
    total=st.integers(100, 10**12),
    parts=st.integers(1, 60),
    every=st.sampled_from(Every),
    rate=st.integers(0, 6_000),
)
def test_every_instalment_is_payable_and_together_they_leave_less_than_can_be_paid(
    total: int, parts: int, every: Every, rate: int
) -> None:
    if total // 100 < parts:
        with pytest.raises(ValueError, match="parts"):
            split(total, parts, 100)
        return

    amounts = split(total, parts, 100)
    rows = repayment(total, parts, every, rate, 100)

    assert all(amount % 100 == 0 for amount in amounts)
    assert max(amounts) - min(amounts) <= 100
    assert sum(amounts) == payable(total, "COP")
    assert all(row.amount_minor % 100 == 0 for row in rows)
    assert sum(row.principal_minor for row in rows) == payable(total, "COP")
    assert rows[-1].left_minor == 0


@pytest.mark.parametrize("centavos", [0, 37])
def test_a_plan_is_paid_in_whole_pesos_to_its_end_and_the_loan_with_it(centavos: int) -> None:
    """Given a debt whose thirds have centavos, when each instalment is paid as asked, then the loan is over."""
    subject = loan(DEBT + centavos)
    plan = next(offer for offer in offered(subject, AgreementKind.PLAN) if offer.option == "monthly")
    assert [each.amount_minor for each in plan.payments] == [3_333_400, 3_333_300, 3_333_300]
    assert (plan.balance_minor, plan.total_minor, plan.remission_minor) == (DEBT + centavos, DEBT, 0)
    agree(subject, plan)

    for _ in plan.payments:
        pay(subject, asked_for(subject))

    [agreement] = subject.state.agreements
    assert (agreement.state, agreement.remitted_minor) == ("completed", 0)
    assert (subject.state.end, subject.state.balance_minor) == (LoanEnd.CURED, centavos)
    assert not [case for case in subject.state.cases if case.kind is CaseKind.REFUND]


def test_a_plan_that_was_made_with_centavos_is_asked_for_in_pesos_and_kept() -> None:
    """Given a plan of an earlier version, when what is asked for is paid, then no instalment counts as missed."""
    subject = loan()
    plan = next(offer for offer in offered(subject, AgreementKind.PLAN) if offer.option == "monthly")
    earlier = agreeing(plan, by="agent-1", role=Authority.AGENT, via=Via.MESSAGE, evidence=SAID)
    thirds = zip(earlier.payments, (3_333_334, 3_333_333, 3_333_333), strict=True)
    payments = tuple(each.model_copy(update={"amount_minor": amount}) for each, amount in thirds)
    assert isinstance(earlier, PlanAgreed)
    assert subject.hear(earlier.model_copy(update={"payments": payments})) is None

    asked = []
    while subject.state.agreement is not None:
        asked.append(asked_for(subject))
        pay(subject, asked[-1])

    assert asked == [3_333_300, 3_333_300, 3_333_400]
    assert (subject.state.agreements[0].state, subject.state.end) == ("completed", LoanEnd.CURED)


def test_a_settlement_is_rounded_up_to_what_can_be_paid_never_below_its_floor() -> None:
    subject = loan(DEBT + 37)

    found = offered(subject, AgreementKind.SETTLEMENT)

    assert [(offer.percent, offer.total_minor) for offer in found] == [
        (95, 9_500_100),
        (80, 8_000_100),
        (60, 6_000_100),
    ]
    assert all(each.amount_minor % 100 == 0 for offer in found for each in offer.payments)
    agree(subject, found[1])
    pay(subject, 8_000_100)
    assert (subject.state.end, subject.state.agreements[0].remitted_minor) == (LoanEnd.SETTLED, 1_999_937)
    assert subject.state.balance_minor == 0


def test_a_new_schedule_with_interest_has_whole_pesos_too() -> None:
    subject = loan(DEBT + 37)
    [schedule] = offered(subject, AgreementKind.RESTRUCTURING)
    assert all(each.amount_minor % 100 == 0 for each in schedule.payments)
    agree(subject, schedule)

    while subject.state.agreement is not None:
        pay(subject, asked_for(subject))

    assert (subject.state.agreements[0].state, subject.state.end) == ("completed", LoanEnd.CURED)
    assert not subject.state.owes


def test_payments_over_what_is_due_or_over_what_of_it_can_be_paid_are_both_those_of_an_option() -> None:
    plan = PlanOption(id="two", instalments=2)
    schedule = RestructuringOption(id="new", instalments=2, rate_bp=1_200)
    with_interest = [row.amount_minor for row in repayment(10_037, 2, Every.MONTH, 1_200)]
    in_pesos = [row.amount_minor for row in repayment(10_037, 2, Every.MONTH, 1_200, 100)]

    assert amounts_refused(plan, 10_037, [5_000, 5_000], "COP") is None
    assert amounts_refused(plan, 10_037, [5_019, 5_018], "COP") is None
    assert amounts_refused(plan, 10_037, [4_900, 4_900], "COP") is not None
    assert amounts_refused(plan, 10_037, [5_000, 5_000], "EUR") is not None
    assert amounts_refused(schedule, 10_037, with_interest, "COP") is None
    assert amounts_refused(schedule, 10_037, in_pesos, "COP") is None
    assert amounts_refused(schedule, 10_037, in_pesos, "EUR") is not None


def test_a_rest_of_centavos_keeps_no_loan_open_and_a_rest_of_a_peso_does() -> None:
    """Given a debt of 150,000.37 pesos, when all that a link can ask for is paid, then nothing is due."""
    paid, short = loan(15_000_037), loan(15_000_037)

    pay(paid, 15_000_000)
    pay(short, 14_999_900)

    assert (paid.state.end, paid.state.balance_minor) == (LoanEnd.CURED, 37)
    assert (short.state.end, short.state.payable_minor) == (None, 100)


def test_money_taken_back_after_a_rest_of_centavos_opens_the_loan_again() -> None:
    subject = loan(15_000_037)
    pay(subject, 15_000_000)

    subject.hear(PaymentReversed(payment_id="p0", provider="mercadopago"))

    assert (subject.state.end, subject.state.balance_minor) == (None, 15_000_037)


def test_centavos_beyond_what_is_due_are_nobodys_refund() -> None:
    cents, pesos = loan(15_000_037), loan(15_000_037)

    pay(cents, 15_000_100)
    pay(pesos, 15_000_300)

    assert [case.amount_minor for case in cents.state.cases if case.kind is CaseKind.REFUND] == []
    assert [case.amount_minor for case in pesos.state.cases if case.kind is CaseKind.REFUND] == [200]
    pesos.hear(PaymentRefunded(payment_id="p0", provider="mercadopago", refunded_minor=300))
    assert not [case for case in pesos.state.cases if case.kind is CaseKind.PAYMENT_QUERY]


def as_kept_by_an_earlier_version(subject: SimulatedLoan) -> LoanState:
    kept = subject.state.model_dump(mode="json", exclude={"rests_count_as_paid"})
    return LoanState.model_validate(kept)


def test_a_run_that_an_earlier_version_began_goes_by_its_rule_and_owes_centavos() -> None:
    """Given such a run, when all but centavos is paid, then it goes on as its history has it, and a fresh run ends."""
    subject = loan(15_000_037)
    subject.state = as_kept_by_an_earlier_version(subject)

    pay(subject, 15_000_000)
    before = pass_time(subject.state, subject.now)
    fresh = pass_time(before.model_copy(update={"rests_count_as_paid": True}), subject.now)

    assert (before.end, before.owes) == (None, True)
    assert (fresh.end, fresh.ended_by, fresh.receipt_due) == (LoanEnd.CURED, "payment", True)


def test_an_instalment_of_an_earlier_run_is_not_covered_until_its_last_centavo() -> None:
    subject = loan()
    subject.state = as_kept_by_an_earlier_version(subject)
    plan = next(offer for offer in offered(subject, AgreementKind.PLAN) if offer.option == "monthly")
    agree(subject, plan)

    pay(subject, plan.payments[0].amount_minor - 1)

    assert subject.state.agreement is not None
    first = next_unpaid(subject.state, subject.state.agreement)
    assert first is not None
    assert first.instalment.number == 1


def test_time_that_is_up_makes_no_loan_uncured_of_which_centavos_are_left() -> None:
    subject = loan(15_000_037)
    subject.state = as_kept_by_an_earlier_version(subject)
    pay(subject, 15_000_000)

    over = pass_time(subject.state.model_copy(update={"rests_count_as_paid": True}), subject.state.ends_at)

    assert over.end is LoanEnd.CURED


def test_a_debt_of_less_than_a_peso_is_over_and_nobody_gets_a_receipt_for_it() -> None:
    subject = loan(50)

    over = pass_time(subject.state, subject.now)

    assert (over.end, over.receipt_due) == (LoanEnd.CURED, False)


def test_a_loan_in_another_currency_keeps_no_word_of_this_rule() -> None:
    euros = SimulatedLoan.entered(facts(), strategy(**CATALOGUE), START).state

    assert "rests_count_as_paid" not in euros.model_dump()
    assert loan().state.model_dump()["rests_count_as_paid"] is True


def test_a_promise_over_all_that_is_due_is_kept_by_what_can_be_paid() -> None:
    subject = loan(15_000_037)
    today = subject.state.facts.local_date(subject.now)
    promise = PromiseMade(amount_minor=15_000_037, date=today, by="agent-1", via=Via.AGENT)
    assert subject.hear(promise) is None
    assert asked_for(subject) == 15_000_000

    pay(subject, 15_000_000)

    assert (subject.state.agreements[0].state, subject.state.end) == ("kept", LoanEnd.CURED)


def test_every_other_currency_is_split_as_ever() -> None:
    assert smallest_payable("EUR") == smallest_payable("CLP") == smallest_payable("MXN") == 1
    assert split(10_000, 3) == (3_334, 3_333, 3_333)
    assert [row.amount_minor for row in repayment(30_000, 3, Every.MONTH, 1_200)] == [10_201, 10_201, 10_200]
