"""A provider's side of the wire that refuses whatever the official file refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from tests.providers import official_forms, official_json

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
AT_ON_THE_WIRE = "Sat, 14 Mar 2026 09:26:53 GMT"

Answer = httpx.Response | Exception


class StandIn:
    """Gives `answers` in turn, the last one for ever, and keeps the requests it got."""

    def __init__(self, spec: str, *answers: Answer) -> None:
        self.requests: list[httpx.Request] = []
        self._spec, self._is_json = spec, not spec.startswith(("stripe", "twilio"))
        self._faults: Callable[[httpx.Request], list[str]] = (
            (lambda request: official_json.request_faults(request, spec))
            if self._is_json
            else (lambda request: official_forms.request_faults(spec, request))
        )
        self._answers = list(answers)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        faults = self._faults(request)
        assert not faults, faults
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if self._is_json and answer.is_success:
            assert not (wrong := official_json.answer_faults(request, answer, self._spec)), wrong
        return answer
