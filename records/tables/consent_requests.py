"""Consents that were asked for at a bank and are not settled yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field

from records.sealed import Sealed
from records.tables.base import Record
from records.types import UTCDateTime


class ConsentRequest(Record, table=True):
    """A person was sent to their bank. `outcome` is "granted" or what the bank says of it instead; None: still open."""

    __tablename__ = "consent_request"

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id", index=True)
    provider: str = Field(max_length=40)
    reference: str = Field(max_length=40, unique=True)
    consent_id: str | None = Field(default=None, sa_type=Sealed("consent_request.consent_id"))
    transactions: bool | None = None
    """Whether the person was told that what comes in is read too; None: not known."""
    asked_at: datetime = Field(sa_type=UTCDateTime)
    end_at_source: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Nothing is read under it any more, and it lives on there until the source is told."""
    settled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str | None = Field(default=None, max_length=40)
