"""The page a payment link of ours leads to: pay from one's own account, confirmed at one's own bank.

Whoever holds the address may open it: it is signed and has an end. It shows an amount and a lender, no name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from activities.bank_transfers import PAGE, BankTransfers, TransferView
from activities.links import LinkIssuer, NoGateway
from activities.transfer_standing import Standing
from config.agreement_addresses import agreement_address
from config.localised import format_money, locale_of
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.access import Public
from domain.money import Money
from domain.what_next import WhatNext
from providers.errors import ProviderError
from web.access import Access
from web.page_words import language_of
from web.pay_words import words_for

_LOG = logging.getLogger("recobro.web")
_PAGES = Path(__file__).parent / "pages"
_LOOK_AGAIN_SECONDS = 3
HOLDERS = Access(Public("the address itself is signed, and was sent to the borrower"))


def pay_router(
    settings: Settings,
    transfers: BankTransfers,
    issuer: LinkIssuer,
    addresses: SignedAddresses,
    now: Callable[[Request | None], datetime],
) -> APIRouter:
    """The routes of the page. 404 for an address we did not make; 422 for what is no IBAN; 502 for a bank's refusal."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    async def seen(token: str, at: datetime) -> tuple[str, TransferView] | None:
        subject = addresses.read(PAGE, token, at)
        if subject is None:
            return None
        view = await asyncio.to_thread(transfers.view, subject.name, at)
        return None if view is None else (subject.name, view)

    def options(token: str, view: TransferView, at: datetime) -> str | None:
        """Where everything about the loan can be seen and agreed on: an address that is over gives no new one."""
        subject = addresses.read(PAGE, token, at)
        if subject is None or subject.over or not view.still_due or not view.leads_on:
            return None
        return agreement_address(addresses, view.lender, view.loan_id, at)

    def shown(token: str, view: TransferView, at: datetime, status: int = 200, **told: Any) -> Response:
        language, words = words_for(view.language)
        lender = settings.lender_named(view.lender)
        given = {
            "wrong": "",
            "iban": "",
            "offers": view.offers,
            "instead": None,
            **told,
        }
        body = _page("pay").render(
            w=words,
            language=language,
            path=f"/pay/{token}",
            lender=lender.name,
            phone=lender.phone,
            amount=_written(view.amount, view),
            loan_id=view.loan_id,
            standing="asking" if view.asking else view.standing.value,
            elsewhere=None if view.elsewhere is None else f"other_{view.elsewhere.value}",
            go_on_at=view.go_on_at,
            other="another" if view.next_payment_minor is None else "another_next",
            options=options(token, view, at),
            **given,
        )
        # Pressed twice, the first press is still at the bank: its button is on the page in a moment.
        again = {"refresh": f"{_LOOK_AGAIN_SECONDS};url=/pay/{token}"} if view.asking else None
        return HTMLResponse(body, status, again)

    async def instead(token: str, reference: str, view: TransferView, at: datetime) -> Response:
        """A link that takes what is asked for now, where this one takes nothing or more; made now if there is none.

        It is a button that asks, because messengers open links to preview them, and a link over another amount than
        those that are out closes these.
        """
        if not view.offers:
            return shown(token, view, at)
        try:
            link = await issuer.link_for_balance(view.lender, view.loan_id, at, at_most_minor=view.next_payment_minor)
        except (ProviderError, NoGateway) as why:
            _LOG.warning("no other way to pay could be offered: %s", why)
            return shown(token, view, at, 502, wrong="no_other_way")
        amount = _written(Money(amount_minor=link.amount_minor, currency=link.currency), view)
        fresh = await asyncio.to_thread(transfers.view, reference, at)
        return shown(token, fresh or view, at, offers=False, instead=(link.url, amount))

    def unknown(request: Request) -> Response:
        language, words = words_for(language_of(request.headers.get("accept-language", "")))
        return HTMLResponse(_page("pay_unknown").render(w=words, language=language), 404)

    @router.get("/pay/{token}", dependencies=[Depends(HOLDERS)])
    async def look(token: str, request: Request) -> Response:
        at = now(request)
        found = await seen(token, at)
        return unknown(request) if found is None else shown(token, found[1], at)

    @router.post("/pay/{token}", dependencies=[Depends(HOLDERS)])
    async def begin(
        token: str,
        request: Request,
        iban: Annotated[str, Form(max_length=60)] = "",
        what: Annotated[Literal["pay", "another"], Form()] = "pay",
    ) -> Response:
        """`pay`: begin the transfer of this link; `another`: a link in its place, where one is offered."""
        at = now(request)
        found = await seen(token, at)
        if found is None:
            return unknown(request)
        reference, view = found
        if what == "another":
            return await instead(token, reference, view, at)
        if view.standing is not Standing.OPEN:
            return shown(token, view, at)
        try:
            account = str(IBAN(iban.strip().upper()))
        except (SchwiftyException, ValueError):
            return shown(token, view, at, 422, wrong="no_iban", iban=iban)
        address = request.client.host if request.client else "127.0.0.1"
        try:
            begun = await transfers.begin(reference, account, address, at)
        except ProviderError as error:
            _LOG.warning("a transfer was not begun: %s", error)
            later = error.what_next in (WhatNext.RETRY, WhatNext.LATER)
            return shown(token, view, at, 502, wrong="later" if later else "refused", iban=iban)
        return shown(token, begun or view, at)

    @router.get("/pay/{token}/back", dependencies=[Depends(HOLDERS)])
    async def back(token: str, request: Request) -> Response:
        """The borrower comes back from their bank: its word is asked for at once."""
        at = now(request)
        found = await seen(token, at)
        if found is None:
            return unknown(request)
        try:
            await transfers.link_payments(found[0], at)
        except ProviderError as error:
            _LOG.warning("a transfer's status was not had: %s", error)
        fresh = await seen(token, at)
        return shown(token, (fresh or found)[1], at)

    return router


def _written(amount: Money, view: TransferView) -> str:
    return format_money(amount, locale_of(view.language, view.country))


@lru_cache(maxsize=4)
def _page(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=select_autoescape(["j2"]), undefined=StrictUndefined
    )
    return environment.get_template(f"{name}.html.j2")
