"""Messages that Twilio could not post to us: fetched from its list, and taken in as their webhooks would have been."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import ValidationError
from sqlmodel import Session

from config.messaging_settings import Twilio
from config.settings import Settings
from config.web_settings import Clock
from providers.errors import ProviderError
from providers.messaging.twilio_inbox import InboxPage, TwilioInbox, TwilioInboxSettings, can_be_written_to, spans
from providers.webhooks.refused import WebhookRefused
from providers.webhooks.twilio import PROVIDER
from providers.webhooks.twilio_reports import received_body
from records import lists_read, webhooks
from records.clock import shared_time
from records.database import Database
from web import metrics

EVERY = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=10)
OVERLAP = timedelta(minutes=10)
"""How far before the newest message known each look begins: a list read number by number is not of one moment."""
SETTLES_IN = timedelta(seconds=20)
"""A message so new may still be posted: Twilio waits 15 seconds for our answer. Its webhook says more than the list."""
_LEASE, _READ, _LOOKED = "twilio-inbox", "twilio-inbox-read", "twilio-inbox-looked"
_LEASE_LASTS = timedelta(seconds=90)
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_LOG = logging.getLogger("recobro.web.missed")


@dataclass(frozen=True)
class _Turn:
    """A look's `now`, when it began, is as far as it can have read: what came later another look will see."""

    since: datetime
    now: datetime


@dataclass(frozen=True)
class _Kept:
    """`odd`: so many messages have no id, or none that Twilio gives, and were heard by nobody."""

    new: int
    odd: int


class MissedMessages:
    """Looks at its start and every minute; of all web processes one does it at a time.

    How far the list was read stands in the records themselves: put back to an earlier moment, they fetch all since.
    """

    def __init__(self, database: Database, inbox: TwilioInbox, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._inbox = inbox
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._began = clock()

    async def run(self) -> None:
        """Until cancelled; what fails is tried again."""
        try:
            while True:
                pause = EVERY
                try:
                    await self.look()
                except ProviderError as error:
                    pause = min(max(error.delay or EVERY, EVERY), LONGEST_PAUSE)
                    _LOG.warning("missed messages cannot be asked for: %s %s", error.provider, error.code)
                except Exception as error:
                    _LOG.warning("missed messages were not looked for: %s", type(error).__name__)
                await asyncio.sleep(pause.total_seconds())
        finally:
            with contextlib.suppress(Exception):
                await asyncio.to_thread(self.step_down)

    async def look(self) -> int:
        """Store what no webhook told of; how many messages that was. Raises ProviderError: the next look asks again."""
        turn = await asyncio.to_thread(self._begin)
        if turn is None:
            return 0
        fetched, odd, newest = 0, 0, turn.since
        for span in spans(turn.since, turn.now):
            async for page in self._inbox.pages(span, turn.now):
                kept = await asyncio.to_thread(self._keep, page)
                if kept is None:
                    _LOG.info("another process took over looking for missed messages")
                    return fetched
                fetched, odd = fetched + kept.new, odd + kept.odd
                newest = max(newest, page.newest or newest)
            # So that a list which breaks off goes on with the day on which it did.
            await asyncio.to_thread(self._read_up_to, span.until or newest, turn, whole=span.until is None)
        if fetched:
            _LOG.info("%d messages that no webhook had told of were fetched", fetched)
        if odd:
            _LOG.error("%d messages at Twilio have no id that can be read: look for them in its console", odd)
        return fetched

    # In the records

    def _begin(self) -> _Turn | None:
        with self._database.writing() as session:
            now = self._hold(session)
            if now is None:
                return None
            known = lists_read.read_up_to(session, _READ)
            if known is None:
                # A webhook that came since we began says nothing of what was missed before.
                known = webhooks.last_received(session, PROVIDER, self._began) or self._began
            return _Turn(lists_read.mark_read_up_to(session, _READ, known, now) - OVERLAP, now)

    def _hold(self, session: Session) -> datetime | None:
        """Take or renew the lease: what time it is, None where another process looks."""
        now = shared_time(session, self._clock())
        held = webhooks.take_lease(session, _LEASE, self._holder, at=now, lasts=_LEASE_LASTS)
        return now if held else None

    def _keep(self, page: InboxPage) -> _Kept | None:
        """None where another process has taken over, and nothing was stored."""
        with self._database.writing() as session:
            now = self._hold(session)
        if now is None:
            return None
        told: dict[str, tuple[str, bytes]] = {}
        odd = page.odd
        for one in page.received:
            if one.created is not None and abs(now - one.created) < SETTLES_IN:
                continue
            try:
                key, url, body = received_body(one)
            except WebhookRefused:
                odd += 1
            else:
                told[key] = (url, body)
        with self._database.reading() as session:
            missed = webhooks.unknown(session, PROVIDER, told)
        if not missed:
            return _Kept(0, odd)
        deliveries = [
            webhooks.Proven(PROVIDER, key, url, body, _FORM, now)
            for key, (url, body) in reversed(told.items())
            if key in missed
        ]
        with self._database.writing(durable=True) as session:
            new = webhooks.store_many(session, deliveries, now)
        for _ in range(sum(new)):
            metrics.COUNTERS.webhook(PROVIDER, "fetched")
        return _Kept(sum(new), odd)

    def _read_up_to(self, moment: datetime, turn: _Turn, *, whole: bool) -> None:
        with self._database.writing() as session:
            lists_read.mark_read_up_to(session, _READ, moment, turn.now)
            if whole:
                lists_read.mark_read_up_to(session, _LOOKED, turn.now, shared_time(session, self._clock()))

    def step_down(self) -> None:
        """Let another process take over at once."""
        with self._database.writing() as session:
            webhooks.give_up_lease(session, _LEASE, self._holder)


def looked_at(session: Session) -> datetime | None:
    """When the last look that came to its end began; None if none ever did."""
    return lists_read.read_up_to(session, _LOOKED)


def is_looked_at(settings: Settings) -> bool:
    """Whether Twilio has messages for us that are to be fetched.

    Not in rehearsals, where every loan has a clock of its own. Raises ValidationError for values that no adapter takes.
    """
    if settings.twilio is None or settings.web.clock is Clock.REQUESTS:
        return False
    return inbox_settings(settings.twilio) is not None


def inbox_settings(twilio: Twilio) -> TwilioInboxSettings | None:
    """Where people write to us at Twilio; None where it has no number that they could answer to."""
    senders = (twilio.sender, *twilio.senders.values(), twilio.voice_sender)
    numbers = can_be_written_to((sender for sender in senders if sender), twilio.whatsapp_sender)
    if not numbers and twilio.messaging_service_sid is None:
        return None
    return TwilioInboxSettings(
        base_url=twilio.base_url,
        account_sid=twilio.account_sid,
        auth_token=twilio.auth_token,
        numbers=numbers,
        messaging_service_sid=twilio.messaging_service_sid,
    )


@contextlib.asynccontextmanager
async def missed_messages(settings: Settings, database: Database) -> AsyncIterator[MissedMessages | None]:
    """As configured; None where nothing is to be fetched.

    Values that no adapter takes are told in the log: webhooks come in all the same.
    """
    inbox = None
    try:
        if settings.twilio is not None and is_looked_at(settings):
            inbox = inbox_settings(settings.twilio)
    except ValidationError as wrong:
        named = ", ".join(f"RECOBRO_TWILIO__{error['loc'][0]}".upper() for error in wrong.errors() if error["loc"])
        _LOG.error("missed messages cannot be asked for: %s is not as Twilio writes it", named)
    if inbox is None:
        yield None
        return
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=2)) as client:
        yield MissedMessages(database, TwilioInbox(inbox, client), lambda: datetime.now(UTC))
