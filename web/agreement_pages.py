"""Pages on which agents and supervisors see a loan's agreements, offer, agree, approve and call off."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter
from sqlmodel import select

from config.agreement_addresses import agreement_address
from config.signed_addresses import SignedAddresses
from domain.access import EVERY_ROLE, Caller, Only, PersonCaller, Role, roles
from domain.agreements.model import AgreementKind, Via
from domain.agreements.moving import movable
from domain.events.values import Day
from domain.money import MOST_MINOR, parse_major
from records.database import Database
from records.tables import Loan
from web.access import Access, doorkeeper_of
from web.agreement_desk import AgreementDesk, Chosen, Said, acting
from web.agreements_shown import Written, form_of, how_many_wait, offer_shown, standing_shown, waiting_shown
from web.api import Name, loan_for
from web.case_pages import open_cases
from web.page_words import language_of, words_for
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.reasons import reason_in
from web.sign_in import page
from web.standstill import standstill

SEE = Access(Only(EVERY_ROLE), page=True)
ACT = Access(roles(Role.AGENT, Role.SUPERVISOR), page=True)
_MAY_ACT = frozenset({Role.AGENT, Role.SUPERVISOR})
_DONE = ("promised", "offered", "agreed", "approved", "accepted", "moved", "called_off")
_Field = Annotated[str, Form(max_length=60)]
_Words = Annotated[str, Form(max_length=2000)]
_LOAN_ID = re.compile(r"[\x21-\x7e]{1,64}")
_DAY = TypeAdapter(Day)


@dataclass(frozen=True)
class _Typed:
    """What stood in a form whose order was not taken: it stands there again. `form`: which of the page's it was."""

    form: str = ""
    amount: str = ""
    day: str = ""
    words: str = ""
    bearable: str = ""
    mark: str = ""
    """Of the form, kept while it is not known whether its order was carried out: sent again as it was it is once."""


def agreement_pages(
    database: Database, desk: AgreementDesk, addresses: SignedAddresses | None, now: Callable[[], datetime]
) -> APIRouter:
    """The pages. What the loan refuses is shown on the page, with 409; 503 when it cannot be asked."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/loans")
    def find(
        request: Request,
        caller: Annotated[Caller, Depends(SEE)],
        loan: Annotated[str, Query(max_length=1_000)] = "",
    ) -> Response:
        """A loan by its id, as it was typed or pasted; with several lenders all of that id."""
        loan, found = loan.strip(), list[Loan]()
        if _LOAN_ID.fullmatch(loan):
            with database.reading() as session:
                found = list(session.exec(select(Loan).where(Loan.loan_id == loan)).all())
        if len(found) == 1:
            return RedirectResponse(f"/loans/{found[0].lender}/{found[0].loan_id}", 303)
        return page(request, "loans", 200 if found or not loan else 404, caller=caller, loan=loan, found=found)

    @router.get("/approvals")
    def approvals(request: Request, caller: Annotated[Caller, Depends(SEE)]) -> Response:
        """Offers that wait for another person's approval, the oldest first."""
        language = language_of(request.headers.get("accept-language", ""))
        with database.reading() as session:
            rows, number = waiting_shown(session, language), how_many_wait(session)
        return page(request, "approvals", caller=caller, rows=rows, number=number)

    @router.get("/loans/{lender}/{loan_id}")
    async def look(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(SEE)],
        bearable: Annotated[str, Query(max_length=30)] = "",
        done: Annotated[str, Query(max_length=20)] = "",
    ) -> Response:
        loan = await run_in_threadpool(loan_for, database, caller, lender, loan_id)
        bearable = "" if doorkeeper_of(request).sent_by_another_site(request) else bearable
        return await shown(request, loan, caller, bearable=bearable, done=done if done in _DONE else None)

    async def shown(
        request: Request,
        loan: Loan,
        caller: Caller,
        status: int = 200,
        *,
        bearable: str = "",
        typed: _Typed = _Typed(),
        **told: Any,
    ) -> Response:
        assert isinstance(caller, PersonCaller)
        language, words = words_for(request.headers.get("accept-language", ""))
        written = Written(language, loan.currency)
        given: dict[str, Any] = {"offers": [], "left_out": [], "away": None, "wrong": None, "done": None, **told}
        may_act = caller.role in _MAY_ACT
        if may_act:
            try:
                given |= await offered(request, loan, caller, written, bearable)
            except ValueError:
                status, given["wrong"] = 422, words["no_amount"]
            except LoanNotRunning:
                given["away"] = "not_running"
            except TemporalUnavailable:
                status, given["away"] = 503, "cannot_be_asked"
        given |= await run_in_threadpool(standing_shown, database, loan, written, caller)
        given["cases"] = await run_in_threadpool(waiting_cases, request, loan, caller.role)
        if may_act and addresses is not None and given["away"] is None:
            given["borrowers_page"] = agreement_address(addresses, loan.lender, loan.loan_id, now())
        return page(
            request,
            "loan",
            status,
            caller=caller,
            may_act=may_act,
            path=f"/loans/{loan.lender}/{loan.loan_id}",
            bearable=bearable,
            mark=typed.mark or uuid.uuid4().hex,
            typed=typed,
            lost=_lost(typed, given),
            **{"borrowers_page": None, "days_past_due": None, "hold": None, "promise_days": None, "move_days": None}
            | given,
        )

    def waiting_cases(request: Request, loan: Loan, role: Role) -> list[dict[str, Any]]:
        with database.reading() as session:
            return open_cases(session, request, loan, now(), role)

    async def offered(request: Request, loan: Loan, caller: Caller, written: Written, bearable: str) -> dict[str, Any]:
        elsewhere = doorkeeper_of(request).sent_by_another_site(request)
        asked = await desk.ask(loan, acting(caller), _minor(bearable, loan), by_another_site=elsewhere)
        today, ahead = asked.request.today, asked.state.strategy.promises.days_ahead
        may_move = movable(asked.state, asked.at)
        return {
            "promise_days": (today, today + timedelta(days=ahead)),
            "move_days": None if isinstance(may_move, str) else (may_move.first, may_move.last),
            "offers": [offer_shown(written, offer) for offer in asked.found.offers],
            "left_out": [reason_in(why, written.language, loan.currency) for why in asked.found.left_out],
            "days_past_due": asked.request.days_past_due,
            "hold": standstill(asked.state, written.language),
        }

    async def ordered(
        request: Request, loan: Loan, caller: Caller, done: str, order: Any, typed: _Typed = _Typed()
    ) -> Response:
        """Send it; on success a page that may be loaded again without sending it twice, else what was `typed` again."""
        language, words = words_for(request.headers.get("accept-language", ""))
        try:
            await order
        except (OrderRefused, LoanNotRunning) as why:
            wrong = reason_in(str(why), language, loan.currency)
            typed = replace(typed, mark="")
            return await shown(request, loan, caller, 409, bearable=typed.bearable, wrong=wrong, typed=typed)
        except TemporalUnavailable:
            wrong = words["order_unanswered"]
            return await shown(request, loan, caller, 503, bearable=typed.bearable, wrong=wrong, typed=typed)
        return RedirectResponse(f"/loans/{loan.lender}/{loan.loan_id}?done={done}", 303)

    @router.post("/loans/{lender}/{loan_id}/promise")
    async def promise(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(ACT)],
        amount: _Field = "",
        day: _Field = "",
        words: _Words = "",
    ) -> Response:
        loan = await run_in_threadpool(loan_for, database, caller, lender, loan_id)
        typed = _Typed("promise", amount, day, words)
        try:
            minor, on = _minor(amount, loan), _day(day)
        except ValueError:
            minor, on = None, now().date()
        if minor is None or not 0 < minor <= MOST_MINOR:
            wrong = words_for(request.headers.get("accept-language", ""))[1]["no_amount"]
            return await shown(request, loan, caller, 422, wrong=wrong, typed=typed)
        order = desk.promise(loan, acting(caller), minor, on, via=Via.AGENT, said=_said(words))
        return await ordered(request, loan, caller, "promised", order, typed)

    @router.post("/loans/{lender}/{loan_id}/agree")
    async def agree(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(ACT)],
        kind: Annotated[Literal["plan", "settlement", "restructuring"], Form()],
        option: _Field = "",
        percent: _Field = "",
        bearable: _Field = "",
        seen: Annotated[str, Form(max_length=4000)] = "",
        mark: Annotated[str, Form(pattern=r"^[0-9a-f]{0,32}$")] = "",
        words: _Words = "",
    ) -> Response:
        """Agree on exactly the payments that were on the page; with the borrower's words it is in force. `mark` is of
        the page: a form sent twice counts once."""
        loan = await run_in_threadpool(loan_for, database, caller, lender, loan_id)
        try:
            saw = tuple((date.fromisoformat(day), int(minor)) for day, minor in _pairs(seen))
            chosen = Chosen(AgreementKind(kind), option, int(percent) if percent else None, saw or None)
            can_bear = _minor(bearable, loan)
        except ValueError:
            raise HTTPException(422, "this form is not as we sent it") from None
        said, by = _said(words), acting(caller)
        once = _once(mark, kind, option, percent, seen, words) if mark else None
        order = desk.agree_once(loan, by, chosen, once, via=Via.AGENT, said=said, bearable_minor=can_bear)
        typed = _Typed(form_of(kind, option, percent), words=words, bearable=bearable, mark=mark)
        return await ordered(request, loan, caller, "agreed" if said else "offered", order, typed)

    @router.post("/loans/{lender}/{loan_id}/agreements/{number}/{what}")
    async def act(
        request: Request,
        lender: Name,
        loan_id: Name,
        number: int,
        what: Literal["approve", "accept", "move", "cancel"],
        caller: Annotated[Caller, Depends(ACT)],
        words: _Words = "",
        to: _Field = "",
    ) -> Response:
        loan = await run_in_threadpool(loan_for, database, caller, lender, loan_id)
        by = acting(caller)
        language_words = words_for(request.headers.get("accept-language", ""))[1]
        typed = _Typed(f"{what} {number}", day=to, words=words)
        match what:
            case "approve":
                return await ordered(request, loan, caller, "approved", desk.approve(loan, by, number))
            case "cancel":
                return await ordered(request, loan, caller, "called_off", desk.cancel(loan, by, number))
            case "accept":
                if (said := _said(words)) is None:
                    return await shown(request, loan, caller, 422, wrong=language_words["words_missing"])
                order = desk.accept(loan, by, number, via=Via.AGENT, said=said)
                return await ordered(request, loan, caller, "accepted", order, typed)
            case "move":
                try:
                    day = _day(to)
                except ValueError:
                    return await shown(request, loan, caller, 422, wrong=language_words["no_day"], typed=typed)
                order = desk.move(loan, by, number, day, said=_said(words))
                return await ordered(request, loan, caller, "moved", order, typed)

    return router


def _once(*form: str) -> str:
    """The id of an order that this form gives: sent again as it was it is the same one, with other words another."""
    return f"desk-{hashlib.sha256(json.dumps(form).encode()).hexdigest()[:40]}"


def _lost(typed: _Typed, given: dict[str, Any]) -> str:
    """What was typed into a form that the page has no more, so that it can be read and copied."""
    there = {offer["form"] for offer in given["offers"]}
    for each in given["agreements"]:
        if each["waits"] and not each["needs_approval"] and not each["said"]:
            there.add(f"accept {each['number']}")
        if each["live"] and each["kind"] != AgreementKind.PROMISE:
            there.add(f"move {each['number']}")
    if given["away"] != "not_running":
        there.add("promise")
    return "" if typed.form in there else "\n".join(filter(None, (typed.amount, typed.day, typed.words)))


def _day(text: str) -> date:
    """Raises ValueError, for a year of another age too: half a year typed is none."""
    return _DAY.validate_python(date.fromisoformat(text.strip()))


def _pairs(seen: str) -> list[tuple[str, str]]:
    """Raises ValueError."""
    found = []
    for part in seen.split():
        day, sign, minor = part.partition("=")
        if not sign:
            raise ValueError(part)
        found.append((day, minor))
    return found


def _said(words: str) -> Said | None:
    return Said(words.strip()) if words.strip() else None


def _minor(text: str, loan: Loan) -> int | None:
    """None for nothing written. Raises ValueError."""
    plain = text.strip().replace(",", ".")
    return parse_major(plain, loan.currency) if plain else None
