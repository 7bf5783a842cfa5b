"""What a worker does beside its workflows: fetch files that people sent, ask what became of messages nobody reported,
close payment links that a gateway would not close.

Of all workers one does it at a time. Nothing here is urgent, and everything is bounded: so many at once, so many tries.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from providers.errors import ProviderError
from providers.messaging.whatsapp_media import FileRefused
from providers.ports import DeliveryReport
from providers.webhooks.twilio_reports import report_body
from records import attachments, contacts, loans, webhooks
from records.clock import shared_time
from records.database import Database
from records.tables import AttachmentState

EVERY = timedelta(seconds=20)
CLOSE_EVERY = timedelta(minutes=1)
_LEASE, _LINKS_LEASE = "errands", "links"
_AT_ONCE = 20
_LOG = logging.getLogger("recobro.errands")

NO_REPORT_AFTER = timedelta(hours=2)
"""A carrier's own report comes within minutes; after so long it has been lost."""
ASK_EVERY = timedelta(hours=12)
GIVE_UP_AFTER = timedelta(days=4)


class Files(Protocol):
    async def fetch(self, media_id: str, at: datetime) -> tuple[bytes, str]: ...


class States(Protocol):
    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport: ...


class Links(Protocol):
    def any_left(self) -> bool: ...

    async def close_left(self, at: datetime) -> int: ...


class Errands:
    def __init__(
        self,
        database: Database,
        files: Files | None,
        states: States | None,
        clock: Callable[[], datetime],
        links: Links | None = None,
    ) -> None:
        """`states`: a carrier that can be asked for a message's state, and whose webhooks are Twilio's."""
        self._database = database
        self._links = links
        self._files = files
        self._states = states
        self._clock = clock
        self._holder = uuid.uuid4().hex

    async def run(self) -> None:
        """Until cancelled; what fails is tried again."""
        await asyncio.gather(
            *([_again_and_again(self.once, EVERY)] if self._files is not None or self._states is not None else []),
            *([_again_and_again(self.close_links, CLOSE_EVERY)] if self._links is not None else []),
        )

    async def once(self) -> int:
        """Do what is due; how many errands that was."""
        if not await asyncio.to_thread(self._anything_due) or not await asyncio.to_thread(self._mine):
            return 0
        return await self._fetch_files() + await self._ask_states()

    async def close_links(self) -> int:
        """Close what was left open; how many links were tried. Beside `once`: a gateway that hangs holds up no file."""
        if self._links is None or not await asyncio.to_thread(self._links.any_left):
            return 0
        if not await asyncio.to_thread(self._mine, _LINKS_LEASE):
            return 0
        return await self._links.close_left(await asyncio.to_thread(self._now))

    async def _fetch_files(self) -> int:
        if self._files is None:
            return 0
        wanted = await asyncio.to_thread(self._files_due)
        for attachment_id, media_id, received_at in wanted:
            try:
                content, kind = await self._files.fetch(media_id, received_at)
            except FileRefused as why:
                await asyncio.to_thread(self._refuse, attachment_id, str(why))
            except ProviderError as error:
                await asyncio.to_thread(self._put_off, attachment_id, f"{error.provider} {error.code}")
            else:
                await asyncio.to_thread(self._keep, attachment_id, content, kind)
        return len(wanted)

    async def _ask_states(self) -> int:
        if self._states is None:
            return 0
        now, open_ = await asyncio.to_thread(self._unconfirmed)
        for contact_id, message_id in open_:
            try:
                report: DeliveryReport | None = await self._states.delivery_state(message_id, now)
            except ProviderError as error:
                _LOG.info("a message's state is not told: %s %s", error.provider, error.code)
                report = None
            await asyncio.to_thread(self._asked, contact_id, report, now)
        return len(open_)

    # In the records

    def _anything_due(self) -> bool:
        with self._database.reading() as session:
            now = shared_time(session, self._clock())
            files = self._files is not None and bool(attachments.due(session, now, 1))
            return files or (self._states is not None and bool(self._open(session, now, 1)))

    def _now(self) -> datetime:
        with self._database.reading() as session:
            return shared_time(session, self._clock())

    def _mine(self, lease: str = _LEASE) -> bool:
        with self._database.writing() as session:
            now = shared_time(session, self._clock())
            return webhooks.take_lease(session, lease, self._holder, at=now, lasts=timedelta(minutes=2))

    def _files_due(self) -> list[tuple[int, str, datetime]]:
        with self._database.reading() as session:
            found = attachments.due(session, shared_time(session, self._clock()), _AT_ONCE)
            return [(row.id, row.media_id, row.received_at) for row in found if row.id is not None]

    def _keep(self, attachment_id: int, content: bytes, kind: str) -> None:
        with self._database.writing() as session:
            attachments.keep(session, attachment_id, content, kind, shared_time(session, self._clock()))

    def _refuse(self, attachment_id: int, why: str) -> None:
        with self._database.writing() as session:
            attachments.refuse(session, attachment_id, why, AttachmentState.REFUSED)

    def _put_off(self, attachment_id: int, why: str) -> None:
        with self._database.writing() as session:
            attachments.put_off(session, attachment_id, why, shared_time(session, self._clock()))

    def _open(self, session: Session, now: datetime, limit: int) -> list[tuple[int, str]]:
        return contacts.unconfirmed(
            session,
            "twilio",
            sent_before=now - NO_REPORT_AFTER,
            sent_after=now - GIVE_UP_AFTER,
            asked_before=now - ASK_EVERY,
            limit=limit,
        )

    def _unconfirmed(self) -> tuple[datetime, list[tuple[int, str]]]:
        with self._database.reading() as session:
            now = shared_time(session, self._clock())
            return now, self._open(session, now, _AT_ONCE)

    def _asked(self, contact_id: int, report: DeliveryReport | None, now: datetime) -> None:
        """A final state is taken in exactly as the carrier's own report would have been, and counts once with it."""
        with self._database.writing() as session:
            contact = contacts.get(session, contact_id)
            contact.asked_at = now
            session.add(contact)
            if report is None or not report.state.is_final:
                return
            loan = loans.by_ref(session, contact.loan_ref)
            references = {"message": contact.message_id, "loan": loan.loan_id, "lender": loan.lender}
            key, url, body = report_body(report, references)
            webhooks.store(
                session,
                provider="twilio",
                event_key=key,
                url=url,
                body=body,
                headers={"content-type": "application/x-www-form-urlencoded"},
                received_at=now,
                due_at=now,
                verified=True,
            )


async def _again_and_again(errand: Callable[[], Awaitable[int]], every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            await errand()
        except Exception as error:
            _LOG.warning("errands interrupted: %s", type(error).__name__)
