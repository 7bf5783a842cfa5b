"""Pages on which agents and supervisors see a loan's agreements, offer, agree, approve and call off."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session, col, select

from config.agreement_addresses import agreement_address
from config.localised import format_date, format_money, locale_of
from config.signed_addresses import SignedAddresses
from domain.access import EVERY_ROLE, Caller, Only, PersonCaller, Role, roles
from domain.agreements.model import LIVE, AgreementKind, AgreementState, Via
from domain.agreements.offers import Offer
from domain.money import Money, parse_major
from records import agreements, loans, payments
from records.database import Database
from records.tables import Agreement, Loan
from web.access import Access
from web.agreement_desk import AgreementDesk, Chosen, Said, acting
from web.api import Name, loan_for
from web.case_pages import names, open_cases
from web.page_words import words_for
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.reasons import reason_in
from web.sign_in import page
from web.standstill import ended_as, standstill

SEE = Access(Only(EVERY_ROLE), page=True)
ACT = Access(roles(Role.AGENT, Role.SUPERVISOR), page=True)
_MAY_ACT = frozenset({Role.AGENT, Role.SUPERVISOR})
_DONE = ("promised", "offered", "agreed", "approved", "accepted", "moved", "called_off")
_Field = Annotated[str, Form(max_length=60)]
_Words = Annotated[str, Form(max_length=2000)]
_WAITING_SHOWN = 200


@dataclass(frozen=True)
class _Written:
    """Amounts and days as whoever looks reads them."""

    language: str
    currency: str

    def money(self, minor: int) -> str:
        return format_money(Money(amount_minor=minor, currency=self.currency), locale_of(self.language, ""))

    def day(self, day: date) -> str:
        return format_date(day, locale_of(self.language, ""))


def agreement_pages(
    database: Database, desk: AgreementDesk, addresses: SignedAddresses | None, now: Callable[[], datetime]
) -> APIRouter:
    """The pages. What the loan refuses is shown on the page, with 409; 503 when it cannot be asked."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/loans")
    def find(
        request: Request,
        caller: Annotated[Caller, Depends(SEE)],
        loan: Annotated[str, Query(max_length=64, pattern=r"^[\x21-\x7e]*$")] = "",
    ) -> Response:
        """A loan by its id; with several lenders all of that id."""
        with database.reading() as session:
            found = session.exec(select(Loan).where(Loan.loan_id == loan.strip())).all()
        if len(found) == 1:
            return RedirectResponse(f"/loans/{found[0].lender}/{found[0].loan_id}", 303)
        return page(request, "loans", 200 if found or not loan else 404, caller=caller, loan=loan, found=found)

    @router.get("/approvals")
    def approvals(request: Request, caller: Annotated[Caller, Depends(SEE)]) -> Response:
        """Offers that wait for another person's approval, the oldest first."""
        with database.reading() as session:
            known = names(session)
            rows = [_waiting(request, row, loan, known) for row, loan in waiting_for_approval(session)]
        return page(request, "approvals", caller=caller, rows=rows)

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
        return await shown(request, loan, caller, bearable=bearable, done=done if done in _DONE else None)

    async def shown(
        request: Request, loan: Loan, caller: Caller, status: int = 200, *, bearable: str = "", **told: Any
    ) -> Response:
        assert isinstance(caller, PersonCaller)
        language, words = words_for(request.headers.get("accept-language", ""))
        written = _Written(language, loan.currency)
        given: dict[str, Any] = {"offers": [], "left_out": [], "away": None, "wrong": None, "done": None, **told}
        may_act = caller.role in _MAY_ACT
        if may_act:
            try:
                given |= await offered(loan, caller, written, bearable)
            except ValueError:
                status, given["wrong"] = 422, words["no_amount"]
            except LoanNotRunning:
                given["away"] = "not_running"
            except TemporalUnavailable:
                status, given["away"] = 503, "cannot_be_asked"
        given |= await run_in_threadpool(_standing, database, loan, written, caller)
        given["cases"] = await run_in_threadpool(waiting_cases, request, loan)
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
            mark=uuid.uuid4().hex,
            **{"borrowers_page": None, "days_past_due": None, "hold": None, **given},
        )

    def waiting_cases(request: Request, loan: Loan) -> list[dict[str, Any]]:
        with database.reading() as session:
            return open_cases(session, request, loan, now())

    async def offered(loan: Loan, caller: Caller, written: _Written, bearable: str) -> dict[str, Any]:
        asked = await desk.ask(loan, acting(caller), _minor(bearable, loan))
        return {
            "offers": [_offer(written, offer) for offer in asked.found.offers],
            "left_out": [reason_in(why, written.language, loan.currency) for why in asked.found.left_out],
            "days_past_due": asked.request.days_past_due,
            "hold": standstill(asked.state, written.language),
        }

    async def ordered(request: Request, loan: Loan, caller: Caller, done: str, order: Any) -> Response:
        """Send it; on success a page that may be loaded again without sending it twice."""
        try:
            await order
        except (OrderRefused, LoanNotRunning) as why:
            language, _ = words_for(request.headers.get("accept-language", ""))
            return await shown(request, loan, caller, 409, wrong=reason_in(str(why), language, loan.currency))
        except TemporalUnavailable:
            return await shown(request, loan, caller, 503)
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
        try:
            minor, on = _minor(amount, loan), date.fromisoformat(day.strip())
        except ValueError:
            minor, on = None, now().date()
        if minor is None or not 0 < minor < 10**15:
            wrong = words_for(request.headers.get("accept-language", ""))[1]["no_amount"]
            return await shown(request, loan, caller, 422, wrong=wrong)
        order = desk.promise(loan, acting(caller), minor, on, via=Via.AGENT, said=_said(words))
        return await ordered(request, loan, caller, "promised", order)

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
        said = _said(words)
        order = desk.agree(
            loan,
            acting(caller),
            chosen,
            via=Via.AGENT,
            said=said,
            bearable_minor=can_bear,
            update_id=_once(mark, kind, option, percent, seen, words) if mark else None,
        )
        return await ordered(request, loan, caller, "agreed" if said else "offered", order)

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
        match what:
            case "approve":
                return await ordered(request, loan, caller, "approved", desk.approve(loan, by, number))
            case "cancel":
                return await ordered(request, loan, caller, "called_off", desk.cancel(loan, by, number))
            case "accept":
                if (said := _said(words)) is None:
                    return await shown(request, loan, caller, 422, wrong=language_words["words_missing"])
                order = desk.accept(loan, by, number, via=Via.AGENT, said=said)
                return await ordered(request, loan, caller, "accepted", order)
            case "move":
                try:
                    day = date.fromisoformat(to.strip())
                except ValueError:
                    return await shown(request, loan, caller, 422, wrong=language_words["no_day"])
                return await ordered(
                    request, loan, caller, "moved", desk.move(loan, by, number, day, said=_said(words))
                )

    return router


def _once(*form: str) -> str:
    """The id of an order that this form gives: sent again as it was it is the same one, with other words another."""
    return f"desk-{hashlib.sha256(json.dumps(form).encode()).hexdigest()[:40]}"


def waiting_for_approval(session: Session) -> list[tuple[Agreement, Loan]]:
    """Offers of loans' current entries that nobody has approved yet, the oldest first."""
    query = (
        select(Agreement, Loan)
        .join(Loan, col(Loan.id) == col(Agreement.loan_ref))
        .where(
            Agreement.state == AgreementState.PROPOSED,
            col(Agreement.approved_by).is_(None),
            Agreement.entry == Loan.entry,
        )
        .order_by(col(Agreement.made_at))
        .limit(_WAITING_SHOWN)
    )
    return list(session.exec(query).all())


def _waiting(request: Request, row: Agreement, loan: Loan, names: dict[str, str]) -> dict[str, Any]:
    language, _ = words_for(request.headers.get("accept-language", ""))
    written = _Written(language, loan.currency)
    return {
        "lender": loan.lender,
        "loan_id": loan.loan_id,
        "kind": row.kind.value,
        "option": row.option,
        "total": written.money(row.total_minor),
        "of": written.money(row.balance_minor),
        "proposed_by": names.get(row.proposed_by or "", row.proposed_by),
        "made": written.day(row.made_at.date()),
        "expires": written.day(row.expires_at.date()) if row.expires_at else "",
    }


def _standing(database: Database, loan: Loan, written: _Written, caller: PersonCaller) -> dict[str, Any]:
    """What the records hold of the loan's agreements, the newest first."""
    with database.reading() as session:
        current = loans.get(session, loan.lender, loan.loan_id)
        known = names(session)
        made = reversed(agreements.of_loan(session, current))
        rows = [_agreement(session, row, written, caller, known) for row in made]
        return {
            "lender": current.lender,
            "loan_id": current.loan_id,
            "state": current.state.value,
            "end": ended_as(current.end_kind, written.language),
            "due": written.money(payments.balance_due(session, current)),
            "currency": current.currency,
            "agreements": rows,
        }


def _agreement(
    session: Session, row: Agreement, written: _Written, caller: PersonCaller, known: dict[str, str]
) -> dict[str, Any]:
    parts = agreements.instalments_of(session, row)
    waits = row.state is AgreementState.PROPOSED
    approver = row.approved_by if row.approved_by != row.proposed_by else None
    return {
        "number": row.number,
        "kind": row.kind.value,
        "state": row.state.value,
        "option": row.option,
        "rule": row.rule,
        "total": written.money(row.total_minor),
        "forgiven": written.money(row.remission_minor) if row.remission_minor else None,
        "made": written.day(row.made_at.date()),
        "made_by": known.get(row.made_by, row.made_by),
        "approved_by": known.get(approver, approver) if approver is not None else None,
        "via": row.via.value,
        "said": row.evidence_at is not None,
        "live": row.state in LIVE,
        "waits": waits,
        "needs_approval": waits and row.approved_by is None,
        "own": row.proposed_by == caller.actor,
        "instalments": [
            (written.day(each.due), written.money(each.amount_minor), written.money(each.paid_minor), each.missed)
            for each in parts
        ],
    }


def _offer(written: _Written, offer: Offer) -> dict[str, Any]:
    return {
        "kind": offer.kind.value,
        "option": offer.option,
        "percent": offer.percent,
        "rule": offer.rule,
        "needs": offer.needs.value,
        "approval": offer.approval,
        "total": written.money(offer.total_minor),
        "forgiven": written.money(offer.remission_minor) if offer.remission_minor else None,
        "interest": written.money(offer.added_minor) if offer.added_minor else None,
        "payments": [
            (
                written.day(each.due),
                written.money(each.amount_minor),
                written.money(each.interest_minor),
                written.money(each.principal_minor),
                written.money(each.left_minor),
            )
            for each in offer.payments
        ],
        "seen": " ".join(f"{each.due.isoformat()}={each.amount_minor}" for each in offer.payments),
    }


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
