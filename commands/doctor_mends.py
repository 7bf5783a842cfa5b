"""What `doctor --mend` does by itself: only what can do no harm where the finding was wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
from sqlmodel import col, select
from temporalio.client import Client

from activities.composition import connect_outside
from activities.contacts import LOOK_UP_SLACK, NOT_ARRIVED_AFTER
from commands.doctor_findings import Mend, acting, note
from commands.doctor_restarts import restart_campaigns, restart_loans
from config.settings import Settings
from providers.errors import ProviderError
from providers.ports import OutgoingMessage, Sent
from records import contacts, erasure
from records.database import Database
from records.tables import Contact, ContactState
from web.relaying import relay_now

_SENT_WITHIN = timedelta(minutes=15)


class Mends:
    """The safe mends, on one database and one Temporal client (None: it does not answer)."""

    def __init__(self, database: Database, settings: Settings, client: Client | None) -> None:
        self._database = database
        self._settings = settings
        self._client = client

    async def relay(self) -> str:
        """Bring stored webhooks to their loans now."""
        left, done = await relay_now(self._database, self._settings)
        return f"{done:,} webhooks are with their loans now" + (f", {left:,} are still waiting" if left else "")

    async def look_up_contacts(self) -> str:
        """Ask the carriers for contacts of unknown fate; what cannot be asked stays as it is."""
        told: Counter[str] = Counter()
        async with httpx.AsyncClient(timeout=30) as http:
            messengers = connect_outside(self._settings, http).messengers
            found, without_address = await asyncio.to_thread(self._open_contacts)
            if without_address:
                told["cannot be looked up (their address is not known)"] += without_address
            for contact_id, message, begun in found:
                messenger = messengers.get(message.channel)
                if messenger is None or not messenger.can_look_up:
                    told[f"cannot be looked up ({message.channel})"] += 1
                    continue
                now = datetime.now(UTC)
                try:
                    sent = await messenger.look_up(message, begun - LOOK_UP_SLACK, now)
                except ProviderError as error:
                    told[f"not answered ({error.provider} {error.code})"] += 1
                    continue
                if sent is None and now < begun + NOT_ARRIVED_AFTER:
                    told["too young to tell"] += 1
                    continue
                told[await asyncio.to_thread(self._settle, contact_id, sent, begun, now)] += 1
        return ", ".join(f"{number:,} {words}" for words, number in told.items()) or "nothing is open any more"

    async def finish_erasures(self) -> str:
        """Erase again whose erasure broke off; who is collected from again meanwhile is left alone."""
        return await asyncio.to_thread(self._finish_erasures)

    def restart_campaigns(self, campaign_ids: list[str]) -> Mend:
        assert self._client is not None
        return partial(restart_campaigns, self._client, self._database, self._settings.task_queue, campaign_ids)

    def restart_loans(self, lost: list[tuple[str, str]]) -> Mend:
        """Of loans by lender and id."""
        assert self._client is not None
        return partial(restart_loans, self._client, self._database, self._settings.task_queue, lost)

    def _finish_erasures(self) -> str:
        with self._database.reading() as session:
            begun = erasure.begun(session)
        done = 0
        for one in begun:
            with contextlib.suppress(erasure.StillNeeded):
                now = datetime.now(UTC)
                done += erasure.erase(self._database, one.lender, one.person_id, at=now, actor=acting())
        left = len(begun) - done
        return f"{done:,} people are erased" + (f"; {left:,} not yet: `person erase` says why" if left else "")

    def _open_contacts(self) -> tuple[list[tuple[int, OutgoingMessage, datetime]], int]:
        """Those to ask about, each with its message and when it was begun; and how many have no address to ask by."""
        found, without_address = [], 0
        with self._database.reading() as session:
            open_states = (ContactState.SENDING, ContactState.UNKNOWN)
            rows = session.exec(select(Contact).where(col(Contact.state).in_(open_states))).all()
            for row in rows:
                fresh = row.state is ContactState.SENDING and row.changed_at > datetime.now(UTC) - _SENT_WITHIN
                if fresh or row.id is None:
                    continue
                if row.address is None:
                    without_address += 1
                    continue
                loan = contacts.loan_of(session, row)
                message = OutgoingMessage(
                    message_id=row.message_id,
                    channel=row.channel,
                    to=row.address,
                    subject=None,
                    text=row.text or "",
                    html=None,
                    valid_until=row.valid_until,
                    loan_id=loan.loan_id,
                    lender=loan.lender,
                    at=row.reserved_at,
                )
                found.append((row.id, message, row.reserved_at))
        return found, without_address

    def _settle(self, contact_id: int, sent: Sent | None, begun: datetime, now: datetime) -> str:
        """What the carrier said of a contact, in words. What it has for another contact of ours says nothing of it."""
        state = ContactState.SENT if sent is not None else ContactState.FAILED
        provider, message_id = (sent.provider, sent.provider_message_id) if sent is not None else (None, None)
        with self._database.writing() as session:
            contact = contacts.get_locked(session, contact_id)
            if sent is not None:
                other = contacts.by_message(session, sent.provider, sent.provider_message_id)
                if other is not None and other.id != contact.id:
                    return "cannot be told from a later one"
                contact.sent_at = contact.sent_at or begun
            loan = contacts.loan_of(session, contact)
            moved = contacts.advance(session, contact, state, at=now, provider=provider, provider_message_id=message_id)
            if moved:
                details: dict[str, object] = {
                    "step": contact.step,
                    "occurrence": contact.occurrence,
                    "state": state.value,
                }
                note(session, "contact_looked_up", loan.lender, loan.loan_id, details)
        if not moved:
            return "settled by others meanwhile"
        return "sent" if sent is not None else "never reached the carrier"
