"""Which of several numbers writes to a person: the one they know, unless it is in trouble."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.platform_rules.whatsapp import Quality


class PoolNumber(BaseModel):
    """A number of ours as it stands now.

    `tier` is how many people it may write to outside their window in 24 hours by itself, `used` how many it has
    written to; None: only the portfolio's limit holds. `rested_until`: it is not used before.
    """

    model_config = ConfigDict(frozen=True)

    sender: str
    tier: int | None = None
    used: int = 0
    quality: Quality = Quality.UNKNOWN
    rested_until: AwareDatetime | None = None

    def rests(self, at: datetime) -> bool:
        return self.quality is Quality.RED or (self.rested_until is not None and at < self.rested_until)

    def is_full(self, share: float) -> bool:
        """Whether its tier is used up but for what is held back: it is throttled below the tier, not at it."""
        return self.tier is not None and self.used >= max(1, math.floor(self.tier * share))


class Choice(BaseModel):
    """`sender` writes; None: every number rests, or (`full`) has no room for one more person."""

    model_config = ConfigDict(frozen=True)

    sender: str | None
    full: bool = False


def choose_sender(
    pool: Iterable[PoolNumber], person: str, known: str | None, counted: frozenset[str], at: datetime, share: float
) -> Choice:
    """The number that writes to `person` at `at`.

    `known` is the number that wrote to them last: it stays theirs while it does not rest, and where it is full they
    wait for it. `counted` are the numbers that already count this person, who takes no further place with them. A
    person nobody knows gets a number by lot, weighted by tier, always the same one: when a number is rested only its
    own people move, and spread over the others.
    """
    awake = {number.sender: number for number in pool if not number.rests(at)}
    if not awake:
        return Choice(sender=None)
    if known in awake:
        theirs = awake[known]
        if theirs.sender in counted or not theirs.is_full(share):
            return Choice(sender=theirs.sender)
        return Choice(sender=None, full=True)
    open_ = [number for number in awake.values() if number.sender in counted or not number.is_full(share)]
    if not open_:
        return Choice(sender=None, full=True)
    return Choice(sender=max(open_, key=lambda number: _lot(number, person)).sender)


def rest_ends(pool: Iterable[PoolNumber], at: datetime) -> datetime | None:
    """When the first number is awake again; None where none says so: somebody must look at them."""
    ends = [n.rested_until for n in pool if n.rested_until is not None and n.quality is not Quality.RED]
    return min((end for end in ends if end > at), default=None)


def _lot(number: PoolNumber, person: str) -> float:
    """Weighted rendezvous hashing: the highest lot has the person."""
    digest = hashlib.sha256(f"{number.sender}\n{person}".encode()).digest()
    chance = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -(number.tier or 100_000) / math.log(chance)


TIERS: Mapping[str, int | None] = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1_000,
    "TIER_2K": 2_000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": None,
}
"""Meta's words for a number's or portfolio's tier."""
