"""The borrower's consent to read their balance, and what was seen."""

from __future__ import annotations

from pydantic import AwareDatetime

from domain.events.values import Event, LastDay


class FundsSeen(Event):
    read_at: AwareDatetime


class ConsentGiven(Event):
    """The borrower lets us read their balance, until a day (inclusive) where the bank named one."""

    valid_until: LastDay | None = None


class AskConsent(Event):
    """Ask the borrower, by a message with a link, to let us read their balance."""


class WatchEnded(Event):
    """The watch cannot go on: consent expired, revoked, or unknown to the bank."""

    reason: str
