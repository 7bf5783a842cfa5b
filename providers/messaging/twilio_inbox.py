"""What people wrote to our numbers at Twilio, by its list of messages (API 2010-04-01).

Twilio posts an incoming message once, and once more only where the connection failed: what found nobody at home is
nowhere but in this list.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.opt_out_words import OptOutReading, read_opt_out
from domain.what_next import WhatNext
from providers.errors import ProviderError, refusal
from providers.http import unreadable
from providers.messaging.twilio_api import PROVIDER, TwilioApi, created_at, moment_in, next_page

_PAGE = 500
_MOST_PAGES = 1_000
_PAUSES = (timedelta(seconds=1), timedelta(seconds=5))
"""Before a page is asked for again, where Twilio names no other wait."""
_LONGEST_PAUSE = timedelta(seconds=10)
_BY_DAYS_FROM = timedelta(days=1)
_ANSWERABLE = re.compile(r"\+?[0-9]{3,15}")
_BLANKS = re.compile(r"\s+")
_WITHOUT_PLUS = re.compile(r"[0-9]{7,15}")
_WHATSAPP: Final = "whatsapp:"


class TwilioInboxSettings(BaseModel):
    """`numbers` are those that people can write to; with `messaging_service_sid` the service's numbers are too."""

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.twilio.com"
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: SecretStr
    numbers: tuple[str, ...] = ()
    """E.164 or a short code, `whatsapp:` before it where it is one for WhatsApp."""
    messaging_service_sid: str | None = Field(default=None, pattern=r"^MG[0-9a-fA-F]{32}$")
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))


class Received(BaseModel):
    """A message of a person as Twilio keeps it: `sender` and `recipient` as its webhook names them."""

    model_config = ConfigDict(frozen=True)

    sid: str
    sender: str = Field(repr=False)
    recipient: str
    text: str = Field(repr=False)
    media: int
    created: datetime | None
    """When Twilio got it, aware; None where it does not say so in a form that we can read."""


class InboxPage(BaseModel):
    """`newest`: when the newest message that was looked at was made, received or not.

    `odd`: so many messages to us came without an id, so that nobody can tell whether they were heard.
    """

    model_config = ConfigDict(frozen=True)

    received: tuple[Received, ...]
    newest: datetime | None
    odd: int = 0


class Span(BaseModel):
    """A piece of the list, by whole days in UTC as Twilio filters it: the day `first`, or with `open_ended` all since.

    Messages sent before `since` (aware) are not asked for, but may be given.
    """

    model_config = ConfigDict(frozen=True)

    since: datetime
    first: date
    open_ended: bool

    @property
    def until(self) -> datetime | None:
        """When its day is over; None where it has no end."""
        return None if self.open_ended else datetime.combine(self.first, time(), UTC) + timedelta(days=1)


def spans(since: datetime, at: datetime) -> tuple[Span, ...]:
    """What is to be read at `at` to know all since `since`, oldest first: after a long time day by day."""
    first, today = since.astimezone(UTC).date(), at.astimezone(UTC).date()
    days = (today - first).days if at - since > _BY_DAYS_FROM else 0
    alone = (Span(since=since, first=first + timedelta(days=n), open_ended=False) for n in range(days))
    return (*alone, Span(since=since, first=first + timedelta(days=days), open_ended=True))


class TwilioInbox:
    def __init__(self, settings: TwilioInboxSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._numbers = frozenset(number_as_asked(number) for number in settings.numbers)
        self._api = TwilioApi(settings, "Messages", client)

    async def pages(self, span: Span, at: datetime) -> AsyncIterator[InboxPage]:
        """What came in to our numbers in `span`, the newest first, a page at a time. Raises ProviderError.

        A messaging service's numbers are known to Twilio alone: there the account's whole list is read.
        """
        whole = self._settings.messaging_service_sid is not None
        days = {"DateSent>" if span.open_ended else "DateSent": span.first.isoformat(), "PageSize": str(_PAGE)}
        for number in (None,) if whole else dict.fromkeys(map(number_as_asked, self._settings.numbers)):
            params: Mapping[str, str] | None = days if number is None else {"To": number, **days}
            path: str | None = f"{self._api.path}.json"
            read = 0
            while path is not None:
                if (read := read + 1) > _MOST_PAGES:
                    raise refusal(PROVIDER, "too_many_messages", WhatNext.RETRY, "more messages than we read at once")
                answer = await self._page(path, params, at)
                held = answer["messages"]
                to_us = [one for one in held if self._is_to_us(one)]
                received = tuple(told for one in to_us if (told := _received(one)) is not None)
                newest = max((made for one in held if (made := created_at(one)) is not None), default=None)
                yield InboxPage(received=received, newest=newest, odd=len(to_us) - len(received))
                path, params = (None if _all_older(held, span.since) else next_page(answer)), None

    async def _page(self, path: str, params: Mapping[str, str] | None, at: datetime) -> dict[str, Any]:
        """Asked for again where it fails in passing: a list of many pages must not begin anew for one of them."""
        for pause in _PAUSES:
            try:
                return await self._asked(path, params, at)
            except ProviderError as error:
                wait = pause if error.delay is None else max(error.delay, pause)
                if error.what_next not in (WhatNext.RETRY, WhatNext.LATER) or wait > _LONGEST_PAUSE:
                    raise
            await asyncio.sleep(wait.total_seconds())
        return await self._asked(path, params, at)

    async def _asked(self, path: str, params: Mapping[str, str] | None, at: datetime) -> dict[str, Any]:
        answer = await self._api.call("GET", path, at, changes_something=False, params=params)
        held = answer.get("messages")
        if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
            raise unreadable(PROVIDER, changes_something=False)
        return answer

    def _is_to_us(self, held: Mapping[str, Any]) -> bool:
        if held.get("direction") != "inbound":
            return False
        if number_as_asked(str(held.get("to") or "")) in self._numbers:
            return True
        ours, service = self._settings.messaging_service_sid, held.get("messaging_service_sid")
        if ours is None or service == ours:
            return ours is not None
        # One to a number that may be ours or not: a stop too many is lawful, a stranger's words taken in are not.
        return not service and read_opt_out(str(held.get("body") or "")) is OptOutReading.OPT_OUT


def number_as_asked(number: str) -> str:
    """A number as Twilio writes it: no blanks, `+` before all but short codes. Names stay as they are."""
    channel = _WHATSAPP if number.startswith(_WHATSAPP) else ""
    bare = _BLANKS.sub("", number.removeprefix(_WHATSAPP))
    return channel + ("+" + bare if _WITHOUT_PLUS.fullmatch(bare) else bare)


def can_be_written_to(senders: Iterable[str], whatsapp_sender: str | None) -> tuple[str, ...]:
    """Of `senders`, each once, those that are no names; and WhatsApp's number; both as Twilio writes them."""
    texts = tuple(sender for sender in dict.fromkeys(map(number_as_asked, senders)) if _ANSWERABLE.fullmatch(sender))
    return (*texts, number_as_asked(f"{_WHATSAPP}{whatsapp_sender}")) if whatsapp_sender else texts


def _all_older(held: Iterable[Mapping[str, Any]], since: datetime) -> bool:
    """Whether this page and so all that follow are from before `since`.

    The list goes by when a message was sent, which for a queued one is long after it was made.
    """
    sent = [moment for one in held if (moment := moment_in(one, "date_sent")) is not None]
    made = [moment for one in held if (moment := created_at(one)) is not None]
    return bool(sent) and max(*sent, *made) < since


def _received(held: Mapping[str, Any]) -> Received | None:
    """None where it has no id."""
    sid, media = held.get("sid"), str(held.get("num_media") or "0")
    if not isinstance(sid, str) or not sid:
        return None
    return Received(
        sid=sid,
        sender=str(held.get("from") or ""),
        recipient=str(held.get("to") or ""),
        text=str(held.get("body") or ""),
        media=int(media) if media.isascii() and media.isdigit() else 0,
        created=created_at(held),
    )
