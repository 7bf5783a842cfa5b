"""What time it is while an attempt at a contact runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic


class ContactClock:
    """The Temporal server's time at an attempt's beginning, and what this machine's steady clock counted since.

    The host's own time of day is never asked: it may be wrong, and a rehearsal's is another.
    """

    def __init__(self, began: datetime) -> None:
        self.began = began
        self._at = monotonic()

    def now(self) -> datetime:
        """UTC."""
        return self.began + timedelta(seconds=monotonic() - self._at)
