"""The API for services and for people who are signed in: JSON, amounts in minor units, moments in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col, select

from domain.access import (
    EVERY_ROLE,
    AnyoneKnown,
    Caller,
    Only,
    PersonCaller,
    Role,
    Scope,
    ServiceCaller,
    may_see_contact_data,
    roles,
    sees_lender,
)
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.events.values import MomentAsWritten, Reference
from domain.moments import iso
from domain.payments import FAR_AHEAD
from records import campaigns, loans
from records.database import Database
from records.tables import Audit, Campaign, CaseState, CollectionCase, Loan
from web.access import Access
from web.answers import AuditRowAnswer, CampaignAnswer, CampaignsAnswer, CasesAnswer, LoanAnswer, TrailAnswer
from web.loan_record import case_record, loan_record
from web.payment_entry import Entered, Entry, PaymentRefused, StatementBeingTakenIn, hear_payment, hear_reversal

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
_ROW_ID = 2**31 - 1
WRITE_PAYMENTS = Access(Only(scope=Scope.PAYMENTS_WRITE))
READ_LOANS = Access(Only(EVERY_ROLE, Scope.LOANS_READ))
READ_CAMPAIGNS = Access(roles(Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR, scope=Scope.CAMPAIGNS_READ))
READ_CASES = Access(Only(EVERY_ROLE, Scope.CASES_READ))
READ_AUDIT = Access(roles(Role.SUPERVISOR, Role.AUDITOR, scope=Scope.AUDIT_READ))
KNOWN = Access(AnyoneKnown())


class Wrong(BaseModel):
    """What every refusal says; of a wrong body `detail` is a list that names each field."""

    detail: str | list[dict[str, Any]]


class NewPayment(PaymentReceived):
    """A payment that no webhook tells of. It counts once by `provider` and `payment_id`, however often it is sent.

    `paid_at` at midnight in UTC (`2026-03-02T00:00:00Z`) is that day where the borrower lives.
    """

    model_config = ConfigDict(extra="forbid")
    paid_at: MomentAsWritten
    lender: Name
    loan_id: Name
    provider: Annotated[Reference, StringConstraints(max_length=40)]


class NewReversal(PaymentReversed):
    model_config = ConfigDict(extra="forbid")
    lender: Name
    loan_id: Name
    provider: Annotated[Reference, StringConstraints(max_length=40)]


class Kept(BaseModel):
    """`new` is false when it was known. The loan is told at once, or as soon as Temporal answers."""

    new: bool
    amount_minor: int
    currency: str
    paid_at: str
    balance_due_minor: int


class Me(BaseModel):
    kind: str = Field(description="person or service")
    name: str
    role: Role | None = None
    scopes: list[Scope] = []
    lender: str | None = None


def api_router(database: Database, now: Callable[[], datetime], wake: Callable[[], None]) -> APIRouter:
    """Everything under `/api/v1`. `wake` is called when a loan has something new to hear."""
    router = APIRouter(
        prefix="/api/v1",
        responses={number: {"model": Wrong} for number in (400, 401, 403, 404, 409, 422)},
        tags=["api"],
    )

    @router.get("/me")
    def me(caller: Annotated[Caller, Depends(KNOWN)]) -> Me:
        """Who is calling, and what they may do."""
        match caller:
            case PersonCaller(login=login, role=role):
                return Me(kind="person", name=login, role=role)
            case ServiceCaller(name=name, scopes=scopes, lender=lender):
                return Me(kind="service", name=name, scopes=sorted(scopes), lender=lender)
        raise HTTPException(401)

    @router.get("/openapi.json", include_in_schema=False)
    def description(request: Request, _caller: Annotated[Caller, Depends(KNOWN)]) -> dict[str, Any]:
        """This API in OpenAPI's words."""
        return openapi_of(request.app.routes)

    @router.post("/payments", status_code=200, responses={503: {"model": Wrong}})
    def payment(given: NewPayment, caller: Annotated[Caller, Depends(WRITE_PAYMENTS)]) -> Kept:
        """Keep a payment, once; 200 only when it is stored for good.

        409: the id stands for other money; or nothing was counted and a person was told, because a bank statement
        brought this amount in these days, or `entry` is not the hand-over that is open. 503 with `Retry-After`: a
        statement is just being taken in, and nothing was kept.
        """
        loan = loan_for(database, caller, given.lender, given.loan_id)
        if given.currency != loan.currency:
            raise HTTPException(409, f"the loan is in {loan.currency}, not {given.currency}")
        if given.paid_at > now() + FAR_AHEAD:
            raise HTTPException(409, f"paid_at lies more than {FAR_AHEAD.days} days ahead")
        bound = isinstance(caller, ServiceCaller) and caller.lender is not None
        heard = partial(hear_payment, database, loan, given, of_its_lender_alone=bound)
        return kept(loan, heard, caller)

    @router.post("/payments/reversals", responses={503: {"model": Wrong}})
    def reversal(given: NewReversal, caller: Annotated[Caller, Depends(WRITE_PAYMENTS)]) -> Kept:
        """Take a payment back, once. 409: this loan has no such payment, or not of the hand-over `entry`."""
        loan = loan_for(database, caller, given.lender, given.loan_id)
        return kept(loan, lambda entry: hear_reversal(database, loan, given, given.provider, entry), caller)

    def kept(loan: Loan, enter: Callable[[Entry], Entered], caller: Caller) -> Kept:
        assert isinstance(caller, ServiceCaller)
        try:
            entered = enter(Entry(caller.actor, now()))
        except PaymentRefused as error:
            raise HTTPException(409, str(error)) from None
        except StatementBeingTakenIn as error:
            raise HTTPException(503, str(error), headers={"Retry-After": "15"}) from None
        wake()
        return Kept(
            new=entered.new,
            amount_minor=entered.amount_minor,
            currency=loan.currency,
            paid_at=iso(entered.paid_at),
            balance_due_minor=entered.balance_minor,
        )

    @router.get("/loans/{lender}/{loan_id}", response_model_exclude_unset=True)
    def loan(lender: Name, loan_id: Name, caller: Annotated[Caller, Depends(READ_LOANS)]) -> LoanAnswer:
        """What the records hold of a loan, as `starter.py loan show --json --history`.

        Names and addresses (`contact_data`) for agents, supervisors and keys with contact_data:read.
        """
        found = loan_for(database, caller, lender, loan_id)
        with database.reading() as session:
            return loan_record(
                session,
                loans.get(session, found.lender, found.loan_id),
                contact_data=may_see_contact_data(caller),
                history=True,
            )

    @router.get("/campaigns")
    def all_campaigns(caller: Annotated[Caller, Depends(READ_CAMPAIGNS)]) -> CampaignsAnswer:
        """Campaigns and how far each came, the oldest first."""
        with database.reading() as session:
            rows = [row for row in campaigns.listing(session) if sees_lender(caller, row.lender)]
            came = campaigns.progress_of(session, [row.id for row in rows])
            return CampaignsAnswer(campaigns=[_campaign(row, came[row.id]) for row in rows])

    @router.get("/cases")
    def open_cases(
        caller: Annotated[Caller, Depends(READ_CASES)],
        queue: Annotated[str | None, Query(max_length=64, pattern=r"^[\x20-\x7e]+$")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> CasesAnswer:
        """Cases that wait for a person, the most urgent first."""
        query = (
            select(CollectionCase, Loan)
            .join(Loan, col(Loan.id) == col(CollectionCase.loan_ref))
            .where(CollectionCase.state == CaseState.OPEN)
            .order_by(col(CollectionCase.sla_at).is_(None), col(CollectionCase.sla_at), col(CollectionCase.opened_at))
        )
        if queue is not None:
            query = query.where(CollectionCase.queue == queue)
        if isinstance(caller, ServiceCaller) and caller.lender is not None:
            query = query.where(Loan.lender == caller.lender)
        with database.reading() as session:
            rows = session.exec(query.limit(limit)).all()
            shown = may_see_contact_data(caller)
            return CasesAnswer(cases=[case_record(case, of, contact_data=shown) for case, of in rows])

    @router.get("/audit")
    def trail(
        caller: Annotated[Caller, Depends(READ_AUDIT)],
        after: Annotated[int, Query(ge=0, le=_ROW_ID, description="The id of the last row you have.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> TrailAnswer:
        """The audit trail in its order, from the row behind `after`; to a key of one lender that lender's rows."""
        query = select(Audit).where(col(Audit.id) > after).order_by(col(Audit.id)).limit(limit)
        if isinstance(caller, ServiceCaller) and caller.lender is not None:
            query = query.where(Audit.lender == caller.lender)
        with database.reading() as session:
            return TrailAnswer(rows=[_audit_row(row) for row in session.exec(query).all()])

    return router


def openapi_of(routes: Any) -> dict[str, Any]:
    """The API's own routes described; what providers and browsers call is not an API for services."""
    described = [route for route in routes if isinstance(route, APIRoute) and route.path.startswith("/api/")]
    found = get_openapi(title="Recobro", version="1", routes=described)
    found.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"key": []}]
    return found


def loan_for(database: Database, caller: Caller, lender: str, loan_id: str) -> Loan:
    """A loan that is the caller's business; whether another lender has it is told to nobody."""
    with database.reading() as session:
        found = loans.find(session, lender, loan_id) if sees_lender(caller, lender) else None
    if found is None:
        raise HTTPException(404, "no such loan")
    return found


def _campaign(row: Campaign, came: campaigns.Progress) -> CampaignAnswer:
    return CampaignAnswer(
        campaign_id=row.id,
        name=row.name,
        lender=row.lender,
        state=row.state.value,
        created_at=iso(row.created_at),
        **vars(came),
    )


def _audit_row(row: Audit) -> AuditRowAnswer:
    assert row.id is not None
    return AuditRowAnswer(
        id=row.id,
        at=iso(row.at),
        actor=row.actor,
        action=row.action,
        lender=row.lender,
        loan_id=row.loan_id,
        details=row.details,
        hash=row.hash,
    )
