"""How contacts ended, and messages that did not arrive."""

from __future__ import annotations

import operator
from enum import StrEnum

from pydantic import Field

from domain.contact import Channel
from domain.events.values import Event, Moment, Occurrence, Reference

NOTHING_SENT = "none"
"""The step of a failure at an address to which nothing of the loan's was sent."""


class AddressFailure(StrEnum):
    DEAD = "dead"
    WRONG_PERSON = "wrong_person"
    UNDELIVERED = "undelivered"
    TRY_AGAIN = "try_again"
    """Undelivered for a reason that passes: the same channel may be used once more for this step."""


class ContactFailed(Event):
    """A message that had been sent did not arrive. `step` and `occurrence` name the contact.

    `at`: when Recobro's records closed the address, where they did; earlier versions do not tell it.
    """

    step: Reference
    occurrence: Occurrence
    channel: Channel
    reason: AddressFailure
    at: Moment | None = Field(None, exclude_if=operator.not_)


class ContactOutcome(StrEnum):
    """SENT; UNREACHABLE by every channel; NOT_WANTED: pointless at the moment of dispatch; FUNDS_GONE: the money
    the message rests on is no longer there; SEEN: what it would say again was read by then; FAILED: given up for a
    technical reason. After NOT_WANTED and FAILED nothing was sent and the same contact is tried again a day later."""

    SENT = "sent"
    UNREACHABLE = "unreachable"
    NOT_WANTED = "not_wanted"
    FUNDS_GONE = "funds_gone"
    SEEN = "seen"
    FAILED = "failed"


class ContactReported(Event):
    """How an ordered contact ended. `closed` are channels whose address proved dead; `refused` are ids of
    rules that closed a channel for good; `ceased`: the person asked for no contact at all. `sent_at`: when an answer to
    the borrower began to leave. `closed_at`: when Recobro's records closed each of `closed`, in their order. Earlier
    versions tell neither."""

    step: str
    occurrence: int = Field(1, exclude_if=(1).__eq__)
    outcome: ContactOutcome
    channel: Channel | None = None
    closed: tuple[Channel, ...] = Field((), exclude_if=operator.not_)
    refused: tuple[str, ...] = Field((), exclude_if=operator.not_)
    ceased: bool = Field(False, exclude_if=operator.not_)
    sent_at: Moment | None = Field(None, exclude_if=operator.not_)
    closed_at: tuple[Moment, ...] = Field((), exclude_if=operator.not_)
