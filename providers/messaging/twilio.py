"""SMS and WhatsApp by Twilio's Messages resource (API 2010-04-01)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from domain.contact import Channel
from domain.what_next import WhatNext
from providers.errors import ProviderError, refusal, retry_after
from providers.http import call, json_object, unreadable
from providers.messaging.twilio_codes import (
    CODES,
    STATES,
    reaction_to_answer,
    reaction_to_failed_delivery,
)
from providers.ports import DeliveryReport, OutgoingMessage, Sent

PROVIDER: Final = "twilio"
LONGEST_BODY: Final = 1_600
LONGEST_VALIDITY: Final = timedelta(seconds=36_000)
_PAGE = 100
_MOST_PAGES = 10
# The provider's clock and ours need not agree to the second.
_CLOCK_SLACK = timedelta(seconds=60)


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
        self._client = client

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
        answer = await self._call("POST", f"{self._messages_path}.json", message.at, changes_something=True, form=form)
        sid = answer.get("sid")
        if not isinstance(sid, str) or not sid:
            raise unreadable(PROVIDER, changes_something=True)
        return Sent(provider=PROVIDER, provider_message_id=sid)

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        """Find the message among those to its recipient created at or after `since` (a minute's slack).

        Twilio does not give the callback address back, so the text must agree; a text that Twilio redacted
        counts as agreeing, because a message too few is lawful and a message too many is not. The list is
        not filtered by `DateSent`: a message still queued has none.
        """
        oldest = since - _CLOCK_SLACK
        recipient = self._address(message)
        path: str | None = f"{self._messages_path}.json"
        params: Mapping[str, str] | None = {"To": recipient, "PageSize": str(_PAGE)}
        for _ in range(_MOST_PAGES):
            if path is None:
                return None
            page = await self._call("GET", path, at, changes_something=False, params=params)
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
        answer = await self._call(
            "GET",
            f"{self._messages_path}/{quote(provider_message_id, safe='')}.json",
            at,
            changes_something=False,
        )
        return delivery_report(provider_message_id, answer.get("status"), answer.get("error_code"))

    @property
    def _messages_path(self) -> str:
        return f"/2010-04-01/Accounts/{self._settings.account_sid}/Messages"

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

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            form=form,
            params=params,
            auth=(self._settings.account_sid, self._settings.auth_token.get_secret_value()),
        )
        answer = json_object(response)
        if not response.is_success:
            raise _error(response, answer, at, changes_something=changes_something)
        if not answer:
            raise unreadable(PROVIDER, changes_something=changes_something)
        return answer


def callback_url(base: str, message: OutgoingMessage) -> str:
    """Where Twilio reports on `message`: our references ride in the query, which its signature covers."""
    references = {"message": message.message_id, "loan": message.loan_id, "lender": message.lender}
    return f"{base}{'&' if urlsplit(base).query else '?'}{urlencode(references)}"


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
        raise refusal(PROVIDER, "window_closed", WhatNext.LATER, "its lawful window has closed: ask for the next")
    return seconds


def _error(
    response: httpx.Response, answer: Mapping[str, Any], at: datetime, *, changes_something: bool
) -> ProviderError:
    code = answer.get("code")
    number = code if type(code) is int and 0 < code < 1_000_000 else None
    reaction = reaction_to_answer(number, response.status_code, changes_something=changes_something)
    asked = retry_after(response.headers.get("Retry-After"), at)
    if asked is not None and reaction.what_next in (WhatNext.RETRY, WhatNext.LATER):
        reaction = reaction.model_copy(update={"delay": asked})
    return ProviderError(PROVIDER, str(number or response.status_code), reaction)


def created_at(held: Mapping[str, Any]) -> datetime | None:
    """When Twilio says a message or call was made; None if it does not say, or not in a form we can read."""
    text = held.get("date_created")
    if not isinstance(text, str):
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None


def _is_ours(held: Mapping[str, Any], recipient: str, text: str) -> bool:
    if not str(held.get("direction", "")).startswith("outbound") or held.get("to") != recipient:
        return False
    body = held.get("body")
    # A trial account puts its own words in front.
    return not isinstance(body, str) or not body.strip() or body.strip().endswith(text.strip())


def next_page(page: Mapping[str, Any]) -> str | None:
    """The next page's path and query; an absolute address is cut down, so that it cannot lead elsewhere."""
    uri = page.get("next_page_uri")
    if not isinstance(uri, str) or not uri:
        return None
    parts = urlsplit(uri)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
