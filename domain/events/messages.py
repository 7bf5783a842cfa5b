"""Orders of single messages: notices, and words that a person of ours wrote."""

from __future__ import annotations

from pydantic import Field

from domain.agreements.terms import Authority
from domain.contact import Channel
from domain.events.values import Event, Moment, Reference, Warrant


class NoticeOrdered(Event):
    """A one-off message: `template` by the first of `channels` that works, at a lawful slot before `until` (exclusive).

    `notice_id` is the same for all loans of one order, and a loan takes each once.
    """

    notice_id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")
    template: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    channels: tuple[Channel, ...] = Field(min_length=1, max_length=6)
    with_link: bool = False
    until: Moment


class NoticeWithdrawn(Event):
    """A one-off message that has not been sent yet is not to be sent."""

    notice_id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")


class WordsWritten(Event):
    """A person of ours wrote to the borrower in own words, which are in the records under `words_id`; never the words.

    They go out by `channel` before `until` (exclusive), once. `role` is what `by` may do here. `case_id`: the open case
    that they answer, decided as `continue` with them.
    """

    words_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    channel: Channel
    until: Moment
    by: Reference
    role: Authority
    case_id: Reference | None = None
    warrant: Warrant | None = None


class WordsWithdrawn(Event):
    """What a person of ours wrote and what has not gone out yet is not to be sent. `role` is what `by` may do here."""

    words_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    by: Reference
    role: Authority
    warrant: Warrant | None = None
