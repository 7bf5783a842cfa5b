"""The audit trail, a hash chain. The migrations add triggers that refuse every change and removal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from records.tables.base import Record
from records.types import UTCDateTime


class Audit(Record, table=True):
    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_loan", "lender", "loan_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime)
    actor: str = Field(max_length=160)
    action: str = Field(max_length=80)
    lender: str | None = Field(default=None, max_length=64)
    loan_id: str | None = Field(default=None, max_length=64)
    details: dict[str, Any] = Field(sa_type=JSON)
    hash: str = Field(max_length=64)
    """Over the hash of the row before and this row's content (domain/audit_chain.py)."""


class AuditHead(Record, table=True):
    """Where the trail ends: one row, locked by whoever appends. It cannot be removed, nor go back."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True)
    rows: int
    last_id: int
    hash: str = Field(max_length=64)
