"""Relaying once, for a command: what the web app does all the time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, update
from sqlmodel import col, select

from config.settings import Settings
from records.database import Database
from records.tables import Webhook
from web.__main__ import LazyClient, sources
from web.hearing import MessageReader
from web.relay import Relay
from web.temporal_signals import TemporalSignals

_PATIENCE_SECONDS = 60.0


async def relay_now(database: Database, settings: Settings) -> tuple[int, int]:
    """Try every waiting webhook at once, whenever it was to be tried; gives how many still wait, and are done."""
    before = await asyncio.to_thread(_make_due, database)
    signals = TemporalSignals(LazyClient(), database, settings.task_queue)
    reader = MessageReader(settings.replies_model, settings.faq)
    relay = Relay(database, signals, sources(settings), lambda: datetime.now(UTC), reader=reader)
    await relay.work_off(_PATIENCE_SECONDS)
    left = await asyncio.to_thread(_waiting, database)
    return left, max(before - left, 0)


def _make_due(database: Database) -> int:
    with database.writing() as session:
        # Long since due, whichever host's clock it is held against.
        due = datetime.now(UTC) - timedelta(days=1)
        session.execute(update(Webhook).where(col(Webhook.relayed_at).is_(None)).values(next_try_at=due))
    return _waiting(database)


def _waiting(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(Webhook).where(col(Webhook.relayed_at).is_(None))).one()
