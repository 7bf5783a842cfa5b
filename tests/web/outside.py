"""The web app's surroundings for tests: providers that sign as the real ones do, a Temporal that can be down,
and the app on a real port."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn
from pydantic import SecretStr

from config.signed_addresses import SignedAddresses
from records.database import Database
from web.app import Now, create_app, wall_clock
from web.ports import OwedSignal, SignalAnswer, SignalName, TemporalUnavailable
from web.relay import RelaySettings
from web.sources import StripeWebhooks, TwilioWebhooks, WebhookSource
from web.voice import Desk

STRIPE_SECRET = "whsec_for_tests"
TWILIO_TOKEN = "token_for_tests"
PUBLIC = "https://collect.example.com"
QUICK = RelaySettings(
    poll=timedelta(milliseconds=100),
    first_retry=timedelta(milliseconds=20),
    longest_retry=timedelta(milliseconds=80),
)


class FakeTemporal:
    """Counts every signal as the workflow does: the same one twice is one in effect."""

    def __init__(self) -> None:
        self.down = False
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: dict[str, SignalAnswer] = {}
        self.restarted: list[OwedSignal] = []
        self.breaks_on: set[str] = set()
        self.drops_answer_once = False
        self.attempts = 0

    @property
    def effects(self) -> set[tuple[str, str, str]]:
        return {(name, loan_id, json.dumps(payload, sort_keys=True)) for name, loan_id, payload in self.calls}

    async def payment_received(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("payment_received", loan_id, payload)

    async def payment_reversed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("payment_reversed", loan_id, payload)

    async def payment_refunded(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("payment_refunded", loan_id, payload)

    async def opt_out(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("opt_out", loan_id, payload)

    async def contact_failed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("contact_failed", loan_id, payload)

    async def call_choice(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("call_choice", loan_id, payload)

    async def consent_given(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("consent_given", loan_id, payload)

    async def ask_consent(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take("ask_consent", loan_id, payload)

    async def tell(self, name: SignalName, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        return self._take(name.value, loan_id, payload)

    async def restart(self, lender: str, loan_id: str, news: OwedSignal) -> None:
        if self.down:
            raise TemporalUnavailable
        self.restarted.append(news)

    async def reachable(self) -> bool:
        return not self.down

    def _take(self, name: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        self.attempts += 1
        if self.down:
            raise TemporalUnavailable
        if loan_id in self.breaks_on:
            raise RuntimeError("the server refuses this one")
        answer = self.answers.get(loan_id, SignalAnswer.ACCEPTED)
        if answer is SignalAnswer.ACCEPTED:
            self.calls.append((name, loan_id, payload))
        if self.drops_answer_once:
            self.drops_answer_once = False
            raise TemporalUnavailable
        return answer


class Web:
    """The running app as providers see it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def stripe(
        self, event: dict[str, Any] | bytes, *, secret: str = STRIPE_SECRET, at: float | None = None
    ) -> int:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        stamp = str(int(time.time() if at is None else at))
        signature = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={stamp},v1={signature}", "Content-Type": "application/json"}
        return (await self.client.post("/webhooks/stripe", content=body, headers=headers)).status_code

    async def twilio(self, fields: dict[str, str], *, query: str = "", token: str = TWILIO_TOKEN) -> int:
        path = "/webhooks/twilio" + (f"?{query}" if query else "")
        signed = PUBLIC + path + "".join(name + fields[name] for name in sorted(fields))
        signature = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await self.client.post(path, content=urlencode(fields), headers=headers)
        return answer.status_code


@contextlib.asynccontextmanager
async def running(
    database: Database,
    temporal: FakeTemporal,
    *,
    now: Now = wall_clock,
    relay: RelaySettings = QUICK,
    more: Mapping[str, WebhookSource] | None = None,
    calls: Desk | None = None,
    addresses: SignedAddresses | None = None,
    beside: Sequence[Callable[[], Coroutine[None, None, None]]] = (),
    by_our_host: bool = False,
) -> AsyncIterator[Web]:
    sources: dict[str, WebhookSource] = {
        "stripe": StripeWebhooks(SecretStr(STRIPE_SECRET)),
        "twilio": TwilioWebhooks(SecretStr(TWILIO_TOKEN)),
        **(more or {}),
    }
    app = create_app(
        database,
        temporal,
        sources,
        public_url=PUBLIC,
        now=now,
        relay=relay,
        calls=calls,
        addresses=addresses,
        beside=beside,
        by_our_host=by_our_host,
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Web(client)
    finally:
        server.should_exit = True
        await serving


async def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for a condition; the test fails when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


def paid(loan_id: str | None, *, event: str = "evt_1", payment: str = "pi_1", amount: int = 2_500) -> dict[str, Any]:
    """A checkout session that was paid, as Stripe reports it."""
    return {
        "id": event,
        "object": "event",
        "type": "checkout.session.completed",
        "created": 1_772_442_000,
        "data": {
            "object": {
                "object": "checkout.session",
                "id": f"cs_{payment}",
                "mode": "payment",
                "payment_status": "paid",
                "payment_intent": payment,
                "payment_link": f"plink_{loan_id}",
                "amount_total": amount,
                "currency": "eur",
                "metadata": {"lender": "acme", "loan_id": loan_id} if loan_id else {},
            }
        },
    }


def refunded(*, event: str = "evt_r", payment: str = "pi_1") -> dict[str, Any]:
    """A charge that was given back in full."""
    charge = {"object": "charge", "id": "ch_1", "refunded": True, "payment_intent": payment}
    return {
        "id": event,
        "object": "event",
        "type": "charge.refunded",
        "created": 1_772_528_400,
        "data": {"object": charge},
    }
