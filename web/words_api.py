"""A person's own words to a borrower at the API: how they would go out, sending them, withdrawing them."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from activities.own_words import Draft, Judged, WordsRefused
from domain.access import Caller
from domain.contact import Channel
from domain.events.values import Moment, Reference
from records.database import Database
from web.agreement_api import PEOPLE
from web.agreement_desk import acting
from web.api import Name, Wrong, loan_for
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.words_desk import Ordered, WordsDesk

WordsId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
T = TypeVar("T")


class NewWords(BaseModel):
    """What to write. `channel` left out: the one the borrower wrote by last. `subject`: of an e-mail.

    `words_id` makes it once, however often it is sent; left out, the same words of the same person are one message a
    day. `case_id`: the open case they settle. `until`: later they are not sent; three days where it is left out.
    """

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=20_000)
    channel: Channel | None = None
    subject: str | None = Field(None, max_length=200)
    words_id: WordsId | None = None
    case_id: Reference | None = None
    until: Moment | None = None

    @property
    def draft(self) -> Draft:
        return Draft(self.text, self.channel, self.subject)


class Preview(BaseModel):
    """All that would go out. `answers` false: it counts as a contact. `not_before` null: now. Cost in millionths."""

    channel: Channel
    subject: str | None
    text: str
    answers: bool
    not_before: datetime | None
    rules: tuple[str, ...]
    sms_segments: int | None
    cost_micros: int
    cost_currency: str


class WordsAnswer(BaseModel):
    words_id: str
    detail: str


def words_router(database: Database, desk: WordsDesk) -> APIRouter:
    """Under `/api/v1/loans/{lender}/{loan_id}/words`. 404 no such loan; 409 refused, with why; 503 try again."""
    router = APIRouter(
        prefix="/api/v1/loans/{lender}/{loan_id}/words",
        responses={number: {"model": Wrong} for number in (401, 403, 404, 409, 422, 503)},
        tags=["conversation"],
    )

    async def answered(asked: Awaitable[T]) -> T:
        try:
            return await asked
        except (WordsRefused, OrderRefused, LoanNotRunning) as why:
            raise HTTPException(409, str(why)) from None
        except TemporalUnavailable:
            raise HTTPException(503, "the loan cannot be asked at the moment", {"retry-after": "5"}) from None

    @router.post("/preview")
    async def preview(
        lender: Name, loan_id: Name, given: NewWords, caller: Annotated[Caller, Depends(PEOPLE)]
    ) -> Preview:
        """How the words would read, when they may go and what they cost; nothing is kept."""
        loan = loan_for(database, caller, lender, loan_id)
        return _preview(await answered(desk.look(loan, given.draft)))

    @router.post("")
    async def send(
        lender: Name, loan_id: Name, given: NewWords, caller: Annotated[Caller, Depends(PEOPLE)]
    ) -> WordsAnswer:
        """Write to the borrower, inside the contact rules, once."""
        loan, by = loan_for(database, caller, lender, loan_id), acting(caller)
        words_id = given.words_id or desk.id_for(loan, by, given.draft)
        return _told(
            await answered(desk.send(loan, by, given.draft, words_id, case_id=given.case_id, until=given.until))
        )

    @router.post("/{words_id}/withdrawal")
    async def withdraw(
        lender: Name, loan_id: Name, words_id: Annotated[WordsId, Path()], caller: Annotated[Caller, Depends(PEOPLE)]
    ) -> WordsAnswer:
        """What has not gone out yet is not sent."""
        loan = loan_for(database, caller, lender, loan_id)
        return _told(await answered(desk.withdraw(loan, acting(caller), words_id)))

    return router


def _preview(judged: Judged) -> Preview:
    return Preview(
        channel=judged.channel,
        subject=judged.message.subject,
        text=judged.message.text,
        answers=judged.answers,
        not_before=judged.not_before,
        rules=judged.rules,
        sms_segments=judged.segments,
        cost_micros=judged.cost_micros,
        cost_currency=judged.cost_currency,
    )


def _told(ordered: Ordered) -> WordsAnswer:
    return WordsAnswer(words_id=ordered.words_id, detail=ordered.detail)
