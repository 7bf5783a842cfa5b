"""Keeping what we know of WhatsApp's templates in step with Meta, beside what its webhooks tell."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

from domain.platform_rules import PlatformTemplate
from providers.errors import ProviderError
from providers.messaging.whatsapp_cloud import PROVIDER, WhatsAppCloud
from records import audit, platforms
from records.database import Database

EVERY_SECONDS = 3600.0
AFTER_A_FAILURE = 60.0
_LOG = logging.getLogger("recobro.templates")


class TemplateSync:
    """Asks for the list before the first message on WhatsApp, and once an hour while there are any."""

    def __init__(self, database: Database, cloud: WhatsAppCloud) -> None:
        self._database = database
        self._cloud = cloud
        self._next = 0.0
        self._alone = asyncio.Lock()

    async def fresh(self, at: datetime) -> None:
        """Come into step if that is due. Where Meta cannot be asked, what was known holds."""
        if time.monotonic() < self._next:
            return
        async with self._alone:
            if time.monotonic() < self._next:
                return
            try:
                await self.now(at)
                self._next = time.monotonic() + EVERY_SECONDS
            except ProviderError as error:
                self._next = time.monotonic() + AFTER_A_FAILURE
                _LOG.warning("templates not brought into step: %s", error)

    async def now(self, at: datetime) -> int:
        """Come into step; how many templates changed. Raises ProviderError."""
        told = await self._cloud.templates(at)
        return await asyncio.to_thread(keep, self._database, told, at)


def keep(database: Database, told: tuple[PlatformTemplate, ...], at: datetime) -> int:
    """Take the list over and note every change of status in the audit trail."""
    with database.writing() as session:
        changed = platforms.keep_templates(session, PROVIDER, told, at)
        for (name, language), (before, now) in sorted(changed.items()):
            if before is not None:
                audit.append(
                    session,
                    at=at,
                    actor=PROVIDER,
                    action="template_status",
                    details={"name": name, "language": language, "before": before.value, "status": now.value},
                )
    return len(changed)
