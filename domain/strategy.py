"""A strategy: what is done with a delinquent loan, when and by which channel, as data.

A loan keeps the version of the strategy it started with until an explicit migration.
"""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.agreements.terms import AgreementMessage, PlanTerms, PromiseTerms, RestructuringTerms, SettlementTerms
from domain.contact import Channel
from domain.conversation.terms import ConversationTerms

ReturnCode = Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z0-9]{2}$")]
"""An ISO 20022 reason code such as AM04."""
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(StrEnum):
    PRE_DUE = "pre_due"
    EARLY = "early"
    LATE = "late"
    PRE_LEGAL = "pre_legal"
    LEGAL = "legal"


class StepKind(StrEnum):
    REMIND = "remind"
    OFFER_LINK = "offer_link"
    ESCALATE = "escalate"
    HANDOFF = "handoff"
    DEBIT = "debit"


class Conditions(_Data):
    """All that are given must hold when the step falls due; a step whose conditions fail is passed over.

    Amounts are minor units of the loan's currency and inclusive.
    """

    amount_at_least_minor: int | None = Field(None, ge=0)
    amount_at_most_minor: int | None = Field(None, ge=0)
    stages: tuple[Stage, ...] | None = None
    broken_promises_at_least: int | None = Field(None, ge=0)
    consent: bool | None = None
    debit_returned: tuple[ReturnCode, ...] | None = None
    """The last debit came back, for one of these reasons."""


class Step(_Data):
    """One step of the sequence.

    It falls due at `at` (borrower's local time) on the day that is `dpd` days past the due date
    (negative: before it), or `after_days` days after the step before it (for the first step: after the
    loan entered).
    """

    id: Identifier
    kind: StepKind
    dpd: int | None = Field(None, ge=-60, le=3650)
    after_days: int | None = Field(None, ge=0, le=365)
    at: time = time(10, 0)
    channels: tuple[Channel, ...] = ()
    template: Identifier | None = None
    when: Conditions = Conditions()
    stage: Stage | None = None
    queue: Identifier | None = None
    unread_after_hours: int | None = Field(None, ge=1, le=720, exclude_if=lambda hours: hours is None)
    """Not known to have been read so long after it was sent: the step goes out again by its next channel."""
    funds_seen: bool = False
    """Of a debit: collect only when the balance watch has seen the money."""
    notice_days: int | None = Field(None, ge=0, le=60)
    """Of a debit: days between its notice and the collection; None: `domain.direct_debit.NOTICE_DAYS`."""
    on_return: dict[ReturnCode | Literal["other"], Identifier] = {}
    """Of a debit: the later step that follows a reason for which it comes back."""

    @model_validator(mode="after")
    def _whole(self) -> Step:
        if (self.dpd is None) == (self.after_days is None):
            raise ValueError("give exactly one of dpd and after_days")
        if self.at.tzinfo is not None:
            raise ValueError("at is a local time of day such as 10:00, without a zone")
        if self.kind in (StepKind.REMIND, StepKind.OFFER_LINK) and not (self.channels and self.template):
            raise ValueError(f"a {self.kind} step needs channels and a template")
        if self.kind is StepKind.ESCALATE and self.stage is None:
            raise ValueError("an escalate step needs the stage it moves the loan to")
        if self.kind is StepKind.HANDOFF and self.queue is None:
            raise ValueError("a handoff step needs a queue")
        if self.unread_after_hours is not None and len(self.channels) < 2:
            raise ValueError("unread_after_hours needs a second channel to go out by")
        if self.kind is StepKind.DEBIT and not self.template and self.notice_days != 0:
            raise ValueError("a debit step needs channels and a template for its notice, or notice_days: 0")
        if self.kind is not StepKind.DEBIT and (self.funds_seen or self.on_return or self.notice_days is not None):
            raise ValueError("funds_seen, notice_days and on_return belong to a debit step")
        if bool(self.channels) != bool(self.template):
            raise ValueError("channels and template go together")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("a channel stands twice in channels")
        return self


class WholeThreshold(_Data):
    """Funds are seen when the balance covers the whole amount due."""

    kind: Literal["whole"] = "whole"


class ShareThreshold(_Data):
    """Funds are seen when the balance covers `share` of the amount due (0 exclusive to 1 inclusive)."""

    kind: Literal["share"]
    share: float = Field(gt=0, le=1)


class AmountThreshold(_Data):
    """Funds are seen when the balance reaches `amount_minor` (or the amount due, if that is less)."""

    kind: Literal["amount"]
    amount_minor: int = Field(gt=0)


Threshold = Annotated[WholeThreshold | ShareThreshold | AmountThreshold, Field(discriminator="kind")]


class BalanceWatch(_Data):
    """Look at the borrower's balance, with consent, and send a link when the money is there.

    `reads_per_day` is at most four: the limit for reads without the borrower present (Berlin Group
    XS2A, frequencyPerDay). After an offer the watch rests for `rest_days`; at most `max_offers` are made.
    With `renew_days_before` the borrower is asked, by `renew_template`, to renew the consent so many days before the
    date until which the bank granted it; once for each such date.
    With `after_step` the watch begins when that step is behind the loan, so that a first contact can say who
    writes and why before anybody asks for money.
    """

    threshold: Threshold = WholeThreshold()
    reads_per_day: int = Field(4, ge=1, le=4)
    channels: tuple[Channel, ...] = Field(min_length=1)
    template: Identifier
    rest_days: int = Field(3, ge=1, le=60)
    max_offers: int = Field(4, ge=1, le=50)
    after_step: Identifier | None = None
    renew_days_before: int | None = Field(None, ge=1, le=60, exclude_if=lambda days: days is None)
    renew_template: Identifier = Field("consent_request", exclude_if="consent_request".__eq__)


class Queue(_Data):
    """A tray of cases for people. When `sla_hours` pass without a decision the case moves to
    `then` (another queue); where there is none, the loan's sequence goes on and the case stays open."""

    sla_hours: int = Field(gt=0, le=24 * 60)
    then: Identifier | None = None


class Receipt(_Data):
    """Sent when a loan is paid in full; with `part_template`, that message after each part payment too."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    template: Identifier
    part_template: Identifier | None = None


class Ends(_Data):
    """The loan ends as `not_cured` when `after_days` days have passed since it entered."""

    after_days: int = Field(gt=0, le=3650)


class StageStart(_Data):
    stage: Stage
    dpd: int


class Strategy(_Data):
    name: Identifier
    version: int = Field(ge=1)
    title: str = Field(min_length=1, max_length=120)
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    stages: tuple[StageStart, ...] = (
        StageStart(stage=Stage.EARLY, dpd=1),
        StageStart(stage=Stage.LATE, dpd=30),
        StageStart(stage=Stage.PRE_LEGAL, dpd=90),
    )
    steps: tuple[Step, ...] = Field(min_length=1, max_length=100)
    watch: BalanceWatch | None = None
    receipt: Receipt | None = None
    queues: dict[Identifier, Queue] = {}
    promises: PromiseTerms = PromiseTerms()
    plans: PlanTerms | None = None
    settlements: SettlementTerms | None = None
    restructurings: RestructuringTerms | None = None
    conversation: ConversationTerms | None = None
    ends: Ends

    @model_validator(mode="after")
    def _consistent(self) -> Strategy:
        ids = [step.id for step in self.steps]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"step id {twice[0]!r} stands twice")
        last: int | None = None
        for step in self.steps:
            if step.dpd is not None:
                if last is not None and step.dpd < last:
                    raise ValueError(f"step {step.id!r} has dpd {step.dpd}, earlier than a step before it ({last})")
                last = step.dpd
            for code, target in step.on_return.items():
                if target not in ids[ids.index(step.id) + 1 :]:
                    raise ValueError(f"step {step.id!r}: on_return {code} names {target!r}, which is no later step")
            if step.funds_seen and self.watch is None:
                raise ValueError(f"step {step.id!r} waits for funds_seen, but there is no watch")
            if step.queue is not None and step.queue not in self.queues:
                raise ValueError(f"step {step.id!r} names queue {step.queue!r}, which queues does not have")
        if self.watch is not None and self.watch.after_step not in (None, *ids):
            raise ValueError(f"watch names the step {self.watch.after_step!r}, which steps does not have")
        for part in ("promises", "plans", "settlements", "restructurings"):
            terms = getattr(self, part)
            if terms is not None and terms.queue is not None and terms.queue not in self.queues:
                raise ValueError(f"{part} names queue {terms.queue!r}, which queues does not have")
        talk = self.conversation
        if talk is not None and talk.queue is not None and talk.queue not in self.queues:
            raise ValueError(f"conversation names queue {talk.queue!r}, which queues does not have")
        for name, queue in self.queues.items():
            seen = {name}
            while queue.then is not None:
                if queue.then not in self.queues:
                    raise ValueError(f"queue {name!r} hands over to {queue.then!r}, which queues does not have")
                if queue.then in seen:
                    raise ValueError(f"queue {name!r} hands over in a circle")
                seen.add(queue.then)
                queue = self.queues[queue.then]
        starts = [start.dpd for start in self.stages]
        if starts != sorted(set(starts)):
            raise ValueError("stages must start at rising days past due")
        return self

    @property
    def agreement_messages(self) -> tuple[AgreementMessage, ...]:
        """Everything that is written about agreements."""
        parts = (self.promises, self.plans, self.settlements, self.restructurings)
        return tuple(message for part in parts if part is not None for message in part.messages)

    @property
    def key(self) -> str:
        """Name and version as operators write them, e.g. `es-microloan@3`."""
        return f"{self.name}@{self.version}"

    def step(self, step_id: str) -> Step:
        return next(step for step in self.steps if step.id == step_id)

    def find_step(self, step_id: str) -> Step | None:
        """The step of that id; None for one of another version, or of none."""
        return next((step for step in self.steps if step.id == step_id), None)
