"""Asks, beside serving, about what webhooks only point at: a task inside the web process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

_LOG = logging.getLogger("recobro.web.asking")
PAUSE = 2.0
LONGEST_PAUSE = 60.0
"""Seconds."""


async def ask_on(
    ask_due: Callable[[datetime], Awaitable[int]], now: Callable[[], datetime], pause: float = PAUSE
) -> None:
    """Ask until cancelled; nothing but a cancellation ends it."""
    failures = 0
    while True:
        try:
            await ask_due(now())
            failures = 0
        except Exception as error:
            failures += 1
            _LOG.error("asking interrupted: %s", type(error).__name__)
        await asyncio.sleep(min(pause * 2**failures, LONGEST_PAUSE))
