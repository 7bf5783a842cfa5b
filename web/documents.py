"""Receipts and letters, for whoever was sent their address: it is signed and has an end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from activities.receipts import pdf_of
from config.signed_addresses import SignedAddresses
from domain.access import Public
from records import documents
from records.database import Database
from web.access import Access

HOLDERS = Access(Public("the address itself is signed, and was sent to the borrower"))


def documents_router(
    database: Database, addresses: SignedAddresses, now: Callable[[Request | None], datetime]
) -> APIRouter:
    """`/document/{token}`: the PDF; 404 for an address we did not make, 410 for one that is over or emptied."""
    router = APIRouter(include_in_schema=False)

    @router.get("/document/{token}", dependencies=[Depends(HOLDERS)])
    def document(token: str, request: Request) -> Response:
        subject = addresses.read("document", token, now(request))
        if subject is None:
            return PlainTextResponse("This address leads nowhere.\n", 404)
        if subject.over:
            return PlainTextResponse("This address is no longer valid.\n", 410)
        with database.reading() as session:
            found = documents.by_public_id(session, subject.name)
        pdf = pdf_of(found) if found is not None else b""
        if not pdf:
            return PlainTextResponse("This document is no longer kept.\n", 410)
        headers = {"content-disposition": 'inline; filename="document.pdf"', "x-robots-tag": "noindex"}
        return Response(pdf, media_type="application/pdf", headers=headers)

    return router
