"""The state of one loan in collection, as a plain frozen value; and what can be read off it."""

from __future__ import annotations

import operator
from datetime import date, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.agreements.coverage import oldest_unpaid
from domain.agreements.model import Agreement, AgreementKind, AgreementState
from domain.contact import Channel
from domain.conversation.model import Conversation
from domain.events.borrower import Circumstance
from domain.events.contacts import ContactFailed
from domain.ledger_entries import LedgerEntry, LoanEnd, NoteEntry
from domain.loan_parts import (
    ChannelWord,
    DebitReturn,
    DebitUnderWay,
    EarlyReversal,
    Fallback,
    Notice,
    OpenCase,
    Refusal,
    SetAside,
    StepRecord,
    Unread,
    Words,
)
from domain.loans import LoanFacts, Payment
from domain.payable import payable, smallest_payable
from domain.strategy import Conditions, Stage, Step, Strategy

REFUSALS_KEPT = 20
PAYMENTS_KEPT = 2000
"""More payments than any borrower makes of one loan; the state must stay small enough to travel."""
EARLY_NEWS_KEPT = 50


class LoanState(BaseModel):
    model_config = ConfigDict(frozen=True)

    facts: LoanFacts
    strategy: Strategy
    entered_at: AwareDatetime
    rests_count_as_paid: bool = Field(False, exclude_if=operator.not_)
    """Whether a rest of less than can be asked for counts as paid. Runs that an earlier version began owe it."""
    cases_kept_apart: bool = Field(True, exclude=True)
    """Whether no case takes in what another one is about, and money that went back twice has a case. Of the run that
    knows it, so it never travels: False only in workflows, until it first makes a difference
    (`workflows/running_loan.py`)."""
    grace_by_calendar: tuple[int, ...] = Field((), exclude=True)
    """Agreements whose grace ends with its days, also where no money can arrive on the last. Of the run that knows it,
    as above: filled only in workflows that judged them so before."""
    claims_hold: bool = Field(True, exclude=True)
    """Whether a borrower's word that they have paid holds the loan. Of the run that knows it, as above."""

    position: int = 0
    base_at: AwareDatetime
    """When the step before was done (or the loan entered): `after_days` counts from its local date."""
    base_shift: timedelta = timedelta()
    clock_shift: timedelta = timedelta()
    """How long the collection stood still, since `base_at` and since it entered: waits keep what they had left."""
    held_since: AwareDatetime | None = None
    ends_base: AwareDatetime
    records: tuple[StepRecord, ...] = ()
    fallback: Fallback | None = None
    unread: Unread | None = None
    call_wishes: tuple[str, ...] = ()
    """What was asked for by keypad and acted on, as step:occurrence:wish."""
    link_asked_at: AwareDatetime | None = None
    links_asked: int = 0
    notices: tuple[Notice, ...] = ()
    words: tuple[Words, ...] = Field((), exclude_if=operator.not_)
    """What people wrote in own words and has not gone out yet."""
    conversation: Conversation | None = None

    payments: tuple[Payment, ...] = ()
    early_reversals: tuple[EarlyReversal, ...] = ()
    early_failures: tuple[ContactFailed, ...] = ()
    """Failures of contacts that have not been reported as sent yet: the carrier can be faster than we are."""
    contact_rests_until: AwareDatetime | None = None
    """After a contact could not be tried, when to try it again."""

    paused_until: AwareDatetime | None = None
    """While anything pauses the loan; the later end where both its campaign and it alone were paused."""
    own_pause_until: AwareDatetime | None = Field(None, exclude_if=operator.not_)
    campaign_pause_until: AwareDatetime | None = Field(None, exclude_if=operator.not_)
    """May lie in the past: which pause a resumption of the campaign ends must be known after its end too."""
    set_aside: SetAside = SetAside()
    ceased: bool = False
    opted_out: tuple[Channel, ...] = ()
    channel_words: tuple[ChannelWord, ...] = Field((), exclude_if=operator.not_)
    """News of a STOP and of a START may change places on its way: what was said last counts."""
    dead_addresses: tuple[Channel, ...] = ()
    dead_since: tuple[ChannelWord, ...] = Field((), exclude_if=operator.not_)
    """When each died, where that is known: what was written before does not bring it back."""
    written_from: tuple[ChannelWord, ...] = Field((), exclude_if=operator.not_)
    """When the borrower wrote by a channel, while a contact is under way: it may report it dead as of before."""
    cases: tuple[OpenCase, ...] = ()
    case_count: int = 0
    claimed_after: int | None = Field(None, exclude_if=lambda known: known is None)
    """How many payments were known when the borrower last said that they had paid, and that held the loan."""
    escalated: Stage | None = None
    broken_promises: int = 0
    agreements: tuple[Agreement, ...] = Field((), exclude_if=operator.not_)
    agreements_before: int = Field(0, exclude_if=operator.not_)
    """How many a lost workflow of this hand-over had made: their numbers are taken, nothing else of them is known."""

    funds_seen_at: AwareDatetime | None = None
    offers_made: int = 0
    watch_rests_until: AwareDatetime | None = None
    watch_over: str | None = None
    consent_asked_for: date | None = None
    """The end of a consent for whose renewal the borrower has been asked."""
    consent_wanted: bool = Field(False, exclude_if=operator.not_)
    """Somebody wants the borrower to be asked for a consent."""

    debit: DebitUnderWay | None = None
    debit_returns: tuple[DebitReturn, ...] = Field((), exclude_if=operator.not_)
    called: str | None = None
    """A step that is taken next, out of its turn: a debit's return leads to it."""

    end: LoanEnd | None = None
    ended_by: str | None = None
    ends_count: int = 0
    receipt_due: bool = False
    payments_receipted: int = 0
    """How many of `payments` a receipt of a part payment has covered."""

    outbox: tuple[LedgerEntry, ...] = ()
    entries_written: int = 0
    """How many entries this loan has given to the records in its life: the number of the outbox's first."""
    refusals: tuple[Refusal, ...] = ()
    refusal_count: int = 0

    @property
    def balance_minor(self) -> int:
        """What is still due, minor units; negative when overpaid."""
        agreed = sum(agreement.adjustment_minor for agreement in self.agreements)
        return self.facts.amount_due_minor + agreed - sum(p.stands_minor for p in self.payments)

    @property
    def payable_minor(self) -> int:
        """What the borrower can be asked for now, minor units; never negative."""
        return max(payable(self.balance_minor, self.facts.currency), 0)

    @property
    def smallest_owed_minor(self) -> int:
        """A rest below this counts as paid, minor units; at least 1."""
        return smallest_payable(self.facts.currency) if self.rests_count_as_paid else 1

    @property
    def owes(self) -> bool:
        """Whether anything is due that does not count as paid."""
        return self.balance_minor >= self.smallest_owed_minor

    @property
    def agreement(self) -> Agreement | None:
        """The one in force; a loan never has two."""
        return next((agreement for agreement in self.agreements if agreement.live), None)

    @property
    def next_agreement_number(self) -> int:
        return self.agreements_before + len(self.agreements) + 1

    @property
    def closed_channels(self) -> tuple[Channel, ...]:
        return tuple(sorted({*self.opted_out, *self.dead_addresses}))

    @property
    def next_step(self) -> Step | None:
        steps = self.strategy.steps
        if self.called is not None and (called := self.strategy.find_step(self.called)) is not None:
            return called
        return steps[self.position] if self.position < len(steps) else None

    @property
    def holding_case(self) -> OpenCase | None:
        return next((case for case in self.cases if case.holds), None)

    @property
    def circumstance(self) -> Circumstance | None:
        """A dispute, hardship, bereavement or vulnerability on which nobody has decided yet."""
        return next((case.circumstance for case in self.cases if case.circumstance is not None), None)

    @property
    def needs_person(self) -> bool:
        return bool(self.cases)

    @property
    def hold(self) -> str | None:
        """Why the strategy's own contacts stand still, or None."""
        if (stands_still := self.stands_still) is not None:
            return stands_still
        if (agreement := self.agreement) is not None:
            return f"{agreement.kind} {agreement.number} until {agreement.last_due.isoformat()}"
        return None

    @property
    def stands_still(self) -> str | None:
        """Why nothing is written at all, not even what an agreement asks for, or None."""
        if self.circumstance:
            return f"{self.circumstance} reported: a person must decide"
        if self.paused_until:
            return f"paused until {self.paused_until.isoformat(timespec='minutes')}"
        if case := self.holding_case:
            return f"case {case.case_id} is with {case.queue}"
        return None

    @property
    def ends_at(self) -> datetime:
        """When the strategy's time is over; held time does not count."""
        return self.ends_base + timedelta(days=self.strategy.ends.after_days) + self.clock_shift

    def days_past_due(self, at: datetime) -> int:
        """Days since the oldest unpaid due date, negative before it; 0 when nothing is unpaid.

        A new schedule in force has due dates of its own.
        """
        agreement = self.agreement
        if agreement is not None and agreement.kind is AgreementKind.RESTRUCTURING:
            due = oldest_unpaid(agreement, self.payments, self.facts, self.smallest_owed_minor)
            if due is not None:
                return (self.facts.local_date(at) - due).days
        return self.facts.days_past_due(at) if self.owes else 0

    def stage(self, at: datetime) -> Stage:
        dpd = self.days_past_due(at)
        reached = [start.stage for start in self.strategy.stages if dpd >= start.dpd]
        stages = [Stage.PRE_DUE, *reached, *([self.escalated] if self.escalated else [])]
        return max(stages, key=list(Stage).index)

    def done(self, step_id: str) -> StepRecord | None:
        return next((record for record in reversed(self.records) if record.step == step_id), None)

    def step_due_at(self, step: Step) -> datetime:
        """When `step` falls due if it is the next one; never before the loan entered.

        Held time moves it on by exactly as much: the wait keeps what it had left.
        """
        if step.dpd is not None:
            day = self.facts.due_date + timedelta(days=step.dpd)
            return max(self.facts.moment(day, step.at) + self.clock_shift, self.entered_at)
        day = self.facts.local_date(self.base_at) + timedelta(days=step.after_days or 0)
        return max(self.facts.moment(day, step.at) + self.base_shift, self.base_at)

    def unmet(self, when: Conditions, at: datetime) -> str | None:
        """The first condition that does not hold, in words, or None."""
        if (unmet := _amount_unmet(when, self.balance_minor)) is not None:
            return unmet
        if when.stages is not None and self.stage(at) not in when.stages:
            return f"stage is {self.stage(at)}"
        if when.broken_promises_at_least is not None and self.broken_promises < when.broken_promises_at_least:
            return "too few broken promises"
        if when.debit_returned is not None:
            last = self.debit_returns[-1].reason if self.debit_returns else None
            if last not in when.debit_returned:
                return f"the last debit came back as {last}" if last else "no debit came back"
        has_consent = self.facts.consent and self.watch_over is None
        if when.consent is not None and when.consent is not has_consent:
            return "no consent to read the balance" if when.consent else "there is consent to read the balance"
        return None


def _amount_unmet(when: Conditions, balance_minor: int) -> str | None:
    if when.amount_at_least_minor is not None and balance_minor < when.amount_at_least_minor:
        return "amount due is below the step's minimum"
    if when.amount_at_most_minor is not None and balance_minor > when.amount_at_most_minor:
        return "amount due is above the step's maximum"
    return None


def would_exist(state: LoanState, case: OpenCase) -> bool:
    """Whether `case` would have been opened had all that is now known been known then."""
    paid = sum(p.stands_minor for p in state.payments if p.paid_at <= case.opened_at)
    balance = state.facts.amount_due_minor - paid
    owed = balance >= state.smallest_owed_minor
    if case.agreement is not None:
        broken = AgreementState.BROKEN
        return owed and any(a.number == case.agreement and a.state is broken for a in state.agreements)
    step = state.strategy.find_step(case.step) if case.step else None
    return owed and (step is None or _amount_unmet(step.when, balance) is None)


def write(state: LoanState, *entries: LedgerEntry) -> LoanState:
    """Queue entries for the records."""
    return state.model_copy(update={"outbox": (*state.outbox, *entries)})


def note(state: LoanState, now: datetime, action: str, detail: str = "") -> LoanState:
    """Queue a line of the audit trail."""
    return write(state, NoteEntry(at=now, action=action, detail=detail))


def refuse(state: LoanState, message: str, reason: str, now: datetime) -> LoanState:
    """Keep that a message was not acted on; the oldest refusals make room."""
    kept = (*state.refusals, Refusal(at=now, message=message[:64], reason=reason[:300]))[-REFUSALS_KEPT:]
    return state.model_copy(update={"refusals": kept, "refusal_count": state.refusal_count + 1})
