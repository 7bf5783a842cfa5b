"""Doing one thing at a time, also where there is no row yet that could be locked."""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlmodel import Session


def one_at_a_time(session: Session, what: str) -> None:
    """Wait until no other transaction does `what`, then hold it until this one ends.

    On SQLite a writing transaction is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
