"""True webhooks, caught as they pass to the web app, sent to it again: in time, and days after their signature."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx

LATE = timedelta(days=2)
_MOST_KEPT = 400
_TRIES, _BETWEEN_TRIES_SECONDS = 5, 0.5
_HEADERS = ("content-type", "stripe-signature", "x-twilio-signature", "x-hub-signature-256")


@dataclass(frozen=True)
class Caught:
    """A webhook as it passed; `at` is the time its sender stated."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def is_dated(self) -> bool:
        """Whether its signature states a time."""
        return "stripe-signature" in self.headers


@dataclass
class Catcher:
    """Reads requests out of the bytes of connections. `answers` are the statuses replays were answered with."""

    caught: list[Caught] = field(default_factory=list)
    in_time: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    """Of dated signatures, two days late: none may be a 2xx."""
    _partial: dict[int, bytes] = field(default_factory=dict)

    def hear(self, connection: int, piece: bytes) -> None:
        """The next bytes of a client; an empty piece ends its connection."""
        if not piece:
            self._partial.pop(connection, None)
            return
        waiting = self._partial.get(connection, b"") + piece
        while (request := _request(waiting)) is not None:
            caught, waiting = request
            if caught is not None:
                self.caught.append(caught)
                del self.caught[:-_MOST_KEPT]
        self._partial[connection] = waiting

    async def replay(self, base_url: str, chosen: list[Caught]) -> None:
        """Send these again, each twice; a web app that is away for longer is none of our business here."""
        async with httpx.AsyncClient(base_url=base_url, timeout=10, trust_env=False) as client:
            for one in chosen:
                for after, answers in ((timedelta(seconds=60), self.in_time), (LATE, self.late)):
                    dated = {"Date": format_datetime(one.at + after, usegmt=True)}
                    status = await _sent(client, one, {**one.headers, **dated})
                    if status is not None and (answers is self.in_time or one.is_dated):
                        answers.append(status)


async def _sent(client: httpx.AsyncClient, one: Caught, headers: Mapping[str, str]) -> int | None:
    """The status it was answered with; None where the web app is away, or has trouble of its own for so long."""
    for _ in range(_TRIES):
        with contextlib.suppress(httpx.HTTPError):
            status = (await client.post(one.path, content=one.body, headers=headers)).status_code
            if status < 500:
                return status
        await asyncio.sleep(_BETWEEN_TRIES_SECONDS)
    return None


def _request(waiting: bytes) -> tuple[Caught | None, bytes] | None:
    """The first whole request and what follows it; None while there is none. Raises nothing for odd bytes."""
    head, end, rest = waiting.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0") or 0)
    if len(rest) < length:
        return None
    body, rest = rest[:length], rest[length:]
    method, _, target = first.partition(" ")
    path = target.rpartition(" ")[0]
    if method != "POST" or "date" not in headers or not path.startswith("/webhooks/"):
        return None, rest
    kept = {name: headers[name] for name in _HEADERS if name in headers}
    return Caught(path, kept, body, parsedate_to_datetime(headers["date"])), rest
