"""E-mail by SendGrid's v3 Mail Send (POST /v3/mail/send)."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.contact import Channel
from domain.what_next import Effect, Reaction, WhatNext
from providers.errors import WINDOW_CLOSED, ProviderError, refusal, retry_after
from providers.http import call, json_object
from providers.messaging.mail_headers import thread_headers, unsubscribe_headers
from providers.ports import Attachment, DeliveryReport, OutgoingMessage, Sent

PROVIDER: Final = "sendgrid"
_TO_FIELD: Final = "personalizations"


class SendGridSettings(BaseModel):
    """`from_address` must belong to a sender or domain verified with SendGrid, which also signs (DKIM)."""

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.sendgrid.com"
    api_key: SecretStr
    from_address: str
    from_name: str = ""
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))


class SendGridMessenger:
    """`Messenger` for e-mail. What became of a mail comes by the event webhook; it cannot be asked here.

    There is no idempotency and no look-up without an add-on: a mail whose fate is UNKNOWN must be taken as sent.
    """

    def __init__(self, settings: SendGridSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    @property
    def can_look_up(self) -> bool:
        return False

    async def send(self, message: OutgoingMessage) -> Sent:
        if message.channel is not Channel.EMAIL:
            raise refusal(PROVIDER, "not_email", WhatNext.SWITCH_CHANNEL, "only e-mail can be sent here")
        if message.valid_until is not None and message.valid_until <= message.at:
            raise refusal(PROVIDER, WINDOW_CLOSED, WhatNext.LATER, "its lawful window has closed: ask for the next")
        if not message.to.isascii() or parseaddr(message.to)[1] != message.to:
            raise ProviderError(PROVIDER, "bad_address", _NO_ADDRESS)
        response = await call(
            self._client,
            PROVIDER,
            "POST",
            f"{self._settings.base_url.rstrip('/')}/v3/mail/send",
            at=message.at,
            timeout=self._settings.timeout,
            changes_something=True,
            headers={"Authorization": f"Bearer {self._settings.api_key.get_secret_value()}"},
            body=self._body(message),
        )
        if response.status_code != 202:
            raise _error(response, message.at)
        # Without the header our own id has to do: events name it too.
        named = response.headers.get("X-Message-Id", "") or message.message_id
        return Sent(provider=PROVIDER, provider_message_id=named[:320])

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        return None

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise refusal(PROVIDER, "cannot_look_up", WhatNext.TERMINAL, "what became of a mail comes by the event webhook")

    def _body(self, message: OutgoingMessage) -> dict[str, object]:
        """Our ids ride as custom arguments, which come back in every event; they name nobody."""
        parts: list[dict[str, str]] = [{"type": "text/plain", "value": message.text}]
        if message.html is not None:
            parts.append({"type": "text/html", "value": message.html})
        sender = {"email": self._settings.from_address}
        if self._settings.from_name:
            sender["name"] = self._settings.from_name
        told: dict[str, Any] = {
            "personalizations": [
                {
                    "to": [{"email": message.to}],
                    "custom_args": {
                        "message": message.message_id,
                        "loan": message.loan_id,
                        "lender": message.lender,
                    },
                }
            ],
            "from": sender,
            "subject": " ".join((message.subject or "").split()) or " ",
            "content": parts,
            # Links must stay as they are: a rewritten payment link is what people are warned of.
            "tracking_settings": {"click_tracking": {"enable": False}, "subscription_tracking": {"enable": False}},
        }
        headers = {"Auto-Submitted": "auto-generated", **unsubscribe_headers(message.unsubscribe_url)}
        headers |= thread_headers(message.answers)
        if message.attachments:
            told["attachments"] = [_enclosed(each) for each in message.attachments]
        return {**told, "headers": headers}


def _enclosed(file: Attachment) -> dict[str, str]:
    """A file beside the mail, or a picture that its HTML shows by its id."""
    told = {
        "filename": file.filename,
        "type": file.media_type,
        "content": base64.b64encode(file.content).decode(),
        "disposition": "attachment",
    }
    return told if file.content_id is None else told | {"disposition": "inline", "content_id": file.content_id}


_NO_ADDRESS = Reaction(what_next=WhatNext.TERMINAL, address_is_dead=True, meaning="not an address SendGrid takes")


def reaction_to(status: int, field: str | None) -> Reaction:
    """The reaction to a refusal: by status, and for 400 by the field it is about."""
    if status == 400 and field is not None and field.startswith(_TO_FIELD) and field.endswith("email"):
        return _NO_ADDRESS
    if status == 429:
        return Reaction(what_next=WhatNext.RETRY, meaning="too many requests; it was not taken")
    if status >= 500 or status == 408:
        return Reaction(what_next=WhatNext.TERMINAL, effect=Effect.UNKNOWN, meaning="failed on its side; it may be out")
    if status == 413:
        return Reaction(what_next=WhatNext.TERMINAL, then=WhatNext.SWITCH_CHANNEL, meaning="the mail is too large")
    if status in (401, 403):
        return Reaction(what_next=WhatNext.STOP_SENDER, meaning="the key or the sender was refused")
    return Reaction(what_next=WhatNext.STOP_SENDER, meaning="our request is not as SendGrid wants it")


def _error(response: httpx.Response, at: datetime) -> ProviderError:
    errors = json_object(response).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    field = first.get("field")
    reaction = reaction_to(response.status_code, field if isinstance(field, str) else None)
    asked = retry_after(response.headers.get("Retry-After"), at)
    if asked is not None and reaction.what_next is WhatNext.RETRY:
        reaction = reaction.model_copy(update={"delay": asked})
    return ProviderError(PROVIDER, str(response.status_code), reaction)
