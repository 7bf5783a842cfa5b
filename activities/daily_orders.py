"""What the daily run orders, and what it hears back: plain values, no personal data."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class DayJob(StrEnum):
    """In the order in which they are done: money that came is known before more is asked for, and keys go last, when
    what came in was matched."""

    BANK_FILES = "bank_files"
    STATEMENTS = "statements"
    DEBIT_FILES = "debit_files"
    GATEWAYS = "gateways"
    REFUNDS = "refunds"
    CONSENTS = "consents"
    SPENT_KEYS = "spent_keys"


class DayOrder(BaseModel):
    """One job of the day `day` in `zone` (IANA)."""

    model_config = ConfigDict(frozen=True)

    job: DayJob
    day: date
    zone: str


class DayReport(BaseModel):
    """What came of a job. `wrong`: somebody has to look at it."""

    model_config = ConfigDict(frozen=True)

    job: DayJob
    told: str
    wrong: bool = False
