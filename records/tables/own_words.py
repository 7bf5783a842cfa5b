"""What people of ours wrote to borrowers in own words."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from domain.contact import Channel
from domain.ledger_entries import WordsState
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class OwnWords(Record, table=True):
    """A person's words to the borrower of a loan, kept before the loan is told of them by `words_id`.

    What went out with them is in the contact whose step is `words-<words_id>`; the words of a person who was erased
    are gone.
    """

    __tablename__ = "own_words"
    __table_args__ = (one_of("channel", Channel), one_of("state", WordsState))

    id: int | None = Field(default=None, primary_key=True)
    words_id: str = Field(max_length=40, unique=True)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    person_ref: int = Field(foreign_key="person.id", index=True)
    written_by: str = Field(max_length=160)
    written_at: datetime = Field(sa_type=UTCDateTime)
    channel: Channel = Field(sa_type=EnumText(Channel))
    subject: str | None = Field(default=None, sa_type=Sealed("own_words.subject"))
    text: str | None = Field(default=None, sa_type=Sealed("own_words.text"))
    until: datetime = Field(sa_type=UTCDateTime)
    """A lawful slot at or after this moment is of no use."""
    case_id: str | None = Field(default=None, max_length=200)
    """The case they answered."""
    state: WordsState = Field(default=WordsState.WRITTEN, sa_type=EnumText(WordsState))
    why: str = Field(default="", max_length=300)
    """Why they were not sent."""
    changed_at: datetime = Field(sa_type=UTCDateTime)
