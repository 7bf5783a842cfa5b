"""What a bank is asked and answers, held to the standard's own file."""

from typing import Any

import httpx

from tests.providers.official_json import answer_faults, request_faults
from tests.sandbox.running import World

AT = "2026-03-20T10:00:00+00:00"


def holders(world: World, prefix: str, **changed: Any) -> list[dict[str, Any]]:
    people = world.enrol(*(f"{prefix}{n}" for n in range(12)), **changed)
    return [p for p in people if p["bank_consent"]]


def as_asked_of_a_bank(request: httpx.Request) -> httpx.Request:
    """The same request at an address the standard's file knows."""
    url = "https://api.testbank.com/psd2" + request.url.raw_path.decode()
    return httpx.Request(request.method, url, headers=request.headers, content=request.content)


def answered_by_the_standard(answer: httpx.Response) -> None:
    assert answer_faults(as_asked_of_a_bank(answer.request), answer) == []


def held_to_the_standard(answer: httpx.Response) -> None:
    assert request_faults(as_asked_of_a_bank(answer.request)) == []
    answered_by_the_standard(answer)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["tppMessages"][0]["code"])
