"""Ending e-mails with one click (RFC 8058): the address in a mail's headers, and its page for people.

The address is signed and names a message; it closes e-mail for the person in all their loans. It never asks who one is:
a mail program presses the button for its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response

from config.signed_addresses import SignedAddresses
from domain.access import Public
from domain.contact import Channel
from records import contacts, owed_signals, people
from records.database import Database
from web.access import Access
from web.inbound_news import close_channel
from web.page_words import language_of
from web.sign_in import page

KIND = "unsubscribe"
HOLDERS = Access(Public("the address itself is signed, and was sent to the borrower"))
_WORDS: dict[str, dict[str, str]] = {
    "es": {
        "stop": "Dejar de recibir correos",
        "stopped": "No recibirás más correos nuestros sobre esta cuenta.",
        "unknown": "Este enlace no funciona. Responde BAJA a cualquiera de nuestros correos y no te enviaremos más.",
    },
    "en": {
        "stop": "Stop e-mails",
        "stopped": "You will get no more e-mails from us about this account.",
        "unknown": "This link does not work. Reply STOP to any of our e-mails and we will send no more.",
    },
    "pt": {
        "stop": "Parar de receber e-mails",
        "stopped": "Você não vai receber mais e-mails nossos sobre esta conta.",
        "unknown": "Este link não funciona. Responda SAIR a qualquer um dos nossos e-mails e não enviaremos mais.",
    },
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

    def spoken(request: Request, message: str | None) -> str:
        """The language of the person the message went to; of the browser, where nobody is known."""
        with database.reading() as session:
            contact = contacts.by_own_id(session, message) if message is not None else None
            person = None if contact is None else people.get(session, contact.person_ref)
            language = None if person is None else person.language
        return language if language in _WORDS else language_of(request.headers.get("accept-language", ""))

    @router.get(f"/{KIND}/{{token}}", dependencies=[Depends(HOLDERS)])
    async def look(token: str, request: Request) -> Response:
        message = message_of(token, now(request))
        language = await asyncio.to_thread(spoken, request, message)
        return _shown(request, language, "unknown", 404) if message is None else _shown(request, language, "stop")

    @router.post(f"/{KIND}/{{token}}", dependencies=[Depends(HOLDERS)])
    async def click(token: str, request: Request) -> Response:
        at = now(request)
        message = message_of(token, at)
        language = await asyncio.to_thread(spoken, request, message)
        if message is None or not await asyncio.to_thread(_close, database, message, at):
            return _shown(request, language, "unknown", 404)
        wake()
        return _shown(request, language, "stopped")

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


def _shown(request: Request, language: str, what: str, status: int = 200) -> Response:
    words = _WORDS[language]
    return page(request, "unsubscribe", status, language=language, title=words["stop"], what=what, told=words[what])
