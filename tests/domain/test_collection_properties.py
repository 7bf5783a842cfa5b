"""Every order of events on the pure core: what must hold whatever happens, and when."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.agreements.contacts import next_contact_at
from domain.agreements.judging import next_moment, next_unpaid
from domain.agreements.limits import percent_of
from domain.agreements.model import BROKEN, JUDGED, LINK, LIVE, MESSAGES, AgreementState, Evidence, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority
from domain.collection import apply, pass_time
from domain.contact import Channel, Purpose
from domain.contact_orders import ASKED, FUNDS, RECEIPT
from domain.conversation.model import REPLY
from domain.events.agreements import (
    AgreementCancelled,
    DueDateMoved,
    OfferAccepted,
    OfferApproved,
    PromiseMade,
    SettlementAgreed,
)
from domain.events.balance import WatchEnded
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.contacts import AddressFailure, ContactFailed
from domain.events.control import CaseDecision, Close, CloseReason, Decide, Pause, Resume
from domain.events.loan_event import LoanEvent
from domain.events.messages import WordsWritten
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import (
    AgreementEntry,
    CaseClosedEntry,
    CaseMovedEntry,
    CaseOpenedEntry,
    EndEntry,
    PaymentEntry,
    ReopenedEntry,
    ReversalEntry,
)
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.own_words import is_words
from domain.planning import plan
from domain.strategy import StepKind
from tests.domain.simulated_loan import CATALOGUE, STEPS, Borrower, SimulatedLoan, facts, strategy

PROVIDERS = st.sampled_from(["stripe", "bank"])
PAYMENT_IDS = st.sampled_from([f"p{n}" for n in range(6)])
GAPS = st.one_of(st.just(0.0), st.floats(0.001, 3), st.floats(3, 45)).map(lambda days: timedelta(days=days))
CHANNELS = st.sampled_from([Channel.SMS, Channel.EMAIL])


class CollectionMachine(RuleBasedStateMachine):
    terms: ClassVar[Mapping[str, Any]] = CATALOGUE

    @initialize(
        due_in=st.integers(-400, 5),
        timezone=st.sampled_from(["Europe/Madrid", "America/New_York", "Pacific/Auckland", None]),
        start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),
        consent=st.booleans(),
        awake=st.sampled_from([(0, 24), (9, 18)]),
        dead=st.sets(CHANNELS),
        money=st.booleans(),
    )
    def enter(self, due_in, timezone, start, consent, awake, dead, money) -> None:  # type: ignore[no-untyped-def]
        now = start.replace(tzinfo=UTC)
        due = date.fromordinal(now.date().toordinal() + due_in)
        span = ((now + timedelta(days=4), now + timedelta(days=4.3)),) if money else ()
        borrower = Borrower(dead=frozenset(dead), awake=awake, money=span)
        loan = facts(due_date=due, timezone=timezone, consent=consent)
        self.loan = SimulatedLoan.entered(loan, strategy(**self.terms), now, borrower)
        self.told: dict[tuple[str, str], PaymentReceived] = {}
        self.took_back: set[tuple[str, str]] = set()

    def hear(self, event: LoanEvent) -> str | None:
        before, now = self.loan.state, self.loan.now
        once, refused = apply(before, event, now)
        if refused is not None:
            assert once == pass_time(before, now), "a refused event changes nothing"
        return self.loan.hear(event)

    @rule(gap=GAPS)
    def wait(self, gap: timedelta) -> None:
        self.loan.run_until(self.loan.now + gap)

    @rule(
        payment_id=PAYMENT_IDS,
        provider=PROVIDERS,
        amount=st.sampled_from([1, 5_000, 10_000, 15_000, 30_000, 40_000]),
        back=GAPS,
        currency=st.sampled_from(["EUR", "EUR", "EUR", "EUR", "USD"]),
    )
    def pay(self, payment_id: str, provider: str, amount: int, back: timedelta, currency: str) -> None:
        event = PaymentReceived(
            payment_id=payment_id,
            provider=provider,
            amount_minor=amount,
            currency=currency,
            paid_at=self.loan.now - back,
        )
        if currency == "EUR":
            self.told.setdefault((provider, payment_id), event)
        assert self.hear(event) is None

    @rule()
    def pay_in_full(self) -> None:
        self.pay("full", "stripe", max(1, self.loan.state.balance_minor), timedelta(), "EUR")

    @rule(data=st.data())
    def reported_again(self, data: st.DataObject) -> None:
        assume(self.told)
        before = self.loan.state
        self.hear(data.draw(st.sampled_from(sorted(self.told.values(), key=repr))))
        assert self.loan.state.payments == before.payments

    @rule(payment_id=st.one_of(PAYMENT_IDS, st.just("full")), provider=PROVIDERS)
    def take_back(self, payment_id: str, provider: str) -> None:
        self.took_back.add((provider, payment_id))
        assert self.hear(PaymentReversed(payment_id=payment_id, provider=provider)) is None

    @rule(amount=st.sampled_from([500, 5_000, 12_000, 30_000]), ahead=st.integers(-1, 40))
    def promise(self, amount: int, ahead: int) -> None:
        before = self.loan.state
        day = before.facts.local_date(self.loan.now) + timedelta(days=ahead)
        event = PromiseMade(amount_minor=amount, date=day, by="agent-1", via="agent")
        if self.hear(event) is None:
            assert 0 <= ahead <= 31
            assert amount <= pass_time(before, self.loan.now).balance_minor
            assert self.hear(event) is None, "the same promise told again is the same promise"

    @rule(data=st.data(), role=st.sampled_from(Authority), yes=st.booleans(), cheat=st.sampled_from([0, 0, 0, 1, 500]))
    def agree(self, data: st.DataObject, role: Authority, yes: bool, cheat: int) -> None:
        state, now = pass_time(self.loan.state, self.loan.now), self.loan.now
        asked = request_of(state, now, role)
        found = offers(asked, state.strategy).offers
        assume(found)
        offer = data.draw(st.sampled_from(found))
        said = Evidence(at=now, message_id="SM1") if yes else None
        by = data.draw(st.sampled_from(["agent-1", "agent-2"]))
        event = agreeing(offer, by=by, role=role, via=Via.MESSAGE, evidence=said, holidays=asked.holidays)
        if cheat:
            first = event.payments[0]
            assume(first.amount_minor > cheat)
            lower = first.model_copy(update={"amount_minor": first.amount_minor - cheat})
            event = event.model_copy(update={"payments": (lower, *event.payments[1:])})
        refused = self.hear(event)
        if not cheat:
            assert refused is None, "what is offered can be agreed on"
        elif refused is None:
            assert isinstance(event, SettlementAgreed), "only of a settlement is another sum another settlement"
            assert self.loan.state.agreements[-1].total_minor >= 0.6 * state.balance_minor

    @rule(number=st.integers(1, 6), by=st.sampled_from(["agent-1", "agent-2", "boss"]), role=st.sampled_from(Authority))
    def approve(self, number: int, by: str, role: Authority) -> None:
        offer = next((a for a in self.loan.state.agreements if a.number == number), None)
        refused = self.hear(OfferApproved(number=number, by=by, role=role))
        assert refused is not None or (offer is not None and offer.proposed_by != by)

    @rule(number=st.integers(1, 6))
    def accept(self, number: int) -> None:
        said = Evidence(at=self.loan.now, message_id="SM2")
        self.hear(OfferAccepted(number=number, by="agent-1", via=Via.PAGE, evidence=said))

    @rule(number=st.integers(1, 6), days=st.integers(1, 9))
    def move_due_date(self, number: int, days: int) -> None:
        agreement = self.loan.state.agreement
        due = agreement.instalments[0].due if agreement else self.loan.now.date()
        self.hear(DueDateMoved(number=number, to=due + timedelta(days=days), by="agent-1"))

    @rule(before=st.booleans())
    def its_day_passes(self, before: bool) -> None:
        state = self.loan.state
        moment = (next_contact_at(state, self.loan.now) if before else None) or next_moment(state)
        assume(moment is not None)
        assert moment is not None
        self.loan.run_until(max(moment, self.loan.now) + timedelta(minutes=1))

    @rule()
    def pay_the_next_instalment(self) -> None:
        agreement = self.loan.state.agreement
        assume(agreement is not None and len(self.told) < 60)
        assert agreement is not None
        covered = next_unpaid(self.loan.state, agreement)
        assert covered is not None
        left = covered.instalment.amount_minor - covered.paid_minor
        self.pay(f"i{len(self.told)}", "stripe", left, timedelta(), "EUR")

    @rule(number=st.integers(1, 4))
    def call_off(self, number: int) -> None:
        self.hear(AgreementCancelled(number=number, by="agent-1"))

    @rule(channel=st.one_of(CHANNELS, st.just("all")))
    def opt_out(self, channel: str) -> None:
        self.hear(OptOut(channel=channel))  # type: ignore[arg-type]

    @rule(kind=st.sampled_from(Circumstance))
    def circumstance(self, kind: Circumstance) -> None:
        self.hear(CircumstanceReported(kind=kind))

    @rule(data=st.data(), reason=st.sampled_from(AddressFailure))
    def not_delivered(self, data: st.DataObject, reason: AddressFailure) -> None:
        steps = ["day-3", "day-8", "firm", "last", FUNDS, RECEIPT, "unheard-of"]
        self.hear(
            ContactFailed(
                step=data.draw(st.sampled_from(steps)),
                occurrence=data.draw(st.integers(1, 3)),
                channel=data.draw(CHANNELS),
                reason=reason,
            )
        )

    @rule(data=st.data(), reason=st.sampled_from(AddressFailure))
    def a_message_did_not_arrive(self, data: st.DataObject, reason: AddressFailure) -> None:
        sent = [r for r in self.loan.state.records if r.result == "sent" and r.channel is not None]
        assume(sent)
        record = data.draw(st.sampled_from(sent))
        assert record.channel is not None
        self.hear(ContactFailed(step=record.step, occurrence=record.occurrence, channel=record.channel, reason=reason))

    @rule(gap=GAPS)
    def pause(self, gap: timedelta) -> None:
        self.hear(Pause(until=self.loan.now + gap))

    @rule()
    def resume(self) -> None:
        self.hear(Resume())

    @rule(reason=st.sampled_from(CloseReason), sure=st.integers(0, 9))
    def close(self, reason: CloseReason, sure: int) -> None:
        assume(sure == 0)
        self.hear(Close(reason=reason))

    @rule(decision=st.sampled_from([*[CaseDecision.CONTINUE] * 6, *CaseDecision]), wrong=st.booleans())
    def decide(self, decision: CaseDecision, wrong: bool) -> None:
        cases = self.loan.state.cases
        case_id = cases[0].case_id if cases and not wrong else "demo-L1-1-99"
        refused = self.hear(Decide(case_id=case_id, decision=decision, by="agent-1"))
        assert refused is not None or any(case_id == case.case_id for case in cases)

    @rule(
        words_id=st.sampled_from(["w1", "w2", "w3"]),
        channel=CHANNELS,
        role=st.sampled_from(Authority),
        gap=GAPS,
        settles=st.booleans(),
    )
    def a_person_writes(self, words_id: str, channel: Channel, role: Authority, gap: timedelta, settles: bool) -> None:
        cases = self.loan.state.cases
        self.hear(
            WordsWritten(
                words_id=words_id,
                channel=channel,
                until=self.loan.now + gap,
                by="agent-1",
                role=role,
                case_id=cases[0].case_id if cases and settles else None,
            )
        )

    @rule()
    def consent_expires(self) -> None:
        self.hear(WatchEnded(reason="consent: expired"))

    @rule(pointless=st.booleans())
    def records_say_pointless(self, pointless: bool) -> None:
        self.loan.borrower.pointless = pointless

    # What must hold

    @invariant()
    def contacts_are_lawful_and_in_order(self) -> None:
        seen: set[tuple[str, int]] = set()
        places = {step.id: place for place, step in enumerate(self.loan.state.strategy.steps)}
        furthest = 0
        for _, order, then in self.loan.contacts:
            assert (order.step, order.occurrence) not in seen, "no contact twice"
            seen.add((order.step, order.occurrence))
            if order.purpose is Purpose.REPLY:
                assert not then.ceased
                if order.words is not None:
                    assert then.end is None
                    assert not set(order.channels) & set(then.closed_channels)
                continue
            assert not set(order.channels) & set(then.closed_channels)
            assert not then.ceased
            if order.step == RECEIPT:
                assert then.end in ("cured", "settled")
                continue
            assert then.end is None
            assert then.balance_minor > 0, "nothing after full payment is known"
            if order.step in MESSAGES:
                assert then.stands_still is None, "nothing while held"
                assert (then.agreement is None) == (order.step == BROKEN)
                assert order.agreed is not None
                assert order.agreed.amount_minor <= then.balance_minor
                assert order.with_link == (order.step == LINK)
                continue
            assert then.hold is None, "nothing while held, and no demand while an agreement is kept"
            if order.step != FUNDS:
                assert places[order.step] >= furthest, "no step after a later one"
                furthest = places[order.step]

    @invariant()
    def no_step_is_skipped_in_silence(self) -> None:
        state = self.loan.state
        behind = {record.step for record in state.records}
        assert {step.id for step in state.strategy.steps[: state.position]} <= behind
        beside = (FUNDS, ASKED, REPLY, *MESSAGES)
        firsts = [r for r in state.records if r.occurrence == 1 and r.step not in beside and not is_words(r.step)]
        assert len(firsts) == len({r.step for r in firsts}) == state.position

    @invariant()
    def the_money_adds_up(self) -> None:
        state = self.loan.state
        counted = {k: e for k, e in self.told.items() if k not in self.took_back}
        agreed = sum(a.adjustment_minor for a in state.agreements)
        assert state.balance_minor == 30_000 + agreed - sum(e.amount_minor for e in counted.values())
        assert len({p.key for p in state.payments}) == len(state.payments)
        refunds = sum(case.amount_minor or 0 for case in state.cases if case.kind == "refund")
        assert refunds <= max(0, -state.balance_minor)

    @invariant()
    def the_clock_stood_still_as_long_as_the_loan_was_held(self) -> None:
        state = self.loan.state
        running = self.loan.now - state.held_since if state.held_since else timedelta()
        assert state.clock_shift + running == self.loan.held
        assert (state.hold is not None and state.end is None) == (state.held_since is not None)

    @invariant()
    def the_ledger_tells_the_same_story(self) -> None:
        state = self.loan.state
        money: dict[tuple[str, str], int] = {}
        cases: dict[str, str] = {}
        end = None
        for entry in self.loan.ledger:
            match entry:
                case PaymentEntry():
                    assert entry.payment.key not in money
                    money[entry.payment.key] = entry.payment.amount_minor
                case ReversalEntry():
                    assert money[entry.provider, entry.payment_id] > 0
                    money[entry.provider, entry.payment_id] = 0
                case CaseOpenedEntry():
                    assert entry.case_id not in cases
                    cases[entry.case_id] = entry.queue
                case CaseMovedEntry():
                    cases[entry.case_id] = entry.queue
                case CaseClosedEntry():
                    assert cases[entry.case_id] != "closed"
                    cases[entry.case_id] = "closed"
                case EndEntry():
                    end = entry.end
                case ReopenedEntry():
                    assert end is not None
                    end = None
        agreed = sum(a.adjustment_minor for a in state.agreements)
        assert 30_000 + agreed - sum(money.values()) == state.balance_minor
        assert {k: v for k, v in cases.items() if v != "closed"} == {c.case_id: c.queue for c in state.cases}
        assert end == state.end
        assert state.outbox == ()
        assert state.entries_written == len(self.loan.ledger)

    @invariant()
    def one_agreement_at_a_time_and_judged_by_the_payments(self) -> None:
        state = self.loan.state
        live = [a for a in state.agreements if a.live]
        assert len(live) <= (state.end is None)
        assert [a.number for a in state.agreements] == list(range(1, len(state.agreements) + 1))
        for agreement in live:
            assert state.circumstance is None or agreement.held_since is not None
        told: dict[int, AgreementState] = {}
        for entry in self.loan.ledger:
            if isinstance(entry, AgreementEntry):
                told[entry.agreement.number] = entry.agreement.state
                assert len([s for s in told.values() if s in LIVE]) <= 1, "the records never see two"
        assert told == {a.number: a.state for a in state.agreements}
        broken = [a for a in state.agreements if a.kind == "promise" and a.state == "broken"]
        assert state.broken_promises == len(broken)
        about = {case.agreement for case in state.cases if case.kind == "broken_agreement"}
        assert about <= {a.number for a in state.agreements if a.state == "broken"}
        waiting = {a.number for a in state.agreements if a.state == "proposed" and a.approved_by is None}
        assert {case.agreement for case in state.cases if case.kind == "approval"} == waiting
        for agreement in state.agreements:
            if agreement.kind == "settlement":
                assert agreement.total_minor >= percent_of(agreement.balance_minor, 60), "never below its floor"
                low = agreement.total_minor < percent_of(agreement.balance_minor, 80)
                if agreement.state in JUDGED and low:
                    assert agreement.approved_by is not None
            if agreement.state in JUDGED and agreement.kind != "promise":
                assert agreement.evidence is not None, "in force only by a recorded yes"
            if agreement.approved_by is not None and agreement.approved_by == agreement.proposed_by:
                assert agreement.evidence is None or agreement.state != "proposed"

    @invariant()
    def planning_again_changes_nothing(self) -> None:
        once = plan(self.loan.state, self.loan.now)
        assert plan(once[0], self.loan.now) == once

    @invariant()
    def the_state_travels(self) -> None:
        state = self.loan.state
        assert LoanState.model_validate_json(state.model_dump_json()) == state
        back = restore(snapshot(state), state.facts, state.strategy)
        sends_the_receipt = {"payments_receipted": len(state.payments)} if state.receipt_due else {}
        assert back == state.model_copy(update={"receipt_due": False, **sends_the_receipt})
        assert len(state.model_dump_json()) < 60_000


CollectionMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("RECOBRO_EXAMPLES", "150")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestEveryOrderOfEvents = CollectionMachine.TestCase


class UnreadMachine(CollectionMachine):
    """The same where a message that nobody reads is said again: late news of the first meets its repeat."""

    terms = CATALOGUE | {
        "steps": tuple(
            step.model_copy(
                update={"unread_after_hours": 24, "channels": (Channel.WHATSAPP, Channel.SMS, Channel.EMAIL)}
            )
            if step.kind in (StepKind.REMIND, StepKind.OFFER_LINK)
            else step
            for step in STEPS
        )
    }

    @rule(data=st.data(), reason=st.sampled_from(AddressFailure))
    def nobody_read_it_for_a_day_and_then_it_had_not_arrived(self, data: st.DataObject, reason: AddressFailure) -> None:
        sent = [r for r in self.loan.state.records if r.result == "sent" and r.channel is not None]
        assume(sent)
        record = data.draw(st.sampled_from(sent))
        assert record.channel is not None
        self.loan.run_until(max(self.loan.now, record.at + timedelta(hours=25)))
        self.hear(ContactFailed(step=record.step, occurrence=record.occurrence, channel=record.channel, reason=reason))


UnreadMachine.TestCase.settings = settings(CollectionMachine.TestCase.settings, max_examples=40)
TestEveryOrderOfEventsWhereNobodyReads = UnreadMachine.TestCase
