"""What messaging platforms hold of ours and how it stands there: approved templates, numbers that send."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from records.tables.base import Record
from records.types import UTCDateTime


class HeldTemplate(Record, table=True):
    """A template as the platform told of it last. The words of `status` are those of `TemplateStatus`."""

    __tablename__ = "platform_template"
    __table_args__ = (UniqueConstraint("provider", "name", "language"),)

    id: int | None = Field(default=None, primary_key=True)
    provider: str = Field(max_length=40)
    name: str = Field(max_length=512)
    language: str = Field(max_length=15)
    status: str = Field(max_length=20)
    category: str | None = Field(default=None, max_length=20)
    quality: str = Field(default="unknown", max_length=20)
    body: str | None = None
    reason: str = Field(default="", max_length=200)
    at: datetime = Field(sa_type=UTCDateTime)


class HeldSender(Record, table=True):
    """A number of ours, by the provider's id of it or by its digits, as each piece of news names it."""

    __tablename__ = "platform_sender"

    provider: str = Field(primary_key=True, max_length=40)
    sender: str = Field(primary_key=True, max_length=64)
    quality: str = Field(default="unknown", max_length=20)
    tier: int | None = None
    rested_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reason: str = Field(default="", max_length=200)
    at: datetime = Field(sa_type=UTCDateTime)
