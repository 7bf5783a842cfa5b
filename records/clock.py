"""The time that all who share a database agree on, whatever their hosts' clocks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, select

FURTHEST_PLAN = timedelta(minutes=5)
"""Nothing is put off further than this: what lies later was written by a clock that was wrong."""


def shared_time(session: Session, ours: datetime) -> datetime:
    """PostgreSQL's own time. SQLite serves one host alone: there it is `ours`, the aware time by that host's clock."""
    if session.get_bind().dialect.name != "postgresql":
        return ours
    told: datetime = session.exec(select(func.clock_timestamp())).one()
    return told.astimezone(UTC)
