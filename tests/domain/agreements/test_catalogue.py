"""Plans, settlements and new schedules: offered alike to all, within their floors, kept, missed, cured and broken."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.agreements.model import BROKEN, DOCUMENT, MISSED, REMINDER, Agreement, AgreementKind, Evidence, Via
from domain.agreements.offers import Offer, OfferRequest, agreeing, bearable_amount, offers, request_of
from domain.agreements.terms import Authority
from domain.events.agreements import DueDateMoved, OfferAccepted, OfferApproved, PromiseMade
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.control import CaseDecision, Decide
from domain.events.payments import PaymentReceived, PaymentReversed
from tests.domain.simulated_loan import CATALOGUE, START, SimulatedLoan, facts, strategy

SAID = Evidence(at=START, message_id="SM1")


def loan(**changes: Any) -> SimulatedLoan:
    return SimulatedLoan.entered(facts(**changes), strategy(**CATALOGUE), START)


def offered(subject: SimulatedLoan, role: Authority = Authority.AGENT, bearable: int | None = None) -> list[Offer]:
    return list(offers(request_of(subject.state, subject.now, role, bearable), subject.state.strategy).offers)


def agree(
    subject: SimulatedLoan, option: str, *, percent: int | None = None, yes: bool = True, by: str = "agent-1"
) -> str | None:
    offer = next(o for o in offered(subject) if o.option == option and percent in (None, o.percent))
    said = SAID if yes else None
    return subject.hear(agreeing(offer, by=by, role=Authority.AGENT, via=Via.MESSAGE, evidence=said))


def pay(subject: SimulatedLoan, amount: int, *, back: int = 0, name: str | None = None) -> None:
    payment_id = name or f"p{len(subject.state.payments)}"
    at = subject.now - timedelta(days=back)
    paid = {"amount_minor": amount, "currency": "EUR", "paid_at": at, "provider": "bank"}
    subject.hear(PaymentReceived.model_validate({"payment_id": payment_id, **paid}))


def only(subject: SimulatedLoan, number: int = 1) -> Agreement:
    return next(a for a in subject.state.agreements if a.number == number)


def test_the_same_case_gets_the_same_offers_each_with_the_rule_that_allows_it() -> None:
    subject = loan()
    found = offered(subject)
    assert [(o.option, o.percent, o.total_minor, o.approval) for o in found] == [
        ("monthly", None, 30_000, False),
        ("weekly", None, 30_000, False),
        ("late", 95, 28_500, False),
        ("late", 80, 24_000, False),
        ("late", 60, 18_000, True),
        ("half-year", None, 31_058, False),
    ]
    assert {o.rule for o in found} == {
        "test@1 plan monthly",
        "test@1 plan weekly",
        "test@1 settlement late",
        "test@1 restructuring half-year",
    }
    machine = offered(subject, Authority.MACHINE)
    assert [o.option for o in machine] == ["monthly", "late"], "the machine offers only what it may agree on alone"


def test_a_request_that_was_kept_gives_the_same_answer_again() -> None:
    subject = loan()
    request = request_of(subject.state, subject.now, Authority.AGENT, 6_000)
    kept = json.dumps(request.model_dump(mode="json"))
    again = offers(OfferRequest.model_validate(json.loads(kept)), subject.state.strategy)
    assert again == offers(request, subject.state.strategy)
    left = offers(request.model_copy(update={"bearable_minor": 1_000}), subject.state.strategy)
    assert left.offers == ()
    assert "plan monthly: no payments within the option's limits of at most 1000" in left.left_out


def test_what_somebody_can_bear_decides_the_number_of_payments() -> None:
    subject = loan()
    by_option = {o.option: len(o.payments) for o in offered(subject, bearable=16_000)}
    assert (by_option["monthly"], by_option["weekly"]) == (2, 2)
    by_option = {o.option: len(o.payments) for o in offered(subject, bearable=10_000)}
    assert (by_option["monthly"], by_option["weekly"]) == (3, 3)


def test_balances_of_two_months_tell_what_can_be_borne() -> None:
    today = date(2026, 3, 20)
    readings = [(date(2026, 1, day), 40_000) for day in (5, 15, 25)] + [(date(2026, 2, day), 20_000) for day in (5, 9)]
    assert bearable_amount(readings, today) == 10_000
    assert bearable_amount(readings[:3], today) is None


def test_a_plan_replaces_the_sequence_by_reminders_and_is_completed() -> None:
    subject = loan()
    assert agree(subject, "monthly") is None
    dues = [i.due for i in only(subject).instalments]
    assert dues == [date(2026, 3, 17), date(2026, 4, 17), date(2026, 5, 18)]
    for due in dues:
        subject.run_until(datetime.fromisoformat(f"{due}T08:00:00+00:00"))
        pay(subject, 10_000)
    assert subject.state.end == "cured"
    assert only(subject).state == "completed"
    assert subject.sent == [DOCUMENT, REMINDER, REMINDER, REMINDER, "receipt"]


def test_a_missed_instalment_is_cured_within_its_grace_and_breaks_the_plan_after_it() -> None:
    subject = loan()
    agree(subject, "monthly")
    subject.run_until(datetime.fromisoformat("2026-03-18T12:00:00+00:00"))
    assert only(subject).instalments[0].missed
    assert subject.sent == [DOCUMENT, REMINDER, MISSED]
    pay(subject, 10_000)
    assert only(subject).state == "active"
    subject.run_until(datetime.fromisoformat("2026-04-20T12:00:00+00:00"))
    assert only(subject).state == "active", "the grace runs until the end of the 20th"
    subject.run_until(datetime.fromisoformat("2026-04-21T12:00:00+00:00"))
    assert only(subject).state == "broken"
    assert [case.kind for case in subject.state.cases] == ["broken_agreement"]
    assert subject.sent[-1] == BROKEN
    subject.pass_days(3)
    assert subject.sent[-1] == "day-3", "the sequence goes on where it stood"


def test_late_news_of_an_instalment_puts_a_broken_plan_in_force_again() -> None:
    subject = loan()
    agree(subject, "monthly")
    subject.pass_days(20)
    assert only(subject).state == "broken"
    pay(subject, 10_000, back=5)
    assert only(subject).state == "active"
    assert subject.state.cases == ()


def test_an_instalment_whose_payment_was_taken_back_is_open_again_with_a_fresh_grace() -> None:
    subject = loan()
    agree(subject, "monthly")
    subject.run_until(datetime.fromisoformat("2026-03-17T08:00:00+00:00"))
    pay(subject, 10_000, name="first")
    subject.pass_days(15)
    subject.hear(PaymentReversed(payment_id="first"))
    assert only(subject).state == "active"
    subject.pass_days(6)
    assert only(subject).state == "active", "three days later is Holy Saturday: money arrives from 7 April on"
    subject.pass_days(1)
    assert only(subject).state == "broken"


def test_a_dispute_holds_a_plan_and_its_dates_move_on() -> None:
    subject = loan()
    agree(subject, "monthly")
    subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
    subject.pass_days(20)
    assert only(subject).state == "active", "nothing is missed while a person has to decide"
    assert subject.sent == [DOCUMENT]
    subject.hear(Decide(case_id=subject.state.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1"))
    assert only(subject).instalments[0].due == date(2026, 4, 6)


def test_a_due_date_moves_once_and_not_too_far() -> None:
    subject = loan()
    agree(subject, "monthly")

    def to(day: int, number: int = 1) -> str | None:
        return subject.hear(DueDateMoved(number=number, to=date(2026, 3, day), by="agent-1"))

    assert to(25) == "payment 1 may move from 2026-03-17 by at most 7 days"
    assert to(20, number=2) == "agreement 2 is not in force"
    assert to(20) is None
    assert to(21) == "a due date of it was moved already"
    assert only(subject).instalments[0].due == date(2026, 3, 20)


def test_a_settlement_forgives_the_rest_when_all_of_it_has_come() -> None:
    subject = loan()
    assert agree(subject, "late", percent=80) is None
    assert subject.state.balance_minor == 30_000, "nothing is forgiven yet"
    pay(subject, 24_000)
    assert (subject.state.end, subject.state.balance_minor) == ("settled", 0)
    assert only(subject).remitted_minor == 6_000
    assert subject.sent == [DOCUMENT, "receipt"]


def test_a_broken_settlement_restores_the_debt() -> None:
    subject = loan()
    agree(subject, "late", percent=80)
    pay(subject, 4_000)
    subject.pass_days(30)
    assert only(subject).state == "broken"
    assert subject.state.balance_minor == 26_000


def test_a_settlement_whose_money_was_taken_back_is_owed_again() -> None:
    subject = loan()
    agree(subject, "late", percent=80)
    pay(subject, 24_000, name="all")
    subject.pass_days(2)
    subject.hear(PaymentReversed(payment_id="all"))
    assert subject.state.end is None
    assert subject.state.balance_minor == 30_000
    assert only(subject).state == "active"


def test_beyond_an_agents_share_another_person_approves() -> None:
    subject = loan()
    assert agree(subject, "late", percent=60) is None
    assert only(subject).state == "proposed"
    assert [(case.kind, case.queue) for case in subject.state.cases] == [("approval", "supervisors")]

    def approve(by: str, role: Authority) -> str | None:
        return subject.hear(OfferApproved(number=1, by=by, role=role))

    assert approve("agent-1", Authority.SUPERVISOR) == "nobody approves what they proposed themselves"
    assert approve("agent-2", Authority.AGENT) == "it takes a supervisor to approve this"
    assert approve("boss", Authority.SUPERVISOR) is None
    assert (only(subject).state, only(subject).approved_by) == ("active", "boss")
    assert subject.state.cases == ()


def test_a_supervisor_does_not_approve_themselves_either() -> None:
    subject = loan()
    offer = next(o for o in offered(subject, Authority.SUPERVISOR) if o.percent == 60)
    assert offer.approval
    subject.hear(agreeing(offer, by="boss", role=Authority.SUPERVISOR, via=Via.AGENT, evidence=SAID))
    assert only(subject).state == "proposed"
    refused = subject.hear(OfferApproved(number=1, by="boss", role=Authority.SUPERVISOR))
    assert refused == "nobody approves what they proposed themselves"


def test_an_offer_waits_for_a_yes_and_expires() -> None:
    subject = loan()
    assert agree(subject, "late", percent=80, yes=False) is None
    assert (only(subject).state, subject.state.hold) == ("proposed", None), "an offer alone holds nothing back"
    other = loan()
    agree(other, "late", percent=80, yes=False)
    assert other.hear(OfferAccepted(number=1, by="page", via=Via.PAGE, evidence=SAID)) is None
    assert only(other).state == "active"
    subject.pass_days(11)
    assert only(subject).state == "expired"
    late = subject.hear(OfferAccepted(number=1, by="page", via=Via.PAGE, evidence=SAID))
    assert late == "settlement 1 is expired already"


def test_money_between_an_offer_and_its_yes_asks_for_a_new_one() -> None:
    subject = loan()
    agree(subject, "late", percent=80, yes=False)
    pay(subject, 1_000)
    refused = subject.hear(OfferAccepted(number=1, by="page", via=Via.PAGE, evidence=SAID))
    assert refused == "what is due has changed from 30000 to 29000: ask for a new offer"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda p: {"payments": ({**p[0], "amount_minor": 17_999},)}, "below the floor of 18000"),
        (lambda p: {"payments": ({**p[0], "amount_minor": 30_000},)}, "no less than what is due"),
        (lambda p: {"payments": (p[0], p[0], p[0])}, "3 payments: at most 2"),
        (lambda p: {"payments": ({**p[0], "due": "2026-06-01"},)}, "more than 10 days ahead"),
        (lambda p: {"payments": ({**p[0], "due": "2026-03-01"},)}, "lies in the past"),
        (lambda p: {"option": "early"}, "test@1 has no settlement 'early'"),
    ],
)
def test_terms_outside_the_catalogue_are_refused(change: Any, why: str) -> None:
    subject = loan()
    offer = next(o for o in offered(subject) if o.percent == 80)
    event = agreeing(offer, by="agent-1", role=Authority.SUPERVISOR, via=Via.AGENT, evidence=SAID)
    plain = event.model_dump(mode="json")
    refused = subject.hear(type(event).model_validate(plain | change(plain["payments"])))
    assert refused is not None
    assert why in refused
    assert subject.state.agreements == ()


def test_a_new_schedule_replaces_the_old_is_versioned_and_counts_days_anew() -> None:
    subject = loan()
    subject.pass_days(10)
    assert agree(subject, "half-year") is None
    made = only(subject)
    assert (made.kind, made.version, made.added_minor) == (AgreementKind.RESTRUCTURING, 2, 1_058)
    assert subject.state.balance_minor == 31_058
    assert subject.state.days_past_due(subject.now) < 0
    subject.pass_days(30)
    assert only(subject).state == "broken"
    assert subject.state.balance_minor == 30_000, "the old debt is back"
    assert subject.state.days_past_due(subject.now) > 0


def test_a_plan_takes_the_place_of_a_promise_and_nothing_that_of_a_plan() -> None:
    subject = loan()
    promise = PromiseMade(amount_minor=30_000, date=date(2026, 3, 10), by="agent-1", via=Via.AGENT)
    subject.hear(promise)
    assert agree(subject, "monthly") is None
    assert [a.state for a in subject.state.agreements] == ["replaced", "active"]
    assert subject.hear(promise) == "plan 2 is in force: call it off first"


def test_dates_that_move_on_step_over_holidays_and_the_agreement_is_sent_anew() -> None:
    subject = loan()
    asked = request_of(subject.state, subject.now, Authority.AGENT)
    offer = next(o for o in offers(asked, subject.state.strategy).offers if o.option == "monthly")
    event = agreeing(offer, by="agent-1", role=Authority.AGENT, via=Via.MESSAGE, evidence=SAID, holidays=asked.holidays)
    assert date(2026, 4, 3) in event.holidays, "Good Friday"
    assert date(2026, 8, 15) not in event.holidays, "a Saturday is stepped over anyway"
    assert offer.payments[0].due == date(2026, 3, 17)
    subject.hear(event)
    subject.pass_days(3)

    subject.hear(CircumstanceReported(kind=Circumstance.HARDSHIP))
    subject.pass_days(16.5)
    case = subject.state.cases[0]
    subject.hear(Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by="agent-1"))
    subject.pass_days(2)

    made = only(subject)
    assert made.instalments[0].due == date(2026, 4, 6), "17 days later is Good Friday, then comes the weekend"
    assert made.revision == 1
    papers = [order for _, order, _ in subject.contacts if order.step == DOCUMENT]
    assert [order.occurrence for order in papers] == [1000, 1001]


def test_a_due_date_that_was_moved_is_sent_in_writing() -> None:
    subject = loan()
    agree(subject, "monthly")
    subject.pass_days(9)
    due = only(subject).instalments[0].due

    assert subject.hear(DueDateMoved(number=1, to=due + timedelta(days=4), by="agent-1")) is None
    subject.pass_days(1)

    papers = [order for _, order, _ in subject.contacts if order.step == DOCUMENT]
    assert [order.occurrence for order in papers] == [1000, 1001]
    assert papers[-1].agreed is not None
    assert papers[-1].agreed.due == due + timedelta(days=4)


def test_an_offer_is_good_until_its_first_payment_day_and_not_a_day_longer() -> None:
    offer = next(o for o in offered(loan()) if o.option == "weekly")
    assert offer.payments[0].due == offer.valid_until == date(2026, 3, 9), "its ten days would run until the 11th"

    def accepted_on(day: int) -> str | None:
        subject = loan()
        assert agree(subject, "weekly", yes=False) is None
        subject.run_until(datetime(2026, 3, day, 12, tzinfo=START.tzinfo))
        return subject.hear(OfferAccepted(number=1, by="agent-1", via=Via.AGENT, evidence=SAID))

    assert accepted_on(9) is None
    assert accepted_on(10) == "plan 1 is expired already"


@pytest.mark.parametrize("needs_approval", [False, True])
def test_an_offer_kept_from_before_that_outlived_its_first_day_is_refused(needs_approval: bool) -> None:
    subject = loan()
    percent = 60 if needs_approval else 80
    assert agree(subject, "late", percent=percent, yes=needs_approval) is None
    older = only(subject).model_copy(update={"expires_at": START + timedelta(days=30)})
    subject.state = subject.state.model_copy(update={"agreements": (older,)})
    subject.run_until(datetime.fromisoformat(f"{older.instalments[0].due + timedelta(days=1)}T09:00:00+00:00"))
    why = (
        subject.hear(OfferApproved(number=1, by="boss", role=Authority.SUPERVISOR))
        if needs_approval
        else subject.hear(OfferAccepted(number=1, by="agent-1", via=Via.AGENT, evidence=SAID))
    )
    assert why == f"its first day, {older.instalments[0].due}, has passed: ask for a new offer"
    assert only(subject).state == "proposed"
