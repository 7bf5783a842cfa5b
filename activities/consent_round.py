"""The daily look at all consents: those past their day, those the bank ended, those it moved, those that end soon.

Asking a bank how a consent stands is no read of a balance and counts against no limit. Only what somebody may still be
watched by is asked about: consents of people who have a loan that waits or is in collection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from activities.consents import PAST_ITS_DAY, SETTLED_WITHIN, ConsentDesk
from providers.errors import ProviderError
from records import consents
from records.database import Database

ENDS_SOON = timedelta(days=14)
AT_ONCE = 8
GIVES_UP_AFTER = 3
"""So many bunches one after the other of which nothing was answered: the bank is away, and the round with it."""


@dataclass
class Round:
    """What came of it. `over` counts consents by why they ended; `revoked` those a bank was now told of."""

    looked_at: int = 0
    revoked: int = 0
    settled: int = 0
    moved: int = 0
    ends_soon: int = 0
    learnt: int = 0
    not_answered: int = 0
    over: dict[str, int] = field(default_factory=dict)

    def told(self) -> str:
        ended = ", ".join(f"{number} {why}" for why, number in sorted(self.over.items()))
        over = f"{sum(self.over.values())} over"
        parts = [f"{self.looked_at} consents looked at", f"{over} ({ended})" if ended else over]
        parts += [f"{self.revoked} revoked before and now at the bank"] * bool(self.revoked)
        parts += [f"{self.settled} given meanwhile"] * bool(self.settled)
        parts += [f"{self.moved} with another last day"] * bool(self.moved)
        parts += [f"{self.learnt} read for when money comes in"] * bool(self.learnt)
        parts.append(f"{self.ends_soon} end within {ENDS_SOON.days} days")
        parts += [f"{self.not_answered} not answered for"] * bool(self.not_answered)
        return "; ".join(parts)


class ConsentRound:
    """`zone` is where the banks' calendar day turns. A round that broke off goes on where it was, by `after`."""

    def __init__(self, database: Database, desk: ConsentDesk, zone: ZoneInfo) -> None:
        self._database, self._desk, self._zone = database, desk, zone

    async def go(self, now: datetime, after: int = 0, done: Callable[[int], None] = lambda last: None) -> Round:
        """Look at every consent with an id above `after`; `done` hears how far it came.

        One consent that a bank gives no answer for holds nobody up. Raises ProviderError where nothing is answered
        any more.
        """
        found = Round()
        today = now.astimezone(self._zone).date()
        for consent_ref in await asyncio.to_thread(self._past_their_day, today):
            await self._desk.past_its_day(consent_ref, now)
            found.over[PAST_ITS_DAY] = found.over.get(PAST_ITS_DAY, 0) + 1
        told = await self._desk.end_at_banks(now)
        found.revoked, found.not_answered = told.ended, told.not_told
        await self._settle(now, found)
        silent: list[ProviderError] = []
        while bunch := await asyncio.to_thread(self._next, after):
            answers = await asyncio.gather(*(self._look(ref, now, found) for ref in bunch))
            failed = [one for one in answers if one is not None]
            found.not_answered += len(failed)
            silent = [*silent, failed[0]] if len(failed) == len(bunch) else []
            if len(silent) >= GIVES_UP_AFTER:
                raise silent[0]
            after = bunch[-1]
            done(after)
        found.ends_soon = await asyncio.to_thread(self._ending, today)
        return found

    async def _settle(self, now: datetime, found: Round) -> None:
        """Who went to the bank and never came back may have given it all the same."""
        for person_ref in await asyncio.to_thread(self._waiting, now):
            try:
                found.settled += await self._desk.settle(person_ref, now, None) is not None
            except ProviderError:
                found.not_answered += 1

    async def _look(self, consent_ref: int, now: datetime, found: Round) -> ProviderError | None:
        try:
            looked = await self._desk.look(consent_ref, now)
        except ProviderError as error:
            return error
        found.looked_at += 1
        if looked.over is not None:
            found.over[looked.over] = found.over.get(looked.over, 0) + 1
        else:
            found.learnt += await self._desk.learn(consent_ref, now, None)
        found.moved += looked.moved
        return None

    def _past_their_day(self, today: date) -> Sequence[int]:
        with self._database.reading() as session:
            return consents.past_their_day(session, today)

    def _waiting(self, now: datetime) -> Sequence[int]:
        with self._database.reading() as session:
            return sorted({one.person_ref for one in consents.open_requests(session, None, now - SETTLED_WITHIN)})

    def _next(self, after: int) -> Sequence[int]:
        with self._database.reading() as session:
            return consents.to_look_at(session, after, AT_ONCE)

    def _ending(self, today: date) -> int:
        with self._database.reading() as session:
            return consents.ending(session, today, today + ENDS_SOON)
