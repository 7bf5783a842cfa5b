"""One-off messages to a segment of the loans: what was ordered, and which loans have heard of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Index
from sqlmodel import Field

from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class SegmentSendState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"


class SegmentSend(Record, table=True):
    """`finished`: every loan has heard of it; whether each message went out stands in the contact ledger."""

    __tablename__ = "segment_send"
    __table_args__ = (one_of("state", SegmentSendState),)

    id: str = Field(primary_key=True, max_length=50)
    lender: str = Field(max_length=64)
    template: str = Field(max_length=60)
    channels: list[str] = Field(sa_type=JSON)
    with_link: bool = False
    condition: str
    until: datetime = Field(sa_type=UTCDateTime)
    """The moment after which nothing of it is sent any more."""
    rate_per_second: float
    created_at: datetime = Field(sa_type=UTCDateTime)
    state: SegmentSendState = Field(default=SegmentSendState.RUNNING, sa_type=EnumText(SegmentSendState))
    total: int = 0


class SegmentSendLoan(Record, table=True):
    """A loan that met the condition when the message was ordered."""

    __tablename__ = "segment_send_loan"
    __table_args__ = (Index("ix_segment_send_loan_open", "send_id", "told_at", "refused"),)

    send_id: str = Field(primary_key=True, max_length=50, foreign_key="segment_send.id")
    loan_ref: int = Field(primary_key=True, foreign_key="loan.id", index=True)
    entry: int
    told_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    refused: str | None = Field(default=None, max_length=200)
