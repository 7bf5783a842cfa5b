"""WhatsApp over HTTP: Meta's Graph API v23.0 as far as messages, templates and media go."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import Moment, wall
from .life import Life
from .meta import PHOTO, Meta, MetaError
from .requests import moment_of, refused
from .store import Json

VERSION = "/v23.0"


class MetaApi:
    def __init__(self, meta: Meta, life: Life, base_url: str) -> None:
        self.meta, self.life, self.world, self.base_url = meta, life, meta.world, base_url

    def routes(self) -> list[Route]:
        return [
            Route(VERSION + "/{number}/messages", self.send, methods=["POST"]),
            Route(VERSION + "/{account}/message_templates", self.listed, methods=["GET"]),
            Route(VERSION + "/{account}/message_templates", self.submit, methods=["POST"]),
            Route(VERSION + "/media/{media}", self.download, methods=["GET"]),
            Route(VERSION + "/{media}", self.media, methods=["GET"]),
            Route("/_world/whatsapp", self.meddle, methods=["POST"]),
        ]

    async def send(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        number = request.path_params["number"]
        try:
            self._bearer(request)
            body = await _json(request)
            message, loan, arrives = self.meta.accept(number, number, body, now)
        except MetaError as error:
            return self._refuse(error, now)
        if loan is not None:
            if dated:
                self.world.seen(loan, now)
            if arrives is not None:
                self.meta.answers(message, self.world.person_of_loan(loan), loan, arrives)
                self.life.reached(loan, arrives, now, "whatsapp", message.text)
        await self.world.announce(loan.loan_id if loan else None, now)
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": message.to, "wa_id": message.to.lstrip("+")}],
                "messages": [{"id": message.wamid, "message_status": "accepted"}],
            }
        )

    async def listed(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._bearer(request)
        except MetaError as error:
            return self._refuse(error, now)
        named = request.query_params.get("name")
        size = min(500, int(request.query_params.get("limit", "25")))
        after = int(request.query_params.get("after", "0"))
        found = [held for held in self.meta.templates.values() if named in (None, held["name"])]
        shown = found[after : after + size]
        paging: Json = {"cursors": {"before": str(after), "after": str(after + size)}}
        if len(found) > after + size:
            paging["next"] = f"{self.base_url}{request.url.path}?limit={size}&after={after + size}"
        return JSONResponse({"data": shown, "paging": paging})

    async def submit(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._bearer(request)
            held = self.meta.submit(await _json(request), now)
        except MetaError as error:
            return self._refuse(error, now)
        self.world.store.commit()
        return JSONResponse({key: held[key] for key in ("id", "status", "category")})

    async def media(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        media = request.path_params["media"]
        try:
            self._bearer(request)
        except MetaError as error:
            return self._refuse(error, now)
        return JSONResponse(
            {
                "id": media,
                "messaging_product": "whatsapp",
                "url": f"{self.base_url}{VERSION}/media/{media}",
                "mime_type": "image/jpeg",
                "file_size": len(PHOTO),
            }
        )

    async def download(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._bearer(request)
        except MetaError as error:
            return self._refuse(error, now)
        return Response(PHOTO, media_type="image/jpeg")

    async def meddle(self, request: Request) -> Response:
        """`{"error", "where": answer|status, "count"}`, `{"template", "language", "status"}`, `{"number", "event"}` or
        `{"photo": loan}`: what goes on at Meta, and what people do there."""
        body = await _json(request)
        now = wall() if self.world.live else float(body.get("at") or wall())
        try:
            if "error" in body:
                one = (int(body["error"]), str(body.get("where", "answer")))
                self.meta.trouble += [one] * int(body.get("count", 1))
            elif "template" in body:
                self.meta.change_template(str(body["template"]), str(body["language"]), str(body["status"]), now)
            elif "number" in body:
                self.meta.number_event(str(body["number"]), str(body["event"]), now)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        self.world.store.commit()
        await self.world.advance("-", now)
        return JSONResponse({"done": body})

    def _bearer(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise MetaError(190, status=401)

    def _refuse(self, error: MetaError, now: Moment) -> Response:
        refused(self.world, "meta", str(error), now)
        return JSONResponse(error.body, error.status)


async def _json(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise MetaError(100, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise MetaError(100, "the body is no object")
    return body
