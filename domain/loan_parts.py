"""The values that a loan's state is made of."""

from __future__ import annotations

import operator
from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.contact import Channel
from domain.events.borrower import Circumstance
from domain.ledger_entries import CaseKind


class StepRecord(BaseModel):
    """A step that is behind us. `result`: sent, not_delivered, unreachable, done, passed_over or before_entry."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int = 1
    result: str
    at: AwareDatetime
    channel: Channel | None = None
    because: str = ""


class CaseAbout(StrEnum):
    """What a handoff that no step opened is about, which says what answers it.

    PAYING: how, when or whether to pay. WISH: whatever else is wanted of a person. UNHEARD: a message that nobody
    knows, since the rules failed on it.
    """

    PAYING = "paying"
    WISH = "wish"
    UNHEARD = "unheard"


class OpenCase(BaseModel):
    """A case that waits for a person. `holds` stops planned contacts; `lapsed`: past its last SLA.

    `caused_by_debt`: it would not exist had the debt been paid. `step` opened it, if a step did.
    `amount_minor` is what a refund is about, `agreement` the number of the one a case is about. `about` is absent in
    cases of steps, and in those that an earlier version opened.
    """

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
    circumstance: Circumstance | None = None
    step: str | None = None
    amount_minor: int | None = None
    agreement: int | None = None
    about: CaseAbout | None = Field(None, exclude_if=operator.not_)

    @property
    def is_about_paying(self) -> bool:
        """Of a handoff: whether whoever agrees on how to pay needs nobody for it any more."""
        return self.about is CaseAbout.PAYING or (self.about is None and self.step is not None)


class EarlyReversal(BaseModel):
    """A reversal that came before its payment; without a provider it fits that payment id of any."""

    model_config = ConfigDict(frozen=True)

    payment_id: str
    provider: str | None = None


class SetAside(BaseModel):
    """What a payment in full put an end to, and its reversal brings back."""

    model_config = ConfigDict(frozen=True)

    cases: tuple[OpenCase, ...] = ()
    paused_until: AwareDatetime | None = None


class Fallback(BaseModel):
    """A message did not arrive: the same step again by the channels that are left."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    channels: tuple[Channel, ...]
    unless_read: int | None = None
    """Only if the contact of this occurrence turns out not to have been read."""


class Unread(BaseModel):
    """A message that was sent at `since` and has to be read within its step's time.

    `clock_shift` is how long the collection had stood still by then.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    since: AwareDatetime
    clock_shift: timedelta


class DebitUnderWay(BaseModel):
    """A direct debit that was ordered. `released`: the records have leave to file it; `filed`: the bank may have it.

    `fired`: nothing but its notice and the bank is waited for. `notified_at` is when its notice went out.
    `waits_until`: planned contacts rest until then, or until it is known what became of it. `lead_days`: settlement
    days between its file and its collection; None: ordered by a version that did not ask.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int = 1
    notice_days: int = 0
    noticed: bool = False
    notified_at: AwareDatetime | None = None
    fired: bool = False
    released: bool = False
    filed: bool = False
    waits_until: AwareDatetime | None = None
    lead_days: int | None = Field(None, exclude_if=operator.not_)


class DebitReturn(BaseModel):
    """A debit that came to nothing, and why."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    reason: str


class Notice(BaseModel):
    """A one-off message that waits for its lawful slot, which must come before `until`."""

    model_config = ConfigDict(frozen=True)

    notice_id: str
    template: str
    channels: tuple[Channel, ...]
    with_link: bool = False
    until: AwareDatetime


class Words(BaseModel):
    """What a person wrote, by its id in the records; it waits for its lawful slot, which must come before `until`.

    `owed`: a case or the machine's own answer gave way to it, so the borrower waits for it. `settled`: that case.
    """

    model_config = ConfigDict(frozen=True)

    words_id: str
    channel: Channel
    until: AwareDatetime
    owed: bool = False
    settled: OpenCase | None = Field(None, exclude_if=operator.not_)


class Refusal(BaseModel):
    """A message from outside that was not acted on, and why. Never its content: that may name a person."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    message: str
    reason: str


class ChannelWord(BaseModel):
    """When the borrower last wrote by a channel, or said whether they want messages by it, or when its address died."""

    model_config = ConfigDict(frozen=True)

    channel: Channel
    at: AwareDatetime
