"""What became of direct debits."""

from __future__ import annotations

import operator
from datetime import date
from enum import StrEnum

from pydantic import Field

from domain.events.values import Event, Occurrence, Reference


class DebitOutcome(StrEnum):
    """PLANNED: it stands in the records and waits. FILED: it is in a file to the bank. SETTLED: its fate is known.
    NO_MANDATE: there is none to collect under. NOT_POSSIBLE: no direct debit in this currency, or nothing is due."""

    PLANNED = "planned"
    FILED = "filed"
    SETTLED = "settled"
    NO_MANDATE = "no_mandate"
    NOT_POSSIBLE = "not_possible"


class DebitReported(Event):
    """What became of an order to collect by direct debit; `released`: it goes into the next file it is due in.

    `lead_days`: settlement days before its collection on which the bank wants it. `collect_on`: of one that is filed.
    Reports of earlier versions carry neither.
    """

    step: str
    occurrence: int = Field(1, exclude_if=(1).__eq__)
    outcome: DebitOutcome
    released: bool = Field(False, exclude_if=operator.not_)
    lead_days: int | None = Field(None, exclude_if=operator.not_)
    collect_on: date | None = Field(None, exclude_if=operator.not_)


class DebitReturned(Event):
    """A debit came to nothing: refused before the money came, or taken back afterwards (then the payment is told as
    reversed too). `reason` is an ISO 20022 code such as AM04."""

    step: Reference
    occurrence: Occurrence = 1
    reason: str = Field(pattern=r"^[A-Z]{2}[A-Z0-9]{2}$")
