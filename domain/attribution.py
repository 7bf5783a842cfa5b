"""Which contact a payment is put down to, so that a channel's cost can stand beside the money it brought.

Last touch: the last message or call that asked for money and left us at most `LAST_TOUCH` before the payment's value
date. It says what came before a payment, not what caused it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.contact import Channel

LAST_TOUCH = timedelta(days=7)

Touch = tuple[datetime, Channel]
"""When a contact left us, and by which channel."""


def channel_before(paid_at: datetime, touches: Sequence[Touch]) -> Channel | None:
    """The channel a payment is put down to; `touches` are the loan's, oldest first. None: it came by itself."""
    before = bisect_right([at for at, _ in touches], paid_at)
    if before == 0:
        return None
    at, channel = touches[before - 1]
    return channel if paid_at - at <= LAST_TOUCH else None
