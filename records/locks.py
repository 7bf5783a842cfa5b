"""Doing one thing at a time, also where there is no row yet that could be locked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session


def one_at_a_time(session: Session, what: str) -> None:
    """Wait until no other transaction does `what`, then hold it until this one ends.

    On SQLite a writing transaction is alone anyway.
    """
    all_at_a_time(session, [what])


def all_at_a_time(session: Session, what: Iterable[str]) -> None:
    """As `one_at_a_time` for many in one call; in the same order by everybody, so that no two wait for each other."""
    if session.get_bind().dialect.name != "postgresql":
        return
    keys = sorted(_key(one) for one in what)
    if keys:
        session.execute(
            text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"), {"keys": keys}
        )


def nobody_does(session: Session, what: str) -> bool:
    """Whether no transaction does `what` one at a time; then none begins to until this one ends. Waits for nobody.

    Any number may hold this at once. On SQLite a writing transaction is alone anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    free = session.execute(text("SELECT pg_try_advisory_xact_lock_shared(:key)"), {"key": _key(what)})
    return bool(free.scalar_one())


def _key(what: str) -> int:
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
