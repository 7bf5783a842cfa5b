"""Webhooks of a rehearsal: accepted by the web app, and waited for until their loans have heard of them."""

from __future__ import annotations

import asyncio
from functools import partial

from commands.rehearsal_polling import PollingPace
from commands.rehearsal_retries import PATIENCE_SECONDS, patiently_read
from records import inquiries
from records.database import Database
from records.webhooks import newest, relayed_up_to


class RehearsalStuck(RuntimeError):
    """A loan's clock does not move; the text says which and since when."""


class WebhookRelay:
    """What the records know of webhooks that are on their way to loans."""

    def __init__(self, database: Database, pace: PollingPace) -> None:
        self._database = database
        self._pace = pace

    async def until_relayed(self, loan_id: str) -> None:
        """Webhooks were accepted; the loan must have heard of them before its clock moves on.

        Raises RehearsalStuck when it has not within `PATIENCE_SECONDS`.
        """
        waited = 0.0
        loop = asyncio.get_running_loop()
        last = await patiently_read(self._newest_webhook)
        asked = False
        while not await patiently_read(partial(self._relayed, last)) or not asked:
            # A notice that only points at a payment has told nothing before the gateway was asked.
            if not asked and not await patiently_read(self._pointed_at):
                asked, last = True, await patiently_read(self._newest_webhook)
                continue
            began = loop.time()
            await self._pace.before_asking_again(0.02)
            waited += loop.time() - began
            if waited > PATIENCE_SECONDS:
                raise RehearsalStuck(f"webhooks for loan {loan_id} were not relayed within {PATIENCE_SECONDS:.0f} s")

    def _pointed_at(self) -> bool:
        with self._database.reading() as session:
            return inquiries.pointed_at(session)

    def _newest_webhook(self) -> int:
        with self._database.reading() as session:
            return newest(session)

    def _relayed(self, last: int) -> bool:
        with self._database.reading() as session:
            return relayed_up_to(session, last)
