"""Receipts and letters, for whoever was sent their address: it is signed and has an end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response

from activities.receipts import pdf_of
from config.signed_addresses import SignedAddresses
from domain.access import Public
from records import documents, loans, people
from records.database import Database
from web.access import Access
from web.page_words import language_of
from web.sign_in import page

HOLDERS = Access(Public("the address itself is signed, and was sent to the borrower"))
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Document",
        "unknown": "This link does not work. Open it from our message, or call us at the number given there.",
        "over": "This link has expired. Call us at the number given in our message and we will send you the "
        "document again.",
        "gone": "This document is no longer kept. If you need it, call us at the number given in our message.",
    },
    "es": {
        "title": "Documento",
        "unknown": "Este enlace no funciona. Ábrelo desde nuestro mensaje o llámanos al número que aparece en él.",
        "over": "Este enlace ha caducado. Llámanos al número que aparece en nuestro mensaje y te reenviamos el "
        "documento.",
        "gone": "Este documento ya no se conserva. Si lo necesitas, llámanos al número que aparece en nuestro mensaje.",
    },
    "pt": {
        "title": "Documento",
        "unknown": "Este link não funciona. Abra-o na nossa mensagem ou ligue para o número que está nela.",
        "over": "Este link expirou. Ligue para o número que está na nossa mensagem e reenviamos o documento.",
        "gone": "Este documento não está mais guardado. Se precisar dele, ligue para o número que está na nossa "
        "mensagem.",
    },
}


def documents_router(
    database: Database, addresses: SignedAddresses, now: Callable[[Request | None], datetime]
) -> APIRouter:
    """`/document/{token}`: the PDF; 404 for an address we did not make, 410 for one that is over or emptied."""
    router = APIRouter(include_in_schema=False)

    def told(request: Request, word: str, status: int, language: str | None = None) -> Response:
        known = language if language in _WORDS else language_of(request.headers.get("accept-language", ""))
        words = _WORDS[known]
        given = {"language": known, "title": words["title"], "told": words[word], "home": None}
        return page(request, "refused", status, {"x-robots-tag": "noindex"}, **given)

    @router.get("/document/{token}", dependencies=[Depends(HOLDERS)])
    def document(token: str, request: Request) -> Response:
        subject = addresses.read("document", token, now(request))
        if subject is None:
            return told(request, "unknown", 404)
        with database.reading() as session:
            found = documents.by_public_id(session, subject.name)
            loan = None if found is None else loans.by_ref(session, found.loan_ref)
            language = None if loan is None else people.of_loan(session, loan).language
        if subject.over:
            return told(request, "over", 410, language)
        pdf = pdf_of(found) if found is not None else b""
        if not pdf:
            return told(request, "gone", 410, language)
        headers = {"content-disposition": 'inline; filename="document.pdf"', "x-robots-tag": "noindex"}
        return Response(pdf, media_type="application/pdf", headers=headers)

    return router
