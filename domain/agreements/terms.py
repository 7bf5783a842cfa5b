"""What a strategy allows to agree on, and what it says meanwhile. Amounts are minor units."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.contact import Channel

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgreementMessage(_Data):
    channels: tuple[Channel, ...] = Field(min_length=1)
    template: Name


class AgreementMessages(_Data):
    """What is written while an agreement lives; what is not given is not written.

    `document` brings the agreement as a PDF, at once; `reminder` goes out once before each payment, `link` when the
    watched balance covers it, `missed` when its day passed without the money and grace is left, `broken` before the
    sequence goes on. `queue`: a broken agreement opens a case there.
    """

    document: AgreementMessage | None = None
    reminder: AgreementMessage | None = None
    link: AgreementMessage | None = None
    missed: AgreementMessage | None = None
    broken: AgreementMessage | None = None
    queue: Name | None = None

    @property
    def messages(self) -> tuple[AgreementMessage, ...]:
        return tuple(m for m in (self.document, self.reminder, self.link, self.missed, self.broken) if m is not None)


class PromiseTerms(AgreementMessages):
    """How many promises in a loan's life, how far ahead, how small (the whole debt is never too small).

    A promise is kept when its sum less `tolerance_minor` has come by its date or within `grace_days` after it.
    `broken_at_most`: after so many broken ones no more are taken.
    """

    grace_days: int = Field(1, ge=0, le=30)
    tolerance_minor: int = Field(0, ge=0)
    at_most: int = Field(5, ge=1, le=30)
    broken_at_most: int = Field(3, ge=1, le=30)
    days_ahead: int = Field(31, ge=1, le=180)
    least_minor: int = Field(1, ge=1)


class Every(StrEnum):
    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"


class Authority(StrEnum):
    """Who agrees: the machine with the borrower alone, an agent, or a supervisor. Each may what those before may."""

    MACHINE = "machine"
    AGENT = "agent"
    SUPERVISOR = "supervisor"

    def covers(self, needed: Authority) -> bool:
        ranks = list(Authority)
        return ranks.index(self) >= ranks.index(needed)

    def alone(self, needed: Authority) -> bool:
        """Whether it takes nobody else: what needs a supervisor takes two people, whoever proposes it."""
        return needed is not Authority.SUPERVISOR and self.covers(needed)


class Option(_Data):
    """One line of a catalogue. It is there for debts from `amount_at_least_minor` to `amount_at_most_minor` that are
    from `dpd_at_least` to `dpd_at_most` days past due, all inclusive; `authority` may agree on it alone.

    Payments come `every` week, fortnight or month, at most `instalments` of them, the first within
    `first_within_days`; none is less than `least_minor`.
    """

    id: Name
    amount_at_least_minor: int | None = Field(None, ge=0)
    amount_at_most_minor: int | None = Field(None, ge=0)
    dpd_at_least: int | None = Field(None, ge=-60, le=3650)
    dpd_at_most: int | None = Field(None, ge=-60, le=3650)
    authority: Authority = Authority.MACHINE
    instalments: int = Field(1, ge=1, le=60)
    every: Every = Every.MONTH
    first_within_days: int = Field(15, ge=0, le=60)
    least_minor: int = Field(1, ge=1)


class PlanOption(Option):
    """The same debt in instalments. With `fees_frozen` nothing is added to it while the plan is kept."""

    instalments: int = Field(ge=2, le=60)
    fees_frozen: bool = True


class SettlementOption(Option):
    """Less than the debt: never less than `floor_percent` of it. An agent alone may go down to `agent_percent`, the
    machine to `machine_percent`; what lies below needs a supervisor."""

    authority: Authority = Authority.MACHINE
    first_within_days: int = Field(10, ge=0, le=60)
    floor_percent: int = Field(ge=1, le=99)
    agent_percent: int = Field(ge=1, le=100)
    machine_percent: int = Field(100, ge=1, le=100)

    @model_validator(mode="after")
    def _rising(self) -> SettlementOption:
        if not self.floor_percent <= self.agent_percent <= self.machine_percent:
            raise ValueError("floor_percent, agent_percent and machine_percent must not fall")
        return self


class RestructuringOption(Option):
    """A new schedule for the debt, with yearly interest of `rate_bp` hundredths of a percent."""

    authority: Authority = Authority.AGENT
    instalments: int = Field(ge=2, le=60)
    rate_bp: int = Field(0, ge=0, le=10_000)


class _Catalogue(AgreementMessages):
    """`grace_days` after a due date before what was agreed counts as broken; `at_most` so many in a loan's life; an
    offer that waits for an approval or a yes lapses after `valid_days`. A due date may be moved once for each agreement
    by at most `move_days` (0: not at all)."""

    grace_days: int = Field(3, ge=0, le=30)
    at_most: int = Field(2, ge=1, le=10)
    valid_days: int = Field(10, ge=1, le=90)
    move_days: int = Field(0, ge=0, le=31)


class PlanTerms(_Catalogue):
    options: tuple[PlanOption, ...] = Field(min_length=1, max_length=20)


class SettlementTerms(_Catalogue):
    grace_days: int = Field(0, ge=0, le=30)
    options: tuple[SettlementOption, ...] = Field(min_length=1, max_length=20)


class RestructuringTerms(_Catalogue):
    at_most: int = Field(1, ge=1, le=10)
    options: tuple[RestructuringOption, ...] = Field(min_length=1, max_length=20)
