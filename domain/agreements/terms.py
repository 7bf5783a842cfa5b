"""What a strategy allows to agree on, and what it says meanwhile. Amounts are minor units."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.contact import Channel

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgreementMessage(_Data):
    channels: tuple[Channel, ...] = Field(min_length=1)
    template: Name


class AgreementMessages(_Data):
    """What is written while an agreement lives; what is not given is not written.

    `reminder` goes out once before each payment, `link` when the watched balance covers it, `missed` when its day
    passed without the money and grace is left, `broken` before the sequence goes on. `queue`: a broken agreement
    opens a case there.
    """

    reminder: AgreementMessage | None = None
    link: AgreementMessage | None = None
    missed: AgreementMessage | None = None
    broken: AgreementMessage | None = None
    queue: Name | None = None

    @property
    def messages(self) -> tuple[AgreementMessage, ...]:
        return tuple(m for m in (self.reminder, self.link, self.missed, self.broken) if m is not None)


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
