"""The tray: cases that wait for a person, and deciding them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from babel.dates import format_datetime
from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from config.localised import format_money, locale_of
from domain.access import EVERY_ROLE, Caller, Only, PersonCaller, Role, roles
from domain.case_decisions import decisions_on, not_theirs
from domain.events.control import CaseDecision
from domain.ledger_entries import CaseKind
from domain.money import Money
from records import accounts, cases, loans
from records.database import Database
from records.tables import CaseState, CollectionCase, Loan
from web.access import Access
from web.agreement_desk import AgreementDesk, acting
from web.page_words import words_for
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.reasons import reason_in
from web.sign_in import page

SEE = Access(Only(EVERY_ROLE), page=True)
TALK = Access(roles(Role.AGENT, Role.SUPERVISOR), page=True)
"""What borrowers wrote is for those who talk with them."""
_SHOWN = 300


@dataclass(frozen=True)
class _Noted:
    """A decision that was not taken, with its note: both stand in the case's form again."""

    case_id: str
    decision: str
    note: str


def case_pages(database: Database, desk: AgreementDesk, now: Callable[[], datetime]) -> APIRouter:
    """`/cases`, `/cases/{case_id}/decide`. 409: refused, 503: try again."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def tray(
        request: Request,
        caller: Caller,
        queue: str,
        status: int = 200,
        wrong: str | None = None,
        *,
        done: bool = False,
        noted: _Noted | None = None,
    ) -> Response:
        assert isinstance(caller, PersonCaller)
        with database.reading() as session:
            found = cases.listing(session, queue=queue or None)
            rows = [case_shown(request, case, loan, now(), caller.role) for case, loan in found[:_SHOWN]]
        may_act = caller.role in (Role.AGENT, Role.SUPERVISOR)
        kept = noted is None or any(row["case_id"] == noted.case_id for row in rows)
        told: dict[str, Any] = {
            "rows": rows,
            "queue": queue,
            "number": len(found),
            "wrong": wrong,
            "done": done,
            "may_act": may_act,
            "noted": noted,
            "lost": "" if kept or noted is None else noted.note,
        }
        return page(request, "cases", status, caller=caller, **told)

    @router.get("/cases")
    def listed(
        request: Request,
        caller: Annotated[Caller, Depends(SEE)],
        queue: Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_.-]*$")] = "",
        done: bool = False,
    ) -> Response:
        """Cases that wait, the most urgent first."""
        return tray(request, caller, queue, done=done)

    @router.post("/cases/{case_id}/decide")
    async def decide(
        request: Request,
        case_id: Annotated[str, Path(max_length=200, pattern=r"^[\x21-\x7e]+$")],
        caller: Annotated[Caller, Depends(TALK)],
        decision: Annotated[CaseDecision, Form()],
        note: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        language, words = words_for(request.headers.get("accept-language", ""))

        def find() -> tuple[Loan, str] | None:
            with database.reading() as session:
                case = session.get(CollectionCase, case_id)
                return None if case is None else (loans.by_ref(session, case.loan_ref), case.kind)

        async def again(status: int, wrong: str) -> Response:
            noted = _Noted(case_id, decision.value, note)
            return await run_in_threadpool(lambda: tray(request, caller, "", status, wrong, noted=noted))

        found = await run_in_threadpool(find)
        if found is None:
            return await again(404, words["no_case"])
        loan, kind = found
        if kind == CaseKind.REFUND:
            return await again(409, words["refund_way"].format(case_id))
        assert isinstance(caller, PersonCaller)
        if (why_not := not_theirs(kind, decision, may_end=_may_end(caller.role))) is not None:
            return await again(409, reason_in(why_not, language, loan.currency))
        if cases.is_settled_here(loan, case_id):
            # The loan that is collected now knows nothing of it.
            return await again(409, words["decide_elsewhere"])
        try:
            await desk.decide(loan, acting(caller), case_id, decision, note.strip())
        except OrderRefused as why:
            return await again(409, reason_in(str(why), language, loan.currency))
        except LoanNotRunning:
            return await again(409, words["decide_ended"])
        except TemporalUnavailable:
            return await again(503, words["order_unanswered"])
        return RedirectResponse("/cases?done=true", 303)

    return router


def open_cases(session: Session, request: Request, loan: Loan, at: datetime, role: Role) -> list[dict[str, Any]]:
    """A loan's cases that wait, as the pages show them to somebody of this role."""
    return [
        case_shown(request, case, loan, at, role)
        for case in cases.of_loan(session, loan)
        if case.state is CaseState.OPEN
    ]


def names(session: Session) -> dict[str, str]:
    """How people of ours sign in, by how the records name them."""
    return {f"account:{each.id}": each.login for each in accounts.listing(session)}


def case_shown(request: Request, case: CollectionCase, loan: Loan, at: datetime, role: Role) -> dict[str, Any]:
    language, words = words_for(request.headers.get("accept-language", ""))
    amount = None
    if case.amount_minor is not None:
        money = Money(amount_minor=case.amount_minor, currency=loan.currency)
        amount = format_money(money, locale_of(language, ""))
    return {
        "case_id": case.case_id,
        "lender": loan.lender,
        "loan_id": loan.loan_id,
        "queue": case.queue,
        "kind": words.get(f"kind_{case.kind}", case.kind.replace("_", " ")),
        "reason": reason_in(case.reason, language, loan.currency),
        "amount": amount,
        "until": moment(case.sla_at, language) if case.sla_at else "",
        "late": case.sla_at is not None and case.sla_at < at,
        "decisions": [
            (each.value, decision_word(words, case.kind, each.value))
            for each in decisions_on(case.kind, may_end=_may_end(role))
        ],
        "way": words["refund_way"].format(case.case_id) if case.kind == CaseKind.REFUND else "",
        "approve_at": f"/loans/{loan.lender}/{loan.loan_id}#agreements" if case.kind == CaseKind.APPROVAL else "",
    }


def decision_word(words: Mapping[str, str], kind: str, decision: str) -> str:
    """What a decision on a case of this kind is called: on an offer that waits for approval `continue` declines it."""
    declines = kind == CaseKind.APPROVAL and decision == CaseDecision.CONTINUE
    return words["decide_decline"] if declines else words.get(f"decide_{decision}", decision.replace("_", " "))


def _may_end(role: Role) -> bool:
    """Whether they may give up a debt that is still owed."""
    return role is Role.SUPERVISOR


def moment(at: datetime, language: str) -> str:
    """A moment as the pages write it."""
    return format_datetime(at, "d MMM y, HH:mm", locale=locale_of(language, ""))
