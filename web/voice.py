"""The turns of a call: Twilio fetches each one here, signed, and posts the keys that were pressed.

No key is kept, only what it meant, and that before the answer is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response

from domain.access import Public
from domain.call_flow import Heard, Stage
from providers.messaging import twiml
from providers.webhooks import twilio
from providers.webhooks.refused import WebhookRefused
from records import webhooks
from web.access import Access
from web.receiving import Intake, Taken, read_body
from web.sources import Delivery, WebhookSource

SIGNED = Depends(Access(Public("proven by the provider's signature")))


@dataclass(frozen=True)
class Told:
    """One turn as TwiML, and what is to be kept of it."""

    twiml: str
    heard: Heard | None
    body: bytes


class Desk(Protocol):
    """Who writes the turns (web/call_desk.py)."""

    def turn(self, message_id: str, stage: Stage, attempt: int, fields: dict[str, str], at: datetime) -> Told | None:
        """The next turn; None if no such call was ever made."""
        ...


def voice_router(
    desk: Desk | None,
    source: WebhookSource | None,
    intake: Intake,
    now: Callable[[Request | None], datetime],
    wake: Callable[[], None],
    called: Callable[[Request], str],
) -> APIRouter:
    """The turns of calls. `called` tells the address as Twilio called it, which it signs; without a desk all is 404."""
    router = APIRouter()

    @router.post("/voice/{message_id}/{stage}", dependencies=[SIGNED])
    async def turn(message_id: str, stage: str, request: Request) -> Response:
        """200 and TwiML; 403 not proven; 404 no such call; 413 too large; 503 not stored, so nothing was promised."""
        if desk is None or source is None or stage not in frozenset(Stage):
            return Response(status_code=404)
        body = await read_body(request)
        if body is None:
            return Response(status_code=413)
        delivery = Delivery(url=called(request), headers=dict(request.headers), body=body)
        at = now(request)
        try:
            source.verify(delivery, at)
        except WebhookRefused:
            return Response(status_code=403)
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        attempt = _attempt(request.query_params.get("attempt", "1"))
        told = await asyncio.to_thread(desk.turn, message_id, Stage(stage), attempt, fields, at)
        if told is None:
            return Response(status_code=404)
        if told.heard is not None:
            kept = webhooks.Proven(
                provider=twilio.PROVIDER,
                event_key=f"{_call(fields) or message_id}:heard:{told.heard.value}",
                url=delivery.url,
                body=told.body,
                headers={"content-type": "application/x-www-form-urlencoded"},
                received_at=at,
            )
            if await intake.store(kept, now(None)) is Taken.NOT_STORED:
                return Response(status_code=503)
            wake()
        return Response(told.twiml, media_type=twiml.CONTENT_TYPE)

    return router


def _call(fields: dict[str, str]) -> str | None:
    sid = fields.get("CallSid", "")[:64]
    return sid if sid.isascii() and sid.isalnum() else None


def _attempt(text: str) -> int:
    return int(text) if text in ("1", "2", "3") else 3
