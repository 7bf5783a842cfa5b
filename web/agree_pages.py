"""The page on which a borrower sees what can be agreed on about their loan, promises a day, or accepts an offer.

Whoever holds the address may open it: it is signed, has an end, and was sent to the borrower. It shows amounts and a
lender, no name. Opening it changes nothing, because messengers open links to preview them. What is agreed on is read
back first, and the words that were on the page are kept as the borrower's yes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from pydantic import ValidationError

from config.agreement_addresses import LIVES, PAGE, loan_of
from config.localised import locale_of
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.access import Public
from domain.agreements.judging import coverage
from domain.agreements.model import AgreementKind, Via
from domain.agreements.offers import Offer
from records import loans, people
from records.database import Database
from records.tables import Loan
from web.access import ANOTHER_SITE, Access, doorkeeper_of
from web.agree_read_back import (
    ReadBack,
    Visit,
    has_moved,
    move_form,
    moved,
    promise_form,
    promised,
    rests_on,
    statement,
)
from web.agree_words import words_for
from web.agreement_desk import PAGE_VISITOR, AgreementDesk, Asked, Chosen, Said
from web.page_words import language_of
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.sign_in import PAGES

_LOG = logging.getLogger("recobro.web")
HOLDERS = Depends(Access(Public("the address itself is signed, and was sent to the borrower")))
_READ_BACK = "agree-yes"
_READ_BACK_LIVES = timedelta(hours=2)
_NOTHING_TYPED = {"kind": "", "amount": "", "day": ""}
_Field = Annotated[str, Form(max_length=60)]


def agree_router(
    database: Database,
    desk: AgreementDesk,
    settings: Settings,
    addresses: SignedAddresses,
    now: Callable[[Request | None], datetime],
) -> APIRouter:
    """`/agree/{token}`. 404: an address we did not make, 410: it is over, 422: it cannot be read, 503: try again."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(visit: Visit, what: str, status: int = 200, **values: Any) -> Response:
        lender = visit.lender
        acts_for_another = lender.caller != lender.name
        writes = visit.words["acting_for"].format(lender.caller, lender.name) if acts_for_another else lender.name
        given = {
            "wrong": None,
            "path": "",
            "sealed": "",
            "offers": [],
            "agreement": None,
            "promise": None,
            "move": None,
            "typed": _NOTHING_TYPED,
            **values,
        }
        body = _page("agree").render(
            what=what,
            w=visit.words,
            language=visit.language,
            lender=writes,
            phone=lender.phone,
            loan_id=visit.loan.loan_id,
            **given,
        )
        return HTMLResponse(body, status, {"x-robots-tag": "noindex"})

    def whose(token: str, request: Request) -> Visit | Response:
        subject = addresses.read(PAGE, token, now(request))
        found = None if subject is None else _visit(database, settings, subject.name)
        if subject is None or found is None:
            language, words = words_for(language_of(request.headers.get("accept-language", "")))
            return HTMLResponse(_page("agree_gone").render(w=words, language=language), 404)
        over = subject.over or _may_be_a_strangers(database, found.loan, subject.until)
        return shown(found, "over", 410) if over else found

    async def asked_of(visit: Visit) -> Asked | Response:
        try:
            return await desk.ask(visit.loan, PAGE_VISITOR)
        except LoanNotRunning:
            return shown(visit, "ended")
        except TemporalUnavailable as error:
            _LOG.warning("what may be agreed on could not be asked: %s", error)
            return shown(visit, "later", 503)

    def overview(
        visit: Visit, asked: Asked, path: str, status: int = 200, wrong: str | None = None, **typed: str
    ) -> Response:
        """What can be chosen; `typed`: the fields `kind`, `amount` and `day` of a form that could not be read."""
        state = asked.state
        if state.circumstance is not None:
            return shown(visit, "person")
        return shown(
            visit,
            "choose",
            status,
            wrong=wrong,
            path=path,
            due=visit.money(max(state.balance_minor, 0)),
            agreement=_agreement_shown(visit, asked),
            offers=[_offer_shown(visit, offer) for offer in asked.found.offers],
            promise=promise_form(visit, asked),
            move=move_form(visit, asked),
            typed=_NOTHING_TYPED | typed,
        )

    @router.get("/agree/{token}", dependencies=[HOLDERS])
    async def look(token: str, request: Request) -> Response:
        visit = await asyncio.to_thread(whose, token, request)
        if isinstance(visit, Response):
            return visit
        asked = await asked_of(visit)
        return asked if isinstance(asked, Response) else overview(visit, asked, f"/agree/{token}")

    @router.post("/agree/{token}", dependencies=[HOLDERS])
    async def read_back(
        token: str,
        request: Request,
        kind: Annotated[Literal["promise", "plan", "settlement", "restructuring", "move"], Form()],
        option: _Field = "",
        percent: _Field = "",
        amount: _Field = "",
        day: _Field = "",
    ) -> Response:
        """What was chosen, to be looked at once more before the yes. Nothing is agreed on yet."""
        visit = await asyncio.to_thread(whose, token, request)
        if isinstance(visit, Response):
            return visit
        _ours(request)
        asked = await asked_of(visit)
        if isinstance(asked, Response):
            return asked
        path = f"/agree/{token}"
        if kind == "promise":
            wanted = promised(visit, asked, amount, day)
            if isinstance(wanted, str):
                return overview(visit, asked, path, 422, wanted, kind=kind, amount=amount, day=day)
            read = ReadBack(subject=visit.subject, kind=AgreementKind.PROMISE, payments=(wanted,))
        elif kind == "move":
            later = moved(visit, asked, day)
            if isinstance(later, str):
                return overview(visit, asked, path, 422, later, kind=kind, day=day)
            read = later
        else:
            share = int(percent) if percent.isascii() and percent.isdigit() else None
            chosen = Chosen(AgreementKind(kind), option, share)
            try:
                offer = chosen.among(asked.found)
            except OrderRefused:
                return overview(visit, asked, path, 409, visit.words["changed"])
            payments = tuple((payment.due, payment.amount_minor) for payment in offer.payments)
            read = ReadBack(
                subject=visit.subject,
                kind=offer.kind,
                payments=payments,
                option=offer.option,
                percent=offer.percent,
                less_minor=offer.remission_minor or None,
                more_minor=offer.interest_minor or None,
            )
        sealed = addresses.token(_READ_BACK, read.model_dump_json(exclude_none=True), now(request) + _READ_BACK_LIVES)
        return shown(visit, "read_back", path=path, sealed=sealed, lines=statement(visit, read))

    @router.get("/agree/{token}/yes", dependencies=[HOLDERS])
    async def after_yes(token: str) -> Response:
        """The address that "Agreed" was read at, opened again: a yes is given by a form alone."""
        return RedirectResponse(f"/agree/{quote(token, safe='')}", 303)

    @router.post("/agree/{token}/yes", dependencies=[HOLDERS])
    async def yes(token: str, request: Request, sealed: Annotated[str, Form(max_length=8000)] = "") -> Response:
        """The borrower's recorded yes. Pressed twice it is one, and one that has been overtaken agrees on nothing."""
        visit = await asyncio.to_thread(whose, token, request)
        if isinstance(visit, Response):
            return visit
        _ours(request)
        read = _opened(addresses, sealed, visit.subject, now(request))
        path = f"/agree/{token}"
        asked = await asked_of(visit)
        if isinstance(asked, Response):
            return asked
        if read is None:
            return overview(visit, asked, path, 409, visit.words["changed"])
        lines = statement(visit, read)
        mark = hashlib.sha256(sealed.encode()).hexdigest()
        said = Said("\n".join(lines), f"page:{mark[:32]}")
        done = "done_promise" if read.kind is AgreementKind.PROMISE else "done_terms"
        done = done if read.moves is None else "done_move"
        before = rests_on(asked, said)
        stands = has_moved(asked, read) if read.moves is not None else before is not None and before.live
        if before is not None and not stands:
            return overview(visit, asked, path, 409, visit.words["changed"])
        if not stands:
            try:
                await _agree_on(desk, visit.loan, read, said, f"page-{mark[:40]}")
            except OrderRefused as why:
                _LOG.info("what a borrower said yes to was not agreed on: %s", why)
                return overview(visit, asked, path, 409, visit.words["changed"])
            except LoanNotRunning:
                return shown(visit, "ended")
            except TemporalUnavailable as error:
                _LOG.warning("a borrower's yes could not be told: %s", error)
                return shown(visit, "later", 503)
        return shown(visit, "done", done=visit.words[done], lines=lines)

    return router


async def _agree_on(desk: AgreementDesk, loan: Loan, read: ReadBack, said: Said, update_id: str) -> None:
    """Tell the loan what was said yes to; told again under the same id it counts once."""
    if read.moves is not None:
        await desk.move(loan, PAGE_VISITOR, read.moves, read.payments[0][0], said=said, update_id=update_id)
    elif read.kind is AgreementKind.PROMISE:
        ((day, amount),) = read.payments
        await desk.promise(loan, PAGE_VISITOR, amount, day, via=Via.PAGE, said=said, update_id=update_id)
    else:
        assert read.option is not None
        chosen = Chosen(read.kind, read.option, read.percent, read.payments)
        await desk.agree(loan, PAGE_VISITOR, chosen, via=Via.PAGE, said=said, update_id=update_id)


def _visit(database: Database, settings: Settings, name: str) -> Visit | None:
    with database.reading() as session:
        loan = loans.find(session, *loan_of(name))
        if loan is None:
            return None
        person = people.of_loan(session, loan)
        language, words = words_for(person.language)
        lender = settings.lender_named(loan.lender)
        return Visit(name, loan, language, locale_of(language, person.country), words, lender)


def _may_be_a_strangers(database: Database, loan: Loan, until: datetime) -> bool:
    """Whether somebody else answered at an address of the borrower's since the day that this one was made on."""
    with database.reading() as session:
        return people.a_stranger_read_after(session, people.of_loan(session, loan), until - LIVES)


def _ours(request: Request) -> None:
    """A form of another site must not agree on anything for whoever has the page open."""
    if not doorkeeper_of(request).same_origin(request):
        raise HTTPException(403, ANOTHER_SITE)


def _opened(addresses: SignedAddresses, sealed: str, subject: str, at: datetime) -> ReadBack | None:
    found = addresses.read(_READ_BACK, sealed, at)
    if found is None or found.over:
        return None
    try:
        read = ReadBack.model_validate(json.loads(found.name))
    except (ValidationError, ValueError):
        return None
    return read if read.subject == subject else None


def _offer_shown(visit: Visit, offer: Offer) -> dict[str, Any]:
    return {
        "kind": offer.kind.value,
        "option": offer.option,
        "percent": offer.percent,
        "count": len(offer.payments),
        "total": visit.money(offer.total_minor),
        "less": visit.money(offer.remission_minor) if offer.remission_minor else None,
        "more": visit.money(offer.interest_minor) if offer.interest_minor else None,
        "frozen": offer.fees_frozen,
        "payments": [(visit.day(each.due), visit.money(each.amount_minor)) for each in offer.payments],
    }


def _agreement_shown(visit: Visit, asked: Asked) -> dict[str, Any] | None:
    agreement = asked.state.agreement
    if agreement is None:
        return None
    rows = [
        (visit.day(each.instalment.due), visit.money(each.instalment.amount_minor), each.on is not None)
        for each in coverage(asked.state, agreement)
    ]
    return {"kind": agreement.kind.value, "rows": rows}


@lru_cache(maxsize=4)
def _page(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
    )
    return environment.get_template(f"{name}.html.j2")
