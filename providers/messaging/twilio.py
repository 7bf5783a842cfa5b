"""SMS and WhatsApp by Twilio's Messages resource (API 2010-04-01)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from domain.contact import Channel
from domain.what_next import WhatNext
from providers.errors import WINDOW_CLOSED, ProviderError, refusal
from providers.http import unreadable
from providers.messaging.twilio_api import CLOCK_SLACK, PROVIDER, TwilioApi, callback_url, created_at, next_page
from providers.messaging.twilio_codes import (
    CODES,
    STATES,
    reaction_to_failed_delivery,
)
from providers.ports import DeliveryReport, OutgoingMessage, Sent

LONGEST_BODY: Final = 1_600
LONGEST_VALIDITY: Final = timedelta(seconds=36_000)
_PAGE = 100
_MOST_PAGES = 10


class TwilioSettings(BaseModel):
    """`sender` is a number or registered name; `messaging_service_sid` takes its place where given.

    A message may name its own; `senders` are those by country that messages may name.

    `status_callback_url` is the public address of our webhook, without query.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.twilio.com"
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: SecretStr
    sender: str | None = None
    senders: dict[str, str] = {}
    messaging_service_sid: str | None = Field(default=None, pattern=r"^MG[0-9a-fA-F]{32}$")
    whatsapp_sender: str | None = None
    status_callback_url: str | None = None
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))

    @model_validator(mode="after")
    def _has_a_sender(self) -> Self:
        if not (self.sender or self.messaging_service_sid or self.whatsapp_sender or self.senders):
            raise ValueError("no sender: expected sender, senders, messaging_service_sid or whatsapp_sender")
        return self


class TwilioMessenger:
    """`Messenger` for SMS and WhatsApp on one Twilio account."""

    def __init__(self, settings: TwilioSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._api = TwilioApi(settings, "Messages", client)

    @property
    def can_look_up(self) -> bool:
        return True

    async def send(self, message: OutgoingMessage) -> Sent:
        """Hand the message to Twilio, valid until the lawful window's end and at most ten hours.

        Twilio has no idempotency: after an UNKNOWN effect ask `look_up` before sending again.
        """
        if not message.text:
            raise refusal(PROVIDER, "empty", WhatNext.TERMINAL, "there is no text to send")
        if len(message.text) > LONGEST_BODY:
            raise ProviderError(PROVIDER, "21617", CODES[21617])
        form = {"To": self._address(message), **self._sender(message), "Body": message.text}
        if self._settings.status_callback_url is not None:
            form["StatusCallback"] = callback_url(self._settings.status_callback_url, message)
        if message.valid_until is not None:
            form["ValidityPeriod"] = str(_validity(message.valid_until, message.at))
        return Sent(provider=PROVIDER, provider_message_id=await self._api.create(form, message.at))

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        """Find the message among those to its recipient created at or after `since` (a minute's slack).

        Twilio does not give the callback address back, so the text must agree; a text that Twilio redacted
        counts as agreeing, because a message too few is lawful and a message too many is not. The list is
        not filtered by `DateSent`: a message still queued has none.
        """
        oldest = since - CLOCK_SLACK
        recipient = self._address(message)
        path: str | None = f"{self._api.path}.json"
        params: Mapping[str, str] | None = {"To": recipient, "PageSize": str(_PAGE)}
        for _ in range(_MOST_PAGES):
            if path is None:
                return None
            page = await self._api.call("GET", path, at, changes_something=False, params=params)
            held = page.get("messages")
            if not isinstance(held, list):
                raise unreadable(PROVIDER, changes_something=False)
            reached_the_past = False
            for one in held:
                if not isinstance(one, dict):
                    raise unreadable(PROVIDER, changes_something=False)
                created = created_at(one)
                if created is not None and created < oldest:
                    reached_the_past = True
                elif _is_ours(one, recipient, message.text) and isinstance(one.get("sid"), str):
                    return Sent(provider=PROVIDER, provider_message_id=one["sid"])
            if reached_the_past:
                return None
            path, params = next_page(page), None
        raise refusal(PROVIDER, "too_many_messages", WhatNext.TERMINAL, "more messages to look through than we read")

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        answer = await self._api.call(
            "GET",
            f"{self._api.path}/{quote(provider_message_id, safe='')}.json",
            at,
            changes_something=False,
        )
        return delivery_report(provider_message_id, answer.get("status"), answer.get("error_code"))

    def _address(self, message: OutgoingMessage) -> str:
        return f"whatsapp:{message.to}" if message.channel is Channel.WHATSAPP else message.to

    def _sender(self, message: OutgoingMessage) -> dict[str, str]:
        channel = message.channel
        if channel is Channel.SMS:
            if message.sender is not None:
                return {"From": message.sender}
            if self._settings.messaging_service_sid is not None:
                return {"MessagingServiceSid": self._settings.messaging_service_sid}
            if self._settings.sender is not None:
                return {"From": self._settings.sender}
        elif channel is Channel.WHATSAPP and self._settings.whatsapp_sender is not None:
            return {"From": f"whatsapp:{self._settings.whatsapp_sender}"}
        raise refusal(
            PROVIDER,
            "no_sender",
            WhatNext.STOP_SENDER,
            f"no sender is configured for {channel.value}",
            then=WhatNext.SWITCH_CHANNEL,
        )


def delivery_report(provider_message_id: str, status: object, error_code: object) -> DeliveryReport:
    """A report from Twilio's own status word and code; `unreadable` is raised for an unknown status."""
    state = STATES.get(status) if isinstance(status, str) else None
    if state is None:
        raise unreadable(PROVIDER, changes_something=False)
    code = None if error_code in (None, "", 0, "0") else str(error_code)[:12]
    return DeliveryReport(
        provider_message_id=provider_message_id,
        state=state,
        error_code=code,
        reaction=reaction_to_failed_delivery(code) if state.has_failed else None,
    )


def _validity(valid_until: datetime, at: datetime) -> int:
    """Whole seconds, rounded down, that the message may wait at Twilio."""
    seconds = int(min(valid_until - at, LONGEST_VALIDITY).total_seconds())
    if seconds < 1:
        raise refusal(PROVIDER, WINDOW_CLOSED, WhatNext.LATER, "its lawful window has closed: ask for the next")
    return seconds


def _is_ours(held: Mapping[str, Any], recipient: str, text: str) -> bool:
    if not str(held.get("direction", "")).startswith("outbound") or held.get("to") != recipient:
        return False
    body = held.get("body")
    # A trial account puts its own words in front.
    return not isinstance(body, str) or not body.strip() or body.strip().endswith(text.strip())
