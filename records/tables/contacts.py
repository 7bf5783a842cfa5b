"""The contact ledger: what was reserved and sent, what happened, and every decision about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from domain.contact import Channel, ContactEventKind, Purpose, Verdict
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class ContactState(StrEnum):
    RESERVED = "reserved"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Sent or not is not known; it is looked up at the provider, never sent again blindly."""
    DROPPED = "dropped"


class Contact(Record, table=True):
    """One message, reserved before it is sent; the unique key makes it at most once."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("loan_ref", "entry", "step", "occurrence"),
        UniqueConstraint("provider", "provider_message_id"),
        Index(
            "ix_contact_unsettled",
            "changed_at",
            sqlite_where=text("state IN ('reserved', 'sending')"),
            postgresql_where=text("state IN ('reserved', 'sending')"),
        ),
        Index(
            "ix_contact_unconfirmed",
            "sent_at",
            sqlite_where=text("state = 'sent'"),
            postgresql_where=text("state = 'sent'"),
        ),
        Index("ix_contact_channel_reserved_at", "channel", "reserved_at"),
        one_of("channel", Channel),
        one_of("purpose", Purpose),
        one_of("state", ContactState),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id")
    person_ref: int = Field(foreign_key="person.id", index=True)
    message_id: str = Field(max_length=40, unique=True)
    """Our own id for the provider: in its callback address, in the e-mail's Message-ID."""
    entry: int
    step: str = Field(max_length=60)
    occurrence: int
    purpose: Purpose = Field(sa_type=EnumText(Purpose))
    channel: Channel = Field(sa_type=EnumText(Channel))
    address: str | None = Field(default=None, sa_type=Sealed("contact.address"))
    template: str = Field(max_length=60)
    state: ContactState = Field(default=ContactState.RESERVED, sa_type=EnumText(ContactState))
    provider: str | None = Field(default=None, max_length=40)
    provider_message_id: str | None = Field(default=None, max_length=320)
    reserved_at: datetime = Field(sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    link_ref: int | None = Field(default=None, foreign_key="payment_link.id")
    text: str | None = Field(default=None, sa_type=Sealed("contact.text"))
    """What was said, as it was sent: an unclear sending is looked up by it."""
    error_code: str | None = Field(default=None, max_length=80)
    outcome: str | None = Field(default=None, max_length=40)
    """What a call taught us: a word of domain.call_flow.Heard."""
    cost_micros: int | None = Field(default=None, sa_type=BigInteger)
    cost_currency: str | None = Field(default=None, max_length=3)
    """What it cost, in millionths of one major unit: by the table in force when it was sent, or by a call's length."""
    sender: str | None = Field(default=None, max_length=64)
    """The number or name of ours it went out under, as its provider knows it."""
    approved_as: str | None = Field(default=None, max_length=540)
    """The platform's template that carried it, `<language>:<name>`; None: it was free text."""
    segments: int | None = None
    """How many segments a text message takes, counted before it left."""
    asked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When the provider was last asked what became of it."""


class ContactLedger(Record, table=True):
    """One raw event of a person on a channel; `counts` is false for what no rule may count."""

    __tablename__ = "contact_event"
    __table_args__ = (
        Index("ix_contact_event_person_at", "person_ref", "at"),
        Index(
            "uq_contact_event_once",
            "contact_ref",
            "kind",
            unique=True,
            sqlite_where=text("kind IN ('attempt', 'delivered', 'read')"),
            postgresql_where=text("kind IN ('attempt', 'delivered', 'read')"),
        ),
        one_of("channel", Channel),
        one_of("kind", ContactEventKind),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id")
    loan_ref: int | None = Field(default=None, foreign_key="loan.id")
    contact_ref: int | None = Field(default=None, foreign_key="contact.id")
    at: datetime = Field(sa_type=UTCDateTime)
    channel: Channel = Field(sa_type=EnumText(Channel))
    kind: ContactEventKind = Field(sa_type=EnumText(ContactEventKind))
    counts: bool = True


class ContactDecision(Record, table=True):
    """An answer of the contact rules, kept whether it allowed the contact or not."""

    __tablename__ = "contact_decision"
    __table_args__ = (
        Index("ix_contact_decision_loan_at", "loan_ref", "at"),
        one_of("channel", Channel),
        one_of("verdict", Verdict),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id")
    person_ref: int = Field(foreign_key="person.id")
    step: str = Field(max_length=60)
    occurrence: int
    channel: Channel = Field(sa_type=EnumText(Channel))
    at: datetime = Field(sa_type=UTCDateTime)
    verdict: Verdict = Field(sa_type=EnumText(Verdict))
    not_before: datetime | None = Field(default=None, sa_type=UTCDateTime)
    window_ends: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reasons: list[dict[str, Any]] = Field(sa_type=JSON)
    rules_version: str = Field(max_length=80)
