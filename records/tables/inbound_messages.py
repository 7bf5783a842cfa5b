"""What borrowers wrote, and what was understood of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from domain.contact import Channel
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class InboundMessage(Record, table=True):
    """A message of a person. `loan_ref`: the loan it answers, or that was last written about, if one is in collection.

    Of several people at one number it is kept with whoever it concerns.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("provider", "provider_message_id", "person_ref"),
        Index("ix_inbound_message_person", "person_ref", "at"),
        Index("ix_inbound_message_loan", "loan_ref", "at"),
        one_of("channel", Channel),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id")
    loan_ref: int | None = Field(default=None, foreign_key="loan.id")
    at: datetime = Field(sa_type=UTCDateTime)
    channel: Channel = Field(sa_type=EnumText(Channel))
    provider: str = Field(max_length=40)
    provider_message_id: str = Field(max_length=320)
    text: str | None = Field(default=None, sa_type=Sealed("inbound_message.text"))
    mail_id: str | None = Field(default=None, sa_type=Sealed("inbound_message.mail_id"))
    """Of an e-mail: the id its sender's program gave it, which an answer names."""
    language: str = Field(max_length=2)
    intents: list[str] = Field(sa_type=JSON)
    confidence: float
    reason: str | None = Field(default=None, max_length=40)
    promise_date: date | None = None
    promise_amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    needs_human: bool
