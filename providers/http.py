"""One HTTP call to a provider: the task's own `Date`, and transport faults told apart by their effect."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Protocol

import httpx

from domain.what_next import Effect, Reaction, WhatNext
from providers.errors import ProviderError, refusal, retry_after

# Raised before a byte of the request could leave.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_MISCONFIGURED = (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)


class _HostOnly(logging.Filter):
    """httpx logs whole URLs at INFO; ours hold telephone numbers and account ids in path and query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                a.copy_with(path="/", query=None, userinfo=b"") if isinstance(a, httpx.URL) else a for a in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_HostOnly())


def http_date(at: datetime) -> str:
    """`at` as an IMF-fixdate in GMT (RFC 9110 5.6.7); ValueError if it is naive."""
    if at.tzinfo is None:
        raise ValueError("a naive time has no place on the wire: expected an aware datetime")
    return format_datetime(at.astimezone(UTC), usegmt=True)


async def call(
    client: httpx.AsyncClient,
    provider: str,
    method: str,
    url: str,
    *,
    at: datetime,
    timeout: timedelta,
    changes_something: bool,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
    content: bytes | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Response:
    """The provider's answer, whatever its status.

    Raises ProviderError when there is none: RETRY with effect NONE if the request cannot have arrived or
    changes nothing, with effect UNKNOWN if it may have been carried out.
    """
    failed: ProviderError
    try:
        return await client.request(
            method,
            url,
            headers={"Date": http_date(at), "Accept": "application/json", **(headers or {})},
            params=params,
            data=form,
            json=body,
            content=content,
            auth=auth,
            timeout=timeout.total_seconds(),
            follow_redirects=False,
        )
    except _NOT_SENT:
        failed = refusal(provider, "unreachable", WhatNext.RETRY, "no connection; nothing was sent")
    except _MISCONFIGURED:
        failed = refusal(provider, "bad_address", WhatNext.STOP_SENDER, "its configured address is unusable")
    except httpx.HTTPError as fault:
        failed = refusal(
            provider,
            "timeout" if isinstance(fault, httpx.TimeoutException) else "connection_lost",
            WhatNext.RETRY,
            "no answer after the request was begun",
            effect=Effect.UNKNOWN if changes_something else Effect.NONE,
        )
    # Raised out here so that no httpx error, whose text may hold the URL, hangs on to it.
    raise failed


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The body as a JSON object; empty if it is anything else."""
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def unreadable(provider: str, *, changes_something: bool) -> ProviderError:
    """A success status with a body that makes no sense: a proxy's page, or a format we do not know."""
    return refusal(
        provider,
        "unreadable_answer",
        WhatNext.RETRY,
        "it answered success with a body that cannot be read",
        effect=Effect.UNKNOWN if changes_something else Effect.NONE,
    )


class ByStatus(Protocol):
    """What a provider's HTTP status asks for."""

    def __call__(self, status: int, /, *, changes_something: bool) -> Reaction: ...


def answered_object(
    provider: str,
    response: httpx.Response,
    reaction_to: ByStatus,
    at: datetime,
    *,
    changes_something: bool,
) -> dict[str, Any]:
    """The JSON object of a success. Raises ProviderError for a refusal, by its HTTP status and the wait it asks for."""
    if not response.is_success:
        reaction = reaction_to(response.status_code, changes_something=changes_something)
        asked = retry_after(response.headers.get("Retry-After"), at)
        if asked is not None and reaction.what_next is WhatNext.RETRY:
            reaction = reaction.model_copy(update={"delay": asked})
        raise ProviderError(provider, str(response.status_code), reaction)
    answer = json_object(response)
    if not answer:
        raise unreadable(provider, changes_something=changes_something)
    return answer
