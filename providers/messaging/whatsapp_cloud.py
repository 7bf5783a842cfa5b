"""WhatsApp by Meta's Cloud API (Graph API v23.0): text inside a person's window, approved templates outside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.contact import Channel
from domain.message_names import of_whatsapp
from domain.platform_rules import OurTemplate, PlatformTemplate, TemplateStatus
from domain.what_next import WhatNext
from providers.errors import WINDOW_CLOSED, ProviderError, refusal, retry_after
from providers.http import call, json_object, unreadable
from providers.messaging.meta_codes import reaction_to_answer
from providers.messaging.meta_templates import status_of, template_of
from providers.ports import ApprovedTemplate, DeliveryReport, OutgoingMessage, Sent

PROVIDER: Final = "meta"
LONGEST_BODY: Final = 4_096
_PAGE = 100
_MOST_PAGES = 60


class WhatsAppCloudSettings(BaseModel):
    """`sender` is the id of the phone number that writes where a message names none; `business_account` owns it."""

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://graph.facebook.com"
    version: str = Field(default="v23.0", pattern=r"^v[0-9]{1,3}\.[0-9]$")
    access_token: SecretStr
    business_account: str = Field(pattern=r"^[0-9]{1,30}$")
    sender: str = Field(pattern=r"^[0-9]{1,30}$")
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))


class WhatsAppCloud:
    """`Messenger` for WhatsApp. Meta has no idempotency and gives no message back: nothing can be looked up.

    Our own message id travels with the message and comes back with every status, so that a message whose answer was
    lost is known again; until then it counts as sent.
    """

    def __init__(self, settings: WhatsAppCloudSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    @property
    def can_look_up(self) -> bool:
        return False

    async def send(self, message: OutgoingMessage) -> Sent:
        """Hand one message over. Meta cannot be told how long it is valid: its time to live is the template's.

        Raises ProviderError before anything is sent for a message with no text, too long, or whose window closed.
        """
        if message.channel is not Channel.WHATSAPP:
            raise ValueError(f"{message.channel} is not sent here")
        if not message.text:
            raise refusal(PROVIDER, "empty", WhatNext.TERMINAL, "there is no text to send")
        if len(message.text) > LONGEST_BODY:
            raise refusal(
                PROVIDER, "too_long", WhatNext.TERMINAL, "longer than 4,096 characters", then=WhatNext.SWITCH_CHANNEL
            )
        if message.valid_until is not None and message.valid_until <= message.at:
            raise refusal(PROVIDER, WINDOW_CLOSED, WhatNext.LATER, "its lawful window has closed: ask for the next")
        sender = message.sender or self._settings.sender
        answer = await self._call("POST", f"{sender}/messages", message.at, changes_something=True, body=body(message))
        held = answer.get("messages")
        first = held[0] if isinstance(held, list) and held else None
        message_id = first.get("id") if isinstance(first, dict) else None
        if not isinstance(message_id, str) or not message_id:
            raise unreadable(PROVIDER, changes_something=True)
        return Sent(provider=PROVIDER, provider_message_id=of_whatsapp(message_id))

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        """Always None, which proves nothing (see `Messenger.look_up`)."""
        return None

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        """Raises ProviderError: Meta tells of a message by webhook only."""
        raise refusal(PROVIDER, "no_such_question", WhatNext.TERMINAL, "states come by webhook only")

    async def templates(self, at: datetime) -> tuple[PlatformTemplate, ...]:
        """Every template of the business account, as Meta holds it now. Raises ProviderError."""
        found: list[PlatformTemplate] = []
        fields = "name,language,status,category,quality_score,components,rejected_reason"
        params: Mapping[str, str] = {"limit": str(_PAGE), "fields": fields}
        for _ in range(_MOST_PAGES):
            path = f"{self._settings.business_account}/message_templates"
            page = await self._call("GET", path, at, changes_something=False, params=params)
            held = page.get("data")
            if not isinstance(held, list):
                raise unreadable(PROVIDER, changes_something=False)
            found += [known for one in held if (known := template_of(one)) is not None]
            after = _after(page)
            if after is None:
                return tuple(found)
            params = {**params, "after": after}
        raise refusal(PROVIDER, "too_many_templates", WhatNext.TERMINAL, "more templates than we read")

    async def submit(self, template: OurTemplate, examples: Mapping[str, str], at: datetime) -> TemplateStatus:
        """Hand a template in for approval; how it stands then. `examples` by variable. Raises ProviderError."""
        shown = [examples[variable] for variable in template.variables]
        named = [{"param_name": v, "example": e} for v, e in zip(template.variables, shown, strict=True)]
        example = {"body_text_named_params": named} if template.named else {"body_text": [shown]}
        answer = await self._call(
            "POST",
            f"{self._settings.business_account}/message_templates",
            at,
            changes_something=True,
            body={
                "name": template.name,
                "language": template.language,
                "category": template.category.value.upper(),
                "parameter_format": "NAMED" if template.named else "POSITIONAL",
                "components": [{"type": "BODY", "text": template.body, **({"example": example} if shown else {})}],
            },
        )
        return status_of(answer.get("status"))

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        response = await call(
            self._client,
            PROVIDER,
            method,
            f"{self._settings.base_url.rstrip('/')}/{self._settings.version}/{path}",
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            headers={"Authorization": f"Bearer {self._settings.access_token.get_secret_value()}"},
            body=body,
            params=params,
        )
        answer = json_object(response)
        if not response.is_success or "error" in answer:
            raise graph_error(response, answer, at, changes_something=changes_something)
        if not answer:
            raise unreadable(PROVIDER, changes_something=changes_something)
        return answer


def body(message: OutgoingMessage) -> dict[str, object]:
    """The request's body. `biz_opaque_callback_data` holds our id alone: statuses bring it back."""
    common: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "biz_opaque_callback_data": message.message_id,
    }
    if message.approved is not None:
        return {**common, "type": "template", "template": _template(message.approved)}
    return {**common, "type": "text", "text": {"body": message.text, "preview_url": False}}


def _template(approved: ApprovedTemplate) -> dict[str, object]:
    values = []
    for value in approved.values:
        named = {"parameter_name": value.name} if approved.named else {}
        values.append({"type": "text", **named, "text": value.text})
    filled = {"components": [{"type": "body", "parameters": values}]} if values else {}
    # Meta's file asks for the policy; it has had this one value ever since.
    language = {"policy": "deterministic", "code": approved.language}
    return {"name": approved.name, "language": language, **filled}


def graph_error(
    response: httpx.Response, answer: Mapping[str, Any], at: datetime, *, changes_something: bool
) -> ProviderError:
    """The error in a Graph API answer, by its code; its texts are left behind."""
    error = answer.get("error")
    given = error.get("code") if isinstance(error, dict) else None
    code = given if type(given) is int and 0 <= given < 10**9 else None
    reaction = reaction_to_answer(code, response.status_code, changes_something=changes_something)
    asked = retry_after(response.headers.get("Retry-After"), at)
    if asked is not None and reaction.what_next in (WhatNext.RETRY, WhatNext.LATER):
        reaction = reaction.model_copy(update={"delay": asked, "doubles": False})
    return ProviderError(PROVIDER, str(response.status_code if code is None else code), reaction)


def _after(page: Mapping[str, Any]) -> str | None:
    """The next page's cursor; Meta gives `next` exactly when there is one."""
    paging = page.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and after else None
