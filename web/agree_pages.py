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
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from babel import Locale
from babel.numbers import NumberFormatError, parse_decimal
from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from pydantic import BaseModel, ConfigDict, ValidationError

from config.agreement_addresses import PAGE, loan_of
from config.localised import format_date_long, format_money, locale_of
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.access import Public
from domain.agreements.judging import coverage
from domain.agreements.model import AgreementKind, Via
from domain.agreements.offers import Offer
from domain.agreements.promise import promise_refused
from domain.events import PromiseMade
from domain.money import Money, parse_major
from records import loans, people
from records.database import Database
from records.tables import Loan
from web.access import Access, doorkeeper_of
from web.agree_words import words_for
from web.agreement_desk import PAGE_VISITOR, AgreementDesk, Asked, Chosen, Said
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.sign_in import PAGES

_LOG = logging.getLogger("recobro.web")
HOLDERS = Depends(Access(Public("the address itself is signed, and was sent to the borrower")))
_READ_BACK = "agree-yes"
_READ_BACK_LIVES = timedelta(hours=2)
_Field = Annotated[str, Form(max_length=60)]


class ReadBack(BaseModel):
    """What was read back to a borrower and waits for their yes; it comes back signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    kind: AgreementKind
    payments: tuple[tuple[date, int], ...]
    option: str | None = None
    percent: int | None = None


@dataclass(frozen=True)
class _Visit:
    """Whose page it is, and how it is written."""

    subject: str
    loan: Loan
    language: str
    locale: Locale
    words: dict[str, str]

    def money(self, minor: int) -> str:
        return format_money(Money(amount_minor=minor, currency=self.loan.currency), self.locale)

    def day(self, day: date) -> str:
        return format_date_long(day, self.locale)


def agree_router(
    database: Database,
    desk: AgreementDesk,
    settings: Settings,
    addresses: SignedAddresses,
    now: Callable[[Request | None], datetime],
) -> APIRouter:
    """`/agree/{token}`. 404: an address we did not make, 410: it is over, 422: it cannot be read, 503: try again."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(visit: _Visit, what: str, status: int = 200, **values: Any) -> Response:
        lender = settings.lender_named(visit.loan.lender)
        given = {"wrong": None, "path": "", "sealed": "", "offers": [], "agreement": None, "promise": None, **values}
        body = _page("agree").render(
            what=what,
            w=visit.words,
            language=visit.language,
            lender=lender.name,
            phone=lender.phone,
            loan_id=visit.loan.loan_id,
            **given,
        )
        return HTMLResponse(body, status, {"x-robots-tag": "noindex"})

    def whose(token: str, request: Request) -> _Visit | Response:
        subject = addresses.read(PAGE, token, now(request))
        found = None if subject is None else _visit(database, subject.name)
        if found is None:
            language, words = words_for(request.headers.get("accept-language", "en")[:2].lower())
            return HTMLResponse(_page("agree_gone").render(w=words, language=language), 404)
        assert subject is not None
        return shown(found, "over", 410) if subject.over else found

    async def asked_of(visit: _Visit) -> Asked | Response:
        try:
            return await desk.ask(visit.loan, PAGE_VISITOR)
        except LoanNotRunning:
            return shown(visit, "ended")
        except TemporalUnavailable as error:
            _LOG.warning("what may be agreed on could not be asked: %s", error)
            return shown(visit, "later", 503)

    def overview(visit: _Visit, asked: Asked, path: str, status: int = 200, wrong: str | None = None) -> Response:
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
            promise=_promise_form(visit, asked),
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
        kind: Annotated[Literal["promise", "plan", "settlement", "restructuring"], Form()],
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
            wanted = _promised(visit, asked, amount, day)
            if isinstance(wanted, str):
                return overview(visit, asked, path, 422, wanted)
            read = ReadBack(subject=visit.subject, kind=AgreementKind.PROMISE, payments=(wanted,))
        else:
            share = int(percent) if percent.isascii() and percent.isdigit() else None
            chosen = Chosen(AgreementKind(kind), option, share)
            try:
                offer = chosen.among(asked.found)
            except OrderRefused:
                return overview(visit, asked, path, 409, visit.words["changed"])
            payments = tuple((payment.due, payment.amount_minor) for payment in offer.payments)
            read = ReadBack(
                subject=visit.subject, kind=offer.kind, payments=payments, option=offer.option, percent=offer.percent
            )
        sealed = addresses.token(_READ_BACK, read.model_dump_json(exclude_none=True), now(request) + _READ_BACK_LIVES)
        return shown(visit, "read_back", path=path, sealed=sealed, lines=_statement(visit, read))

    @router.post("/agree/{token}/yes", dependencies=[HOLDERS])
    async def yes(token: str, request: Request, sealed: Annotated[str, Form(max_length=8000)] = "") -> Response:
        """The borrower's recorded yes. Pressed twice it is one."""
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
        lines = _statement(visit, read)
        mark = hashlib.sha256(sealed.encode()).hexdigest()
        said = Said("\n".join(lines), f"page:{mark[:32]}")
        done = "done_promise" if read.kind is AgreementKind.PROMISE else "done_terms"
        if not _has_said(asked, said):
            try:
                if read.kind is AgreementKind.PROMISE:
                    ((day, amount),) = read.payments
                    await desk.promise(
                        visit.loan, PAGE_VISITOR, amount, day, via=Via.PAGE, said=said, update_id=f"page-{mark[:40]}"
                    )
                else:
                    assert read.option is not None
                    chosen = Chosen(read.kind, read.option, read.percent, read.payments)
                    await desk.agree(
                        visit.loan, PAGE_VISITOR, chosen, via=Via.PAGE, said=said, update_id=f"page-{mark[:40]}"
                    )
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


def _visit(database: Database, name: str) -> _Visit | None:
    with database.reading() as session:
        loan = loans.find(session, *loan_of(name))
        if loan is None:
            return None
        person = people.of_loan(session, loan)
        language, words = words_for(person.language)
        return _Visit(name, loan, language, locale_of(language, person.country), words)


def _ours(request: Request) -> None:
    """A form of another site must not agree on anything for whoever has the page open."""
    if not doorkeeper_of(request).same_origin(request):
        raise HTTPException(403, "this was asked for by another site")


def _opened(addresses: SignedAddresses, sealed: str, subject: str, at: datetime) -> ReadBack | None:
    found = addresses.read(_READ_BACK, sealed, at)
    if found is None or found.over:
        return None
    try:
        read = ReadBack.model_validate(json.loads(found.name))
    except (ValidationError, ValueError):
        return None
    return read if read.subject == subject else None


def _statement(visit: _Visit, read: ReadBack) -> list[str]:
    """What the borrower says yes to, line by line: shown on the page, and kept as their words."""
    words, loan_id = visit.words, visit.loan.loan_id
    pays = [words["i_pay"].format(amount=visit.money(amount), day=visit.day(due)) for due, amount in read.payments]
    if read.kind is AgreementKind.PROMISE:
        ((due, amount),) = read.payments
        return [words["i_promise"].format(amount=visit.money(amount), day=visit.day(due), loan_id=loan_id)]
    total = visit.money(sum(amount for _, amount in read.payments))
    kind = words[read.kind.value].lower()
    return [words["i_accept"].format(loan_id=loan_id, kind=kind, total=total), *pays]


def _has_said(asked: Asked, said: Said) -> bool:
    """Whether this very yes is what is in force."""
    evidence = asked.state.agreement.evidence if asked.state.agreement is not None else None
    return evidence is not None and evidence.message_id == said.message_id


def _promised(visit: _Visit, asked: Asked, amount: str, day: str) -> tuple[date, int] | str:
    """The day and the minor units, or in words what is wrong with them."""
    state, words = asked.state, visit.words
    terms = state.strategy.promises
    last = asked.request.today + timedelta(days=terms.days_ahead)
    minor = _minor(visit, amount)
    if minor is None or minor <= 0:
        return words["no_amount"]
    try:
        on = date.fromisoformat(day.strip())
    except ValueError:
        return words["no_day"].format(visit.day(last))
    if not asked.request.today <= on <= last:
        return words["no_day"].format(visit.day(last))
    if minor > state.balance_minor:
        return words["too_much"]
    if minor < min(terms.least_minor, state.balance_minor):
        return words["too_little"].format(visit.money(terms.least_minor))
    promise = PromiseMade(amount_minor=minor, date=on, by=PAGE_VISITOR.actor, via=Via.PAGE)
    return words["refused"] if promise_refused(state, promise, asked.at) is not None else (on, minor)


def _minor(visit: _Visit, text: str) -> int | None:
    """An amount as people of that place write it; it is read back before it counts."""
    plain = "".join(text.replace(visit.loan.currency, "").strip(" $€£R\u00a0").split())
    try:
        return parse_major(str(parse_decimal(plain, locale=visit.locale, strict=True)), visit.loan.currency)
    except (NumberFormatError, ValueError):
        pass
    try:
        return parse_major(plain, visit.loan.currency)
    except ValueError:
        return None


def _offer_shown(visit: _Visit, offer: Offer) -> dict[str, Any]:
    return {
        "kind": offer.kind.value,
        "option": offer.option,
        "percent": offer.percent,
        "count": len(offer.payments),
        "total": visit.money(offer.total_minor),
        "less": visit.money(offer.remission_minor) if offer.remission_minor else None,
        "more": visit.money(offer.added_minor) if offer.added_minor else None,
        "frozen": offer.fees_frozen,
        "payments": [(visit.day(each.due), visit.money(each.amount_minor)) for each in offer.payments],
    }


def _agreement_shown(visit: _Visit, asked: Asked) -> dict[str, Any] | None:
    agreement = asked.state.agreement
    if agreement is None:
        return None
    rows = [
        (visit.day(each.instalment.due), visit.money(each.instalment.amount_minor), each.on is not None)
        for each in coverage(asked.state, agreement)
    ]
    return {"kind": agreement.kind.value, "rows": rows}


def _promise_form(visit: _Visit, asked: Asked) -> dict[str, str] | None:
    """What the form begins with; None where no promise would be taken."""
    state, today = asked.state, asked.request.today
    if state.balance_minor <= 0:
        return None
    whole = PromiseMade(amount_minor=state.balance_minor, date=today, by=PAGE_VISITOR.actor, via=Via.PAGE)
    if promise_refused(state, whole, asked.at) is not None:
        return None
    last = today + timedelta(days=state.strategy.promises.days_ahead)
    return {"first": today.isoformat(), "last": last.isoformat()}


@lru_cache(maxsize=4)
def _page(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
    )
    return environment.get_template(f"{name}.html.j2")
