"""Calls and visits of people at the API, as a telephone system tells of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict

from domain.access import Caller, PersonCaller, Role, Scope, ServiceCaller, roles
from domain.contact import Channel
from domain.events.values import Moment
from domain.moments import iso
from domain.talks import NoTalk, Talk
from records import talks
from records.database import Database
from web.access import Access
from web.api import Name, Wrong, loan_for

TELL = Access(roles(Role.AGENT, Role.SUPERVISOR, scope=Scope.CONTACTS_WRITE))


class NewTalk(BaseModel):
    """A call or visit that began `at`. `inbound`: the borrower called or came. `answered`: they were spoken with."""

    model_config = ConfigDict(extra="forbid")

    channel: Literal[Channel.CALL, Channel.VISIT]
    at: Moment
    inbound: bool = False
    answered: bool = True


class TalkAnswer(BaseModel):
    """`noted` is false when it was known."""

    noted: bool
    channel: Channel
    at: str
    inbound: bool
    answered: bool


def talks_router(database: Database, now: Callable[[], datetime]) -> APIRouter:
    """`/api/v1/loans/{lender}/{loan_id}/talks`. 404 no such loan; 409 it cannot have been, with why."""
    router = APIRouter(
        prefix="/api/v1/loans/{lender}/{loan_id}/talks",
        responses={number: {"model": Wrong} for number in (401, 403, 404, 409, 422)},
        tags=["conversation"],
    )

    @router.post("")
    def note(lender: Name, loan_id: Name, given: NewTalk, caller: Annotated[Caller, Depends(TELL)]) -> TalkAnswer:
        """Note it, once for each moment, channel and loan: the contact rules of all the borrower's loans count it."""
        loan = loan_for(database, caller, lender, loan_id)
        assert isinstance(caller, PersonCaller | ServiceCaller)
        talk = Talk(given.channel, given.at, given.inbound, given.answered)
        try:
            with database.writing(durable=True) as session:
                noted = talks.note(session, loan, talk, by=caller.actor, now=now())
        except NoTalk as why:
            raise HTTPException(409, str(why)) from None
        return TalkAnswer(
            noted=noted, channel=talk.channel, at=iso(talk.at), inbound=talk.inbound, answered=talk.answered
        )

    return router
