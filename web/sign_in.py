"""Pages on which people sign in, see who they are, change their password and sign out."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.access import EVERY_ROLE, Caller, Only, PersonCaller, Public, Role
from domain.sign_in import LONGEST_PASSWORD, why_no_password
from records import accounts, campaigns
from records.database import Database
from records.tables import Account, CaseState, CollectionCase
from web import passwords
from web.access import ANOTHER_SITE, LONGEST_NEXT, Access, Doorkeeper
from web.page_words import words_for

_LOG = logging.getLogger("recobro.web")
PAGES = Path(__file__).parent / "pages"
EVERYONE = Access(Public("people who have not signed in yet must reach it"))
PEOPLE = Access(Only(EVERY_ROLE), page=True)
LEAVING = Access(Only(EVERY_ROLE), page=True, leaves=True)
_CHANGED = "the account was changed just now"
_Text = Annotated[str, Form(max_length=LONGEST_PASSWORD)]


def pages_router(
    database: Database, keeper: Doorkeeper, now: Callable[[], datetime], provider_name: str | None
) -> APIRouter:
    """The pages. `provider_name` is on the button of the lender's own sign-in; None: there is none."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/style.css", dependencies=[Depends(EVERYONE)])
    def style() -> Response:
        return FileResponse(PAGES / "style.css", headers={"cache-control": "public, max-age=3600"})

    @router.get("/sign-in", dependencies=[Depends(EVERYONE)])
    def form(
        request: Request, next: Annotated[str, Query(max_length=LONGEST_NEXT)] = "/", unsent: bool = False
    ) -> Response:
        """`unsent`: they asked for a change when they were signed in no more."""
        wrong = "unsent" if unsent else None
        return page(request, "sign_in", next=inside(next), provider=provider_name, wrong=wrong)

    @router.post("/sign-in", dependencies=[Depends(EVERYONE)])
    def sign_in(  # nosec B107 # a field left empty
        request: Request,
        login: _Text = "",
        password: _Text = "",
        next: Annotated[str, Form(max_length=LONGEST_NEXT)] = "/",
    ) -> Response:
        """303 to where they wanted to go; 401 and the form again; 429 with Retry-After when it was tried too often."""
        if not keeper.same_origin(request):
            raise HTTPException(403, ANOTHER_SITE)
        at = now()
        address = request.client.host if request.client else "unknown"
        with database.writing() as session:
            attempt = accounts.begin_attempt(session, login=login, address=address, at=at)
        again: dict[str, Any] = {"next": inside(next), "provider": provider_name, "login": login}
        if isinstance(attempt, timedelta):
            seconds = int(attempt.total_seconds()) + 1
            return page(request, "sign_in", 429, {"retry-after": str(seconds)}, wrong="wait", wait=seconds, **again)
        account = _account(database, login)
        kept = account.password_hash if account is not None and account.disabled_at is None else None
        if not passwords.matches(kept, password) or account is None or account.id is None or kept is None:
            _LOG.warning("a sign-in was refused")
            return page(request, "sign_in", 401, wrong="refused", **again)
        token = secrets.token_urlsafe(32)
        dated = passwords.hash_password(password) if passwords.is_dated(kept) else None
        with database.writing() as session:
            fresh = session.get_one(Account, account.id, with_for_update=True)
            if fresh.disabled_at is not None or fresh.password_hash != kept:
                raise HTTPException(403, _CHANGED)
            if dated is not None:
                accounts.rehash(session, account.id, kept, dated)
            accounts.forget_old_sessions(session, at, keeper.limits)
            accounts.sign_in(session, fresh, token, at=at, login_tried=login, attempt=attempt)
        return with_session(keeper, RedirectResponse(inside(next), 303), token)

    @router.post("/sign-out", dependencies=[Depends(LEAVING)])
    def sign_out(request: Request) -> Response:
        token = request.cookies.get(keeper.cookie)
        if token:
            with database.writing() as session:
                accounts.sign_out(session, token, now())
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(keeper.cookie, path="/", secure=keeper.https, httponly=True, samesite="lax")
        return answer

    @router.get("/")
    def home(request: Request, caller: Annotated[Caller, Depends(PEOPLE)], changed: bool = False) -> Response:
        """`changed`: their password was, just now."""
        assert isinstance(caller, PersonCaller)
        with database.reading() as session:
            return page(request, "home", caller=caller, changed=changed, **_seen_by(session, caller, now()))

    @router.get("/password")
    def password_form(request: Request, caller: Annotated[Caller, Depends(PEOPLE)]) -> Response:
        return page(request, "password", caller=caller)

    @router.post("/password")
    def change_password(
        request: Request,
        caller: Annotated[Caller, Depends(PEOPLE)],
        current: _Text = "",
        new: _Text = "",
    ) -> Response:
        """Ends every session of the account, and opens one anew for whoever changed it."""
        assert isinstance(caller, PersonCaller)
        if why_no_password(new, caller.login) is not None:
            return page(request, "password", 422, caller=caller, wrong="weak")
        at = now()
        address = request.client.host if request.client else "unknown"
        with database.writing() as session:
            attempt = accounts.begin_attempt(session, login=caller.login, address=address, at=at)
        if isinstance(attempt, timedelta):
            seconds = int(attempt.total_seconds()) + 1
            headers = {"retry-after": str(seconds)}
            return page(request, "password", 429, headers, caller=caller, wrong="wait", wait=seconds)
        account = _account(database, caller.login)
        if account is None or not passwords.matches(account.password_hash, current):
            return page(request, "password", 401, caller=caller, wrong="current")
        hashed, token = passwords.hash_password(new), secrets.token_urlsafe(32)
        with database.writing() as session:
            fresh = session.get_one(Account, caller.account_id, with_for_update=True)
            # The check took a while: an operator's reset or closing in between counts, not this.
            if fresh.disabled_at is not None or fresh.password_hash != account.password_hash:
                raise HTTPException(403, _CHANGED)
            accounts.set_password(session, fresh, hashed, at=at, by=caller.actor)
            accounts.sign_in(session, fresh, token, at=at, login_tried=caller.login, attempt=attempt)
        return with_session(keeper, RedirectResponse("/?changed=true", 303), token)

    return router


def with_session(keeper: Doorkeeper, answer: Response, token: str) -> Response:
    """The answer with the session's cookie; it ends with the browser, or when the server says so."""
    answer.set_cookie(keeper.cookie, token, path="/", secure=keeper.https, httponly=True, samesite="lax")
    return answer


def inside(wanted: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable():
        return wanted
    return "/"


def _account(database: Database, login: str) -> Account | None:
    if not login.isprintable():
        return None
    with database.reading() as session:
        return session.exec(select(Account).where(Account.login == login.casefold())).first()


def _seen_by(session: Session, caller: PersonCaller, at: datetime) -> dict[str, Any]:
    """What the first page shows: campaigns to those who run or check them, waiting cases to all."""
    waiting = (
        select(CollectionCase.queue, func.count(), func.min(CollectionCase.sla_at))
        .where(CollectionCase.state == CaseState.OPEN)
        .group_by(col(CollectionCase.queue))
        .order_by(col(CollectionCase.queue))
    )
    shown = [] if caller.role is Role.AGENT else list(campaigns.listing(session))[-20:]
    came = campaigns.progress_of(session, [row.id for row in shown])
    return {
        "has_password": session.get_one(Account, caller.account_id).issuer is None,
        "campaigns": [(row, came[row.id]) for row in reversed(shown)],
        "queues": [(queue, number, sla is not None and sla < at) for queue, number, sla in session.exec(waiting).all()],
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
    )


def page(
    request: Request, name: str, status: int = 200, headers: dict[str, str] | None = None, **given: Any
) -> HTMLResponse:
    """A page in the language of the browser, or in the `language` given."""
    language, words = words_for(request.headers.get("accept-language", ""))
    known = {"wrong": None, "wait": 0, "login": "", "caller": None, "typed": (), "language": language} | given
    text = _environment().get_template(f"{name}.html.j2").render(w=words, **known)
    return HTMLResponse(text, status, {"vary": "accept-language", **(headers or {})})
