"""The balance watch: how much money must be there, and when to look next."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from domain.strategy import AmountThreshold, ShareThreshold, Threshold, WholeThreshold


def funds_needed(threshold: Threshold, due_minor: int) -> int:
    """The balance, in minor units, from which a payment link makes sense for `due_minor`."""
    match threshold:
        case WholeThreshold():
            return due_minor
        case ShareThreshold():
            return max(1, math.ceil(due_minor * Decimal(str(threshold.share))))
        case AmountThreshold():
            return min(threshold.amount_minor, due_minor)


def next_read_at(now: datetime, reads_per_day: int) -> datetime:
    """The next look, the day's reads spread evenly.

    A little more than the even share, so that as many reads as a day allows never fall within 24 hours
    plus the time a call takes.
    """
    return now + timedelta(days=1) / reads_per_day + timedelta(seconds=30)
