"""When an agreement counts as kept, which of several was in force last, and what is said after its dates moved on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.agreements.judging import grace_moves_on, last_day
from domain.agreements.model import BROKEN, DOCUMENT, LINK, MISSED, REMINDER, Via
from domain.collection import apply
from domain.events.agreements import AgreementCancelled, DueDateMoved, OfferAccepted, PromiseMade, SettlementAgreed
from domain.events.balance import FundsSeen
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.control import CaseDecision, Decide
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.watching import watch_not_before, watch_wanted
from tests.domain.agreements.test_catalogue import SAID, agree, loan, only, pay
from tests.domain.simulated_loan import CATALOGUE, SimulatedLoan, facts, strategy


def until(subject: SimulatedLoan, day: date, hour: int = 8) -> None:
    subject.run_until(datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00"))


def restructured() -> SimulatedLoan:
    """300.00 owed in six payments of 310.58 in all."""
    subject = loan()
    assert agree(subject, "half-year") is None
    assert only(subject).added_minor == 1_058
    return subject


def test_a_new_schedule_with_interest_is_kept_until_its_interest_is_paid_too_and_nothing_is_demanded() -> None:
    subject = restructured()
    for covered in only(subject).instalments[:-1]:
        until(subject, covered.due)
        pay(subject, covered.amount_minor)
    last = only(subject).instalments[-1]
    pay(subject, last.amount_minor - 500)

    assert subject.state.balance_minor == 500
    assert only(subject).state == "active", "5.00 of the last payment are still to come"
    until(subject, last.due)
    assert set(subject.sent) == {DOCUMENT, REMINDER}
    pay(subject, 500)
    assert (only(subject).state, subject.state.end, subject.state.balance_minor) == ("completed", "cured", 0)


def test_whoever_pays_the_old_debt_of_a_new_schedule_at_once_still_owes_its_interest() -> None:
    subject = restructured()
    pay(subject, 30_000)
    assert only(subject).state == "active"
    assert subject.state.balance_minor == 1_058
    subject.pass_days(10)
    assert subject.state.hold is not None, "the sequence stands still"


def test_a_new_schedule_whose_interest_never_came_is_broken_and_the_old_debt_that_was_paid_is_all_that_was_owed() -> (
    None
):
    subject = restructured()
    pay(subject, 30_000)
    until(subject, only(subject).last_due + timedelta(days=5))
    assert only(subject).state == "broken"
    assert (subject.state.balance_minor, subject.state.end) == (0, "cured")
    assert subject.sent[-1] == "receipt"
    assert subject.state.cases == ()


def test_what_was_paid_of_the_interest_of_a_new_schedule_that_is_called_off_is_to_be_given_back() -> None:
    subject = restructured()
    pay(subject, 30_500)
    assert subject.hear(AgreementCancelled(number=1, by="agent-1")) is None
    assert (subject.state.balance_minor, subject.state.end) == (-500, "cured")
    assert [(case.kind, case.amount_minor) for case in subject.state.cases] == [("refund", 500)]


@pytest.mark.parametrize("how", ["declined", "replaced", "cancelled"])
def test_a_plan_that_was_paid_in_time_comes_back_whatever_became_of_offers_made_since(how: str) -> None:
    subject = loan()
    agree(subject, "monthly")
    until(subject, date(2026, 3, 21))
    assert only(subject).state == "broken"
    assert agree(subject, "late", percent=60, yes=False) is None
    if how == "declined":
        case = next(case for case in subject.state.cases if case.kind == "approval")
        subject.hear(Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by="boss"))
    elif how == "replaced":
        assert agree(subject, "late", percent=80, yes=False) is None
    else:
        assert subject.hear(AgreementCancelled(number=2, by="agent-1")) is None
    assert only(subject, 2).state in ("cancelled", "replaced")

    pay(subject, 10_000, back=4)

    assert only(subject).state == "active"
    assert not [case for case in subject.state.cases if case.kind == "broken_agreement"]


def test_the_last_agreement_in_force_is_the_one_that_came_into_force_last_not_the_one_numbered_last() -> None:
    subject = loan()
    agree(subject, "monthly", yes=False)
    subject.pass_days(1)
    subject.hear(PromiseMade(amount_minor=5_000, date=date(2026, 3, 12), by="agent-1", via=Via.AGENT))
    subject.pass_days(1)
    assert subject.hear(OfferAccepted(number=1, by="agent-1", via=Via.AGENT, evidence=SAID)) is None
    assert [a.state for a in subject.state.agreements] == ["active", "replaced"]
    until(subject, date(2026, 3, 21))
    assert only(subject).state == "broken"

    pay(subject, 10_000, back=4)

    assert only(subject).state == "active"


def test_a_breach_is_told_although_an_offer_was_made_after_the_agreement() -> None:
    subject = loan()
    agree(subject, "monthly")
    until(subject, date(2026, 3, 16))
    assert agree(subject, "late", percent=60, yes=False) is None
    until(subject, date(2026, 3, 21), hour=12)
    assert only(subject).state == "broken"
    assert subject.sent[-1] == BROKEN


@pytest.mark.parametrize(
    ("day", "said", "again"),
    [(16, [REMINDER], [REMINDER, MISSED]), (18, [REMINDER, MISSED], [MISSED])],
    ids=["held on the eve", "held when its day had passed: so has the new one"],
)
def test_after_standing_still_the_new_day_has_a_reminder_and_word_of_a_missed_payment_of_its_own(
    day: int, said: list[str], again: list[str]
) -> None:
    subject = loan()
    agree(subject, "monthly")
    until(subject, date(2026, 3, day), hour=15)
    assert subject.sent == [DOCUMENT, *said]
    subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
    subject.pass_days(20)
    subject.hear(Decide(case_id=subject.state.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1"))

    until(subject, only(subject).instalments[0].due + timedelta(days=1), hour=12)

    assert subject.sent[len(said) + 1 :] == [DOCUMENT, *again]


@pytest.mark.parametrize("how", ["stood still", "moved"])
def test_once_its_day_moved_a_payment_that_was_offered_with_a_link_is_offered_again(how: str) -> None:
    subject = loan()
    agree(subject, "monthly")
    until(subject, date(2026, 3, 12))
    behind = only(subject).model_copy(update={"offered": 1})
    subject.state = subject.state.model_copy(update={"agreements": (behind,)})
    if how == "moved":
        assert subject.hear(DueDateMoved(number=1, to=date(2026, 3, 20), by="agent-1")) is None
    else:
        subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        subject.pass_days(5)
        subject.hear(Decide(case_id=subject.state.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1"))
    assert only(subject).offered == 0


def test_money_that_was_seen_before_a_due_date_moved_brings_no_link_for_the_new_day() -> None:
    """Given a payment whose money was seen and whose link waits for its lawful hour, when its due date moves, then the
    account is looked at again before the new day, and nothing is sent on what was seen before."""
    subject = loan(consent=True)
    agree(subject, "monthly")
    until(subject, date(2026, 3, 14))
    subject.state, _ = apply(subject.state, FundsSeen(read_at=subject.now), subject.now)
    assert subject.hear(DueDateMoved(number=1, to=date(2026, 3, 20), by="agent-1")) is None

    assert LINK not in subject.sent
    assert watch_wanted(subject.state)
    assert watch_not_before(subject.state) == datetime(2026, 3, 16, 23, 0, tzinfo=UTC), "three days before the 20th"


def settlement_due(due: date, grace_days: int = 1, *, holidays: tuple[date, ...] = ()) -> SimulatedLoan:
    """150.00 of 300.00 to pay by `due`, which was agreed on three days before."""
    terms = CATALOGUE["settlements"]
    half = {"floor_percent": 50, "agent_percent": 50, "machine_percent": 50, "instalments": 1}
    options = tuple(option.model_copy(update=half) for option in terms.options)
    once = terms.model_copy(update={"options": options, "grace_days": grace_days})
    start = datetime.fromisoformat(f"{due - timedelta(days=3)}T09:00:00+00:00")
    owing = facts(due_date=start.date() - timedelta(days=40))
    subject = SimulatedLoan.entered(owing, strategy(**{**CATALOGUE, "settlements": once}), start)
    accepted = {"option": "late", "by": "agent-1", "role": "agent", "via": "agent", "evidence": SAID}
    payments = [{"amount_minor": 15_000, "due": due}]
    event = SettlementAgreed.model_validate({**accepted, "payments": payments, "holidays": holidays})
    assert subject.hear(event) is None
    assert only(subject).state == "active"
    return subject


def arrives(subject: SimulatedLoan, amount: int, day: date, name: str = "p1") -> None:
    """The bank tells of a transfer on the morning of its value date."""
    until(subject, day)
    paid = {"payment_id": name, "amount_minor": amount, "currency": "EUR", "provider": "bank"}
    subject.hear(PaymentReceived.model_validate({**paid, "paid_at": subject.now}))


FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)


def test_a_transfer_of_friday_evening_that_arrives_on_monday_keeps_a_settlement_with_a_day_of_grace() -> None:
    """Given 150.00 of 300.00 to pay by a Friday with a day of grace, when it was sent that evening and arrives on
    Monday, then the rest is forgiven: on Saturday no money could arrive."""
    subject = settlement_due(FRIDAY)

    arrives(subject, 15_000, MONDAY)

    assert (only(subject).state, only(subject).remitted_minor, subject.state.end) == ("completed", 15_000, "settled")
    assert BROKEN not in subject.sent


@pytest.mark.parametrize("day", [date(2026, 3, 10), date(2026, 3, 12)])
def test_what_arrives_after_the_working_day_on_which_grace_ends_is_too_late(day: date) -> None:
    subject = settlement_due(FRIDAY)

    arrives(subject, 15_000, day)

    assert (only(subject).state, subject.state.balance_minor) == ("broken", 15_000)


@pytest.mark.parametrize(
    ("due", "grace", "holidays", "last"),
    [
        (date(2026, 3, 3), 1, (), date(2026, 3, 4)),  # no day more where money can arrive on the last
        (date(2026, 3, 5), 1, (), date(2026, 3, 6)),
        (date(2026, 3, 6), 0, (), date(2026, 3, 6)),
        (date(2026, 3, 6), 2, (), date(2026, 3, 9)),
        (date(2026, 3, 6), 3, (), date(2026, 3, 9)),
        (date(2026, 4, 2), 1, (), date(2026, 4, 7)),  # Good Friday to Easter Monday no euros settle
        (date(2026, 3, 18), 1, (date(2026, 3, 19), date(2026, 3, 20)), date(2026, 3, 23)),
    ],
)
def test_the_last_day_of_grace_is_one_on_which_money_can_arrive(
    due: date, grace: int, holidays: tuple[date, ...], last: date
) -> None:
    subject = settlement_due(due, grace, holidays=holidays)

    found = last_day(subject.state, only(subject), only(subject).instalments[0])

    assert found == last
    assert bool(grace_moves_on(subject.state)) is (last != due + timedelta(days=grace))


def test_a_promise_for_a_day_on_which_no_euros_settle_is_kept_by_what_arrives_on_the_next_that_they_do() -> None:
    """Given promises for Friday 1 May with two days of grace, when the money arrives on Monday, then none was broken;
    what arrives on Tuesday is too late."""
    broken = []
    for day in (date(2026, 5, 4), date(2026, 5, 5)):
        subject = loan(due_date=date(2026, 4, 25))
        until(subject, date(2026, 4, 29))
        promised = PromiseMade(amount_minor=15_000, date=date(2026, 5, 1), by="agent-1", via=Via.AGENT)
        assert subject.hear(promised) is None
        arrives(subject, 15_000, day)
        broken.append((only(subject).state, subject.state.broken_promises))

    assert broken == [("kept", 0), ("broken", 1)]


def test_a_loan_in_another_currency_counts_no_day_on_which_euros_do_not_settle() -> None:
    """1 May 2026 is a Friday."""
    subject = loan(currency="USD", due_date=date(2026, 4, 25))
    until(subject, date(2026, 4, 28))
    promised = PromiseMade(amount_minor=15_000, date=date(2026, 4, 29), by="agent-1", via=Via.AGENT)
    assert subject.hear(promised) is None

    found = last_day(subject.state, only(subject), only(subject).instalments[0])

    assert found == date(2026, 5, 1)


def test_the_fresh_grace_after_a_payment_that_was_taken_back_on_a_friday_lasts_until_money_can_arrive() -> None:
    """Given a settlement that was kept, when its payment is taken back a week later on a Friday, then what is paid at
    once and arrives on Monday keeps it."""
    subject = settlement_due(date(2026, 3, 10))
    arrives(subject, 15_000, date(2026, 3, 10))
    assert subject.state.end == "settled"
    until(subject, date(2026, 3, 20))

    subject.hear(PaymentReversed(payment_id="p1", provider="bank"))
    assert only(subject).state == "active"
    arrives(subject, 15_000, date(2026, 3, 23), "p2")

    assert (only(subject).state, subject.state.end) == ("completed", "settled")
