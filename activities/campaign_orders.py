"""What a campaign orders from its activities and hears back."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.events.control import CloseReason


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class StartOrder(_Message):
    """Start at most `page` of the campaign's waiting loans, in priority order, `rate_per_second` at most.

    Nothing is done about them before `begin_at`.
    """

    campaign_id: str
    page: int = Field(gt=0)
    rate_per_second: float = Field(gt=0)
    begin_at: AwareDatetime | None = None


class StartReport(_Message):
    """`started` and `refused` in this page; `waiting` are left for the next."""

    started: int
    refused: int
    waiting: int


class Instruction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"


class InstructOrder(_Message):
    """Give every running loan of the campaign one instruction; `number` makes repeating it harmless."""

    campaign_id: str
    number: int
    instruction: Instruction
    until: AwareDatetime | None = None
    reason: CloseReason | None = None


class InstructReport(_Message):
    """`refused`: loans that could not follow, such as one that had ended meanwhile."""

    done: int
    refused: int
    first_reason: str = ""


class LoanStart(StrEnum):
    STARTED = "started"
    RUNNING_ALREADY = "running_already"
    STILL_CLOSING = "still_closing"


class StateOrder(_Message):
    """`number`, `until`: of the instruction that brings the campaign there; None of an order by an earlier version."""

    campaign_id: str
    state: str
    number: int | None = None
    until: AwareDatetime | None = None
