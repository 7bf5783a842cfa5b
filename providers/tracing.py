"""Spans of the calls to providers: method, host and status; no path, query or body, which hold people's data."""

from __future__ import annotations

from typing import Any

import httpx
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer


class TracedClient(httpx.AsyncClient):
    """A client each of whose calls is a span under the activity that makes it."""

    def __init__(self, tracer: Tracer, **given: Any) -> None:  # as httpx.AsyncClient takes them
        super().__init__(**given)
        self._tracer = tracer

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:  # as httpx.AsyncClient.send
        known: dict[str, str | int] = {
            "http.request.method": request.method,
            "server.address": request.url.host,
            "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
        }
        # An exception's text may hold the URL: only its kind is kept.
        with self._tracer.start_as_current_span(
            request.method,
            kind=SpanKind.CLIENT,
            attributes=known,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                response = await super().send(request, **how)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 400:
                span.set_status(Status(StatusCode.ERROR))
            return response
