"""Where webhooks come from: how each provider's are proven, told apart and read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from domain.webhook_news import WebhookNews
from providers.webhooks import stripe, twilio


class Delivery(BaseModel):
    """One request as it came in. `url` is the public address with its query; header names are lower case."""

    model_config = ConfigDict(frozen=True)

    url: str
    headers: Mapping[str, str]
    body: bytes


class WebhookSource(Protocol):
    """Every method raises providers.webhooks.refused.WebhookRefused."""

    @property
    def kept_headers(self) -> tuple[str, ...]:
        """The headers worth keeping, lower case."""
        ...

    @property
    def answer(self) -> tuple[str, str]:
        """Body and media type of the answer to what was accepted."""
        ...

    def verify(self, delivery: Delivery, now: datetime) -> None: ...

    def event_key(self, delivery: Delivery) -> str: ...

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]: ...


class StripeWebhooks:
    """`secret` is the endpoint's signing secret."""

    kept_headers = ("content-type", "stripe-signature")
    answer = ('{"received":true}', "application/json")

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def verify(self, delivery: Delivery, now: datetime) -> None:
        stripe.verify(delivery.body, delivery.headers.get("stripe-signature"), self._secret, now)

    def event_key(self, delivery: Delivery) -> str:
        return stripe.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return stripe.parse(delivery.body)


class TwilioWebhooks:
    """Status callbacks and incoming messages; the empty answer tells Twilio to send no reply."""

    kept_headers = ("content-type", "x-twilio-signature", "i-twilio-idempotency-token")
    answer = ('<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")

    def __init__(self, auth_token: SecretStr) -> None:
        self._auth_token = auth_token

    def verify(self, delivery: Delivery, now: datetime) -> None:
        headers = delivery.headers
        twilio.verify(
            delivery.url,
            delivery.body,
            headers.get("content-type"),
            headers.get("x-twilio-signature"),
            self._auth_token,
        )

    def event_key(self, delivery: Delivery) -> str:
        return twilio.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return twilio.parse(delivery.url, delivery.body)
