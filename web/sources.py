"""Where webhooks come from: how each provider's are proven, told apart and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, SecretStr

from domain.webhook_news import WebhookNews
from providers.webhooks import (
    belvo,
    conekta,
    gocardless,
    mail_reports,
    mercadopago,
    meta,
    sendgrid,
    standard_webhooks,
    stripe,
    twilio,
)
from providers.webhooks.signatures import Secrets


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
    def largest_body(self) -> int:
        """Bytes; a longer one is refused unread."""
        ...

    @property
    def answer(self) -> tuple[str, str]:
        """Body and media type of the answer to what was accepted."""
        ...

    def verify(self, delivery: Delivery, now: datetime) -> None: ...

    def event_key(self, delivery: Delivery) -> str: ...

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]: ...


@runtime_checkable
class AsksFirst(Protocol):
    """A provider that asks by GET whether an address is ours before it sends anything there."""

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The answer it wants; None if it is not the provider who asks."""
        ...


class StripeWebhooks:
    """`secrets` are the endpoint's signing secrets: one, or several while it is being replaced."""

    kept_headers = ("content-type", "stripe-signature")
    largest_body = stripe.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def verify(self, delivery: Delivery, now: datetime) -> None:
        stripe.verify(delivery.body, delivery.headers.get("stripe-signature"), self._secrets, now)

    def event_key(self, delivery: Delivery) -> str:
        return stripe.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return stripe.parse(delivery.body)


class SendGridWebhooks:
    """Events of mails; `public_keys` are those its settings show, base64."""

    kept_headers = (
        "content-type",
        "x-twilio-email-event-webhook-signature",
        "x-twilio-email-event-webhook-timestamp",
    )
    largest_body = sendgrid.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, public_keys: tuple[str, ...]) -> None:
        self._public_keys = public_keys

    def verify(self, delivery: Delivery, now: datetime) -> None:
        headers = delivery.headers
        sendgrid.verify(
            delivery.body,
            headers.get("x-twilio-email-event-webhook-signature"),
            headers.get("x-twilio-email-event-webhook-timestamp"),
            self._public_keys,
        )

    def event_key(self, delivery: Delivery) -> str:
        return sendgrid.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return sendgrid.parse(delivery.body)


class MailReports:
    """What mail servers wrote back to the bounce mailbox, posted by whoever reads it."""

    kept_headers = ("content-type", "x-recobro-signature")
    largest_body = mail_reports.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def verify(self, delivery: Delivery, now: datetime) -> None:
        mail_reports.verify(delivery.body, delivery.headers.get("x-recobro-signature"), self._secrets)

    def event_key(self, delivery: Delivery) -> str:
        return mail_reports.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return mail_reports.parse(delivery.body)


class TwilioWebhooks:
    """Status callbacks and incoming messages; the empty answer tells Twilio to send no reply."""

    kept_headers = ("content-type", "x-twilio-signature", "i-twilio-idempotency-token")
    largest_body = twilio.LARGEST_BODY
    answer = ('<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")

    def __init__(self, auth_tokens: Secrets) -> None:
        self._auth_tokens = auth_tokens

    def verify(self, delivery: Delivery, now: datetime) -> None:
        headers = delivery.headers
        twilio.verify(
            delivery.url,
            delivery.body,
            headers.get("content-type"),
            headers.get("x-twilio-signature"),
            self._auth_tokens,
        )

    def event_key(self, delivery: Delivery) -> str:
        return twilio.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return twilio.parse(delivery.url, delivery.body)


class MetaWebhooks:
    """Messages and statuses of the WhatsApp Cloud API; `secrets` are the app's."""

    kept_headers = ("content-type", "x-hub-signature-256")
    largest_body = meta.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, secrets: Secrets, verify_token: SecretStr) -> None:
        self._secrets = secrets
        self._verify_token = verify_token

    def challenge(self, query: Mapping[str, str]) -> str | None:
        return meta.challenge(query, self._verify_token)

    def verify(self, delivery: Delivery, now: datetime) -> None:
        meta.verify(delivery.body, delivery.headers.get("x-hub-signature-256"), self._secrets)

    def event_key(self, delivery: Delivery) -> str:
        return meta.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return meta.parse(delivery.body)


class GoCardlessWebhooks:
    kept_headers = ("content-type", "webhook-signature")
    largest_body = gocardless.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def verify(self, delivery: Delivery, now: datetime) -> None:
        gocardless.verify(delivery.body, delivery.headers.get("webhook-signature"), self._secrets)

    def event_key(self, delivery: Delivery) -> str:
        return gocardless.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return gocardless.parse(delivery.body)


class BelvoWebhooks:
    """`values` are what the `Authorization` header must be: one, or several while it is replaced. It is not kept."""

    kept_headers = ("content-type",)
    largest_body = belvo.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, values: Secrets) -> None:
        self._values = values

    def verify(self, delivery: Delivery, now: datetime) -> None:
        belvo.verify(delivery.body, delivery.headers.get("authorization"), self._values)

    def event_key(self, delivery: Delivery) -> str:
        return belvo.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return belvo.parse(delivery.body)


class MercadoPagoWebhooks:
    kept_headers = ("content-type", "x-signature", "x-request-id")
    largest_body = mercadopago.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def verify(self, delivery: Delivery, now: datetime) -> None:
        headers = delivery.headers
        mercadopago.verify(
            mercadopago.data_id(delivery.url),
            delivery.body,
            headers.get("x-signature"),
            headers.get("x-request-id"),
            self._secrets,
            now,
        )

    def event_key(self, delivery: Delivery) -> str:
        headers = delivery.headers
        about = mercadopago.data_id(delivery.url)
        return mercadopago.event_key(about, headers.get("x-signature"), headers.get("x-request-id"))

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return mercadopago.parse(mercadopago.data_id(delivery.url), mercadopago.kind(delivery.url))


class ConektaWebhooks:
    """`public_keys` are PEM texts of the account's webhook keys: one, or several while it is being replaced."""

    kept_headers = ("content-type", "digest")
    largest_body = conekta.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, public_keys: Sequence[str]) -> None:
        self._public_keys = conekta.load_keys(public_keys)

    def verify(self, delivery: Delivery, now: datetime) -> None:
        conekta.verify(delivery.body, delivery.headers.get("digest"), self._public_keys)

    def event_key(self, delivery: Delivery) -> str:
        return conekta.event_key(delivery.body)

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return conekta.parse(delivery.body)


class StandardWebhooks:
    """The lender's own systems, or any other that signs as Standard Webhooks 1.0 says."""

    kept_headers = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
    largest_body = standard_webhooks.LARGEST_BODY
    answer = ('{"received":true}', "application/json")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def verify(self, delivery: Delivery, now: datetime) -> None:
        headers = delivery.headers
        standard_webhooks.verify(
            delivery.body,
            headers.get("webhook-id"),
            headers.get("webhook-timestamp"),
            headers.get("webhook-signature"),
            self._secrets,
            now,
        )

    def event_key(self, delivery: Delivery) -> str:
        return standard_webhooks.event_key(delivery.headers.get("webhook-id"))

    def parse(self, delivery: Delivery) -> tuple[WebhookNews, ...]:
        return standard_webhooks.parse(delivery.body)
