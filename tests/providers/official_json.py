"""Holds Berlin Group requests and our stand-in's answers against the standard's own OpenAPI file."""

from __future__ import annotations

import json
from functools import cache

import httpx
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.providers.official_forms import SPECS


@cache
def _berlin_group() -> OpenAPI:
    return OpenAPI.from_dict(json.loads((SPECS / "berlin_group_ais_pis.json").read_text(encoding="utf-8")))


class _Request:
    """An httpx request as openapi-core wants to see it."""

    def __init__(self, request: httpx.Request) -> None:
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(list(request.headers.items())),
        )
        self.method = request.method.lower()
        self.body = request.content or None
        self.content_type = request.headers.get("Content-Type", "").lower()
        self.host_url = f"{request.url.scheme}://{request.url.netloc.decode()}"
        self.path = request.url.raw_path.decode().partition("?")[0]


class _Response:
    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.headers = Headers(list(response.headers.items()))
        self.content_type = response.headers.get("Content-Type", "").lower()
        self.data = response.content


def request_faults(request: httpx.Request) -> list[str]:
    """What the standard finds wrong with `request`; empty if nothing."""
    try:
        _berlin_group().validate_request(_Request(request))
    except OpenAPIError as fault:
        return [_told(fault)]
    return []


def answer_faults(request: httpx.Request, response: httpx.Response) -> list[str]:
    """What the standard finds wrong with a stand-in's answer; empty if nothing."""
    try:
        _berlin_group().validate_response(_Request(request), _Response(response))
    except OpenAPIError as fault:
        return [_told(fault)]
    return []


def _told(fault: BaseException) -> str:
    parts = [f"{type(fault).__name__}: {fault}"]
    parts += [str(e) for e in getattr(fault, "schema_errors", ())]
    if fault.__cause__ is not None:
        parts.append(_told(fault.__cause__))
    return "; ".join(parts)
