"""Types of the fields that events have in common."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from domain.money import MOST_MINOR

Reference = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
YEARS = range(1970, 2200)
"""Those that a moment or a day may be of: any other is a slip."""


def _written_out(value: object) -> object:
    """A bare number may mean seconds, milliseconds or a typo: it is not guessed."""
    if not isinstance(value, str | datetime):
        raise ValueError("expected a moment with its zone such as 2026-03-02T09:00:00+01:00")
    return value


def _of_our_time(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS[0]} and {YEARS[-1]}")
    return value


def _in_utc(value: datetime) -> datetime:
    return _of_our_time(value).astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A moment as the contract takes it: ISO 8601 text with a zone; kept in UTC."""
MomentAsWritten = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_of_our_time)]
"""As `Moment`, with the offset it was written with, by which a day alone is told from a moment (`value_dates`)."""


def _a_day(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise ValueError("expected a local date such as 2026-03-02")
    return value


def _in_our_time(value: date) -> date:
    if value.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS[0]} and {YEARS[-1]}")
    return value


Day = Annotated[date, BeforeValidator(_a_day), AfterValidator(_in_our_time)]
"""A date where the borrower lives: ISO 8601 text."""


def _not_long_past(value: date) -> date:
    if value.year < YEARS[0]:
        raise ValueError(f"the year must be {YEARS[0]} or later")
    return value


LastDay = Annotated[date, BeforeValidator(_a_day), AfterValidator(_not_long_past)]
"""The day something lasts to, however far ahead: banks write 9999-12-31 where there is no end."""
Amount = Annotated[int, Field(gt=0, le=MOST_MINOR, strict=True)]
Warrant = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
"""Proof of `by` and `role`, see `config/warrants.py`. It is checked where the order arrives, not by what follows."""


class Event(BaseModel):
    model_config = ConfigDict(frozen=True)


HandOver = Annotated[int, Field(ge=1, strict=True)]
"""Which time the lender handed the loan over, from 1."""
Occurrence = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Which time a step is taken, from 1; no further than the records can count."""
