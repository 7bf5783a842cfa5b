"""The world's own API: people for loans, the log, time, faults, and borrowers acting on request."""

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from .clock import Moment, iso, parse_iso, wall
from .faults import fault_of
from .life import ACTS, Life, person_view
from .mail import Mailroom
from .pages import mail_page
from .store import Json
from .world import World


class Admin:
    def __init__(self, world: World, life: Life, mailroom: Mailroom) -> None:
        self.world, self.life, self.mailroom = world, life, mailroom

    def routes(self) -> list[Route]:
        return [
            Route("/_world/loans", self.loans, methods=["POST"]),
            Route("/_world/advance", self.advance, methods=["POST"]),
            Route("/_world/next", self.next_at, methods=["GET", "POST"]),
            Route("/_world/log", self.log, methods=["GET"]),
            Route("/_world/faults", self.faults, methods=["POST", "DELETE"]),
            Route("/_world/act", self.act, methods=["POST"]),
            Route("/_world/mail", self.mail, methods=["GET"]),
            Route("/_world/mail.html", self.mail_html, methods=["GET"]),
            Route("/_world/health", self.health, methods=["GET"]),
        ]

    async def loans(self, request: Request) -> Response:
        body = await _body(request)
        if body is None or not isinstance(body.get("loans"), list):
            return _bad('expected {"loans": [...]}')
        made: list[Json] = []
        for number, spec in enumerate(body["loans"]):
            try:
                loan = self.world.enrol(spec)
            except KeyError as error:
                self.world.store.commit()
                return _bad(f"loans[{number}]: {error} is missing")
            except (ValueError, TypeError) as error:
                self.world.store.commit()
                return _bad(f"loans[{number}]: {error}")
            upcoming = self.world.agenda.next_at(loan.loan_id)
            made.append(person_view(self.world, loan) | {"next_at": iso(upcoming) if upcoming else None})
        self.world.store.commit()
        known = [(p["loan_id"], self.world.loans[p["loan_id"]].now) for p in made]
        gate = asyncio.Semaphore(20)

        async def announce(loan_id: str, now: Moment) -> None:
            async with gate:
                await self.world.announce(loan_id, now)

        await asyncio.gather(*(announce(*one) for one in known))
        return JSONResponse({"people": made})

    async def advance(self, request: Request) -> Response:
        body = await _body(request)
        if body is None or not isinstance(body.get("loan_id"), str):
            return _bad('expected {"loan_id", "to"}')
        try:
            to = parse_iso(str(body.get("to")))
        except ValueError as error:
            return _bad(f"to: {error}")
        delivered, upcoming = await self.world.advance(body["loan_id"], to)
        return JSONResponse({"delivered": delivered, "next_at": iso(upcoming) if upcoming else None})

    async def next_at(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"next_at": self._next(request.query_params.get("loan_id", ""))})
        body = await _body(request)
        if body is None or not isinstance(body.get("loan_ids"), list):
            return _bad('expected {"loan_ids": [...]}')
        return JSONResponse({"next_at": {str(x): self._next(str(x)) for x in body["loan_ids"]}})

    def _next(self, loan_id: str) -> str | None:
        upcoming = self.world.agenda.next_at(loan_id)
        return iso(upcoming) if upcoming else None

    async def log(self, request: Request) -> Response:
        try:
            since = int(request.query_params.get("since", "0"))
            limit = int(request.query_params.get("limit", "100000"))
        except ValueError:
            return _bad("since and limit are whole numbers")
        return JSONResponse({"entries": self.world.store.entries_since(since, limit)})

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.world.faults.clear()
            return JSONResponse({"faults": 0})
        body = await _body(request)
        if body is None:
            return _bad("expected a JSON object")
        try:
            self.world.faults.add(fault_of(body))
        except (ValueError, TypeError) as error:
            return _bad(str(error))
        return JSONResponse({"added": body})

    async def act(self, request: Request) -> Response:
        world = self.world
        body = await _body(request)
        if body is None or body.get("act") not in ACTS:
            return _bad(f"act: expected one of {', '.join(sorted(ACTS))}")
        loan = world.loans.get(str(body.get("loan_id")))
        if loan is None:
            return _bad("loan_id: not known here", 404)
        text = body.get("text")
        if body["act"] == "write" and not (isinstance(text, str) and 0 < len(text) <= 1600):
            return _bad("text: what they write, at most 1600 characters")
        amount = body.get("amount_minor")
        if amount is not None and (not isinstance(amount, int) or amount <= 0):
            return _bad("amount_minor: a positive whole number")
        now = wall() if world.live else loan.now
        try:
            at = parse_iso(str(body["at"])) if body.get("at") else now
        except ValueError as error:
            return _bad(f"at: {error}")
        if at > now:
            world.agenda.add(loan.loan_id, at, "act", act=body["act"], amount_minor=amount, text=text)
        else:
            try:
                self.life.act(loan, body["act"], amount, at, text)
            except ValueError as error:
                return _bad(str(error))
        await world.announce(loan.loan_id, now)
        delivered, upcoming = await world.advance(loan.loan_id, now)
        return JSONResponse({"delivered": delivered, "next_at": iso(upcoming) if upcoming else None})

    async def mail(self, request: Request) -> Response:
        return JSONResponse({"mail": self.mailroom.mails})

    async def mail_html(self, request: Request) -> Response:
        return HTMLResponse(mail_page(self.mailroom.mails[-200:]))

    async def health(self, request: Request) -> Response:
        world = self.world
        return JSONResponse(
            {
                "ok": True,
                "loans": len(world.loans),
                "people": len(world.people),
                "log_seq": world.store.seq,
                "seed": world.seed,
                "preset": world.odds.preset,
                "clock": "live" if world.live else "requests",
            }
        )


async def _body(request: Request) -> Json | None:
    try:
        body = await request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _bad(reason: str, status: int = 400) -> Response:
    return JSONResponse({"error": reason}, status)
