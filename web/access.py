"""Who may call a route: declared beside it, refused unless declared.

Every route has one `Access` among its dependencies. `everything_is_declared` is asked before the app serves, so a
route that nobody thought about does not open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import SplitResult, quote, urlsplit

from fastapi import FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match

from domain.access import Answer, Caller, Nobody, PersonCaller, Public, Rule, may
from domain.sign_in import SessionLimits
from records import accounts, api_keys
from records.database import Database

NOT_YOURS = "this is not for you"
ANOTHER_SITE = "this was asked for by another site"
LONGEST_NEXT = 500
"""Characters of the address that somebody who signs in comes back to."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_WORDS = ("text", "words", "note")
"""Fields of our forms in which people write sentences."""
_PORTS = {"http": 80, "https": 443}


class NotDeclared(RuntimeError):
    """A route without a word on who may call it."""


class SignInFirst(HTTPException):
    """A page is asked for by nobody we know. `next`: where to go on; `unsent`: a change was asked for, and not made;
    `typed`: the sentences that came with it."""

    def __init__(self, next: str, unsent: bool = False, typed: tuple[str, ...] = ()) -> None:
        told = "&unsent=true" if unsent else ""
        super().__init__(303, headers={"location": f"/sign-in?next={quote(next, safe='/')}{told}"})
        self.next, self.unsent, self.typed = next, unsent, typed


class Doorkeeper:
    """Finds out who calls, and whether a page of this app sent them."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        *,
        limits: SessionLimits,
        public_url: str | None,
    ) -> None:
        self.database, self.now, self.limits = database, now, limits
        self._own = _origin(public_url) if public_url else None
        self.https = bool(public_url and public_url.lower().startswith("https:"))

    @property
    def cookie(self) -> str:
        """Browsers take a __Host- cookie from this very host over https only, so no neighbour can plant one."""
        return "__Host-recobro" if self.https else "recobro"

    async def who(self, request: Request) -> Caller:
        """The caller by API key, else by session. A key that is wrong is not made good by a cookie."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await asyncio.to_thread(self._by_key, given.strip())
        token = request.cookies.get(self.cookie)
        return await asyncio.to_thread(self._by_session, token) if token else Nobody()

    def same_origin(self, request: Request) -> bool:
        """Whether a browser sends this from a page of ours: a form of another site carries our cookie too.

        By Sec-Fetch-Site, which no page can set, and for browsers without it by Origin; with neither it is no
        browser's form and holds no cookie worth guarding, but is refused all the same.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("origin")
        if origin is None:
            return False
        return origin == self.origin(request)

    def sent_by_another_site(self, request: Request) -> bool:
        """Whether a browser says that a page of another site led here: it carries our cookie where a link is opened."""
        return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")

    def origin(self, request: Request) -> str:
        """Ours, as browsers write it."""
        return self._own or _origin(str(request.base_url))

    def _by_key(self, key: str) -> Caller:
        now = self.now()
        with self.database.reading() as session:
            found = api_keys.known_by(session, key, now)
        if found is None:
            return Nobody()
        caller, due = found
        if due:
            with self.database.writing() as session:
                api_keys.used(session, caller.prefix, now)
        return caller

    def _by_session(self, token: str) -> Caller:
        now = self.now()
        with self.database.reading() as session:
            found = accounts.known_by(session, token, now, self.limits)
        if found is None:
            return Nobody()
        caller, due = found
        if due:
            with self.database.writing() as session:
                accounts.seen(session, token, now)
        return caller


class Access:
    """A dependency that lets in whoever the rule lets in, and gives the route its caller.

    401 for nobody (a page sends them to sign in instead), 403 for a caller it is not for, and 403 for a change that
    a page of another site asks for. `leaves`: the change ends the session, so there is nothing to come back to.
    """

    def __init__(self, rule: Rule, *, page: bool = False, leaves: bool = False) -> None:
        self.rule, self.page, self.leaves = rule, page, leaves

    async def __call__(self, request: Request) -> Caller:
        if isinstance(self.rule, Public):
            return Nobody()
        doorkeeper = doorkeeper_of(request)
        caller = await doorkeeper.who(request)
        match may(caller, self.rule):
            case Answer.UNKNOWN if self.page and self.leaves:
                raise SignInFirst("/")
            case Answer.UNKNOWN if self.page and request.method in _SAFE:
                raise SignInFirst(_within_bounds(request.url.path, request.url.query))
            case Answer.UNKNOWN if self.page:
                typed = await _typed(request) if self.asked_from_here(request) else ()
                raise SignInFirst(_page_of_form(request, doorkeeper), unsent=True, typed=typed)
            case Answer.UNKNOWN:
                raise HTTPException(401, "say who you are", headers={"www-authenticate": "Bearer"})
            case Answer.FORBIDDEN:
                raise HTTPException(403, NOT_YOURS)
            case Answer.ALLOWED:
                pass
        changes = request.method not in _SAFE
        if changes and isinstance(caller, PersonCaller) and not self.asked_from_here(request):
            raise HTTPException(403, ANOTHER_SITE)
        return caller

    def asked_from_here(self, request: Request) -> bool:
        """Whether a change is asked for by a page that may ask for it in a person's name."""
        return doorkeeper_of(request).same_origin(request)


def doorkeeper_of(request: Request) -> Doorkeeper:
    keeper = request.app.state.doorkeeper
    assert isinstance(keeper, Doorkeeper)
    return keeper


def rule_of(route: BaseRoute) -> Rule | None:
    """What a route declares; None: nothing."""
    if not isinstance(route, APIRoute):
        return None
    declared = [each.call.rule for each in route.dependant.dependencies if isinstance(each.call, Access)]
    return declared[0] if len(declared) == 1 else None


def everything_is_declared(app: FastAPI) -> None:
    """Raise NotDeclared, naming every route that says not, or says twice, who may call it."""
    silent = [getattr(route, "path", repr(route)) for route in app.routes if rule_of(route) is None]
    if silent:
        raise NotDeclared(f"who may call {', '.join(silent)}? Give each route one Access(...)")


def _page_of_form(request: Request, keeper: Doorkeeper) -> str:
    """The page on which a form stands, as far as the browser names it: the addresses of changes cannot be opened."""
    sent_from = _parted(request.headers.get("referer", ""))
    ours = _origin(sent_from.geturl()) == keeper.origin(request)
    path, query = (sent_from.path, sent_from.query) if ours else (request.url.path, "")
    if _opens(request, path):
        return _within_bounds(path, query)
    return next((above for above in _above(path) if _opens(request, above)), "/")


def _opens(request: Request, path: str) -> bool:
    asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)


def _above(path: str) -> Iterator[str]:
    while path.strip("/"):
        path = path.rpartition("/")[0]
        yield path or "/"


def _within_bounds(path: str, query: str) -> str:
    whole = f"{path}?{query}" if query else path
    return next((each for each in (whole, path) if len(each) <= LONGEST_NEXT), "/")


async def _typed(request: Request) -> tuple[str, ...]:
    form = await request.form()
    given = (form.get(name) for name in _OWN_WORDS)
    return tuple(each[:20_000] for each in given if isinstance(each, str) and each.strip())


def _parted(url: str) -> SplitResult:
    """What is no address is taken for none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _origin(url: str) -> str:
    """As browsers write it: in small letters, without the scheme's own port."""
    parts = _parted(url)
    try:
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    named = "" if port is None or port == _PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{host}{named}"
