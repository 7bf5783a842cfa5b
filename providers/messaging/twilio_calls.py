"""Voice calls by Twilio's Calls resource (API 2010-04-01); what is said is fetched from us once they are answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.contact import Channel
from domain.webhook_news import DeliveryState
from domain.what_next import Reaction, WhatNext
from providers.errors import WINDOW_CLOSED, refusal
from providers.http import unreadable
from providers.messaging.twilio_api import CLOCK_SLACK, PROVIDER, TwilioApi, callback_url, created_at, next_page
from providers.messaging.twilio_codes import CODES
from providers.ports import DeliveryReport, OutgoingMessage, Sent

_RINGS: Final = 25
"""Seconds: below that after which most networks' voicemail answers, and long enough to reach for a telephone."""
_PAGE = 50
_MOST_PAGES = 10

# Codes that mean something else, or only something, when a call is placed (twilio.com/docs/api/errors).
CALL_CODES: Mapping[int, Reaction] = MappingProxyType(
    {
        10004: Reaction(what_next=WhatNext.RETRY, meaning="too many calls at once; it was not placed"),
        21210: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the caller id is not verified"),
        21212: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the caller id is not a number"),
        21214: Reaction(what_next=WhatNext.TERMINAL, address_is_dead=True, meaning="the number cannot be reached"),
        21215: Reaction(what_next=WhatNext.STOP_SENDER, meaning="calls to this country are not enabled"),
        21216: Reaction(
            what_next=WhatNext.TERMINAL, then=WhatNext.SWITCH_CHANNEL, meaning="calls to this number are not allowed"
        ),
        21217: Reaction(what_next=WhatNext.TERMINAL, address_is_dead=True, meaning="not a valid number"),
        21220: Reaction(what_next=WhatNext.TERMINAL, meaning="the call is not in progress any more"),
    }
)
_LATER = {"busy": timedelta(hours=1), "no-answer": timedelta(hours=4)}
STATES: Mapping[str, DeliveryState] = MappingProxyType(
    {
        "queued": DeliveryState.ACCEPTED,
        "initiated": DeliveryState.ACCEPTED,
        "ringing": DeliveryState.ACCEPTED,
        "in-progress": DeliveryState.SENT,
        "completed": DeliveryState.DELIVERED,
        "busy": DeliveryState.FAILED,
        "no-answer": DeliveryState.FAILED,
        "failed": DeliveryState.FAILED,
        "canceled": DeliveryState.FAILED,
    }
)


class CallerSettings(BaseModel):
    """`sender` is the number that calls (E.164); at `public_url` Twilio fetches what is said and tells how it went."""

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.twilio.com"
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: SecretStr
    sender: str = Field(pattern=r"^\+[1-9][0-9]{4,14}$")
    public_url: str = Field(pattern=r"^https?://[^/]+$")
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))


class TwilioCaller:
    """`Messenger` for calls: what it sends is a telephone that rings."""

    def __init__(self, settings: CallerSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._api = TwilioApi(settings, "Calls", client, lambda code: None if code in CODES else CALL_CODES.get(code))

    @property
    def can_look_up(self) -> bool:
        return True

    async def send(self, message: OutgoingMessage) -> Sent:
        """Place the call. Twilio has no idempotency: after an UNKNOWN effect ask `look_up` before calling again."""
        if message.channel is not Channel.CALL:
            raise refusal(PROVIDER, "not_a_call", WhatNext.SWITCH_CHANNEL, "only calls are placed here")
        if message.valid_until is not None and message.valid_until - message.at < timedelta(minutes=1):
            raise refusal(PROVIDER, WINDOW_CLOSED, WhatNext.LATER, "its lawful window has closed: ask for the next")
        public = self._settings.public_url
        form = {
            "To": message.to,
            "From": self._settings.sender,
            "Url": f"{public}/voice/{quote(message.message_id, safe='')}/answered",
            "Method": "POST",
            "StatusCallback": callback_url(f"{public}/webhooks/twilio", message),
            "StatusCallbackMethod": "POST",
            "Timeout": str(_RINGS),
            "MachineDetection": "DetectMessageEnd",
        }
        return Sent(provider=PROVIDER, provider_message_id=await self._api.create(form, message.at))

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        """A call to this number that was placed at or after `since` (a minute's slack).

        Twilio gives no reference of ours back, so any such call counts: one too few is lawful, one too many is not.
        """
        oldest = since - CLOCK_SLACK
        path: str | None = f"{self._api.path}.json?{urlencode({'To': message.to, 'PageSize': str(_PAGE)})}"
        for _ in range(_MOST_PAGES):
            if path is None:
                return None
            page = await self._api.call("GET", path, at, changes_something=False)
            held = page.get("calls")
            if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
                raise unreadable(PROVIDER, changes_something=False)
            for one in held:
                created = created_at(one)
                if created is not None and created < oldest:
                    return None
                outbound = str(one.get("direction", "")).startswith("outbound") and one.get("to") == message.to
                if outbound and isinstance(one.get("sid"), str):
                    return Sent(provider=PROVIDER, provider_message_id=one["sid"])
            path = next_page(page)
        raise refusal(PROVIDER, "too_many_calls", WhatNext.TERMINAL, "more calls to look through than we read")

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        path = f"{self._api.path}/{quote(provider_message_id, safe='')}.json"
        answer = await self._api.call("GET", path, at, changes_something=False)
        status = answer.get("status")
        state = STATES.get(status) if isinstance(status, str) else None
        if state is None:
            raise unreadable(PROVIDER, changes_something=False)
        failed = status if state.has_failed and isinstance(status, str) else None
        return DeliveryReport(
            provider_message_id=provider_message_id,
            state=state,
            error_code=failed,
            reaction=reaction_to_unanswered(failed) if failed else None,
        )


def reaction_to_unanswered(word: str) -> Reaction:
    """What to do about a call that nobody answered, by Twilio's own word for how it ended."""
    if (delay := _LATER.get(word)) is not None:
        return Reaction(
            what_next=WhatNext.LATER, delay=delay, then=WhatNext.SWITCH_CHANNEL, meaning=f"nobody answered: {word}"
        )
    return Reaction(
        what_next=WhatNext.TERMINAL, then=WhatNext.SWITCH_CHANNEL, meaning=f"the call could not be made: {word}"
    )
