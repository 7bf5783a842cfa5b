"""Holds JSON requests and our stand-ins' answers against the publishers' own OpenAPI files."""

from __future__ import annotations

import json
from functools import cache

import httpx
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.providers.official_forms import SPECS

BERLIN_GROUP = "berlin_group_ais_pis.json"
WHATSAPP = "whatsapp_cloud_v23.json"


@cache
def _official(spec: str) -> OpenAPI:
    return OpenAPI.from_dict(
        json.loads((SPECS / spec).read_text(encoding="utf-8")),
        config=Config(extra_media_type_deserializers={"application/vnd.conekta-v2.3.0+json": json.loads}),
    )


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


def request_faults(request: httpx.Request, spec: str = BERLIN_GROUP) -> list[str]:
    """What the file finds wrong with `request`; empty if nothing."""
    try:
        _official(spec).validate_request(_Request(_beside_the_file(request, spec)))
    except OpenAPIError as fault:
        return [_told(fault)]
    return []


def answer_faults(request: httpx.Request, response: httpx.Response, spec: str = BERLIN_GROUP) -> list[str]:
    """What the file finds wrong with a stand-in's answer; empty if nothing."""
    try:
        _official(spec).validate_response(_Request(_beside_the_file(request, spec)), _Response(response))
    except OpenAPIError as fault:
        return [_told(fault)]
    return []


def _beside_the_file(request: httpx.Request, spec: str) -> httpx.Request:
    """Meta's reference has `biz_opaque_callback_data` for messages; its OpenAPI file knows it for calls only."""
    if spec != WHATSAPP or request.method != "POST" or b"biz_opaque_callback_data" not in request.content:
        return request
    body = json.loads(request.content)
    del body["biz_opaque_callback_data"]
    headers = [(k, v) for k, v in request.headers.multi_items() if k.lower() != "content-length"]
    return httpx.Request(request.method, request.url, headers=headers, content=json.dumps(body))


def _told(fault: BaseException) -> str:
    parts = [f"{type(fault).__name__}: {str(fault)[:300]}"]
    parts += [f"{e.json_path}: {e.message[:200]}" for e in getattr(fault, "schema_errors", ())]
    if fault.__cause__ is not None:
        parts.append(_told(fault.__cause__))
    return "; ".join(parts)
