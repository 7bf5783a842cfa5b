"""The form on the page of a conversation by which people note their own calls and visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from domain.access import Caller
from domain.contact import Channel
from domain.talks import Talk
from records import people, talks
from records.database import Database
from web.agreement_desk import acting
from web.api import Name, loan_for
from web.case_pages import TALK


class How(StrEnum):
    SPOKE = "spoke"
    NO_ANSWER = "no_answer"
    INBOUND = "inbound"


class Told(StrEnum):
    """What became of the form, as the page says it."""

    NOTED = "noted"
    KNOWN = "known"
    REFUSED = "refused"


def talk_pages(database: Database, now: Callable[[], datetime]) -> APIRouter:
    """`/loans/{lender}/{loan_id}/talked`: back to the conversation, which says what became of it."""
    router = APIRouter(include_in_schema=False)

    @router.post("/loans/{lender}/{loan_id}/talked")
    def note(
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(TALK)],
        channel: Annotated[Literal[Channel.CALL, Channel.VISIT], Form()],
        how: Annotated[How, Form()],
        at: Annotated[str, Form(max_length=40)],
    ) -> Response:
        """`at`: the minute it began, on the borrower's clock."""
        loan = loan_for(database, caller, lender, loan_id)
        by = acting(caller).actor
        with database.writing(durable=True) as session:
            zone = ZoneInfo(people.of_loan(session, loan).timezone or "UTC")
            try:
                talk = Talk(channel, _moment(at, zone), inbound=how is How.INBOUND, answered=how is not How.NO_ANSWER)
                told = Told.NOTED if talks.note(session, loan, talk, by=by, now=now()) else Told.KNOWN
            except (ValueError, OverflowError):
                told = Told.REFUSED
        return RedirectResponse(f"/loans/{lender}/{loan_id}/thread?talk={told}#talk", 303)

    @router.get("/loans/{lender}/{loan_id}/talked")
    def opened(lender: Name, loan_id: Name, _caller: Annotated[Caller, Depends(TALK)]) -> Response:
        """The address of the form that is opened again, by a browser or after signing in."""
        return RedirectResponse(f"/loans/{lender}/{loan_id}/thread", 303)

    return router


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """Raises ValueError, OverflowError."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(ZoneInfo("UTC"))
