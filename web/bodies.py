"""How long a request's body may be, and how slowly it may come: it is read before anybody knows who sends it."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_FORM = 512 * 1024
"""Bytes. The longest words a page takes, 20 000 characters of twelve bytes each in a form, are half of it."""
SLOWEST = 30.0
"""Seconds for a whole body."""
_BOUND_THEMSELVES = ("/webhooks/", "/voice/", "/codec/")
"""These stop reading at their own limits, and some providers send more."""


class BodyLimits:
    """413 for a longer body, 408 for one that does not come to its end in time."""

    def __init__(self, app: ASGIApp, *, largest: int = LARGEST_FORM, seconds: float = SLOWEST) -> None:
        self._app, self._largest, self._seconds = app, largest, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self._seconds
        bounded = not scope["path"].startswith(_BOUND_THEMSELVES)
        size = _stated(scope) if bounded else 0
        read, whole = 0, False

        async def receive_some() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()
            if size > self._largest:
                raise _too_long()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the request did not come to its end", {"connection": "close"}) from None
            read += len(message.get("body", b""))
            if bounded and read > self._largest:
                raise _too_long()
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        await self._app(scope, receive_some, send)


def _stated(scope: Scope) -> int:
    stated = Headers(scope=scope).get("content-length", "")
    return int(stated[:20]) if stated.isascii() and stated.isdigit() else 0


def _too_long() -> HTTPException:
    # What is left of it is not read.
    return HTTPException(413, "the body is too long", {"connection": "close"})
