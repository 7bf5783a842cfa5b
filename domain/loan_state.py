"""The state of one loan in collection, as a plain frozen value; and what can be read off it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

from domain.contact import Channel
from domain.events import Circumstance
from domain.ledger_entries import CaseKind, LedgerEntry, LoanEnd, NoteEntry
from domain.loans import LoanFacts, Payment, next_time_of_day
from domain.strategy import Conditions, Stage, Step, Strategy

RECEIPT = "receipt"
FUNDS = "funds"
REFUSALS_KEPT = 20


class StepRecord(BaseModel):
    """A step that is behind us. `result`: sent, done, passed_over, unreachable or before_entry."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    result: str
    at: AwareDatetime
    channel: Channel | None = None
    because: str = ""


class OpenCase(BaseModel):
    """A case that waits for a person. `holds` stops planned contacts; `lapsed`: past its last SLA."""

    model_config = ConfigDict(frozen=True)

    case_id: str
    kind: CaseKind
    queue: str
    opened_at: AwareDatetime
    sla_at: AwareDatetime
    holds: bool
    lapsed: bool = False
    assignments: int = 1
    caused_by_debt: bool = False


class Fallback(BaseModel):
    """A message did not arrive: the same step again by the channels that are left."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    channels: tuple[Channel, ...]


class Refusal(BaseModel):
    """A message from outside that was not acted on, and why. Never its content: that may name a person."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    message: str
    reason: str


class LoanState(BaseModel):
    model_config = ConfigDict(frozen=True)

    facts: LoanFacts
    strategy: Strategy
    entered_at: AwareDatetime

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

    payments: tuple[Payment, ...] = ()
    early_reversals: tuple[str, ...] = ()
    """Payment ids whose reversal came before the payment itself."""

    paused_until: AwareDatetime | None = None
    circumstance: Circumstance | None = None
    ceased: bool = False
    opted_out: tuple[Channel, ...] = ()
    dead_addresses: tuple[Channel, ...] = ()
    cases: tuple[OpenCase, ...] = ()
    case_count: int = 0
    escalated: Stage | None = None
    broken_promises: int = 0

    funds_seen_at: AwareDatetime | None = None
    offers_made: int = 0
    watch_rests_until: AwareDatetime | None = None
    watch_over: str | None = None

    end: LoanEnd | None = None
    ended_by: str | None = None
    ends_count: int = 0
    receipt_due: bool = False

    outbox: tuple[LedgerEntry, ...] = ()
    entries_written: int = 0
    """How many entries this loan has given to the records in its life: the number of the outbox's first."""
    refusals: tuple[Refusal, ...] = ()
    refusal_count: int = 0

    @property
    def balance_minor(self) -> int:
        """What is still due, minor units; negative when overpaid."""
        return self.facts.amount_due_minor - sum(p.amount_minor for p in self.payments if not p.reversed)

    @property
    def closed_channels(self) -> tuple[Channel, ...]:
        return tuple(sorted({*self.opted_out, *self.dead_addresses}))

    @property
    def next_step(self) -> Step | None:
        steps = self.strategy.steps
        return steps[self.position] if self.position < len(steps) else None

    @property
    def holding_case(self) -> OpenCase | None:
        return next((case for case in self.cases if case.holds), None)

    @property
    def needs_person(self) -> bool:
        return bool(self.cases)

    @property
    def hold(self) -> str | None:
        """Why planned contacts stand still, or None."""
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
        return self.facts.days_past_due(at)

    def stage(self, at: datetime) -> Stage:
        dpd = self.days_past_due(at)
        reached = [start.stage for start in self.strategy.stages if dpd >= start.dpd]
        stages = [Stage.PRE_DUE, *reached, *([self.escalated] if self.escalated else [])]
        return max(stages, key=list(Stage).index)

    def done(self, step_id: str) -> StepRecord | None:
        return next((record for record in reversed(self.records) if record.step == step_id), None)

    def step_due_at(self, step: Step) -> datetime:
        """When `step` falls due if it is the next one; never before the loan entered.

        Held time moves it on by as much, to the step's own time of day.
        """
        if step.dpd is not None:
            day = self.facts.due_date + timedelta(days=step.dpd)
            shift = self.clock_shift
        else:
            day = self.facts.local_date(self.base_at) + timedelta(days=step.after_days or 0)
            shift = self.base_shift
        nominal = self.facts.moment(day, step.at)
        if shift:
            nominal = next_time_of_day(self.facts, nominal + shift, step.at)
        return max(nominal, self.base_at) if step.after_days is not None else max(nominal, self.entered_at)

    def unmet(self, when: Conditions, at: datetime) -> str | None:
        """The first condition that does not hold, in words, or None."""
        balance = self.balance_minor
        if when.amount_at_least_minor is not None and balance < when.amount_at_least_minor:
            return "amount due is below the step's minimum"
        if when.amount_at_most_minor is not None and balance > when.amount_at_most_minor:
            return "amount due is above the step's maximum"
        if when.stages is not None and self.stage(at) not in when.stages:
            return f"stage is {self.stage(at)}"
        if when.broken_promises_at_least is not None and self.broken_promises < when.broken_promises_at_least:
            return "too few broken promises"
        has_consent = self.facts.consent and self.watch_over is None
        if when.consent is not None and when.consent is not has_consent:
            return "no consent to read the balance" if when.consent else "there is consent to read the balance"
        return None


def enter(facts: LoanFacts, strategy: Strategy, now: datetime) -> LoanState:
    """A loan at the moment it enters collection, at the step its days past due call for."""
    state = LoanState(facts=facts, strategy=strategy, entered_at=now, base_at=now, ends_base=now)
    position = position_for(state, facts.local_date(now))
    skipped = tuple(
        StepRecord(step=step.id, occurrence=1, result="before_entry", at=now) for step in strategy.steps[:position]
    )
    return state.model_copy(update={"position": position, "records": skipped})


def position_for(state: LoanState, today: date) -> int:
    """The last step whose day has come by `today`; the first step when none has.

    Only steps counted from the due date can be passed by entering late: `after_days` steps follow the
    one before them.
    """
    dpd = (today - state.facts.due_date).days
    reached = [i for i, step in enumerate(state.strategy.steps) if step.dpd is not None and step.dpd <= dpd]
    return reached[-1] if reached else 0


_ELSEWHERE = {"facts", "strategy", "outbox"}


def snapshot(state: LoanState) -> dict[str, JsonValue]:
    """The state as it is once its outbox is written, without what the records hold anyway (facts, strategy).

    From it `restore` goes on.
    """
    settled = state.model_copy(update={"entries_written": state.entries_written + len(state.outbox)})
    kept: dict[str, JsonValue] = settled.model_dump(mode="json", exclude=_ELSEWHERE, exclude_defaults=True)
    return kept


def restore(kept: dict[str, JsonValue], facts: LoanFacts, strategy: Strategy) -> LoanState:
    """The state a snapshot was taken of. Raises pydantic.ValidationError when it is none."""
    return LoanState.model_validate({**kept, "facts": facts, "strategy": strategy})


def write(state: LoanState, *entries: LedgerEntry) -> LoanState:
    """Queue entries for the records."""
    return state.model_copy(update={"outbox": (*state.outbox, *entries)})


def note(state: LoanState, now: datetime, action: str, detail: str = "") -> LoanState:
    """Queue a line of the audit trail."""
    return write(state, NoteEntry(at=now, action=action, detail=detail))
