"""Orders of people and of the lender about the loan as a whole: pause, close, decide a case."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.events.values import Event, Moment, Reference, Warrant


class Pause(Event):
    """`until` exclusive. `of_campaign`: its whole campaign pauses; a pause of this loan alone stays beside it."""

    until: Moment
    of_campaign: bool = False


class Resume(Event):
    """End the pause; `of_campaign`: only the campaign's, a pause of this loan's own goes on."""

    of_campaign: bool = False


class CloseReason(StrEnum):
    RECALLED = "recalled"
    SOLD = "sold"
    WRITTEN_OFF = "written_off"


class Close(Event):
    reason: CloseReason


class CaseDecision(StrEnum):
    """What a person decides: the sequence goes on, or the loan leaves collection."""

    CONTINUE = "continue"
    RECALL = "recall"
    SELL = "sell"
    WRITE_OFF = "write_off"


class Decide(Event):
    case_id: Reference
    decision: CaseDecision
    by: Reference
    note: str = Field("", max_length=2000)
    warrant: Warrant | None = None
