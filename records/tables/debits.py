"""Mandates to collect by direct debit, the debits made under them, and the files they went to the bank in."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from domain.direct_debit import DebitState, MandateScheme, MandateStatus, SequenceType
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class Mandate(Record, table=True):
    """A person's signed permission to collect from one account. `reference` is the lender's, and unique there.

    `iban` and `holder` are sealed under the person's key; `iban_index` is the keyed fingerprint it is found by.
    """

    __tablename__ = "mandate"
    __table_args__ = (
        UniqueConstraint("lender", "reference"),
        Index("ix_mandate_person_status", "person_ref", "status"),
        one_of("sequence", SequenceType),
        one_of("status", MandateStatus),
    )

    id: int | None = Field(default=None, primary_key=True)
    lender: str = Field(max_length=64)
    person_ref: int = Field(foreign_key="person.id")
    reference: str = Field(max_length=35)
    iban: str | None = Field(default=None, sa_type=Sealed("mandate.iban"))
    holder: str | None = Field(default=None, sa_type=Sealed("mandate.holder"))
    """Who owns the account, where it is not the person who owes."""
    iban_index: str = Field(default="", max_length=64, index=True)
    bic: str | None = Field(default=None, max_length=11)
    signed_on: date
    scheme: MandateScheme | None = Field(default=None, sa_type=EnumText(MandateScheme))
    """None: that of whoever collects for the lender."""
    sequence: SequenceType = Field(default=SequenceType.FRST, sa_type=EnumText(SequenceType))
    """What the next collection says of itself."""
    status: MandateStatus = Field(default=MandateStatus.ACTIVE, sa_type=EnumText(MandateStatus))
    reason: str | None = Field(default=None, max_length=80)
    last_used_on: date | None = None
    created_at: datetime = Field(sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)


class DebitFile(Record, table=True):
    """A file of debits, made once. Its bytes are not kept: the same debits give the same bytes, and `sha256` proves it.

    `begun_at` is set before the bank is called: without `answered_at` nobody knows whether it has the file.
    """

    __tablename__ = "debit_file"
    __table_args__ = (UniqueConstraint("message_id"), UniqueConstraint("lender", "day", "number"))

    id: int | None = Field(default=None, primary_key=True)
    lender: str = Field(max_length=64)
    day: date
    number: int
    message_id: str = Field(max_length=35)
    sha256: str = Field(max_length=64)
    debits: int
    amount_minor: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=UTCDateTime)
    begun_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str | None = Field(default=None, max_length=80)
    """`accepted`, or the code the bank refused the whole file with."""


class Debit(Record, table=True):
    """One debit of one loan: ordered once by (loan, entry, step, occurrence), filed once, counted once.

    It goes into a file only while `released`; `amount_minor` is at most what its notice named.
    """

    __tablename__ = "debit"
    __table_args__ = (
        UniqueConstraint("loan_ref", "entry", "step", "occurrence"),
        UniqueConstraint("reference"),
        Index("ix_debit_state", "state", "released"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        one_of("state", DebitState),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    entry: int
    step: str = Field(max_length=64)
    occurrence: int = 1
    reference: str = Field(max_length=35)
    mandate_ref: int = Field(foreign_key="mandate.id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    noticed: bool = False
    """Whether it waits for its notice to be sent."""
    notice_days: int = 0
    released: bool = False
    state: DebitState = Field(default=DebitState.PLANNED, sa_type=EnumText(DebitState))
    file_ref: int | None = Field(default=None, foreign_key="debit_file.id", index=True)
    batch_id: str | None = Field(default=None, max_length=40, index=True)
    sequence: str | None = Field(default=None, max_length=4)
    collect_on: date | None = None
    reason: str | None = Field(default=None, max_length=80)
    planned_at: datetime = Field(sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)
