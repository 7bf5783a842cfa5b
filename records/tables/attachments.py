"""Files that people sent us: a photo of a receipt, a document."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from domain.contact import Channel
from records.sealed import Sealed, SealedBytes
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class AttachmentState(StrEnum):
    DUE = "due"
    """Known by the provider's id, not fetched yet."""
    KEPT = "kept"
    REFUSED = "refused"
    """Too large, or of a kind that is not kept; `reason` says which."""
    LOST = "lost"
    """The provider could not give it in all the tries there were."""


class Attachment(Record, table=True):
    """One file of one message. Its content and caption are sealed under the person's key."""

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("provider", "provider_message_id"),
        Index(
            "ix_attachment_due",
            "next_try_at",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
        one_of("channel", Channel),
        one_of("state", AttachmentState),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id", index=True)
    loan_ref: int | None = Field(default=None, foreign_key="loan.id", index=True)
    channel: Channel = Field(sa_type=EnumText(Channel))
    provider: str = Field(max_length=40)
    provider_message_id: str = Field(max_length=128)
    media_id: str = Field(max_length=128)
    kind: str = Field(max_length=40)
    mime_type: str = Field(default="", max_length=100)
    caption: str | None = Field(default=None, sa_type=Sealed("attachment.caption"))
    content: bytes | None = Field(default=None, sa_type=SealedBytes("attachment.content"))
    size: int | None = None
    sha256: str | None = Field(default=None, max_length=64)
    state: AttachmentState = Field(default=AttachmentState.DUE, sa_type=EnumText(AttachmentState))
    reason: str = Field(default="", max_length=80)
    tries: int = 0
    next_try_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    received_at: datetime = Field(sa_type=UTCDateTime)
    kept_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
