"""What the bank's interfaces have in common: request ids, bodies, and errors as tppMessages."""

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .clock import Moment
from .requests import refused
from .store import Json
from .world import World


class BankError(Exception):
    """Answered with tppMessages."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


def request_id_of(request: Request) -> str:
    try:
        return str(uuid.UUID(request.headers["x-request-id"]))
    except (KeyError, ValueError):
        raise BankError(400, "FORMAT_ERROR", "X-Request-ID: missing or not a UUID") from None


async def json_of(request: Request) -> Json:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise BankError(415, "UNSUPPORTED_MEDIA_TYPE", "expected application/json")
    try:
        body = await request.json()
    except ValueError:
        raise BankError(400, "FORMAT_ERROR", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise BankError(400, "FORMAT_ERROR", "the body is not an object")
    return body


def headers_of(request: Request) -> dict[str, str]:
    try:
        return {"X-Request-ID": str(uuid.UUID(request.headers["x-request-id"]))}
    except (KeyError, ValueError):
        return {"X-Request-ID": str(uuid.uuid4())}


def answered(request: Request, body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(body, status, headers=headers_of(request) | (headers or {}))


def refuse(world: World, request: Request, error: BankError, now: Moment) -> Response:
    consent = world.consents.get(request.headers.get("consent-id", ""))
    person = world.people.get(consent.person_id) if consent else None
    loan = world.latest_loan(person) if person else None
    refused(world, "bank", f"{error.code}: {error.text}", now, loan.loan_id if loan else None)
    message = {"category": "ERROR", "code": error.code, "text": error.text}
    return JSONResponse({"tppMessages": [message]}, error.status, headers=headers_of(request))
