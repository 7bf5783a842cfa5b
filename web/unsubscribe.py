"""Ending e-mails with one click (RFC 8058): the address in a mail's headers, and its page for people.

The address is signed and names a message; it closes e-mail for the person in all their loans. It never asks who one is:
a mail program presses the button for its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from html import escape

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from config.signed_addresses import SignedAddresses
from domain.access import Public
from domain.contact import Channel
from records import contacts, owed_signals, people
from records.database import Database
from web.access import Access
from web.inbound_news import close_channel

KIND = "unsubscribe"
HOLDERS = Access(Public("the address itself is signed, and was sent to the borrower"))
_WORDS = {
    "es": (
        "Dejar de recibir correos",
        "No recibirá más correos nuestros sobre esta cuenta.",
        "Este enlace no es válido.",
    ),
    "en": (
        "Stop e-mails",
        "You will get no more e-mails from us about this account.",
        "This link is not valid.",
    ),
    "pt": (
        "Parar de receber e-mails",
        "Você não vai receber mais e-mails nossos sobre esta conta.",
        "Este link não é válido.",
    ),
}


def unsubscribe_router(
    database: Database,
    addresses: SignedAddresses | None,
    now: Callable[[Request | None], datetime],
    wake: Callable[[], None],
) -> APIRouter:
    """The page (GET changes nothing: programs open links by themselves) and the click (POST); 404 if it is not ours."""
    router = APIRouter(include_in_schema=False)

    def message_of(token: str, at: datetime) -> str | None:
        # One whose time is over still ends mails: nobody is kept on a list by an old link.
        subject = addresses.read(KIND, token, at) if addresses is not None else None
        return subject.name if subject is not None else None

    @router.get(f"/{KIND}/{{token}}", dependencies=[Depends(HOLDERS)])
    async def page(token: str, request: Request) -> Response:
        words = _words(request)
        if message_of(token, now(request)) is None:
            return _page(words[2], 404)
        return _page(f'<form method="post"><button>{escape(words[0])}</button></form>', 200)

    @router.post(f"/{KIND}/{{token}}", dependencies=[Depends(HOLDERS)])
    async def click(token: str, request: Request) -> Response:
        words, at = _words(request), now(request)
        message = message_of(token, at)
        if message is None or not await asyncio.to_thread(_close, database, message, at):
            return _page(words[2], 404)
        wake()
        return _page(escape(words[1]), 200)

    return router


def _close(database: Database, message_id: str, at: datetime) -> bool:
    """Close e-mail for the person a message went to, and owe their loans the news. False for no such message."""
    with database.writing(durable=True) as session:
        contact = contacts.by_own_id(session, message_id)
        if contact is None:
            return False
        person = people.get(session, contact.person_ref)
        signals = close_channel(session, person, Channel.EMAIL, "one click", at)
        owed_signals.owe(
            session,
            provider=KIND,
            key=message_id,
            signals=[signal.model_dump(mode="json") for signal in signals],
            at=at,
            outcome="opt_out",
            person_ref=person.id,
        )
    return True


def _words(request: Request) -> tuple[str, str, str]:
    wanted = request.headers.get("accept-language", "")[:2].lower()
    return _WORDS.get(wanted, _WORDS["es"])


def _page(inner: str, status: int) -> HTMLResponse:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    page = f"<!doctype html><html><head>{head}<title>-</title></head><body><main>{inner}</main></body></html>"
    return HTMLResponse(page, status_code=status)
