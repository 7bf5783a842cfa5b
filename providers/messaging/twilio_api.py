"""What Twilio's resources have in common (API 2010-04-01): how they are called, refuse, and page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import SecretStr

from domain.what_next import Effect, Reaction, WhatNext
from providers.errors import ProviderError, retry_after
from providers.http import call, json_object, unreadable
from providers.messaging.twilio_codes import reaction_to_answer
from providers.ports import OutgoingMessage

PROVIDER: Final = "twilio"
# The provider's clock and ours need not agree to the second.
CLOCK_SLACK = timedelta(seconds=60)


class TwilioAccount(Protocol):
    @property
    def base_url(self) -> str: ...
    @property
    def account_sid(self) -> str: ...
    @property
    def auth_token(self) -> SecretStr: ...
    @property
    def timeout(self) -> timedelta: ...


class TwilioApi:
    """One account's resource, `Messages` or `Calls`; `own_codes` are refusals that only this resource knows."""

    def __init__(
        self,
        account: TwilioAccount,
        resource: str,
        client: httpx.AsyncClient,
        own_codes: Callable[[int], Reaction | None] = lambda _: None,
    ) -> None:
        self._account = account
        self._client = client
        self._own_codes = own_codes
        self.path = f"/2010-04-01/Accounts/{account.account_sid}/{resource}"

    async def call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer's JSON object. Raises ProviderError."""
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._account.base_url.rstrip("/") + path,
            at=at,
            timeout=self._account.timeout,
            changes_something=changes_something,
            form=form,
            params=params,
            auth=(self._account.account_sid, self._account.auth_token.get_secret_value()),
        )
        answer = json_object(response)
        if not response.is_success:
            raise self._error(response, answer, at, changes_something=changes_something)
        if not answer:
            raise unreadable(PROVIDER, changes_something=changes_something)
        return answer

    async def create(self, form: Mapping[str, str], at: datetime) -> str:
        """Make one and give its sid. Raises ProviderError."""
        answer = await self.call("POST", f"{self.path}.json", at, changes_something=True, form=form)
        sid = answer.get("sid")
        if not isinstance(sid, str) or not sid:
            raise unreadable(PROVIDER, changes_something=True)
        return sid

    def _error(
        self, response: httpx.Response, answer: Mapping[str, Any], at: datetime, *, changes_something: bool
    ) -> ProviderError:
        code = answer.get("code")
        number = code if type(code) is int and 0 < code < 1_000_000 else None
        own = self._own_codes(number) if number is not None else None
        reaction = own or reaction_to_answer(number, response.status_code, changes_something=changes_something)
        asked = retry_after(response.headers.get("Retry-After"), at)
        if asked is not None and reaction.what_next in (WhatNext.RETRY, WhatNext.LATER):
            reaction = reaction.model_copy(update={"delay": asked})
        if not changes_something and reaction.effect is Effect.UNKNOWN:
            reaction = reaction.model_copy(update={"effect": Effect.NONE})
        return ProviderError(PROVIDER, str(number or response.status_code), reaction)


def callback_url(base: str, message: OutgoingMessage) -> str:
    """Where Twilio reports on `message`: our references ride in the query, which its signature covers."""
    references = {"message": message.message_id, "loan": message.loan_id, "lender": message.lender}
    return f"{base}{'&' if urlsplit(base).query else '?'}{urlencode(references)}"


def created_at(held: Mapping[str, Any]) -> datetime | None:
    """When Twilio says a message or call was made; None if it does not say, or not in a form we can read."""
    return moment_in(held, "date_created")


def moment_in(held: Mapping[str, Any], field: str) -> datetime | None:
    """A time of a message or call, aware; None if it is not there, or not in a form we can read."""
    text = held.get(field)
    if not isinstance(text, str):
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None


def next_page(page: Mapping[str, Any]) -> str | None:
    """The next page's path and query; an absolute address is cut down, so that it cannot lead elsewhere."""
    uri = page.get("next_page_uri")
    if not isinstance(uri, str) or not uri:
        return None
    parts = urlsplit(uri)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
