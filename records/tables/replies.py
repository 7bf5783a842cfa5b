"""What agents said a message meant, where the classifier had read it otherwise."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from domain.contact import Channel
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class ReplyCorrection(Record, table=True):
    """One message as an agent labelled it. Its text is sealed under the person's key and gone with it."""

    __tablename__ = "reply_correction"
    __table_args__ = (one_of("channel", Channel),)

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id", index=True)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    channel: Channel = Field(sa_type=EnumText(Channel))
    country: str = Field(max_length=2)
    text: str | None = Field(default=None, sa_type=Sealed("reply_correction.text"))
    was: str = Field(default="", max_length=120)
    """The intents the classifier had named, the first first, parted by spaces."""
    intents: str = Field(max_length=120)
    reason: str | None = Field(default=None, max_length=30)
    person_must_look: bool = False
    """Whether a person must look although the intents alone do not ask for it."""
    corrected_by: str = Field(max_length=80)
    corrected_at: datetime = Field(sa_type=UTCDateTime)
