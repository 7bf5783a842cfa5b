"""What a loan notes of its pauses: from these lines alone it is known later who paused it, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

PAUSED = "paused"
RESUMED = "resumed"
LONGEST_PAUSE = timedelta(days=3650)

_AS_GOOD_AS_FOR_EVER = timedelta(days=5 * 365)
_OF_CAMPAIGN = "of its campaign"
_BY_ITSELF = "by itself, its campaign goes on"


class Noted(NamedTuple):
    """A line of the audit trail: `action` is PAUSED or RESUMED."""

    at: datetime
    action: str
    detail: str


class Pauses(NamedTuple):
    """Until when each of a loan's two pauses lasts, exclusive; None: there is none. Either may be over by now."""

    own: datetime | None
    of_campaign: datetime | None


def pause_noted(until: datetime, *, of_campaign: bool) -> str:
    """The detail of a pause that was asked for."""
    return f"{until.isoformat()}: {_OF_CAMPAIGN}" if of_campaign else until.isoformat()


def own_pause_left(until: datetime) -> str:
    """The detail where the campaign goes on and the loan stays paused by itself."""
    return f"{until.isoformat()}: {_BY_ITSELF}"


def pauses_of(lines: Iterable[Noted]) -> Pauses:
    """What the lines, oldest first, leave standing.

    A pause that does not say whose it is, as 0.1.0 noted them, is the campaign's where it has no end, else the loan's
    own. One whose end cannot be read lasts: a loan that waits harms nobody.
    """
    own = of_campaign = None
    for line in lines:
        if line.action == RESUMED:
            own = of_campaign = None
            continue
        told, _, whose = line.detail.partition(": ")
        read = _moment(told)
        until = read or line.at + LONGEST_PAUSE
        if whose == _OF_CAMPAIGN or (not whose and read is not None and without_end(read, line.at)):
            of_campaign = until
        else:
            own, of_campaign = until, None if whose == _BY_ITSELF else of_campaign
    return Pauses(own, of_campaign)


def without_end(until: datetime, now: datetime) -> bool:
    """Whether it is the moment that a campaign without an end counted up, to the microsecond; no day a person named."""
    return until - now > _AS_GOOD_AS_FOR_EVER and until.microsecond != 0


def _moment(told: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
