"""Webhooks as they came in, kept until the loan's workflow has accepted their news."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field

from records.sealed import SealedBytes
from records.tables.base import Record
from records.types import UTCDateTime


class Webhook(Record, table=True):
    """One delivery. `recorded_at`: its news stands in the records; `relayed_at`: nothing is left to do."""

    __tablename__ = "webhook"
    __table_args__ = (
        UniqueConstraint("provider", "event_key"),
        Index(
            "ix_webhook_due",
            "next_try_at",
            sqlite_where=text("relayed_at IS NULL"),
            postgresql_where=text("relayed_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    provider: str = Field(max_length=40)
    event_key: str = Field(max_length=255)
    url: str
    """The address as the provider called it, with its query."""
    body: bytes = Field(sa_type=SealedBytes("webhook.body"))
    person_ref: int | None = Field(default=None, foreign_key="person.id", index=True)
    """Whose news it brought, once that is known; the body is then sealed under their key."""
    headers: dict[str, str] = Field(sa_type=JSON)
    received_at: datetime = Field(sa_type=UTCDateTime)
    verified: bool
    signals: list[dict[str, Any]] = Field(sa_type=JSON)
    """What loans are to be told, decided with the news recorded; a signal leaves the list once accepted."""
    recorded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    relayed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str | None = Field(default=None, max_length=80)
    relay_attempts: int = 0
    relay_error: str | None = Field(default=None, max_length=200)
    next_try_at: datetime = Field(sa_type=UTCDateTime)


class Lease(Record, table=True):
    """Who may do what only one process may do at a time, and until when.

    Held by nobody: until when a list at a provider was read, and when it last was (`records.lists_read`).
    """

    __tablename__ = "lease"

    name: str = Field(primary_key=True, max_length=40)
    holder: str = Field(max_length=80)
    until: datetime = Field(sa_type=UTCDateTime)
