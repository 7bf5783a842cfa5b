"""The web app in a process of its own, and a provider that signs and sends to it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from benchmarks.ground import Ground
from commands.processes import Child, Processes

SECRET = "whsec_benchmark"


@dataclass(frozen=True)
class WebApp:
    child: Child
    port: int


@asynccontextmanager
async def web_app(processes: Processes, environment: dict[str, str]) -> AsyncIterator[WebApp]:
    port = processes.ports.take()
    told = environment | {
        "RECOBRO_WEB__PORT": str(port),
        "RECOBRO_STRIPE__API_KEY": "sk_test",
        "RECOBRO_STRIPE__WEBHOOK_SECRET": SECRET,
    }
    child = processes.start(f"web-{port}", [sys.executable, "-m", "web"], told)
    try:
        await asyncio.to_thread(processes.wait_ready, child, lambda: _lives(port))
        yield WebApp(child, port)
    finally:
        await asyncio.to_thread(processes.stop, child.name)


def _lives(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@asynccontextmanager
async def web_app_on(ground: Ground, **more: str) -> AsyncIterator[WebApp]:
    async with web_app(ground.processes, ground.environment(**more)) as app:
        yield app


def payment_event(name: str, lender: str, loan_id: str, amount_minor: int) -> bytes:
    """A checkout session that was paid, as Stripe tells of it."""
    session = {
        "id": f"cs_{name}",
        "object": "checkout.session",
        "mode": "payment",
        "payment_status": "paid",
        "payment_intent": f"pi_{name}",
        "amount_total": amount_minor,
        "currency": "eur",
        "metadata": {"lender": lender, "loan_id": loan_id},
        "customer_details": {"address": {"country": "ES"}, "email": None, "name": None},
        "payment_method_types": ["card", "link"],
        "status": "complete",
    }
    event = {
        "id": f"evt_{name}",
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": int(time.time()),
        "type": "checkout.session.completed",
        "livemode": True,
        "data": {"object": session},
        "request": {"id": None, "idempotency_key": None},
    }
    return json.dumps(event).encode()


def signed_request(port: int, body: bytes) -> bytes:
    """The whole HTTP request, so that sending costs the driver next to nothing."""
    stamp = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={stamp},v1={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Line:
    """One connection that is kept open, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, request: bytes) -> int:
        """The answer's status."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        await self._reader.readexactly(length)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        self._writer.close()
