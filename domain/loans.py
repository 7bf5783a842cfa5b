"""What is known of a delinquent loan when it enters collection, and how days past due are counted.

Nothing here names a person: borrowers' data stay in the records and never enter Temporal.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from domain.money import MOST_MINOR, is_currency

LENDER = re.compile(r"[A-Za-z0-9._]{1,64}")
LOAN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EARLIEST, _LATEST = date(1970, 1, 1), date(2199, 12, 31)


def workflow_id(lender: str, loan_id: str) -> str:
    """The one id of a loan in Temporal: starting it twice returns the running one."""
    return f"loan-{lender}-{loan_id}"


class LoanFacts(BaseModel):
    """A loan as it enters. `amount_due_minor` is what is overdue or falls due on `due_date`, in minor units.

    `timezone` is the borrower's IANA zone; None: not known, and days are those of UTC.
    `consent` says whether the borrower let us read their balance, `consent_until` until what day (inclusive) the
    bank said, where it matters.
    """

    model_config = ConfigDict(frozen=True)

    lender: str
    loan_id: str
    country: str
    region: str | None = None
    timezone: str | None = None
    currency: str
    amount_due_minor: int = Field(gt=0, le=MOST_MINOR)
    due_date: date
    consent: bool = False
    consent_until: date | None = None
    entry: int = 1
    """How many times the loan was handed over; its cases are numbered anew each time."""
    campaign: str | None = None

    @field_validator("lender")
    @classmethod
    def _unmistakable(cls, value: str) -> str:
        """Without dashes, so that no two loans can share a workflow id."""
        if not LENDER.fullmatch(value):
            raise ValueError("expected 1 to 64 letters, digits, dots or underscores, and no dash")
        return value

    @field_validator("loan_id")
    @classmethod
    def _speakable(cls, value: str) -> str:
        if not LOAN_ID.fullmatch(value):
            raise ValueError("expected 1 to 64 letters, digits, dots, dashes or underscores")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ValueError, OSError, KeyError):
                raise ValueError("unknown time zone: expected an IANA name such as Europe/Madrid") from None
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not is_currency(value):
            raise ValueError("unknown currency: expected an ISO 4217 code such as EUR")
        return value

    @field_validator("due_date")
    @classmethod
    def _plausible(cls, value: date) -> date:
        if not _EARLIEST <= value <= _LATEST:
            raise ValueError(f"expected a date between {_EARLIEST} and {_LATEST}")
        return value

    @property
    def zone(self) -> tzinfo:
        """The borrower's zone; UTC for planning where it is unknown (the contact decision then refuses)."""
        return ZoneInfo(self.timezone) if self.timezone else UTC

    @property
    def workflow_id(self) -> str:
        return workflow_id(self.lender, self.loan_id)

    def local_date(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def moment(self, day: date, at: time) -> datetime:
        """`at` o'clock on `day` where the borrower lives, in UTC. A skipped hour gives the one after it."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def days_past_due(self, at: datetime) -> int:
        """Days from the due date to the borrower's local date at `at`; negative before it."""
        return (self.local_date(at) - self.due_date).days


class Payment(BaseModel):
    """A payment that counts once, by (provider, payment id). `paid_at` is its value date."""

    model_config = ConfigDict(frozen=True)

    provider: str
    payment_id: str
    amount_minor: int = Field(gt=0)
    paid_at: AwareDatetime
    reversed: bool = False
    refunded_minor: int = 0
    """What was given back of it because too much had been paid."""

    @property
    def stands_minor(self) -> int:
        """What of it is still the lender's."""
        return 0 if self.reversed else self.amount_minor - self.refunded_minor

    @property
    def key(self) -> tuple[str, str]:
        return (self.provider, self.payment_id)
