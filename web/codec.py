"""The codec server: lets Temporal's Web UI show what is encrypted, to whoever may see it.

The Web UI posts payloads from the browser, so the browser asks first whether this app allows the Web UI's origin
(CORS); the one origin in the settings is allowed, with the cookies of a signed-in person.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from pydantic import SecretStr
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec

from domain.access import Caller, Public, Role, Scope, ServiceCaller, roles
from web.access import Access
from web.receiving import read_body
from workflows.payload_encryption import CannotDecrypt

MAY_DECODE = roles(Role.OPERATOR, Role.SUPERVISOR, scope=Scope.PAYLOADS_DECODE)


class DecodingAccess(Access):
    """Operators and supervisors who are signed in, keys with the scope, and whoever shows the token of the settings.

    A key bound to a lender is not let in: payloads do not say whose they are. Temporal's Web UI may ask in a person's
    name, here and nowhere else.
    """

    def __init__(self, token: SecretStr | None, ui_origin: str | None) -> None:
        super().__init__(MAY_DECODE)
        self._ui_origin = ui_origin
        self._expected = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, request: Request) -> Caller:
        shown = request.headers.get("authorization", "").encode()
        if self._expected is not None and hmac.compare_digest(shown, self._expected):
            return ServiceCaller("codec", "codec token", frozenset({Scope.PAYLOADS_DECODE}))
        try:
            caller = await super().__call__(request)
            if isinstance(caller, ServiceCaller) and caller.lender is not None:
                raise HTTPException(403, "a key bound to a lender decodes nothing: payloads do not say whose they are")
            return caller
        except HTTPException as refused:
            # Without these the Web UI can say no more than that the network failed.
            refused.headers = {**(refused.headers or {}), **_cross_origin(request, self._ui_origin)}
            raise

    def asked_from_here(self, request: Request) -> bool:
        from_the_web_ui = self._ui_origin is not None and request.headers.get("origin") == self._ui_origin
        return from_the_web_ui or super().asked_from_here(request)


def codec_router(codec: PayloadCodec, allowed: Access, *, ui_origin: str | None) -> APIRouter:
    """`POST /codec/decode` and `/codec/encode`: `{"payloads": [...]}` in Temporal's JSON, and the same back.

    `allowed` says who may. 400 for a body that holds no payloads, 422 for payloads whose key is not known here.
    """
    router = APIRouter(prefix="/codec")

    def cross_origin(request: Request) -> dict[str, str]:
        return _cross_origin(request, ui_origin)

    async def answer(request: Request, work: Callable[[Any], Awaitable[Any]]) -> Response:
        headers = cross_origin(request) | {"cache-control": "no-store"}
        body = await read_body(request)
        if body is None:
            return JSONResponse({"error": "too large"}, status_code=413, headers=headers)
        try:
            given = Parse(body, Payloads())
        except (ParseError, ValueError, RecursionError):
            return JSONResponse({"error": "expected Temporal's payloads"}, status_code=400, headers=headers)
        try:
            done = Payloads(payloads=await work(given.payloads))
        except CannotDecrypt as error:
            return JSONResponse({"error": str(error)}, status_code=422, headers=headers)
        return JSONResponse(MessageToDict(done), headers=headers)

    @router.options("/{what}", dependencies=[Depends(Access(Public("a browser asks before it sends")))])
    async def preflight(what: str, request: Request) -> Response:
        headers = cross_origin(request)
        if not headers:
            return Response(status_code=403)
        asked = {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "authorization,content-type,x-namespace",
            "access-control-max-age": "600",
        }
        return Response(status_code=204, headers=headers | asked)

    @router.post("/decode", dependencies=[Depends(allowed)])
    async def decode(request: Request) -> Response:
        """Payloads in plain; those that are not encrypted come back as they are."""
        return await answer(request, codec.decode)

    @router.post("/encode", dependencies=[Depends(allowed)])
    async def encode(request: Request) -> Response:
        """Payloads encrypted under the active key: what a person sends from the Web UI."""
        return await answer(request, codec.encode)

    return router


def _cross_origin(request: Request, ui_origin: str | None) -> dict[str, str]:
    if ui_origin is None or request.headers.get("origin") != ui_origin:
        return {}
    return {"access-control-allow-origin": ui_origin, "access-control-allow-credentials": "true", "vary": "origin"}
