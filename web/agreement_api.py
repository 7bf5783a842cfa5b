"""Agreements at the API: what may be offered, agreeing on it, approving, accepting, moving a date, calling off."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.access import Caller, PersonCaller, Role, Scope, roles
from domain.agreements.model import AgreementKind, Via
from domain.agreements.terms import Name as OptionName
from domain.events.values import Amount, Day, Reference
from domain.message_names import WithoutNumber
from records.database import Database
from web.access import Access, doorkeeper_of
from web.agreement_desk import AgreementDesk, Chosen, Said, acting
from web.api import Name, Wrong, loan_for
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable

AGREE = Access(roles(Role.AGENT, Role.SUPERVISOR, scope=Scope.AGREEMENTS_WRITE))
PEOPLE = Access(roles(Role.AGENT, Role.SUPERVISOR))
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Number = Annotated[int, Path(ge=1, le=1000)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The caller's own name of this order: sent again with it, it is done once and answered alike.",
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Evidence(_Body):
    """The borrower's yes. `words` are kept sealed; the loan gets their hash alone."""

    words: Words | None = None
    message_id: Annotated[Reference, WithoutNumber] | None = None

    @property
    def said(self) -> Said | None:
        return None if self.words is None and self.message_id is None else Said(self.words, self.message_id)


class _Yes(_Evidence):
    """How the borrower said yes."""

    via: Via | None = Field(None, description="Default: agent for people, message for services.")


class NewPromise(_Yes):
    """Services must bring the borrower's yes."""

    amount_minor: Amount
    date: Day


class NewAgreement(_Yes):
    """An offer as `offers` names it. Without `words` and `message_id` it waits for its acceptance."""

    kind: AgreementKind
    option: OptionName
    percent: int | None = Field(None, ge=1, le=100)
    bearable_minor: Amount | None = None

    @model_validator(mode="after")
    def _is_of_the_catalogue(self) -> NewAgreement:
        if self.kind is AgreementKind.PROMISE:
            raise ValueError("promises are made at /promises")
        return self


class Acceptance(_Yes):
    @model_validator(mode="after")
    def _was_said(self) -> Acceptance:
        if self.said is None:
            raise ValueError("words or message_id is missing: a yes is recorded with what was said")
        return self


class NewDate(_Evidence):
    to: Day


class Done(BaseModel):
    """What the loan answered; `agreement`: the number of the one it was about."""

    detail: str
    agreement: int | None = None


def agreement_router(database: Database, desk: AgreementDesk) -> APIRouter:
    """Under `/api/v1/loans/{lender}/{loan_id}`. 404 no such loan; 409 refused, with why; 503 try again."""
    router = APIRouter(
        prefix="/api/v1/loans/{lender}/{loan_id}",
        responses={number: {"model": Wrong} for number in (401, 403, 404, 409, 422, 503)},
        tags=["agreements"],
    )

    async def answered(asked: Any) -> Any:
        try:
            return await asked
        except OrderRefused as error:
            raise HTTPException(409, str(error)) from None
        except LoanNotRunning as error:
            raise HTTPException(409, str(error)) from None
        except TemporalUnavailable:
            raise HTTPException(503, "the loan cannot be asked at the moment", {"retry-after": "5"}) from None

    async def done(asked: Any) -> Done:
        answer = await answered(asked)
        return Done(detail=answer.detail, agreement=answer.agreement)

    @router.get("/offers")
    async def offers(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(AGREE)],
        bearable_minor: Annotated[int | None, Query(ge=1, le=10**15)] = None,
    ) -> dict[str, Any]:
        """What may be offered now by who asks, each with its rule; kept in the audit trail."""
        loan = loan_for(database, caller, lender, loan_id)
        elsewhere = doorkeeper_of(request).sent_by_another_site(request)
        asked = await answered(desk.ask(loan, acting(caller), bearable_minor, by_another_site=elsewhere))
        return {
            "lender": lender,
            "loan_id": loan_id,
            "request": asked.request.model_dump(mode="json", exclude={"holidays"}),
            **asked.found.model_dump(mode="json"),
        }

    @router.post("/promises")
    async def promise(
        lender: Name, loan_id: Name, given: NewPromise, caller: Annotated[Caller, Depends(AGREE)], key: Key = None
    ) -> Done:
        """Take down a promise to pay."""
        loan = loan_for(database, caller, lender, loan_id)
        if given.said is None and not isinstance(caller, PersonCaller):
            raise HTTPException(422, "words or message_id is missing")
        via, once = given.via or _usual(caller), _update_id(caller, "promise", key)
        return await done(
            desk.promise(loan, acting(caller), given.amount_minor, given.date, via=via, said=given.said, update_id=once)
        )

    @router.post("/agreements")
    async def agree(
        lender: Name, loan_id: Name, given: NewAgreement, caller: Annotated[Caller, Depends(AGREE)], key: Key = None
    ) -> Done:
        """Agree on an offer: in force with the borrower's yes, else it waits for it, or for an approval."""
        loan = loan_for(database, caller, lender, loan_id)
        chosen, once = Chosen(given.kind, given.option, given.percent), _update_id(caller, "agree", key)
        return await done(
            desk.agree_once(
                loan,
                acting(caller),
                chosen,
                once,
                via=given.via or _usual(caller),
                said=given.said,
                bearable_minor=given.bearable_minor,
            )
        )

    @router.post("/agreements/{number}/acceptance")
    async def accept(
        lender: Name,
        loan_id: Name,
        number: Number,
        given: Acceptance,
        caller: Annotated[Caller, Depends(AGREE)],
        key: Key = None,
    ) -> Done:
        """The borrower's yes to an offer that waits for it."""
        loan = loan_for(database, caller, lender, loan_id)
        assert given.said is not None
        via, once = given.via or _usual(caller), _update_id(caller, f"accept {number}", key)
        return await done(desk.accept(loan, acting(caller), number, via=via, said=given.said, update_id=once))

    @router.post("/agreements/{number}/approval")
    async def approve(lender: Name, loan_id: Name, number: Number, caller: Annotated[Caller, Depends(PEOPLE)]) -> Done:
        """Approve what goes beyond its proposer's authority; never one's own."""
        loan = loan_for(database, caller, lender, loan_id)
        return await done(desk.approve(loan, acting(caller), number))

    @router.post("/agreements/{number}/due-date")
    async def move(
        lender: Name,
        loan_id: Name,
        number: Number,
        given: NewDate,
        caller: Annotated[Caller, Depends(AGREE)],
        key: Key = None,
    ) -> Done:
        """Move the next due date, once, within what the strategy allows."""
        loan = loan_for(database, caller, lender, loan_id)
        once = _update_id(caller, f"move {number}", key)
        return await done(desk.move(loan, acting(caller), number, given.to, said=given.said, update_id=once))

    @router.post("/agreements/{number}/cancellation")
    async def cancel(lender: Name, loan_id: Name, number: Number, caller: Annotated[Caller, Depends(PEOPLE)]) -> Done:
        """Call off an agreement or an offer."""
        loan = loan_for(database, caller, lender, loan_id)
        return await done(desk.cancel(loan, acting(caller), number))

    return router


def _usual(caller: Caller) -> Via:
    return Via.AGENT if isinstance(caller, PersonCaller) else Via.MESSAGE


def _update_id(caller: Caller, order: str, key: str | None) -> str | None:
    """Temporal's id of the order: the same key of somebody else, or with another order, is another."""
    if key is None:
        return None
    named = f"{acting(caller).actor}\n{order}\n{key}"
    return f"api-{hashlib.sha256(named.encode()).hexdigest()[:40]}"
