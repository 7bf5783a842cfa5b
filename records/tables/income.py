"""What reads of balances have shown of when money arrives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from records.sealed import Sealed
from records.tables.base import Record
from records.types import UTCDateTime


class IncomeSeen(Record, table=True):
    """When money came to one person, as JSON: between which reads, and how much at least. Personal, so sealed."""

    __tablename__ = "income_seen"

    person_ref: int = Field(primary_key=True, foreign_key="person.id")
    seen: str | None = Field(default=None, sa_type=Sealed("income_seen.seen"))
    watched_since: datetime = Field(sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)


class BookingHour(Record, table=True):
    """How much of what came to all people of a bank's country was booked in a half hour of the local day.

    `thousandths` of arrivals: one that lies between two reads is spread over the half hours between them.
    """

    __tablename__ = "booking_hour"
    __table_args__ = (CheckConstraint("slot BETWEEN 0 AND 47", name="slot_of_a_day"),)

    provider: str = Field(primary_key=True, max_length=40)
    country: str = Field(primary_key=True, max_length=2)
    slot: int = Field(primary_key=True)
    thousandths: int = 0
