"""What interrupts what: one test for each thing that can happen to a loan, told as a borrower would notice it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.cases import open_case
from domain.collection import apply, not_acted_on
from domain.contact import Channel
from domain.contact_orders import RECEIPT
from domain.events.balance import FundsSeen
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.contacts import AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.events.control import CaseDecision, Close, CloseReason, Decide, Pause, Resume
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import AddressEntry, CaseKind, LoanEnd, NoteEntry
from domain.loan_state import EARLY_NEWS_KEPT, PAYMENTS_KEPT, LoanState
from domain.standing_clock import pass_time, settle_hold
from domain.strategy import Conditions, Stage, Step, StepKind
from tests.domain.simulated_loan import START, STEPS, Borrower, SimulatedLoan, facts, strategy

_numbers = itertools.count(1)


def loan(borrower: Borrower | None = None, now: datetime = START, **changes: Any) -> SimulatedLoan:
    plan = changes.pop("plan", None) or strategy(watch=None)
    return SimulatedLoan.entered(facts(**changes), plan, now, borrower)


def paid(amount_minor: int = 30_000, **changes: Any) -> PaymentReceived:
    given: dict[str, Any] = {
        "payment_id": f"p-{next(_numbers)}",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "paid_at": START,
        "provider": "stripe",
        **changes,
    }
    return PaymentReceived(**given)


def back(payment: PaymentReceived, **changes: Any) -> PaymentReversed:
    return PaymentReversed(**{"payment_id": payment.payment_id, "provider": payment.provider, **changes})


def kinds(subject: SimulatedLoan) -> list[CaseKind]:
    return [case.kind for case in subject.state.cases]


def decide(subject: SimulatedLoan, decision: CaseDecision = CaseDecision.CONTINUE) -> str | None:
    return subject.hear(Decide(case_id=subject.state.cases[0].case_id, decision=decision, by="agent-1"))


def entries(subject: SimulatedLoan) -> list[str]:
    return [entry.entry for entry in subject.ledger]


class TestPaidInFull:
    def test_every_planned_contact_is_dropped_and_one_receipt_is_sent(self) -> None:
        subject = loan()
        subject.pass_days(3)
        subject.hear(paid())
        subject.pass_days(300)
        assert subject.sent == ["day-3", RECEIPT]
        assert subject.state.end is LoanEnd.CURED
        assert subject.state.ended_by == "payment"

    def test_a_contact_waiting_for_its_lawful_slot_is_never_sent(self) -> None:
        subject = loan(Borrower(not_before=START + timedelta(days=10)))
        subject.pass_days(4)
        subject.hear(paid())
        subject.pass_days(300)
        assert subject.sent == [RECEIPT]

    def test_the_watch_stops(self) -> None:
        subject = loan(plan=strategy(), consent=True)
        subject.pass_days(1)
        subject.hear(paid())
        reads = len(subject.reads)
        subject.pass_days(10)
        assert reads == 5
        assert len(subject.reads) == reads

    def test_an_open_case_is_closed(self) -> None:
        subject = loan(due_date=date(2026, 1, 20))
        subject.pass_days(1)
        assert kinds(subject) == [CaseKind.HANDOFF]
        subject.hear(paid(paid_at=subject.now))
        assert kinds(subject) == []

    def test_nothing_is_past_due_any_more(self) -> None:
        subject = loan(due_date=date(2026, 1, 20))
        assert subject.state.days_past_due(subject.now) == 41
        subject.hear(paid())
        assert subject.state.days_past_due(subject.now) == 0

    def test_it_counts_during_a_dispute_too(self) -> None:
        subject = loan()
        subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        subject.hear(paid())
        assert subject.state.end is LoanEnd.CURED


class TestPartPaid:
    def test_the_sequence_keeps_its_place_and_skips_nothing(self) -> None:
        # Kill Bill #2297: after a part payment a step was skipped and the account jumped to the end.
        alone, part = loan(), loan()
        for subject in (alone, part):
            subject.pass_days(4)
        part.hear(paid(5_000))
        for subject in (alone, part):
            subject.pass_days(80)
        assert part.days() == alone.days()
        assert part.sent == ["day-3", "day-8", "big", "firm", "last"]

    def test_parts_that_reach_the_whole_cure(self) -> None:
        subject = loan()
        for amount in (10_000, 10_000, 9_999):
            subject.hear(paid(amount))
        assert subject.state.end is None
        subject.hear(paid(1))
        assert subject.state.end is LoanEnd.CURED

    def test_a_step_for_larger_debts_is_passed_over_once_little_is_left_and_the_record_says_why(self) -> None:
        subject = loan()
        subject.hear(paid(15_000))
        subject.pass_days(80)
        assert subject.sent == ["day-3", "day-8", "firm", "last"]
        record = subject.state.done("big")
        assert record is not None
        assert (record.result, record.because) == ("passed_over", "amount due is below the step's minimum")

    @pytest.mark.parametrize(("left", "sent"), [(20_000, True), (19_999, False)])
    def test_a_minimum_is_inclusive(self, left: int, sent: bool) -> None:
        # Hyperswitch #13654: thresholds off by one.
        subject = loan()
        subject.hear(paid(30_000 - left))
        subject.pass_days(20)
        assert ("big" in subject.sent) is sent

    def test_a_condition_that_comes_true_later_does_not_bring_the_step_back(self) -> None:
        subject = loan()
        payment = paid(15_000)
        subject.hear(payment)
        subject.pass_days(9)
        subject.hear(back(payment))
        subject.pass_days(80)
        assert "big" not in subject.sent


class TestOverpaid:
    def test_it_cures_and_a_person_sees_to_the_refund_of_exactly_the_excess(self) -> None:
        subject = loan()
        subject.hear(paid(30_250))
        assert subject.state.end is LoanEnd.CURED
        assert kinds(subject) == [CaseKind.REFUND]
        assert subject.state.cases[0].amount_minor == 250

    def test_paying_twice_refunds_the_second_payment(self) -> None:
        subject = loan()
        subject.hear(paid())
        subject.hear(paid())
        assert [case.amount_minor for case in subject.state.cases] == [30_000]

    def test_no_refund_for_money_that_was_taken_back(self) -> None:
        subject = loan()
        first, second = paid(), paid()
        subject.hear(first)
        subject.hear(second)
        subject.hear(back(second))
        assert subject.state.balance_minor == 0
        assert subject.state.end is LoanEnd.CURED
        assert kinds(subject) == []

    def test_the_refund_shrinks_with_what_was_taken_back(self) -> None:
        subject = loan()
        small = paid(100)
        for payment in (paid(), small, paid(400)):
            subject.hear(payment)
        subject.hear(back(small))
        assert sum(case.amount_minor or 0 for case in subject.state.cases) == 400


class TestReversed:
    def test_a_cured_loan_goes_on_at_its_place_without_repeating_a_step(self) -> None:
        subject = loan()
        subject.pass_days(4)
        payment = paid()
        subject.hear(payment)
        subject.pass_days(1)
        subject.hear(back(payment))
        assert subject.state.end is None
        subject.pass_days(75)
        assert subject.sent == ["day-3", RECEIPT, "day-8", "big", "firm", "last"]

    def test_steps_of_the_days_it_was_cured_are_not_sent_all_at_once(self) -> None:
        subject = loan()
        subject.pass_days(4)
        payment = paid()
        subject.hear(payment)
        subject.pass_days(60)
        subject.hear(back(payment))
        assert subject.sent == ["day-3", RECEIPT, "last"]
        assert {r.step: r.because for r in subject.state.records}["firm"] == "the loan was cured then"

    def test_each_end_has_its_own_receipt(self) -> None:
        subject = loan()
        for _ in range(2):
            payment = paid()
            subject.hear(payment)
            subject.hear(back(payment))
        subject.hear(paid())
        receipts = [(order.step, order.occurrence) for _, order, _ in subject.contacts if order.step == RECEIPT]
        assert receipts == [(RECEIPT, 1), (RECEIPT, 2), (RECEIPT, 3)]

    def test_before_the_payment_it_waits_for_it(self) -> None:
        subject = loan()
        payment = paid()
        subject.hear(back(payment))
        subject.hear(payment)
        assert subject.state.balance_minor == 30_000
        assert subject.state.end is None
        assert entries(subject) == ["note", "payment", "reversal"]

    def test_before_the_payment_it_fits_only_the_provider_it_names(self) -> None:
        subject = loan()
        payment = paid(payment_id="7", provider="bank")
        subject.hear(PaymentReversed(payment_id="7", provider="stripe"))
        subject.hear(payment)
        assert subject.state.end is LoanEnd.CURED

    def test_twice_counts_once(self) -> None:
        subject = loan()
        payment = paid(5_000)
        subject.hear(payment)
        subject.hear(back(payment))
        before = subject.state
        subject.hear(back(payment))
        assert subject.state == before

    def test_a_payment_reported_again_after_its_reversal_stays_reversed(self) -> None:
        subject = loan()
        payment = paid()
        for event in (payment, back(payment), payment):
            subject.hear(event)
        assert subject.state.balance_minor == 30_000

    def test_an_id_of_two_providers_needs_the_provider(self) -> None:
        subject = loan()
        subject.hear(paid(5_000, payment_id="7", provider="bank"))
        subject.hear(paid(5_000, payment_id="7", provider="stripe"))
        refused = subject.hear(PaymentReversed(payment_id="7"))
        assert refused == "the payment id stands for several providers: name the provider"
        assert subject.hear(PaymentReversed(payment_id="7", provider="bank")) is None

    def test_a_dispute_that_the_payment_ended_holds_again(self) -> None:
        subject = loan()
        subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        payment = paid()
        subject.hear(payment)
        subject.hear(back(payment))
        subject.pass_days(30)
        assert subject.state.circumstance is Circumstance.DISPUTE
        assert subject.sent == [RECEIPT]

    def test_a_pause_that_the_payment_ended_goes_on(self) -> None:
        subject = loan()
        subject.hear(Pause(until=START + timedelta(days=50)))
        payment = paid()
        subject.hear(payment)
        subject.hear(back(payment))
        subject.pass_days(49)
        assert subject.sent == [RECEIPT]

    def test_an_agents_case_that_it_closed_is_opened_again(self) -> None:
        subject = loan(due_date=date(2026, 1, 20))
        subject.pass_days(1)
        payment = paid(paid_at=subject.now)
        subject.hear(payment)
        subject.hear(back(payment))
        assert kinds(subject) == [CaseKind.HANDOFF]
        assert subject.state.cases[0].case_id == "demo-L1-1-2"

    def test_a_bereavement_told_after_the_cure_holds_from_the_first_moment(self) -> None:
        subject = loan()
        payment = paid()
        subject.hear(payment)
        subject.hear(CircumstanceReported(kind=Circumstance.BEREAVEMENT))
        subject.hear(back(payment))
        subject.pass_days(40)
        assert subject.sent == [RECEIPT]

    def test_after_a_sale_it_changes_only_the_books(self) -> None:
        subject = loan()
        payment = paid(5_000)
        subject.hear(payment)
        subject.hear(Close(reason=CloseReason.SOLD))
        subject.hear(back(payment))
        assert subject.state.end is LoanEnd.SOLD
        assert subject.state.balance_minor == 30_000

    def test_the_watch_restarts_at_once(self) -> None:
        subject = loan(plan=strategy(), consent=True)
        payment = paid()
        subject.hear(payment)
        subject.pass_days(5)
        before = len(subject.reads)
        subject.hear(back(payment))
        assert len(subject.reads) == before + 1

    def test_too_many_unknown_reversals_are_refused_and_none_is_forgotten(self) -> None:
        subject = loan()
        for number in range(EARLY_NEWS_KEPT):
            assert subject.hear(PaymentReversed(payment_id=f"x-{number}")) is None
        assert subject.hear(PaymentReversed(payment_id="one-more")) is not None
        subject.hear(paid(payment_id="x-0"))
        assert subject.state.balance_minor == 30_000


class TestLateNews:
    def test_a_case_that_would_not_exist_is_retracted(self) -> None:
        # Frappe Lending: days past due wrong after back-dated payments.
        subject = loan(due_date=date(2026, 1, 20))
        subject.pass_days(1)
        subject.hear(paid(paid_at=START - timedelta(days=5)))
        closed = next(entry for entry in subject.ledger if entry.entry == "case_closed")
        assert closed.state == "retracted"

    def test_a_part_payment_retracts_what_its_absence_caused(self) -> None:
        steps = (
            Step(
                id="agent",
                kind=StepKind.HANDOFF,
                dpd=3,
                queue="agents",
                when=Conditions(amount_at_least_minor=20_000),
            ),
            STEPS[-1],
        )
        subject = loan(plan=strategy(watch=None, steps=steps))
        subject.pass_days(3)
        assert kinds(subject) == [CaseKind.HANDOFF]
        part = paid(15_000, paid_at=START)
        subject.hear(part)
        assert kinds(subject) == []
        assert subject.state.hold is None
        subject.hear(back(part))
        assert kinds(subject) == [CaseKind.HANDOFF]

    def test_a_payment_made_after_the_case_was_opened_retracts_nothing(self) -> None:
        subject = loan(due_date=date(2026, 1, 20))
        subject.pass_days(1)
        subject.hear(paid(5_000, paid_at=subject.now))
        assert kinds(subject) == [CaseKind.HANDOFF]

    def test_a_loan_given_up_is_cured_by_a_payment_that_comes_after(self) -> None:
        subject = loan()
        subject.pass_days(95)
        assert subject.state.end is LoanEnd.NOT_CURED
        subject.hear(paid(paid_at=subject.now))
        assert subject.state.end is LoanEnd.CURED
        assert subject.sent[-1] == RECEIPT


class TestDoubtfulPayments:
    def test_the_same_payment_told_often_counts_once(self) -> None:
        subject = loan()
        payment = paid(5_000)
        for _ in range(5):
            assert subject.hear(payment) is None
        assert subject.state.balance_minor == 25_000
        assert entries(subject) == ["payment"]

    def test_one_id_of_two_providers_is_two_payments(self) -> None:
        subject = loan()
        subject.hear(paid(5_000, payment_id="7", provider="bank"))
        subject.hear(paid(5_000, payment_id="7", provider="stripe"))
        assert subject.state.balance_minor == 20_000

    @pytest.mark.parametrize("changes", [{"amount_minor": 6_000}, {"currency": "USD"}])
    def test_a_contradicting_report_counts_nothing_and_a_person_looks(self, changes: dict[str, Any]) -> None:
        subject = loan()
        payment = paid(5_000)
        subject.hear(payment)
        subject.hear(payment.model_copy(update=changes))
        assert subject.state.balance_minor == 25_000
        assert kinds(subject) == [CaseKind.PAYMENT_QUERY]
        assert subject.state.refusals[-1].message == "payment_received"

    def test_another_currency_is_not_counted_and_not_lost(self) -> None:
        subject = loan()
        subject.hear(paid(30_000, currency="USD", payment_id="first"))
        subject.hear(paid(30_000, currency="USD", payment_id="second"))
        assert subject.state.balance_minor == 30_000
        assert kinds(subject) == [CaseKind.PAYMENT_QUERY]
        assert "stripe first" in next(e.reason for e in subject.ledger if e.entry == "case_opened")
        assert any(isinstance(e, NoteEntry) and "stripe second" in e.detail for e in subject.ledger)

    def test_the_question_stays_open_when_the_loan_is_paid_otherwise(self) -> None:
        subject = loan()
        subject.hear(paid(30_000, currency="USD"))
        subject.hear(paid())
        assert subject.state.end is LoanEnd.CURED
        assert kinds(subject) == [CaseKind.PAYMENT_QUERY]

    def test_a_value_date_far_ahead_counts_and_a_person_looks(self) -> None:
        subject = loan()
        subject.hear(paid(5_000, paid_at=START + timedelta(days=30)))
        assert subject.state.balance_minor == 25_000
        assert kinds(subject) == [CaseKind.PAYMENT_QUERY]

    def test_a_value_date_over_the_weekend_is_no_question(self) -> None:
        subject = loan()
        subject.hear(paid(5_000, paid_at=START + timedelta(days=4)))
        assert kinds(subject) == []

    @pytest.mark.parametrize("reason", [CloseReason.SOLD, CloseReason.RECALLED])
    def test_money_for_a_loan_that_is_no_longer_ours_is_a_question(self, reason: CloseReason) -> None:
        subject = loan()
        subject.hear(Close(reason=reason))
        subject.hear(paid(5_000))
        assert subject.state.end == reason.value
        assert kinds(subject) == [CaseKind.PAYMENT_QUERY]
        assert subject.sent == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount_minor": 0},
            {"amount_minor": True},
            {"amount_minor": 10.0},
            {"amount_minor": "100"},
            {"amount_minor": 10**30},
            {"currency": "euro"},
            {"paid_at": "2026-03-02T09:00:00"},
            {"paid_at": 1772000000},
            {"paid_at": "9999-12-31T23:59:59-12:00"},
            {"payment_id": ""},
            {"payment_id": "x" * 129},
            {"provider": "Juan Pérez"},
        ],
    )
    def test_what_cannot_be_a_payment_is_no_event(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            paid(**{"amount_minor": 100, **wrong})

    def test_thousands_of_payments_stay_small_and_add_up(self) -> None:
        subject = loan(amount_due_minor=PAYMENTS_KEPT + 10)
        for number in range(PAYMENTS_KEPT + 5):
            subject.state, _ = apply(subject.state, paid(1, payment_id=f"n-{number}"), subject.now)
        assert subject.state.balance_minor == 10
        assert CaseKind.PAYMENT_QUERY in kinds(subject)
        assert len(subject.state.model_copy(update={"outbox": ()}).model_dump_json()) < 400_000


class TestCircumstances:
    @pytest.mark.parametrize("kind", Circumstance)
    def test_everything_stands_still_until_a_person_has_decided(self, kind: Circumstance) -> None:
        subject = loan(plan=strategy(), consent=True)
        subject.hear(CircumstanceReported(kind=kind))
        reads = len(subject.reads)
        subject.pass_days(400)
        assert subject.sent == []
        assert len(subject.reads) == reads
        assert subject.state.end is None, "no end by the clock either"
        assert decide(subject) is None
        subject.pass_days(4)
        assert subject.sent == ["day-3"]

    def test_each_has_its_own_queue_and_all_must_be_decided(self) -> None:
        queues = {**strategy().queues, "hardship": strategy().queues["agents"]}
        subject = loan(plan=strategy(watch=None, queues=queues))
        subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        subject.hear(CircumstanceReported(kind=Circumstance.HARDSHIP))
        assert [case.queue for case in subject.state.cases] == ["agents", "hardship"]
        decide(subject)
        subject.pass_days(30)
        assert subject.sent == []
        decide(subject)
        subject.pass_days(30)
        assert subject.sent != []

    def test_reported_twice_is_one_case(self) -> None:
        subject = loan()
        for _ in range(2):
            subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        assert kinds(subject) == [CaseKind.CIRCUMSTANCE]

    def test_a_lapsed_sla_never_releases_it(self) -> None:
        subject = loan()
        subject.hear(CircumstanceReported(kind=Circumstance.VULNERABLE))
        subject.pass_days(10)
        assert subject.state.cases[0].lapsed
        assert subject.state.hold is not None

    def test_an_offer_on_seen_funds_is_dropped(self) -> None:
        subject = loan(Borrower(not_before=START + timedelta(days=1)), plan=strategy(), consent=True)
        subject.hear(FundsSeen(read_at=START))
        subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        subject.hear(FundsSeen(read_at=START))
        assert subject.state.funds_seen_at is None

    def test_refused_once_the_loan_is_sold(self) -> None:
        subject = loan()
        subject.hear(Close(reason=CloseReason.SOLD))
        assert subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE)) == "the loan has ended as sold"


class TestOptOut:
    def test_the_next_channel_of_the_step_is_used(self) -> None:
        subject = loan()
        subject.hear(OptOut(channel=Channel.SMS))
        subject.pass_days(80)
        assert all(Channel.SMS not in order.channels for _, order, _ in subject.contacts)
        assert subject.sent == ["day-3", "day-8", "big", "firm", "last"]

    def test_a_contact_that_waits_is_ordered_anew_without_the_channel(self) -> None:
        # OCA credit-control #447: a contact to a blacklisted address stayed queued for ever.
        subject = loan(Borrower(not_before=START + timedelta(days=6)))
        subject.pass_days(4)
        subject.hear(OptOut(channel=Channel.SMS))
        subject.pass_days(2.5)
        assert [(o.step, o.channels) for _, o, _ in subject.contacts] == [("day-3", (Channel.EMAIL,))]

    def test_without_any_channel_a_person_is_asked_once(self) -> None:
        subject = loan()
        subject.hear(OptOut(channel=Channel.SMS))
        subject.hear(OptOut(channel=Channel.EMAIL))
        subject.pass_days(10)
        assert subject.sent == []
        assert kinds(subject) == [CaseKind.CONTACT_DATA]

    def test_no_balance_is_read_that_could_lead_to_no_message(self) -> None:
        subject = loan(plan=strategy(), consent=True)
        subject.hear(OptOut(channel=Channel.SMS))
        subject.hear(OptOut(channel=Channel.EMAIL))
        reads = len(subject.reads)
        subject.pass_days(2)
        assert len(subject.reads) == reads

    def test_twice_is_told_to_the_records_once(self) -> None:
        subject = loan()
        for _ in range(2):
            subject.hear(OptOut(channel=Channel.SMS))
        assert entries(subject) == ["opt_out"]


class TestCease:
    def test_nothing_is_ever_sent_again_and_a_person_decides(self) -> None:
        subject = loan(plan=strategy(), consent=True)
        subject.hear(OptOut(channel="all"))
        reads = len(subject.reads)
        subject.pass_days(20)
        assert kinds(subject) == [CaseKind.CEASE]
        decide(subject)
        subject.pass_days(100)
        assert subject.sent == []
        assert len(subject.reads) == reads
        assert subject.state.end is LoanEnd.NOT_CURED

    def test_a_payment_after_it_cures_without_a_receipt(self) -> None:
        subject = loan()
        subject.hear(OptOut(channel="all"))
        subject.hear(paid())
        subject.pass_days(5)
        assert subject.state.end is LoanEnd.CURED
        assert subject.sent == []

    def test_a_receipt_that_waits_for_morning_is_dropped(self) -> None:
        subject = loan(Borrower(not_before=START + timedelta(days=1)))
        subject.hear(paid())
        subject.hear(OptOut(channel="all"))
        subject.pass_days(3)
        assert subject.sent == []

    def test_it_outlives_a_reversal(self) -> None:
        subject = loan()
        payment = paid()
        for event in (OptOut(channel="all"), payment, back(payment)):
            subject.hear(event)
        subject.pass_days(30)
        assert subject.sent == []
        assert kinds(subject) == [CaseKind.CEASE]


class TestAddresses:
    def failed(self, reason: AddressFailure = AddressFailure.DEAD, **changes: Any) -> ContactFailed:
        given: dict[str, Any] = {"step": "day-3", "occurrence": 1, "channel": Channel.SMS, "reason": reason}
        return ContactFailed(**{**given, **changes})

    @pytest.mark.parametrize("reason", [each for each in AddressFailure if each is not AddressFailure.TRY_AGAIN])
    def test_the_step_goes_out_by_the_next_channel(self, reason: AddressFailure) -> None:
        subject = loan()
        subject.pass_days(3)
        subject.hear(self.failed(reason))
        assert [(o.step, o.occurrence, o.channels[0]) for _, o, _ in subject.contacts] == [
            ("day-3", 1, Channel.SMS),
            ("day-3", 2, Channel.EMAIL),
        ]
        assert (Channel.SMS in subject.state.closed_channels) is (reason is not AddressFailure.UNDELIVERED)

    def test_what_failed_for_a_passing_reason_goes_out_once_more_by_the_same_channel_and_then_by_the_next(self) -> None:
        subject = loan()
        subject.pass_days(3)
        subject.hear(self.failed(AddressFailure.TRY_AGAIN))
        subject.hear(self.failed(AddressFailure.TRY_AGAIN, occurrence=2))
        assert [(o.step, o.occurrence, o.channels[0]) for _, o, _ in subject.contacts] == [
            ("day-3", 1, Channel.SMS),
            ("day-3", 2, Channel.SMS),
            ("day-3", 3, Channel.EMAIL),
        ]
        assert Channel.SMS not in subject.state.closed_channels

    def test_the_records_are_told_which_message_found_the_address_dead(self) -> None:
        subject = loan()
        subject.pass_days(3)
        subject.hear(self.failed())

        [told] = [entry for entry in subject.ledger if isinstance(entry, AddressEntry)]
        assert (told.channel, told.reason, told.step, told.occurrence) == (Channel.SMS, AddressFailure.DEAD, "day-3", 1)

    def test_when_no_channel_is_left_a_person_finds_contact_data_and_opens_them_again(self) -> None:
        subject = loan()
        subject.pass_days(3)
        subject.hear(self.failed(AddressFailure.WRONG_PERSON))
        subject.hear(self.failed(AddressFailure.DEAD, occurrence=2, channel=Channel.EMAIL))
        assert kinds(subject) == [CaseKind.CONTACT_DATA]
        decide(subject)
        subject.pass_days(6)
        assert subject.sent[-2:] == ["day-8", "big"]

    def test_news_faster_than_our_own_report_is_not_lost(self) -> None:
        subject = loan(Borrower(not_before=START + timedelta(days=4)))
        subject.pass_days(3.5)
        subject.hear(self.failed(AddressFailure.UNDELIVERED))
        subject.pass_days(1)
        assert [(o.step, o.occurrence) for _, o, _ in subject.contacts] == [("day-3", 1), ("day-3", 2)]

    def test_an_old_message_is_not_repeated_after_a_newer_one(self) -> None:
        subject = loan()
        subject.pass_days(9)
        subject.hear(self.failed())
        subject.pass_days(1)
        assert subject.sent == ["day-3", "day-8", "big"]

    def test_told_twice_is_repeated_once(self) -> None:
        subject = loan()
        subject.pass_days(3)
        for _ in range(2):
            subject.hear(self.failed())
        assert subject.sent == ["day-3", "day-3"]

    def test_a_contact_nobody_knows_is_refused(self) -> None:
        assert loan().hear(self.failed(step="nonsense")) == "no such contact"

    def test_a_link_that_did_not_arrive_is_offered_again_when_the_money_is_still_there(self) -> None:
        money = ((START + timedelta(hours=1), START + timedelta(days=2)),)
        subject = loan(Borrower(money=money), plan=strategy(), consent=True)
        subject.pass_days(0.5)
        subject.hear(self.failed(step="funds"))
        assert [(o.step, o.occurrence, o.channels[0]) for _, o, _ in subject.contacts] == [
            ("funds", 1, Channel.SMS),
            ("funds", 2, Channel.EMAIL),
        ]

    def test_addresses_dead_at_dispatch_lead_to_a_person(self) -> None:
        subject = loan(Borrower(dead=frozenset({Channel.SMS, Channel.EMAIL})))
        subject.pass_days(3)
        assert kinds(subject) == [CaseKind.CONTACT_DATA]
        assert subject.state.done("day-3").result == "unreachable"  # type: ignore[union-attr]


class TestPause:
    def test_the_wait_keeps_what_was_left_and_ends_by_itself(self) -> None:
        # GetPaidHQ: a pause discarded the wait that was left.
        free, subject = loan(), loan()
        free.pass_days(20)
        subject.pass_days(1)
        subject.hear(Pause(until=subject.now + timedelta(days=10)))
        subject.pass_days(25)
        assert subject.contacts[0][0] - free.contacts[0][0] == timedelta(days=10)
        assert subject.state.paused_until is None

    def test_an_hour_costs_an_hour(self) -> None:
        # Fineract #3659, #5100: pause arithmetic.
        free, subject = loan(), loan()
        subject.hear(Pause(until=subject.now + timedelta(hours=1)))
        for one in (free, subject):
            one.pass_days(4)
        assert subject.contacts[0][0] - free.contacts[0][0] == timedelta(hours=1)

    def test_resumed_early_only_the_time_it_stood_counts(self) -> None:
        free, subject = loan(), loan()
        subject.hear(Pause(until=subject.now + timedelta(days=30)))
        subject.pass_days(2)
        assert subject.hear(Resume()) is None
        for one in (free, subject):
            one.pass_days(20)
        assert subject.contacts[0][0] - free.contacts[0][0] == timedelta(days=2)

    def test_a_stray_resume_is_refused_and_ends_no_wait(self) -> None:
        # GetPaidHQ: a stray resume ended the wait at once.
        subject = loan()
        assert subject.hear(Resume()) == "the loan is not paused"
        assert subject.sent == []

    def test_overlapping_holds_count_once(self) -> None:
        free, subject = loan(), loan()
        subject.hear(Pause(until=START + timedelta(days=4)))
        subject.pass_days(2)
        subject.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
        subject.pass_days(4)
        decide(subject)
        free.pass_days(20)
        subject.pass_days(20)
        assert subject.contacts[0][0] - free.contacts[0][0] == timedelta(days=6)

    def test_a_contact_under_way_when_the_pause_begins_does_not_lengthen_the_next_wait(self) -> None:
        steps = (STEPS[0], Step(id="then", kind=StepKind.REMIND, after_days=5, channels=(Channel.SMS,), template="x"))
        subject = loan(Borrower(not_before=START + timedelta(days=90)), plan=strategy(watch=None, steps=steps))
        subject.pass_days(3)
        subject.hear(Pause(until=subject.now + timedelta(days=4)))
        subject.pass_days(1)
        arrived = ContactReported(step="day-3", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)
        subject.hear(arrived)
        sent_at = subject.now
        subject.pass_days(3)
        then = subject.state.next_step
        assert then is not None
        base = subject.state.facts.moment(subject.state.facts.local_date(sent_at) + timedelta(days=5), then.at)
        assert subject.state.step_due_at(then) == base + timedelta(days=3)

    def test_the_campaigns_resumption_leaves_a_pause_of_the_loans_own(self) -> None:
        subject = loan()
        asked_for = START + timedelta(days=60)
        subject.hear(Pause(until=asked_for))
        subject.hear(Pause(until=START + timedelta(days=3), of_campaign=True))
        assert subject.state.paused_until == asked_for
        subject.pass_days(1)

        subject.hear(Resume(of_campaign=True))

        assert subject.state.paused_until == asked_for
        subject.pass_days(50)
        assert subject.sent == []
        subject.pass_days(20)
        assert subject.sent != []

    def test_a_pause_of_the_loans_own_set_while_its_campaign_pauses_outlasts_it(self) -> None:
        subject = loan()
        subject.hear(Pause(until=START + timedelta(days=3), of_campaign=True))
        subject.pass_days(5)
        subject.hear(Pause(until=subject.now + timedelta(days=30)))

        assert subject.hear(Resume(of_campaign=True)) is None

        assert subject.state.paused_until == subject.now + timedelta(days=30)

    def test_who_resumes_the_loan_itself_ends_both(self) -> None:
        subject = loan()
        subject.hear(Pause(until=START + timedelta(days=60)))
        subject.hear(Pause(until=START + timedelta(days=90), of_campaign=True))

        subject.hear(Resume())

        assert subject.state.paused_until is None
        assert subject.hear(Resume(of_campaign=True)) == "the loan is not paused"

    def test_a_campaign_that_goes_on_takes_its_loans_with_it(self) -> None:
        subject = loan()
        subject.hear(Pause(until=START + timedelta(days=60), of_campaign=True))

        subject.hear(Resume(of_campaign=True))

        assert subject.state.paused_until is None

    def test_a_pause_and_a_case_that_were_over_before_anybody_looked_held_until_the_later(self) -> None:
        looked_at, left = loan(), loan()
        for subject in (looked_at, left):
            opened = open_case(subject.state, CaseKind.HANDOFF, "step big", subject.now, queue="supervisors")
            subject.state = settle_hold(opened, subject.now)
            [case] = subject.state.cases
            subject.hear(Pause(until=case.sla_at + timedelta(days=5)))
            over = case.sla_at + timedelta(days=9)
            if subject is looked_at:
                subject.state = pass_time(subject.state, case.sla_at + timedelta(days=1))
            subject.state = pass_time(subject.state, over)

        assert left.state.clock_shift == looked_at.state.clock_shift
        assert left.state.base_shift == looked_at.state.base_shift

    def test_a_pause_longer_than_the_strategy_moves_its_end(self) -> None:
        subject = loan()
        subject.hear(Pause(until=START + timedelta(days=200)))
        subject.pass_days(201)
        assert subject.state.end is None
        assert subject.state.ends_at == START + timedelta(days=290)
        subject.pass_days(92)
        assert subject.sent == ["day-3", "day-8", "big", "firm", "last"]
        assert subject.state.end is LoanEnd.NOT_CURED

    @pytest.mark.parametrize(
        ("until", "why"),
        [
            (START, "until lies in the past"),
            (START + timedelta(days=3651), "until lies more than ten years ahead"),
        ],
    )
    def test_a_senseless_end_is_refused(self, until: datetime, why: str) -> None:
        assert loan().hear(Pause(until=until)) == why

    def test_the_watch_rests_too(self) -> None:
        subject = loan(plan=strategy(), consent=True)
        subject.hear(Pause(until=START + timedelta(days=3)))
        reads = len(subject.reads)
        subject.pass_days(2.9)
        assert len(subject.reads) == reads
        subject.pass_days(0.2)
        assert len(subject.reads) == reads + 1


class TestLeaving:
    @pytest.mark.parametrize("reason", CloseReason)
    def test_recalled_sold_or_written_off_drops_everything(self, reason: CloseReason) -> None:
        subject = loan(due_date=date(2026, 1, 20))
        subject.pass_days(1)
        subject.hear(Close(reason=reason))
        subject.pass_days(100)
        assert subject.state.end == reason.value
        assert subject.sent == []
        assert kinds(subject) == []

    @pytest.mark.parametrize(
        "event",
        [Pause(until=START + timedelta(days=1)), Close(reason=CloseReason.SOLD)],
    )
    def test_orders_after_the_end_are_refused(self, event: Any) -> None:
        subject = loan()
        subject.hear(paid())
        assert subject.hear(event) == "the loan has ended as cured"

    def test_it_ends_at_the_very_moment_its_time_is_over(self) -> None:
        subject = loan()
        over = START + timedelta(days=90) + timedelta(hours=72)  # the agents' case held it for its two SLAs
        subject.run_until(over - timedelta(microseconds=1))
        assert subject.state.end is None
        subject.run_until(over)
        assert subject.state.end is LoanEnd.NOT_CURED


class TestEntering:
    def test_years_past_due_it_enters_at_the_last_step(self) -> None:
        subject = loan(due_date=date(2019, 1, 1))
        assert subject.sent == ["last"]
        assert {r.result for r in subject.state.records[:-1]} == {"before_entry"}

    def test_two_steps_of_one_day_are_both_called_for(self) -> None:
        subject = loan(due_date=date(2026, 2, 22))
        subject.pass_days(0.5)
        assert subject.sent == ["day-8", "big"]

    def test_a_step_missed_while_nobody_was_working_is_still_sent(self) -> None:
        # Fineract: the overdue event fired only when today equalled due date + N.
        subject = loan()
        subject.now += timedelta(days=5)
        subject.run_until(subject.now)
        assert subject.sent == ["day-3"]

    def test_the_hour_that_a_spring_night_skips_gives_the_one_after(self) -> None:
        step = Step(id="night", kind=StepKind.REMIND, dpd=28, at=time(2, 30), channels=(Channel.SMS,), template="x")
        subject = loan(plan=strategy(watch=None, steps=(step,)))
        subject.pass_days(40)
        assert subject.contacts[0][0] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    def test_the_hour_that_an_autumn_night_has_twice_is_used_once(self) -> None:
        step = Step(id="night", kind=StepKind.REMIND, dpd=1, at=time(2, 30), channels=(Channel.SMS,), template="x")
        now = datetime(2026, 10, 24, 9, tzinfo=UTC)
        subject = loan(now=now, due_date=date(2026, 10, 24), plan=strategy(watch=None, steps=(step,)))
        subject.pass_days(3)
        assert [at for at, _, _ in subject.contacts] == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]

    def test_each_borrower_has_a_day_of_their_own(self) -> None:
        # SynWorks: one time zone for all borrowers.
        days = {}
        for zone in ("Pacific/Auckland", "America/Los_Angeles"):
            subject = loan(timezone=zone)
            subject.pass_days(5)
            days[zone] = subject.contacts[0][0]
        assert days["America/Los_Angeles"] - days["Pacific/Auckland"] == timedelta(hours=21)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"timezone": "Mars/Base"},
            {"timezone": "../etc"},
            {"currency": "XQQ"},
            {"amount_due_minor": 0},
            {"amount_due_minor": 10**30},
            {"due_date": date(9999, 12, 31)},
            {"lender": "a-b"},
            {"loan_id": "a b"},
        ],
    )
    def test_facts_that_cannot_be_are_refused_at_the_door(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            facts(**wrong)


class TestDispatch:
    def test_the_count_moves_only_when_the_attempt_was_made(self) -> None:
        # Lago: the attempt counter moved before the attempt was made.
        subject = loan(Borrower(not_before=START + timedelta(days=6)))
        subject.pass_days(4)
        assert subject.state.position == 0
        subject.pass_days(2.9)
        assert subject.state.position == 1

    @pytest.mark.parametrize("outcome", [ContactOutcome.NOT_WANTED, ContactOutcome.FAILED])
    def test_what_could_not_be_tried_is_tried_a_day_later_and_not_in_a_circle(self, outcome: ContactOutcome) -> None:
        subject = loan(Borrower(not_before=START + timedelta(days=90)))
        subject.pass_days(3)
        subject.hear(ContactReported(step="day-3", occurrence=1, outcome=outcome))
        subject.borrower.not_before = None
        tried_at = subject.now
        subject.pass_days(2)
        assert subject.sent == ["day-3"]
        assert subject.contacts[0][0] == tried_at + timedelta(days=1)

    def test_a_report_heard_twice_moves_the_loan_once(self) -> None:
        subject = loan()
        subject.pass_days(3)
        before = subject.state
        subject.hear(ContactReported(step="day-3", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS))
        assert subject.state == before

    def test_no_slot_before_the_end_sends_nothing(self) -> None:
        subject = loan(Borrower(not_before=START + timedelta(days=365)))
        subject.pass_days(120)
        assert subject.sent == []
        assert subject.state.end is LoanEnd.NOT_CURED

    def test_the_stage_rises_with_the_days_and_with_escalation(self) -> None:
        subject = loan()
        stages: list[Stage] = []
        for _ in range(35):
            stages.append(subject.state.stage(subject.now))
            subject.pass_days(1)
        assert list(dict.fromkeys(stages)) == [Stage.EARLY, Stage.LATE]
        assert stages.index(Stage.LATE) == 19

    def test_money_seen_is_offered_a_link_and_then_the_watch_rests(self) -> None:
        money = ((START + timedelta(hours=7), START + timedelta(days=2)),)
        subject = loan(Borrower(money=money), plan=strategy(), consent=True)
        subject.pass_days(4.5)
        offers = [at for at, order, _ in subject.contacts if order.step == "funds"]
        assert offers == [START + timedelta(hours=12)]
        assert [read for read in subject.reads if offers[0] < read < offers[0] + timedelta(days=3)] == []

    def test_money_gone_by_morning_sends_nothing_and_the_watch_goes_on(self) -> None:
        stays = ((START + timedelta(hours=11), START + timedelta(hours=30)),)
        goes = ((START + timedelta(hours=11), START + timedelta(hours=20)),)
        kept, gone = (
            loan(Borrower(money=money, awake=(9, 18)), plan=strategy(), consent=True) for money in (stays, goes)
        )
        for subject in (kept, gone):
            subject.pass_days(1.9)
        assert kept.sent == ["funds"]
        assert gone.sent == []
        assert len(gone.reads) > len(kept.reads)


def test_a_refused_event_leaves_the_state_as_it_was() -> None:
    subject = loan()
    before: LoanState = subject.state
    after, why = apply(before, Decide(case_id="none", decision=CaseDecision.CONTINUE, by="x"), subject.now)
    assert why == "no open case none"
    assert after == before


class TestAMessageOnWhichTheRulesFail:
    def test_holds_beside_a_handoff_that_lapsed_and_asks_a_person_once(self) -> None:
        """Given a handoff that nobody decided in time, so that the loan goes on, when the rules fail on a message, then
        a case of its own holds the loan; told again it opens no other, and another message does."""
        subject = loan()
        subject.state = open_case(subject.state, CaseKind.HANDOFF, "step agent", subject.now, queue="supervisors")
        subject.state = pass_time(subject.state, subject.now + timedelta(days=2))
        now = subject.now + timedelta(days=2)
        assert subject.state.hold is None

        state = not_acted_on(subject.state, "opt_out", "OverflowError", now)
        held = state.hold
        state = not_acted_on(state, "opt_out", "OverflowError", now + timedelta(hours=1))
        once = len(state.cases)
        state = not_acted_on(state, "debit_returned", "OverflowError", now + timedelta(hours=1))

        assert held is not None
        assert (once, len(state.cases)) == (2, 3)
        assert state.refusal_count == 3
