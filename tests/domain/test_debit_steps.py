"""A loan and its direct debits, on the pure core: ordered once, announced, waited for, come back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.actions import Finish, OrderDebit, Wait
from domain.agreements.model import Via
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.events.agreements import AgreementCancelled, PromiseMade
from domain.events.balance import FundsSeen
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.control import Decide, Pause, Resume
from domain.events.debits import DebitOutcome, DebitReported, DebitReturned
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import LoanEnd
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.planning import plan
from domain.strategy import AmountThreshold, BalanceWatch, Conditions, Ends, Queue, Step, StepKind, Strategy
from domain.watching import watch_threshold, watch_wanted
from tests.domain.simulated_loan import PROMISES

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SMS = (Channel.SMS,)
DEBIT = Step(
    id="debit",
    kind=StepKind.DEBIT,
    dpd=3,
    channels=SMS,
    template="debit_notice",
    notice_days=5,
    on_return={"AM04": "again", "AC04": "talk", "other": "talk"},
)
STEPS = (
    DEBIT,
    Step(id="remind", kind=StepKind.REMIND, after_days=1, channels=SMS, template="reminder"),
    Step(id="again", kind=StepKind.DEBIT, after_days=4, notice_days=0, when=Conditions(debit_returned=("AM04",))),
    Step(id="talk", kind=StepKind.HANDOFF, after_days=0, queue="agents"),
    Step(id="last", kind=StepKind.REMIND, dpd=60, channels=SMS, template="last"),
)


def strategy(**changes: Any) -> Strategy:
    given: dict[str, Any] = {
        "name": "debits",
        "version": 1,
        "title": "Debits",
        "steps": STEPS,
        "queues": {"agents": Queue(sla_hours=48)},
        "ends": Ends(after_days=90),
    }
    return Strategy(**{**given, **changes})


class Loan:
    """A loan whose clock a test moves; what it orders is kept."""

    def __init__(self, plan_: Strategy | None = None, **facts: Any) -> None:
        given: dict[str, Any] = {
            "lender": "demo",
            "loan_id": "P-1",
            "country": "ES",
            "timezone": "Europe/Madrid",
            "currency": "EUR",
            "amount_due_minor": 10_000,
            "due_date": date(2026, 3, 1),
        }
        self.now = START
        self.state: LoanState = enter(LoanFacts(**{**given, **facts}), plan_ or strategy(), START)
        self.orders: list[OrderDebit] = []
        self.sent: list[str] = []
        self.answer = DebitOutcome.PLANNED
        self.lead_days: int | None = None
        self.reach = ContactOutcome.SENT

    def hear(self, event: LoanEvent) -> str | None:
        self.state, refused = apply(self.state, event, self.now)
        return refused

    def until_it_waits(self) -> Wait | Finish:
        for _ in range(40):
            self.state, action = plan(self.state, self.now)
            match action:
                case OrderDebit():
                    self.orders.append(action)
                    self.hear(
                        DebitReported(
                            step=action.step,
                            outcome=self.answer,
                            released=action.released and self.answer is DebitOutcome.PLANNED,
                            lead_days=self.lead_days,
                        )
                    )
                case SendContact():
                    if self.reach is ContactOutcome.SENT:
                        self.sent.append(action.step)
                    self.hear(
                        ContactReported(
                            step=action.step,
                            occurrence=action.occurrence,
                            outcome=self.reach,
                            channel=action.channels[0] if self.reach is ContactOutcome.SENT else None,
                        )
                    )
                case _:
                    return action
        raise AssertionError(f"it never rests: {action}")

    def day(self, number: int, hour: int = 12) -> Wait | Finish:
        """Let it do what is due up to that day of March."""
        until = datetime(2026, 3, 1, hour, tzinfo=UTC) + timedelta(days=number - 1)
        while True:
            action = self.until_it_waits()
            if isinstance(action, Finish) or action.until is None or action.until > until:
                self.now = max(until, self.now)
                return self.until_it_waits()
            self.now = max(action.until, self.now)

    def results(self) -> dict[str, str]:
        return {record.step: record.result for record in self.state.records}

    def paid(self, provider: str = "sepa-dd") -> None:
        self.hear(
            PaymentReceived(payment_id="R1", amount_minor=10_000, currency="EUR", paid_at=self.now, provider=provider)
        )


def test_a_debit_is_ordered_once_announced_and_waited_for_without_a_word_to_the_borrower() -> None:
    loan = Loan()

    waits = loan.day(5)

    assert isinstance(waits, Wait)
    assert waits.why == "debit debit is being collected"
    assert [(order.step, order.released, order.noticed, order.notice_days) for order in loan.orders] == [
        ("debit", True, True, 5)
    ]
    assert loan.sent == ["debit"]
    # Announced on Wednesday the 4th, collected on Monday the 9th, known five settlement days later.
    assert waits.until is not None
    assert waits.until.date() == date(2026, 3, 17)


def test_money_that_came_by_debit_cures_the_loan() -> None:
    loan = Loan()
    loan.day(9)

    loan.paid()

    assert loan.state.end is LoanEnd.CURED
    assert isinstance(loan.until_it_waits(), Finish)
    assert (len(loan.orders), loan.sent, loan.state.debit) == (1, ["debit"], None)


def test_a_debit_that_is_not_with_the_bank_yet_is_kept_back_when_the_borrower_pays_another_way() -> None:
    loan = Loan()
    loan.day(5)

    loan.paid(provider="stripe")

    assert isinstance(loan.until_it_waits(), Finish)
    assert [(order.step, order.released) for order in loan.orders] == [("debit", True), ("debit", False)]


@pytest.mark.parametrize(("reason", "next_step"), [("AM04", "again"), ("AC04", "talk"), ("MS03", "talk")])
def test_the_reason_leads_to_the_step_the_strategy_names(reason: str, next_step: str) -> None:
    loan = Loan()
    loan.day(9)

    assert loan.hear(DebitReturned(step="debit", occurrence=1, reason=reason)) is None

    assert loan.state.debit is None
    assert loan.state.next_step is not None
    assert loan.state.next_step.id == next_step
    assert loan.results()["remind"] == "passed_over"


def test_when_the_bank_says_that_the_debtor_has_died_nothing_more_is_sent_until_a_person_decided() -> None:
    loan = Loan()
    loan.day(4)
    loan.hear(DebitReturned(step="debit", reason="MD07"))
    before = list(loan.sent)

    loan.day(30)

    assert [case.circumstance for case in loan.state.cases] == [Circumstance.BEREAVEMENT]
    assert loan.sent == before
    assert len(loan.orders) == 1


def test_a_death_that_the_bank_tells_of_after_the_cure_is_known_should_the_debt_come_back() -> None:
    loan = Loan()
    loan.day(4)
    loan.hear(PaymentReceived(payment_id="p", amount_minor=10_000, currency="EUR", paid_at=loan.now, provider="bank"))
    assert loan.state.end is LoanEnd.CURED

    refused = loan.hear(DebitReturned(step="debit", reason="MD07"))
    loan.hear(PaymentReversed(payment_id="p", provider="bank"))

    assert refused is None
    assert loan.state.end is None
    assert loan.state.stands_still == "bereavement reported: a person must decide"


def test_told_twice_a_return_counts_once() -> None:
    loan = Loan()
    loan.day(9)
    loan.hear(DebitReturned(step="debit", occurrence=1, reason="AM04"))
    once = loan.state

    loan.hear(DebitReturned(step="debit", occurrence=1, reason="AM04"))

    assert loan.state == once


def test_a_second_debit_follows_four_days_after_the_first_came_back_and_needs_no_notice() -> None:
    loan = Loan()
    loan.day(10)
    loan.hear(DebitReturned(step="debit", occurrence=1, reason="AM04"))

    loan.day(13)
    before = len(loan.orders)
    loan.day(14)

    assert before == 1
    assert [(order.step, order.noticed, order.notice_days) for order in loan.orders[1:]] == [("again", False, 0)]
    assert loan.sent == ["debit"]
    assert loan.results()["again"] == "done"


def test_without_a_mandate_nobody_is_told_of_a_debit_and_the_sequence_goes_on() -> None:
    loan = Loan()
    loan.answer = DebitOutcome.NO_MANDATE

    loan.day(6)

    assert loan.results()["debit"] == "passed_over"
    assert loan.sent == ["remind"]


def test_nothing_is_collected_that_could_not_be_announced() -> None:
    loan = Loan()
    loan.reach = ContactOutcome.UNREACHABLE

    loan.day(5)

    assert loan.state.debit is None
    assert loan.results()["debit"] == "unreachable"


def test_a_debit_of_which_nothing_is_heard_is_not_waited_for_for_ever() -> None:
    loan = Loan()
    loan.day(16)
    assert loan.sent == ["debit"]

    loan.day(18)

    assert loan.sent == ["debit", "remind"]
    assert loan.state.debit is None


@pytest.mark.parametrize(
    ("holds", "lets_go"),
    [
        (
            CircumstanceReported(kind=Circumstance.DISPUTE),
            Decide(case_id="demo-P-1-1-1", decision="continue", by="agent-7"),
        ),
        (Pause(until=datetime(2026, 4, 1, tzinfo=UTC)), Resume()),
    ],
)
def test_what_holds_the_loan_keeps_the_debit_back_and_its_end_lets_it_go(holds: LoanEvent, lets_go: LoanEvent) -> None:
    loan = Loan()
    loan.day(5)

    loan.hear(holds)
    loan.until_it_waits()
    kept_back = loan.orders[-1]
    loan.hear(lets_go)
    loan.until_it_waits()

    assert (kept_back.step, kept_back.released) == ("debit", False)
    assert (len(loan.orders), loan.orders[-1].released) == (3, True)
    assert loan.sent == ["debit"]


def test_a_debit_that_comes_back_in_a_pause_is_followed_up_by_as_many_days_as_after_one() -> None:
    loan = Loan()
    loan.answer = DebitOutcome.FILED
    loan.day(9)
    loan.hear(Pause(until=loan.now + timedelta(days=10)))
    loan.until_it_waits()
    loan.now += timedelta(days=8)

    loan.hear(DebitReturned(step="debit", occurrence=1, reason="AM04"))
    loan.until_it_waits()
    back_on = loan.now
    loan.now += timedelta(days=3)
    loan.until_it_waits()

    step = loan.state.next_step
    assert step is not None
    assert step.id == "again"
    day = loan.state.facts.local_date(loan.state.step_due_at(step))
    assert day == loan.state.facts.local_date(back_on) + timedelta(days=4 + 2)


def test_what_the_bank_has_is_not_called_back() -> None:
    loan = Loan()
    loan.answer = DebitOutcome.FILED
    loan.day(5)

    loan.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
    loan.until_it_waits()

    assert len(loan.orders) == 1


def test_a_debit_returned_three_weeks_after_it_cured_the_loan_opens_it_at_the_named_step() -> None:
    loan = Loan()
    loan.day(9)
    loan.paid()
    loan.until_it_waits()
    loan.now += timedelta(days=21)

    loan.hear(PaymentReversed(payment_id="R1", provider="sepa-dd"))
    loan.hear(DebitReturned(step="debit", occurrence=1, reason="MD06"))
    loan.until_it_waits()

    assert loan.state.end is None
    assert loan.state.balance_minor == 10_000
    assert loan.results()["talk"] == "done"
    assert [case.queue for case in loan.state.cases] == ["agents"]


def test_a_named_step_that_lies_behind_untaken_is_taken_out_of_turn_and_the_sequence_keeps_its_place() -> None:
    steps = (
        DEBIT.model_copy(update={"on_return": {"other": "talk"}}),
        Step(id="talk", kind=StepKind.HANDOFF, dpd=9, queue="agents", when=Conditions(debit_returned=("MD06",))),
        Step(id="last", kind=StepKind.REMIND, dpd=60, channels=SMS, template="last"),
    )
    loan = Loan(strategy(steps=steps))
    loan.day(20)
    assert loan.results()["talk"] == "passed_over"

    loan.hear(DebitReturned(step="debit", occurrence=1, reason="MD06"))
    loan.until_it_waits()

    assert [case.queue for case in loan.state.cases] == ["agents"]
    assert (loan.state.called, loan.state.position) == (None, 2)


WATCH = BalanceWatch(channels=SMS, template="funds")


def test_only_when_the_watch_saw_the_money_is_it_collected_and_then_no_link_is_sent() -> None:
    steps = (DEBIT.model_copy(update={"funds_seen": True}), *STEPS[1:])
    loan = Loan(strategy(steps=steps, watch=WATCH), consent=True)
    loan.day(12)
    assert [order.released for order in loan.orders] == [False]
    assert loan.sent == ["debit", "remind"]
    assert watch_wanted(loan.state)

    loan.hear(FundsSeen(read_at=loan.now))
    waits = loan.until_it_waits()

    assert [order.released for order in loan.orders] == [False, True]
    assert loan.sent == ["debit", "remind"]
    assert isinstance(waits, Wait)
    assert "being collected" in waits.why
    assert not watch_wanted(loan.state)


def test_a_debit_that_a_promise_keeps_back_does_not_keep_the_watch_from_seeing_the_money() -> None:
    """Given a debit let go at once, when the borrower promises to pay instead, then the account is watched for the
    promised sum as without a debit; and no more once the promise is off and the debit is let go again."""
    now = Step(id="debit", kind=StepKind.DEBIT, dpd=3, notice_days=0)
    loan = Loan(strategy(steps=(now, *STEPS[1:]), watch=WATCH, promises=PROMISES), consent=True)
    loan.day(4)
    while_let_go = watch_wanted(loan.state)

    loan.hear(PromiseMade(amount_minor=5_000, date=date(2026, 3, 9), by="agent-1", via=Via.AGENT))
    loan.until_it_waits()
    kept_back = watch_wanted(loan.state)
    as_before = watch_wanted(loan.state, beside_kept_back_debit=False)
    threshold = watch_threshold(loan.state)
    loan.hear(AgreementCancelled(number=1, by="agent-1", reason="a mistake"))
    loan.until_it_waits()

    assert [order.released for order in loan.orders] == [True, False, True]
    assert (while_let_go, kept_back, as_before, watch_wanted(loan.state)) == (False, True, False, False)
    assert threshold == AmountThreshold(kind="amount", amount_minor=5_000)


def test_money_seen_long_before_the_notice_is_over_brings_a_link_not_a_debit() -> None:
    steps = (DEBIT.model_copy(update={"funds_seen": True, "notice_days": 14}), *STEPS[1:])
    loan = Loan(strategy(steps=steps, watch=WATCH), consent=True)
    loan.day(4)

    loan.hear(FundsSeen(read_at=loan.now))
    loan.until_it_waits()

    assert loan.sent == ["debit", "funds"]
    assert [order.released for order in loan.orders] == [False]


def test_a_bank_that_wants_its_files_a_week_ahead_is_waited_for_that_much_longer() -> None:
    loan = Loan(strategy(steps=(DEBIT.model_copy(update={"notice_days": 1}), *STEPS[1:])))
    loan.lead_days = 5

    waits = loan.day(5)

    # Announced on Wednesday the 4th, collected five settlement days later, known another five later.
    assert isinstance(waits, Wait)
    assert waits.until is not None
    assert waits.until.date() == date(2026, 3, 19)


def test_a_debit_is_waited_for_from_the_day_it_was_filed_for() -> None:
    loan = Loan()
    loan.day(5)

    loan.hear(
        DebitReported(
            step="debit", outcome=DebitOutcome.FILED, released=True, lead_days=1, collect_on=date(2026, 3, 12)
        )
    )

    waits = loan.until_it_waits()
    assert isinstance(waits, Wait)
    assert waits.until is not None
    assert waits.until.date() == date(2026, 3, 20)


@pytest.mark.parametrize(("day", "sent"), [(10, []), (20, ["funds"])])
def test_money_seen_long_after_the_day_the_notice_named_brings_a_link_not_a_debit(day: int, sent: list[str]) -> None:
    """Given a debit announced for Monday the 9th that waits for money, then it is collected about then or never."""
    steps = (DEBIT.model_copy(update={"funds_seen": True}), STEPS[-1])
    steps = (steps[0].model_copy(update={"on_return": {}}), steps[1])
    loan = Loan(strategy(steps=steps, watch=WATCH), consent=True)
    loan.lead_days = 1
    loan.day(day)

    loan.hear(FundsSeen(read_at=loan.now))
    loan.until_it_waits()

    assert loan.sent == ["debit", *sent]
    assert [order.released for order in loan.orders] == [False, *([] if sent else [True])]


@pytest.mark.parametrize(
    "wrong",
    [
        {"template": None, "channels": ()},
        {"on_return": {"AM04": "before"}},
        {"on_return": {"am4": "again"}},
        {"kind": StepKind.REMIND},
        {"funds_seen": True},
    ],
)
def test_a_debit_step_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    before = Step(id="before", kind=StepKind.REMIND, dpd=1, channels=SMS, template="first")

    with pytest.raises(ValidationError):
        strategy(steps=(before, Step(**{**DEBIT.model_dump(), **wrong}), *STEPS[1:]))
