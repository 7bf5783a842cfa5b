"""Where a borrower lets their balance be read: what it means, on to their bank, and back.

The address holds a token that is the borrower's alone. Opening it changes nothing, because messengers open links to
preview them; the consent is asked for when the borrower says so, with the address they say it from.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from activities.consents import ConsentDesk, NoSource, TooOften
from config.lender_settings import Lender
from config.localised import format_date_long, locale_of
from config.settings import Settings
from domain.access import Public
from providers.errors import ProviderError
from records import consent_links, people
from records.database import Database
from records.tables import LoanState, Person
from web.access import Access
from web.consent_words import words_in
from web.sign_in import PAGES

_LOG = logging.getLogger("recobro.web")
HOLDER = Depends(Access(Public("the token in the address is the borrower's, and lets them give a consent and no more")))
_JINJA = Environment(
    loader=FileSystemLoader(PAGES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
)


_OF_AN_ADDRESS = "%:/?#[]@!$&'()*+,;=~"
"""What stays as it is in an address; not everything else can be carried by a header."""


class _Visit:
    """Whose page it is; `lender` names who asks."""

    def __init__(self, person: Person, lender: Lender) -> None:
        assert person.id is not None
        self.person_ref, self.language, self.country = person.id, person.language, person.country
        self.lender, self.phone = lender.name, lender.phone

    def connected_by(self, settings: Settings) -> str | None:
        """Which words say who connects the account and what they gather of it; None where it is the bank itself."""
        return "by_belvo" if settings.bank_data_by_country.get(self.country) == "belvo" else None

    def asked_for(self, settings: Settings) -> str:
        """Which words say what is read: the balance alone, or when money came in too."""
        source = settings.belvo if settings.bank_data_by_country.get(self.country) == "belvo" else settings.bank
        return "what_credits" if source is not None and source.transactions else "what"


def consent_router(
    database: Database, desk: ConsentDesk, settings: Settings, public_url: str, now: Callable[[Request], datetime]
) -> APIRouter:
    """The borrower's pages under `/consent/`."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    async def visit(request: Request, token: str) -> _Visit | None:
        return await asyncio.to_thread(_whose, database, settings, token, now(request))

    @router.get("/consent/{token}", dependencies=[HOLDER])
    async def explain(request: Request, token: str) -> Response:
        """200 and what is asked; 404 when the address is no longer good."""
        found = await visit(request, token)
        return (
            _gone(request)
            if found is None
            else _page(
                found,
                "ask",
                path=f"/consent/{token}",
                reads=found.asked_for(settings),
                connected=found.connected_by(settings),
            )
        )

    @router.post("/consent/{token}", dependencies=[HOLDER])
    async def begin(request: Request, token: str) -> Response:
        """200 and on to the bank; 404, 429 or 503 and why not."""
        found = await visit(request, token)
        if found is None:
            return _gone(request)
        address = request.client.host if request.client else ""
        back = f"{public_url.rstrip('/')}/consent/{token}/back"
        try:
            bank = await desk.begin(found.person_ref, now(request), address, back)
        except TooOften:
            return _page(found, "often", 429)
        except (NoSource, ProviderError) as error:
            _LOG.warning("a consent could not be asked for: %s", type(error).__name__)
            return _page(found, "later", 503)
        # Not a redirect: browsers let no form lead to another site under `form-action 'self'`.
        address = quote(bank, safe=_OF_AN_ADDRESS)
        return _page(found, "go", headers={"refresh": f"0;url={address}"}, bank=address)

    @router.get("/consent/{token}/back", dependencies=[HOLDER])
    async def back(request: Request, token: str) -> Response:
        """200 and how it stands: given, or not given (yet)."""
        found = await visit(request, token)
        if found is None:
            return _gone(request)
        address = request.client.host if request.client else None
        try:
            given = await desk.settle(found.person_ref, now(request), address, dict(request.query_params))
            given = given or await desk.given(found.person_ref, now(request))
        except ProviderError:
            return _page(found, "later", 503)
        if given is None:
            return _page(found, "not_given", path=f"/consent/{token}")
        until = given.valid_until
        day = None if until is None else format_date_long(until, locale_of(found.language, found.country))
        return _page(found, "given", until=day)

    return router


def _whose(database: Database, settings: Settings, token: str, at: datetime) -> _Visit | None:
    """The person of a token who has a loan in collection."""
    with database.reading() as session:
        person = consent_links.person_of(session, token, at)
        if person is None:
            return None
        if not any(loan.state is LoanState.IN_COLLECTION for loan in people.loans_of(session, person)):
            return None
        return _Visit(person, settings.lender_named(person.lender))


def _page(
    visit: _Visit, what: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> Response:
    language, words = words_in(visit.language)
    given = {"path": "", "bank": "", "until": None, "reads": "what", "connected": None, **values}
    html = _JINJA.get_template("consent.html.j2").render(
        what=what, words=words, language=language, lender=visit.lender, phone=visit.phone, **given
    )
    return HTMLResponse(html, status, headers)


def _gone(request: Request) -> Response:
    language, words = words_in((request.headers.get("accept-language") or "")[:2].lower())
    html = _JINJA.get_template("consent.html.j2").render(
        what="gone", words=words, language=language, lender="", phone="", path="", bank="", until=None, reads=""
    )
    return HTMLResponse(html, 404)
