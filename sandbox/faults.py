"""Faults on request: what can go wrong between a product and the world, switched on and off by the tests."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SERVICES = {"bank", "belvo", "stripe", "mercadopago", "conekta", "twilio", "meta", "smtp", "webhooks"}
KINDS = {"latency", "429", "500", "drop", "lost_answer", "duplicate", "reorder", "delay", "oauth"}
WEBHOOK_KINDS = {"duplicate", "reorder", "delay", "drop"}


@dataclass
class Fault:
    service: str
    kind: str
    rate: float = 1.0
    count: int | None = None  # how many times still; None: without end
    seconds: float | None = None


def fault_of(body: dict[str, Any]) -> Fault:
    """Raises ValueError that names the field."""
    service, kind = body.get("service"), str(body.get("kind"))
    if service not in SERVICES:
        raise ValueError(f"service: expected one of {sorted(SERVICES)}")
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {sorted(KINDS)}")
    if (service == "webhooks") != (kind in WEBHOOK_KINDS) and not (kind == "drop"):
        raise ValueError(f"kind: {kind} does not apply to {service}")
    if kind == "oauth" and service != "bank":
        raise ValueError(f"kind: {kind} does not apply to {service}")
    rate = float(body.get("rate", 1.0))
    if not 0 <= rate <= 1:
        raise ValueError("rate: expected 0 to 1")
    count = body.get("count")
    seconds = body.get("seconds")
    return Fault(
        service, kind, rate, None if count is None else int(count), None if seconds is None else float(seconds)
    )


class Faults:
    def __init__(self, seed: int) -> None:
        self._faults: list[Fault] = []
        self._chance = random.Random(f"{seed}|faults")  # nosec B311 # faults must repeat themselves

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, service: str, *kinds: str) -> Fault | None:
        """The first fault of these kinds that applies now; one of a counted fault is used up."""
        for fault in self._faults:
            if fault.service != service or fault.kind not in kinds or fault.count == 0:
                continue
            if self._chance.random() >= fault.rate:
                continue
            if fault.count is not None:
                fault.count -= 1
            return fault
        return None


def confirmed_at(faults: Faults, page: str, base_url: str) -> dict[str, dict[str, str]]:
    """The bank's link to its page of confirmation; under the fault `oauth` it wants that by OAuth2 and has no page."""
    if faults.strike("bank", "oauth") is None:
        return {"scaRedirect": {"href": page}}
    return {"scaOAuth": {"href": f"{base_url}/oauth/.well-known/oauth-authorization-server"}}


def service_of(path: str) -> str | None:
    if path.startswith(("/v1/accounts", "/v1/consents", "/v1/payments/sepa", "/v1/payments/instant")):
        return "bank"
    if path.startswith("/api/"):
        return "belvo"
    if path.startswith(("/checkout/preferences", "/v1/payments/")):
        return "mercadopago"
    if path.startswith(("/checkouts", "/orders")):
        return "conekta"
    if path.startswith("/v23.0/"):
        return "meta"
    if path.startswith("/v1/"):
        return "stripe"
    if path.startswith("/2010-04-01/"):
        return "twilio"
    return None


def _error(service: str, status: int) -> Response:
    if service == "bank":
        code = "ACCESS_EXCEEDED" if status == 429 else "INTERNAL_SERVER_ERROR"
        return JSONResponse({"tppMessages": [{"category": "ERROR", "code": code}]}, status)
    if service == "belvo":
        return JSONResponse([{"code": "too_many_sessions" if status == 429 else "unexpected_error"}], status)
    if service == "stripe":
        kind = "invalid_request_error" if status == 429 else "api_error"
        body = {"type": kind, "message": "Too many requests" if status == 429 else "Something went wrong"}
        return JSONResponse({"error": body | ({"code": "rate_limit"} if status == 429 else {})}, status)
    if service == "mercadopago":
        return JSONResponse({"status": status, "error": "error", "message": "x"}, status)
    if service == "conekta":
        return JSONResponse({"object": "error", "type": "error", "details": []}, status)
    if service == "meta":
        code_meta = 130429 if status == 429 else 2
        error = {"message": f"(#{code_meta})", "type": "OAuthException", "code": code_meta, "fbtrace_id": "A"}
        return JSONResponse({"error": error}, status)
    code_twilio = 20429 if status == 429 else 20500
    return JSONResponse(
        {
            "code": code_twilio,
            "message": "Too Many Requests" if status == 429 else "Internal Server Error",
            "more_info": f"https://www.twilio.com/docs/errors/{code_twilio}",
            "status": status,
        },
        status,
    )


def _cut(send: Send) -> None:
    """Ends the TCP connection without a byte of answer: uvicorn's send is a method of its cycle."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]


class FaultMiddleware:
    """Outermost: strikes before the effect (latency, 429, 500, drop) or after it (lost_answer)."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = service_of(scope["path"]) if scope["type"] == "http" else None
        if service is None:
            await self._app(scope, receive, send)
            return
        slow = self._faults.strike(service, "latency")
        if slow is not None:
            await asyncio.sleep(slow.seconds if slow.seconds is not None else 1.0)
        fault = self._faults.strike(service, "429", "500", "drop", "lost_answer")
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "drop":
            _cut(send)
        elif fault.kind == "lost_answer":

            async def swallow(message: Message) -> None:
                return

            await self._app(scope, receive, swallow)
            _cut(send)
        else:
            await _error(service, int(fault.kind))(scope, receive, send)
