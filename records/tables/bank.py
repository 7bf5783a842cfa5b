"""What banks told us of our accounts: files taken in once, entries counted once, and the payments they became."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class EntryState(StrEnum):
    """MATCHED: it became payments. DEBIT: it belongs to a direct debit. WAITING: a person must say whose it is.
    IGNORED: a person said that it is nobody's payment. NOT_OURS: money that went out, or other movements."""

    MATCHED = "matched"
    DEBIT = "debit"
    WAITING = "waiting"
    IGNORED = "ignored"
    NOT_OURS = "not_ours"


class BankFileRow(Record, table=True):
    """A file of a bank that was taken in; the same bytes are taken in once."""

    __tablename__ = "bank_file"
    __table_args__ = (UniqueConstraint("sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(max_length=64)
    kind: str = Field(max_length=10)
    name: str = Field(max_length=200)
    message_id: str = Field(max_length=80)
    taken_at: datetime = Field(sa_type=UTCDateTime)
    entries: int = 0


class BankEntryRow(Record, table=True):
    """A movement on an account of ours, once by `key`, in whichever files the bank tells of it.

    Who paid and what they wrote is sealed: under a key of the month until it is known whose it is, then under theirs.
    """

    __tablename__ = "bank_entry"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_bank_entry_state", "state", "booked_on"),
        Index("ix_bank_entry_iban_index", "iban_index"),
        Index("ix_bank_entry_end_to_end_id", "end_to_end_id"),
        Index("ix_bank_entry_like", "account_index", "value_on", "amount_minor"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        one_of("state", EntryState),
    )

    id: int | None = Field(default=None, primary_key=True)
    file_ref: int = Field(foreign_key="bank_file.id", index=True)
    line: int
    key: str = Field(max_length=64)
    lender: str | None = Field(default=None, max_length=64)
    account_index: str = Field(max_length=64)
    kind: str = Field(max_length=10)
    credit: bool
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    booked_on: date
    value_on: date
    end_to_end_id: str | None = Field(default=None, max_length=140)
    """Our own reference; of one that a payer chose, a keyed fingerprint."""
    bank_reference: str | None = Field(default=None, max_length=140)
    reason: str | None = Field(default=None, max_length=35)
    other_name: str | None = Field(default=None, sa_type=Sealed("bank_entry.other_name"))
    other_iban: str | None = Field(default=None, sa_type=Sealed("bank_entry.other_iban"))
    iban_index: str | None = Field(default=None, max_length=64)
    text: str | None = Field(default=None, sa_type=Sealed("bank_entry.text"))
    person_ref: int | None = Field(default=None, foreign_key="person.id", index=True)
    state: EntryState = Field(sa_type=EnumText(EntryState))
    why: str | None = Field(default=None, max_length=160)
    """Why it waits, or why it was ignored; no personal data."""
    by: str | None = Field(default=None, max_length=80)
    taken_at: datetime = Field(sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)


class BankMatch(Record, table=True):
    """What an entry paid: one transfer may pay several loans."""

    __tablename__ = "bank_match"
    __table_args__ = (
        UniqueConstraint("entry_ref", "loan_ref"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    id: int | None = Field(default=None, primary_key=True)
    entry_ref: int = Field(foreign_key="bank_entry.id")
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    provider: str = Field(max_length=128)
    payment_id: str = Field(max_length=255)
    at: datetime = Field(sa_type=UTCDateTime)


class GatewayCheck(Record, table=True):
    """The last comparison of a gateway's own list of a day with ours."""

    __tablename__ = "gateway_check"

    provider: str = Field(primary_key=True, max_length=40)
    day: date = Field(primary_key=True)
    differences: int
    checked_at: datetime = Field(sa_type=UTCDateTime)
