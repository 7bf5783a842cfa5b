"""Sign-in through the lender's own OpenID Connect provider: authorisation code with PKCE, state and nonce (authlib)."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from joserfc.errors import JoseError

from config.web_settings import OpenIdConnect
from domain.access import Role
from domain.sign_in import LOGIN
from records import accounts
from records.database import Database
from records.locks import one_at_a_time
from records.tables import Account
from web.access import LONGEST_NEXT, Doorkeeper
from web.sign_in import EVERYONE, inside, page, with_session

_LOG = logging.getLogger("recobro.web")


def provider_router(
    database: Database,
    keeper: Doorkeeper,
    now: Callable[[], datetime],
    settings: OpenIdConnect,
    public_url: str | None,
) -> APIRouter:
    """`/sign-in/provider` sends people there, `/sign-in/provider/back` takes them in.

    Needs Starlette's SessionMiddleware: its cookie holds state, nonce and verifier while they are away.
    """
    oauth = OAuth()
    oauth.register(
        "provider",
        server_metadata_url=settings.issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": 10.0},
    )
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in/provider", dependencies=[Depends(EVERYONE)])
    async def away(request: Request, next: Annotated[str, Query(max_length=LONGEST_NEXT)] = "/") -> Response:
        request.session.clear()
        request.session["next"] = inside(next)
        base = public_url.rstrip("/") if public_url else str(request.base_url).rstrip("/")
        try:
            answer: Response = await oauth.provider.authorize_redirect(request, f"{base}/sign-in/provider/back")
        except (httpx.HTTPError, AuthlibBaseError, JoseError, RuntimeError, ValueError) as error:
            return _not_in(request, error)
        return answer

    @router.get("/sign-in/provider/back", dependencies=[Depends(EVERYONE)])
    async def back(request: Request) -> Response:
        """303 to where they wanted to go; 403 without a role; 400 when the answer is not to be trusted."""
        wanted = request.session.get("next", "/")
        try:
            token = await oauth.provider.authorize_access_token(request)
        except (
            httpx.HTTPError,
            AuthlibBaseError,
            JoseError,  # of a token that is not to be trusted: signed by another key, expired, for somebody else
            RuntimeError,
            ValueError,
            KeyError,
            TypeError,
        ) as error:
            return _not_in(request, error)
        finally:
            request.session.clear()
        claims: Mapping[str, Any] = token.get("userinfo") or {}
        if not claims.get("sub"):
            return _not_in(request, KeyError("sub"))
        role = role_of(claims, settings)
        if role is None:
            _turn_out(database, settings.issuer, _subject(claims), now())
            return page(request, "not_in", 403, wrong="no_role")
        session_token = secrets.token_urlsafe(32)
        if not _take_in(database, keeper, claims, role, session_token, settings.issuer, now()):
            return page(request, "not_in", 403, wrong="refused")
        return with_session(keeper, RedirectResponse(inside(wanted), 303), session_token)

    return router


def role_of(claims: Mapping[str, Any], settings: OpenIdConnect) -> Role | None:
    """The role that the provider's claim stands for; of several the first in the order of the settings."""
    said = claims.get(settings.role_claim)
    values = {said} if isinstance(said, str) else {each for each in said or () if isinstance(each, str)}
    return next((role for value, role in settings.roles.items() if value in values), None)


def _subject(claims: Mapping[str, Any]) -> str:
    return str(claims["sub"])[:255]


def _turn_out(database: Database, issuer: str, subject: str, at: datetime) -> None:
    """The provider says that this person has no role: what they opened while they had one ends too."""
    with database.writing() as session:
        account = accounts.of_provider(session, issuer, subject)
        if account is not None:
            accounts.turn_out(session, account, at=at, by="provider")


def _take_in(
    database: Database,
    keeper: Doorkeeper,
    claims: Mapping[str, Any],
    role: Role,
    token: str,
    issuer: str,
    at: datetime,
) -> bool:
    """Open a session for the person, whose account is made at their first sign-in; False: it is closed."""
    subject = _subject(claims)
    with database.writing() as session:
        # Two who come in for the first time at once might be given one name.
        one_at_a_time(session, "first sign-in through the provider")
        account = accounts.of_provider(session, issuer, subject)
        if account is None:
            login = _free_name(session, claims, subject)
            account = accounts.create(
                session,
                login=login,
                role=role,
                password_hash=None,
                at=at,
                by="provider",
                issuer=issuer,
                subject=subject,
            )
        if account.disabled_at is not None:
            return False
        accounts.set_role(session, account, role, at=at, by="provider")
        accounts.forget_old_sessions(session, at, keeper.limits)
        accounts.sign_in(session, account, token, at=at, login_tried=account.login, attempt=None)
    return True


def _free_name(session: Any, claims: Mapping[str, Any], subject: str) -> str:
    """A sign-in name nobody has: an account with a password is never taken over by a provider's person.

    It stands in the audit trail and at the command line: what no account may be called there nobody is called here, and
    an e-mail address that the provider has not verified may be anybody's.
    """
    from sqlmodel import select

    for claim in ("preferred_username", "email"):
        if claim == "email" and claims.get("email_verified") is not True:
            continue
        wanted = str(claims.get(claim) or "").casefold()
        if re.fullmatch(LOGIN, wanted) and session.exec(select(Account).where(Account.login == wanted)).first() is None:
            return wanted
    return f"provider-{accounts.hashed(subject)[:16]}"


def _not_in(request: Request, error: Exception) -> Response:
    _LOG.warning("sign-in through the provider failed: %s", type(error).__name__)
    return page(request, "not_in", 400, wrong="failed")
