"""Signs and posts what the world tells the product, in each provider's own way."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .clock import http_date, wall
from .store import Json


@dataclass(frozen=True)
class Targets:
    """Where the product listens and with what it checks signatures. Empty: not told."""

    stripe_url: str = ""
    stripe_secret: str = ""
    twilio_url: str = ""
    twilio_token: str = ""
    clock_url: str = ""
    live: bool = False
    mercadopago_url: str = ""
    mercadopago_secret: str = ""
    conekta_url: str = ""
    conekta_key: str = ""
    """PEM text of the private key its events are signed with."""
    sendgrid_url: str = ""
    sendgrid_key: str = ""
    """PEM text of the private key, on P-256, its events are signed with."""
    meta_url: str = ""
    meta_secret: str = ""


def stripe_signature(secret: str, body: bytes, timestamp: int) -> str:
    """The secret is used as text, `whsec_` included."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def twilio_signature(token: str, url: str, params: dict[str, str]) -> str:
    """Over the URL exactly as it was given, query included, and the sorted form fields."""
    text = url + "".join(key + params[key] for key in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def mercadopago_signature(secret: str, about: str, request_id: str, timestamp: int) -> str:
    """Over the id and the request's own, never the body."""
    signed = f"id:{about};request-id:{request_id};ts:{timestamp};"
    return f"ts={timestamp},v1={hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()}"


def sendgrid_signature(private_key: str, timestamp: str, body: bytes) -> str:
    """ECDSA on P-256 with SHA-256, over the timestamp and the raw body, in DER and base64."""
    key = load_pem_private_key(private_key.encode(), None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("the key is not of an elliptic curve")
    return base64.b64encode(key.sign(timestamp.encode() + body, ECDSA(SHA256()))).decode()


def conekta_digest(private_key: str, body: bytes) -> str:
    """RSA, PKCS #1 v1.5, SHA-256, in base64."""
    key = load_pem_private_key(private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return base64.b64encode(key.sign(body, PKCS1v15(), SHA256())).decode()


class Postman:
    """Posts one webhook; tells the status, 0 if there was no answer."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._client = httpx.AsyncClient(
            timeout=10, trust_env=False, limits=httpx.Limits(max_connections=200, max_keepalive_connections=50)
        )

    async def post(self, data: Json, at: float) -> int:
        """`data` holds provider, url and either body (text) or params (form); Date is the loan's clock."""
        headers = {"Date": http_date(wall() if self._targets.live else at)}
        try:
            if data["provider"] == "meta":
                body = data["body"].encode()
                digest = hmac.new(self._targets.meta_secret.encode(), body, hashlib.sha256).hexdigest()
                headers |= {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
                answer = await self._client.post(data["url"], content=body, headers=headers)
            elif data["provider"] == "stripe":
                body = data["body"].encode()
                # A receiver judges a signature's age by its own clock: the loan's, told by Date, on skipped time.
                signed = int(wall() if self._targets.live else at)
                headers["Stripe-Signature"] = stripe_signature(self._targets.stripe_secret, body, signed)
                headers["Content-Type"] = "application/json; charset=utf-8"
                answer = await self._client.post(data["url"], content=body, headers=headers)
            elif data["provider"] == "mercadopago":
                stamp = int((wall() if self._targets.live else at) * 1000)
                secret = self._targets.mercadopago_secret
                headers["x-signature"] = mercadopago_signature(secret, data["about"], data["event_id"], stamp)
                headers |= {"x-request-id": data["event_id"], "Content-Type": "application/json"}
                answer = await self._client.post(data["url"], content=data["body"].encode(), headers=headers)
            elif data["provider"] == "sendgrid":
                body, stamp = data["body"].encode(), str(int(wall() if self._targets.live else at))
                headers["X-Twilio-Email-Event-Webhook-Timestamp"] = stamp
                signed_mail = sendgrid_signature(self._targets.sendgrid_key, stamp, body)
                headers["X-Twilio-Email-Event-Webhook-Signature"] = signed_mail
                headers["Content-Type"] = "application/json"
                answer = await self._client.post(data["url"], content=body, headers=headers)
            elif data["provider"] == "conekta":
                headers["Digest"] = conekta_digest(self._targets.conekta_key, data["body"].encode())
                headers["Content-Type"] = "application/json"
                answer = await self._client.post(data["url"], content=data["body"].encode(), headers=headers)
            else:
                headers["X-Twilio-Signature"] = twilio_signature(
                    self._targets.twilio_token, data["url"], data["params"]
                )
                answer = await self._client.post(data["url"], data=data["params"], headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0
        return answer.status_code

    async def tell_clock(self, loan_id: str, now: str, next_at: str) -> str | None:
        """The conductor's URL learns of an earlier event; None if it answered 2xx, else what went wrong."""
        body = {"loan_id": loan_id, "now": now, "next_at": next_at}
        problem = ""
        for _ in range(2):  # a kept connection may have gone away meanwhile
            try:
                answer = await self._client.post(self._targets.clock_url, json=body, timeout=30)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                problem = type(error).__name__
                continue
            return None if answer.is_success else f"status {answer.status_code}"
        return problem

    async def close(self) -> None:
        await self._client.aclose()
