"""Requests that providers' own signatures prove, whatever stands in them: path, body and headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pydantic import SecretStr

from web.sources import (
    BelvoWebhooks,
    ConektaWebhooks,
    GoCardlessWebhooks,
    MailReports,
    MercadoPagoWebhooks,
    MetaWebhooks,
    SendGridWebhooks,
    StandardWebhooks,
    StripeWebhooks,
    TwilioWebhooks,
    WebhookSource,
)

FORM = "application/x-www-form-urlencoded"
_SECRET = SecretStr("shared with whoever sends")
_STANDARD = SecretStr("whsec_" + base64.b64encode(b"shared with the core system").decode())
_CONEKTA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
_SENDGRID = ec.generate_private_key(ec.SECP256R1())
_SENDGRID_SHOWS = base64.b64encode(
    _SENDGRID.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
_CONEKTA_SHOWS = (
    _CONEKTA.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def every_source() -> dict[str, WebhookSource]:
    """All that can be proven, under the secrets that this module signs with."""
    return {
        "stripe": StripeWebhooks(_SECRET),
        "twilio": TwilioWebhooks(_SECRET),
        "meta": MetaWebhooks(_SECRET, SecretStr("asks first")),
        "mercadopago": MercadoPagoWebhooks(_SECRET),
        "conekta": ConektaWebhooks([_CONEKTA_SHOWS]),
        "sendgrid": SendGridWebhooks((_SENDGRID_SHOWS,)),
        "mail": MailReports(_SECRET),
        "belvo": BelvoWebhooks(SecretStr("Bearer shared")),
        "gocardless": GoCardlessWebhooks(_SECRET),
        "standard": StandardWebhooks(_STANDARD),
    }


class Signed(NamedTuple):
    """One request to be posted."""

    path: str
    body: bytes
    headers: dict[str, str]


def _mac(signed: bytes) -> str:
    return hmac.new(_SECRET.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()


def _stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


def stripe(body: bytes, at: datetime) -> Signed:
    stamp = _stamp(at)
    proof = _mac(stamp.encode() + b"." + body)
    return Signed("/webhooks/stripe", body, {"stripe-signature": f"t={stamp},v1={proof}"})


def meta(body: bytes) -> Signed:
    return Signed("/webhooks/meta", body, {"x-hub-signature-256": f"sha256={_mac(body)}"})


def gocardless(body: bytes) -> Signed:
    return Signed("/webhooks/gocardless", body, {"webhook-signature": _mac(body)})


def mail(body: bytes) -> Signed:
    return Signed("/webhooks/mail", body, {"x-recobro-signature": f"sha256={_mac(body)}"})


def belvo(body: bytes) -> Signed:
    return Signed("/webhooks/belvo", body, {"authorization": "Bearer shared"})


def conekta(body: bytes) -> Signed:
    proof = base64.b64encode(_CONEKTA.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
    return Signed("/webhooks/conekta", body, {"digest": proof})


def sendgrid(body: bytes, at: datetime) -> Signed:
    stamp = _stamp(at)
    proof = base64.b64encode(_SENDGRID.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    named = "x-twilio-email-event-webhook"
    return Signed("/webhooks/sendgrid", body, {f"{named}-signature": proof, f"{named}-timestamp": stamp})


def standard(webhook_id: str, body: bytes, at: datetime) -> Signed:
    """`webhook_id` is what a header can carry."""
    key = base64.b64decode(_STANDARD.get_secret_value().removeprefix("whsec_"))
    signed = f"{webhook_id}.{_stamp(at)}.".encode() + body
    proof = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    named = {"webhook-id": webhook_id, "webhook-timestamp": _stamp(at), "webhook-signature": f"v1,{proof}"}
    return Signed("/webhooks/standard", body, named)


def mercadopago(about: str, kind: str, request_id: str, at: datetime, body: bytes) -> Signed:
    """The body is not signed; `about` and `kind` stand in the address."""
    query = urlencode({"data.id": about, "type": kind}, errors="replace")
    said = dict(parse_qsl(query, keep_blank_values=True))["data.id"].strip()
    named = f"id:{said};" if said else ""
    named += f"request-id:{request_id};" if request_id else ""
    proof = _mac(f"{named}ts:{_stamp(at)};".encode())
    headers = {"x-signature": f"ts={_stamp(at)},v1={proof}", "x-request-id": request_id}
    return Signed(f"/webhooks/mercadopago?{query}", body, headers)


def twilio(host: str, path: str, fields: Iterable[tuple[str, str]]) -> Signed:
    """A form at any address of ours; `host` as Twilio calls it."""
    body = urlencode(list(fields), errors="replace").encode()
    told = parse_qsl(body.decode(), keep_blank_values=True)
    signed = host + path + "".join(name + value for name, value in sorted(set(told)))
    return Signed(path, body, {"content-type": FORM, "x-twilio-signature": _twilio_mac(signed)})


def twilio_other(host: str, path: str, body: bytes, content_type: str) -> Signed:
    """What is no form is signed by its hash in the address."""
    path += ("&" if "?" in path else "?") + f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    return Signed(path, body, {"content-type": content_type, "x-twilio-signature": _twilio_mac(host + path)})


def _twilio_mac(signed: str) -> str:
    key = _SECRET.get_secret_value().encode()
    return base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha1).digest()).decode()


def in_a_path(text: str) -> str:
    """Any text as one part of an address."""
    return quote(text, safe="", errors="replace")
