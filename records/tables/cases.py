"""Cases: what a person has to decide about a loan."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index
from sqlmodel import Field

from domain.ledger_entries import CaseState
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class CollectionCase(Record, table=True):
    """A case in a queue. `assignments` are the queues it stood in: {"queue", "at", "sla_at"}, ISO moments."""

    __tablename__ = "collection_case"
    __table_args__ = (
        Index("ix_collection_case_queue", "state", "queue", "sla_at"),
        CheckConstraint("(state = 'decided') = (decision IS NOT NULL)", name="decision_named"),
        one_of("state", CaseState),
    )

    case_id: str = Field(primary_key=True, max_length=200)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    queue: str = Field(max_length=40)
    kind: str = Field(max_length=40)
    reason: str = ""
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    """What a refund is about."""
    state: CaseState = Field(default=CaseState.OPEN, sa_type=EnumText(CaseState))
    opened_at: datetime = Field(sa_type=UTCDateTime)
    sla_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    assignments: list[dict[str, Any]] = Field(sa_type=JSON)
    decision: str | None = Field(default=None, max_length=40)
    decided_by: str | None = Field(default=None, max_length=160)
    note: str | None = Field(default=None, sa_type=Sealed("collection_case.note"))
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
