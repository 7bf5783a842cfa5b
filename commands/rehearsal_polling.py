"""How often a rehearsal asks again after something that is under way."""

from __future__ import annotations

import asyncio

_FEW = 8
"""So many loans may wait for something under way, each at the quick pace; more of them ask less often."""


class PollingPace:
    """One for all the loans of a rehearsal: it knows how many of them wait."""

    def __init__(self) -> None:
        self._waiting = 0

    async def before_asking_again(self, seconds: float) -> None:
        """Wait so long, and longer while many wait: two hundred loans that each ask twenty times a second hold up
        the very work that they wait for.
        """
        self._waiting += 1
        try:
            await asyncio.sleep(min(seconds * max(1.0, self._waiting / _FEW), 0.5))
        finally:
            self._waiting -= 1
