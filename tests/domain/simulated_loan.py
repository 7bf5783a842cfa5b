"""A loan run on the pure core alone, against a borrower whose answers are a pure function of the time.

What the workflow does with Temporal this does with a variable called `now`: execute the plan, wait, hear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol

from domain.actions import Action, AskOffers, Finish, OrderDebit, Wait
from domain.agreements.model import Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import (
    AgreementMessage,
    Authority,
    Every,
    PlanOption,
    PlanTerms,
    PromiseTerms,
    RestructuringOption,
    RestructuringTerms,
    SettlementOption,
    SettlementTerms,
)
from domain.collection import apply, written
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.conversation.model import Asking
from domain.conversation.offering import TOLD_AT_MOST
from domain.entering import enter
from domain.events.agreements import MadeOffer, OffersMade, TermsAgreed
from domain.events.balance import FundsSeen
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.debits import DebitOutcome, DebitReported
from domain.events.loan_event import LoanEvent
from domain.ledger_entries import LedgerEntry
from domain.loan_state import LoanState, refuse
from domain.loans import LoanFacts
from domain.planning import plan, still_wanted
from domain.strategy import BalanceWatch, Conditions, Ends, Queue, Receipt, Stage, Step, StepKind, Strategy
from domain.waiting import gives_up_at
from domain.watching import watch_not_before, watch_threshold, watch_wanted

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MOST_ACTIONS = 500

STEPS = (
    Step(id="day-3", kind=StepKind.REMIND, dpd=3, channels=(Channel.SMS, Channel.EMAIL), template="reminder"),
    Step(id="day-8", kind=StepKind.OFFER_LINK, dpd=8, channels=(Channel.SMS, Channel.EMAIL), template="offer"),
    Step(
        id="big",
        kind=StepKind.REMIND,
        dpd=8,
        at=time(16, 0),
        channels=(Channel.EMAIL,),
        template="big",
        when=Conditions(amount_at_least_minor=20_000),
    ),
    Step(id="firm", kind=StepKind.REMIND, after_days=7, channels=(Channel.EMAIL,), template="firm"),
    Step(id="harder", kind=StepKind.ESCALATE, dpd=20, stage=Stage.LATE),
    Step(id="agent", kind=StepKind.HANDOFF, dpd=30, queue="agents"),
    Step(id="last", kind=StepKind.REMIND, dpd=60, channels=(Channel.SMS, Channel.EMAIL), template="last"),
)


BOTH = (Channel.SMS, Channel.EMAIL)
PROMISES = PromiseTerms(
    grace_days=2,
    tolerance_minor=100,
    least_minor=1_000,
    reminder=AgreementMessage(channels=BOTH, template="agreed_reminder"),
    link=AgreementMessage(channels=BOTH, template="agreed_link"),
    broken=AgreementMessage(channels=BOTH, template="agreed_broken"),
    queue="agents",
)


_WRITTEN: dict[str, Any] = {
    "document": AgreementMessage(channels=(Channel.EMAIL,), template="agreed_document"),
    "reminder": AgreementMessage(channels=BOTH, template="agreed_reminder"),
    "link": AgreementMessage(channels=BOTH, template="agreed_link"),
    "missed": AgreementMessage(channels=BOTH, template="agreed_missed"),
    "broken": AgreementMessage(channels=BOTH, template="agreed_broken"),
    "queue": "agents",
}
CATALOGUE: dict[str, Any] = {
    "promises": PROMISES,
    "plans": PlanTerms(
        options=(
            PlanOption(id="monthly", instalments=3, amount_at_least_minor=6_000, least_minor=2_000),
            PlanOption(id="weekly", instalments=4, every=Every.WEEK, first_within_days=5, authority=Authority.AGENT),
        ),
        at_most=3,
        move_days=7,
        **_WRITTEN,
    ),
    "settlements": SettlementTerms(
        options=(
            SettlementOption(
                id="late", instalments=2, every=Every.WEEK, floor_percent=60, agent_percent=80, machine_percent=95
            ),
        ),
        grace_days=1,
        **_WRITTEN,
    ),
    "restructurings": RestructuringTerms(
        options=(RestructuringOption(id="half-year", instalments=6, rate_bp=1_200),), **_WRITTEN
    ),
}


def strategy(**changes: Any) -> Strategy:
    given: dict[str, Any] = {
        "name": "test",
        "version": 1,
        "title": "Test strategy",
        "steps": STEPS,
        "watch": BalanceWatch(channels=(Channel.SMS, Channel.EMAIL), template="funds", reads_per_day=4),
        "receipt": Receipt(channels=(Channel.SMS,), template="receipt"),
        "queues": {"agents": Queue(sla_hours=48, then="supervisors"), "supervisors": Queue(sla_hours=24)},
        "ends": Ends(after_days=90),
        **changes,
    }
    return Strategy(**given)


def facts(**changes: Any) -> LoanFacts:
    given: dict[str, Any] = {
        "lender": "demo",
        "loan_id": "L1",
        "country": "ES",
        "timezone": "Europe/Madrid",
        "currency": "EUR",
        "amount_due_minor": 30_000,
        "due_date": date(2026, 3, 1),
        **changes,
    }
    return LoanFacts(**given)


class Ordered(Protocol):
    """A contact as the plan orders it, or as the workflow orders it from an activity."""

    @property
    def step(self) -> str: ...
    @property
    def occurrence(self) -> int: ...
    @property
    def channels(self) -> tuple[Channel, ...]: ...
    @property
    def balance_read_at(self) -> datetime | None: ...


@dataclass
class Borrower:
    """How contacts end. `dead` channels fail at dispatch; nobody is reached outside `awake` hours (UTC, [from, to))
    or before `not_before`; `money` are spans in which the account covers the debt."""

    dead: frozenset[Channel] = frozenset()
    awake: tuple[int, int] = (0, 24)
    not_before: datetime | None = None
    money: tuple[tuple[datetime, datetime], ...] = ()
    pointless: bool = False

    def answer(self, at: datetime, order: Ordered, give_up_at: datetime | None) -> ContactReported | datetime:
        slot = self._slot(at)
        if slot > at and give_up_at is not None and slot >= give_up_at:
            slot = give_up_at
            if at >= give_up_at:
                return self._report(order, ContactOutcome.NOT_WANTED)
        if slot > at:
            return slot
        if self.pointless:
            return self._report(order, ContactOutcome.NOT_WANTED)
        if order.balance_read_at is not None and at - order.balance_read_at > timedelta(hours=1) and not self.has(at):
            return self._report(order, ContactOutcome.FUNDS_GONE)
        closed = tuple(channel for channel in order.channels if channel in self.dead)
        works = next((channel for channel in order.channels if channel not in self.dead), None)
        if works is None:
            return self._report(order, ContactOutcome.UNREACHABLE, closed=closed)
        before = order.channels[: order.channels.index(works)]
        return self._report(order, ContactOutcome.SENT, channel=works, closed=tuple(c for c in closed if c in before))

    def has(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self.money)

    def _slot(self, at: datetime) -> datetime:
        slot = max(at, self.not_before) if self.not_before else at
        opens, closes = self.awake
        if slot.hour < opens:
            return datetime.combine(slot.date(), time(opens), UTC)
        if slot.hour >= closes:
            return datetime.combine(slot.date() + timedelta(days=1), time(opens), UTC)
        return slot

    def _report(self, order: Ordered, outcome: ContactOutcome, **more: Any) -> ContactReported:
        return ContactReported(step=order.step, occurrence=order.occurrence, outcome=outcome, **more)


@dataclass
class Bank:
    """The records' part of a loan's direct debits, and what the bank makes of them: by step, `released` ones that are
    planned may be filed. Without `mandate` none is made."""

    mandate: bool = True
    planned: dict[str, bool] = field(default_factory=dict)
    filed: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)

    def report(self, order: OrderDebit) -> DebitReported:
        step = order.step
        if step in self.filed:
            return DebitReported(step=step, outcome=DebitOutcome.FILED, released=order.released)
        if step in self.over:
            return DebitReported(step=step, outcome=DebitOutcome.SETTLED)
        if step not in self.planned and (not self.mandate or self.filed):
            outcome = DebitOutcome.NOT_POSSIBLE if self.mandate else DebitOutcome.NO_MANDATE
            return DebitReported(step=step, outcome=outcome)
        self.planned[step] = order.released
        return DebitReported(step=step, outcome=DebitOutcome.PLANNED, released=order.released, lead_days=1)

    def file(self, may_be_filed: Callable[[str], bool]) -> list[str]:
        """The day's file: what it takes."""
        taken = [step for step, released in self.planned.items() if released and may_be_filed(step)]
        for step in taken:
            del self.planned[step]
        self.filed |= set(taken)
        return taken

    def ends(self, step: str) -> None:
        """It came back, also unfiled, or its money came."""
        self.planned.pop(step, None)
        self.filed.discard(step)
        self.over.add(step)


@dataclass
class SimulatedLoan:
    state: LoanState
    now: datetime
    borrower: Borrower = field(default_factory=Borrower)
    bank: Bank = field(default_factory=Bank)
    contacts: list[tuple[datetime, SendContact, LoanState]] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    held: timedelta = timedelta()
    reads: list[datetime] = field(default_factory=list)
    watch_key: object = None
    next_read: datetime | None = None

    @classmethod
    def entered(cls, loan: LoanFacts, plan: Strategy, now: datetime, borrower: Borrower | None = None) -> SimulatedLoan:
        begun = cls(state=enter(loan, plan, now), now=now, borrower=borrower or Borrower())
        begun.run_until(now)
        return begun

    @property
    def finished(self) -> bool:
        return isinstance(plan(self.state, self.now)[1], Finish)

    @property
    def sent(self) -> list[str]:
        return [order.step for _, order, _ in self.contacts]

    def days(self) -> list[tuple[str, int]]:
        """Each contact and how many whole days after the loan entered it was made."""
        return [(order.step, (at - self.state.entered_at).days) for at, order, _ in self.contacts]

    def hear(self, event: LoanEvent) -> str | None:
        self.state, refused = apply(self.state, event, self.now)
        if refused is not None:
            self.state = refuse(self.state, type(event).__name__, refused, self.now)
        self.run_until(self.now)
        return refused

    def pass_days(self, days: float) -> None:
        self.run_until(self.now + timedelta(days=days))

    def run_until(self, until: datetime) -> None:
        """Execute the plan up to `until`; raises AssertionError when it goes round in circles."""
        reads = len(self.reads)
        acted = 0
        while acted - (len(self.reads) - reads) * 2 < MOST_ACTIONS:
            acted += 1
            self._write_down()
            self.state, action = plan(self.state, self.now)
            self._write_down()
            if isinstance(action, Finish):
                self.now = max(self.now, until)
                return
            self._mind_the_watch()
            if self.next_read == self.now:
                self._read()
                continue
            wake = self._execute(action)
            if wake is None:
                continue
            times = [t for t in (wake, self.next_read) if t is not None and t != datetime.max.replace(tzinfo=UTC)]
            moment = min(times) if times else until
            if moment > until:
                self._move(until)
                return
            if moment == self.now == until:
                return
            self._move(moment)
        raise AssertionError(f"more than {MOST_ACTIONS} actions without an end; the last: {action}")

    def _execute(self, action: Action) -> datetime | None:
        """Do it (None: ask again at once), or say until when nothing can be done."""
        never = datetime.max.replace(tzinfo=UTC)
        if isinstance(action, Wait):
            return action.until or never
        if isinstance(action, AskOffers):
            self.state, refused = apply(self.state, self._offers(action.asking), self.now)
            assert refused is None
            return None
        if isinstance(action, OrderDebit):
            self.state, refused = apply(self.state, self.bank.report(action), self.now)
            assert refused is None
            return None
        assert isinstance(action, SendContact)
        assert still_wanted(self.state, action, self.now)
        give_up_at = gives_up_at(self.state, action)
        answer = self.borrower.answer(self.now, action, give_up_at)
        if isinstance(answer, datetime):
            return min([answer, *(case.sla_at for case in self.state.cases if not case.lapsed and not self.state.end)])
        if answer.outcome is ContactOutcome.SENT:
            self.contacts.append((self.now, action, self.state))
        self.state, refused = apply(self.state, answer, self.now)
        assert refused is None
        return None

    def _offers(self, asking: Asking) -> OffersMade:
        """As `activities/offering.py` answers, without what the records know beside."""
        request = request_of(self.state, self.now, Authority.MACHINE, asking.bearable_minor)
        found = offers(request, self.state.strategy).offers
        wanted = [each for each in found if each.kind in asking.kinds and len(each.payments) <= TOLD_AT_MOST]
        orders = [
            (each.kind, agreeing(each, by="machine", role=Authority.MACHINE, via=Via.MESSAGE).model_dump())
            for each in sorted(wanted, key=lambda each: asking.kinds.index(each.kind))
        ]
        made = [MadeOffer(kind=kind, terms=TermsAgreed.model_validate(terms)) for kind, terms in orders]
        return OffersMade(number=asking.number, offers=tuple(made))

    def _mind_the_watch(self) -> None:
        wanted = watch_wanted(self.state)
        rests = watch_not_before(self.state)
        key = (watch_threshold(self.state), rests) if wanted else None
        if key != self.watch_key:
            self.watch_key = key
            self.next_read = (max(self.now, rests) if rests else self.now) if wanted else None

    def _read(self) -> None:
        watch = self.state.strategy.watch
        assert watch is not None
        self.reads.append(self.now)
        self.next_read = self.now + timedelta(days=1) / watch.reads_per_day
        if self.borrower.has(self.now):
            self.watch_key, self.next_read = None, None
            self.state, _ = apply(self.state, FundsSeen(read_at=self.now), self.now)

    def _move(self, to: datetime) -> None:
        if self.state.held_since is not None:
            self.held += to - self.now
        self.now = to

    def _write_down(self) -> None:
        self.ledger += self.state.outbox
        self.state = written(self.state, len(self.state.outbox))
