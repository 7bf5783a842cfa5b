"""The web app: webhooks in, the API, the pages to sign in, and whether it lives and is ready."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.middleware.sessions import SessionMiddleware

from config.signed_addresses import SignedAddresses
from config.web_settings import OpenIdConnect
from domain.access import Public
from domain.sign_in import SessionLimits
from providers.webhooks.refused import RefusedReason
from records.database import Database
from web import metrics
from web.access import Access, Doorkeeper, everything_is_declared
from web.api import api_router
from web.bodies import BodyLimits
from web.headers import SecurityHeaders
from web.hearing import MessageReader
from web.ports import LoanSignals
from web.receiving import Intake, Taken, read_body, take_in
from web.refused_pages import answer_in_words
from web.relay import Relay, RelaySettings
from web.sign_in import pages_router
from web.sources import AsksFirst, Delivery, WebhookSource
from web.unsubscribe import unsubscribe_router
from web.voice import Desk, voice_router

_LOG = logging.getLogger("recobro.web")
_READY_SECONDS = 3.0
SIGNED = Depends(Access(Public("proven by the provider's signature")))
WATCHED = Depends(Access(Public("load balancers ask; it says nothing of loans")))
_STATUS = {
    Taken.STORED: 200,
    Taken.DUPLICATE: 200,
    Taken.REFUSED: 400,
    Taken.TOO_LARGE: 413,
    Taken.NOT_STORED: 503,
}

Now = Callable[[Request | None], datetime]
"""The aware time of a request, or by our own clock when there is none."""


def wall_clock(_request: Request | None) -> datetime:
    """The time now, whatever a request says."""
    return datetime.now(UTC)


def create_app(
    database: Database,
    signals: LoanSignals,
    sources: Mapping[str, WebhookSource],
    *,
    public_url: str | None = None,
    now: Now = wall_clock,
    relay: RelaySettings | None = None,
    reader: MessageReader = MessageReader(),
    routers: Sequence[APIRouter] = (),
    limits: SessionLimits = SessionLimits(),
    oidc: OpenIdConnect | None = None,
    beside: Sequence[Callable[[], Coroutine[None, None, None]]] = (),
    calls: Desk | None = None,
    addresses: SignedAddresses | None = None,
    by_our_host: bool = False,
) -> FastAPI:
    """The ASGI application; it relays webhooks while it runs.

    Raises NotDeclared when a route does not say who may call it.

    `sources` are the providers by the name in their address, `/webhooks/<name>`. `public_url` is our address
    as providers call it (scheme, host, port), which Twilio signs; None takes the request's own. `now` is
    asked with the request for the time a webhook came in, and with None for what concerns only us. `routers`
    are more routes beside these. `beside` runs as tasks while the app does. `calls` answers what
    Twilio asks while a call runs. `reader` reads what borrowers write. `addresses` reads those that were signed for
    borrowers. `by_our_host`: `now` is our host's clock whatever a request says, and what comes in is stamped with the
    database's time.
    """
    intake = Intake(database, (lambda: now(None)) if by_our_host else None)
    working = Relay(database, signals, sources, lambda: now(None), relay, reader, intake.flooded)
    counts: Counter[str] = Counter()
    reasons: Counter[tuple[str, RefusedReason]] = Counter()
    refused: dict[str, dict[str, object]] = {}

    def note_refusal(provider: str, reason: RefusedReason) -> None:
        reasons[provider, reason] += 1
        refused[f"{provider} {reason.value}"] = {
            "count": reasons[provider, reason],
            "last_at": now(None).isoformat(),
        }

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(working.run(), name="relay"), *(asyncio.create_task(one()) for one in beside)]
        try:
            yield
        finally:
            await intake.close()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    app = FastAPI(title="Recobro", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    app.add_middleware(BodyLimits)
    keeper = Doorkeeper(database, lambda: now(None), limits=limits, public_url=public_url)
    app.state.doorkeeper = keeper
    own = [
        api_router(database, lambda: now(None), working.wake_from_thread),
        pages_router(database, keeper, lambda: now(None), oidc.name if oidc else None),
    ]
    own.append(unsubscribe_router(database, addresses, now, working.wake))
    own.append(
        voice_router(calls, sources.get("twilio"), intake, now, working.wake, lambda asked: _called(asked, public_url))
    )
    if oidc is not None:
        # Here, because most have no such provider, and what it stands on is slow to import and warns when it is.
        from web.provider_sign_in import provider_router

        own.append(provider_router(database, keeper, lambda: now(None), oidc, public_url))
        app.add_middleware(
            SessionMiddleware,
            secret_key=oidc.state_secret.get_secret_value(),
            session_cookie="recobro_away",
            max_age=600,
            https_only=keeper.https,
        )
    app.add_middleware(SecurityHeaders, https=keeper.https)
    answer_in_words(app, oidc.name if oidc else None, https=keeper.https)
    for router in (*own, *routers):
        app.router.routes.extend(router.routes)

    @app.post("/webhooks/{provider}", dependencies=[SIGNED])
    async def webhook(provider: str, request: Request) -> Response:
        """200 only once stored; 400 not proven; 404 no such provider; 413 too large; 503 try again."""
        source = sources.get(provider)
        if source is None:
            return JSONResponse({"error": "no such webhook"}, status_code=404)
        body = await read_body(request, source.largest_body)
        if body is None:
            taken = Taken.TOO_LARGE
        else:
            delivery = Delivery(url=_called(request, public_url), headers=dict(request.headers), body=body)
            taken = await take_in(
                intake,
                provider,
                source,
                delivery,
                received_at=now(request),
                due_at=now(None),
                on_refused=partial(note_refusal, provider),
            )
        counts[f"{provider} {taken}"] += 1
        metrics.COUNTERS.webhook(provider, taken)
        if taken is Taken.STORED:
            working.wake()
        if taken in (Taken.STORED, Taken.DUPLICATE):
            content, media_type = source.answer
            return Response(content, media_type=media_type)
        headers = {"Retry-After": "5"} if taken is Taken.NOT_STORED else None
        return JSONResponse({"error": taken.value}, status_code=_STATUS[taken], headers=headers)

    @app.get("/webhooks/{provider}", dependencies=[SIGNED])
    async def challenge(provider: str, request: Request) -> Response:
        """Meta asks so whether the address is ours: 200 and its challenge, 403 if it is not Meta, else 404."""
        source = sources.get(provider)
        if not isinstance(source, AsksFirst):
            return JSONResponse({"error": "no such webhook"}, status_code=404)
        echo = source.challenge(request.query_params)
        if echo is None:
            return JSONResponse({"error": "refused"}, status_code=403)
        return PlainTextResponse(echo, headers={"X-Content-Type-Options": "nosniff"})

    @app.get("/healthz", dependencies=[WATCHED])
    async def healthz() -> dict[str, object]:
        """The process lives; how many webhooks it took in, refused and failed to store since it began."""
        return {"status": "ok", "pid": os.getpid(), "webhooks": dict(sorted(counts.items())), "refused": refused}

    @app.get("/readyz", dependencies=[WATCHED])
    async def readyz() -> JSONResponse:
        """200 when the database and Temporal answer; else 503 and which does not."""
        found = await asyncio.gather(_answers(_check(database)), _answers(signals.reachable()))
        state = dict(zip(("database", "temporal"), ("ok" if yes else "unreachable" for yes in found), strict=True))
        return JSONResponse(state, status_code=200 if all(found) else 503)

    everything_is_declared(app)
    return app


async def _check(database: Database) -> bool:
    await asyncio.to_thread(database.check)
    return True


async def _answers(question: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            return await question
    except Exception as error:
        _LOG.warning("not ready: %s", type(error).__name__)
        return False


def _called(request: Request, public_url: str | None) -> str:
    if public_url is None:
        return str(request.url)
    query = request.url.query
    return public_url.rstrip("/") + request.url.path + (f"?{query}" if query else "")
