"""How far the lists that providers keep were read; kept with the records, so that it goes back when they do."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from records.locks import one_at_a_time
from records.tables import Lease


def read_up_to(session: Session, name: str) -> datetime | None:
    """How far a provider's list was read; None if it never was."""
    row = session.get(Lease, name)
    return None if row is None else row.until


def mark_read_up_to(session: Session, name: str, moment: datetime, now: datetime) -> datetime:
    """The list called `name` was read up to `moment`; how far it stands then.

    It never goes back, but for one that is later than `now`: that came of a clock that was wrong, or of an odd time in
    the list, and would hide whatever comes until then.
    """
    one_at_a_time(session, f"lease:{name}")
    row = session.get(Lease, name) or Lease(name=name, holder="", until=moment)
    row.until = min(max(row.until, moment), now)
    session.add(row)
    session.flush()
    return row.until
