"""`webhooks verify`: JSON lines in, the verdict on each webhook's signature a line out."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import SecretStr

from commands.console import did_you_mean
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
from providers.webhooks.refused import RefusedReason, WebhookRefused

VALID: Final = "valid"
_LARGEST_LINE = 4 * 1024 * 1024
_FORM = "application/x-www-form-urlencoded"
_UNPROVABLE = {
    RefusedReason.TOO_LARGE: "body: too large, refused before its signature is looked at",
    RefusedReason.UNREADABLE: "url or params: cannot be read as an address and a form",
}


class BadLine(ValueError):
    """A line that holds no webhook; the text names the field and never its value."""


@dataclass(frozen=True)
class Question:
    """One line, read. `tolerance`: seconds, None for none; `given` says whether the line had one."""

    headers: Mapping[str, str]
    body: bytes
    url: str | None
    about: str | None
    secrets: tuple[SecretStr, ...]
    now: datetime
    tolerance: float | None
    given: bool

    @property
    def window(self) -> float | None:
        return self.tolerance if self.given else 300


def answers(lines: Iterable[bytes], clock: Callable[[], datetime]) -> Iterator[tuple[bool, str]]:
    """For each line that is not empty: whether it was good, and the line of JSON that answers it."""
    for number, line in enumerate(lines, 1):
        text = line.strip(b" \t\r\n\xef\xbb\xbf") if number == 1 else line.strip()
        if not text:
            continue
        name: str | int | None = None
        try:
            given = _object(text)
            found = given.get("id")
            if not isinstance(found, str | int) or isinstance(found, bool):
                raise BadLine("id: expected a text or a number")
            name = found
            yield True, json.dumps({"id": name, "verdict": _verdict(given, clock)})
        except BadLine as wrong:
            yield False, json.dumps({"id": name, "error": f"line {number}: {wrong}"})


def _verdict(given: Mapping[str, Any], clock: Callable[[], datetime]) -> str:
    scheme = given.get("scheme")
    if not isinstance(scheme, str) or scheme not in _SCHEMES:
        known = f"expected one of {', '.join(_SCHEMES)}"
        raise BadLine(f"scheme: {known}{did_you_mean(scheme, _SCHEMES) if isinstance(scheme, str) else ''}")
    question = _question(given, scheme, clock)
    try:
        _SCHEMES[scheme](question)
    except WebhookRefused as refused:
        if refused.reason in _UNPROVABLE:
            raise BadLine(_UNPROVABLE[refused.reason]) from None
        # A header that is not there is the plainest of malformed ones: the words are the vectors' own.
        missing = refused.reason is RefusedReason.MISSING_HEADER
        return (RefusedReason.MALFORMED_HEADER if missing else refused.reason).value
    except ValueError as wrong:
        raise BadLine(f"secret: {wrong}") from None
    return VALID


def _stripe(q: Question) -> None:
    stripe.verify(q.body, q.headers.get("stripe-signature"), q.secrets, q.now, q.window)


def _twilio(q: Question) -> None:
    if q.url is None:
        raise BadLine("url: expected the public address that Twilio called, with its query")
    kind = q.headers.get("content-type")
    if kind is None:
        try:
            hashed = any(name == "bodySHA256" for name, _ in parse_qsl(urlsplit(q.url).query, keep_blank_values=True))
        except ValueError:
            hashed = False
        kind = "application/json" if hashed else _FORM
    twilio.verify(q.url, q.body, kind, q.headers.get("x-twilio-signature"), q.secrets)


def _meta(q: Question) -> None:
    meta.verify(q.body, q.headers.get("x-hub-signature-256"), q.secrets)


def _gocardless(q: Question) -> None:
    gocardless.verify(q.body, q.headers.get("webhook-signature"), q.secrets)


def _belvo(q: Question) -> None:
    belvo.verify(q.body, q.headers.get("authorization"), q.secrets)


def _standard(q: Question) -> None:
    webhook_id, timestamp = q.headers.get("webhook-id"), q.headers.get("webhook-timestamp")
    signature = q.headers.get("webhook-signature")
    standard_webhooks.verify(q.body, webhook_id, timestamp, signature, q.secrets, q.now, q.window)


def _mercadopago(q: Question) -> None:
    about = q.about if q.url is None or q.about is not None else mercadopago.data_id(q.url)
    signature, request_id = q.headers.get("x-signature"), q.headers.get("x-request-id")
    mercadopago.verify(about, q.body, signature, request_id, q.secrets, q.now, q.tolerance)


def _conekta(q: Question) -> None:
    given = (q.secrets,) if isinstance(q.secrets, SecretStr) else q.secrets
    keys = conekta.load_keys([one.get_secret_value() for one in given])
    conekta.verify(q.body, q.headers.get("digest"), keys)


def _sendgrid(q: Question) -> None:
    header = "x-twilio-email-event-webhook-"
    signature, timestamp = q.headers.get(f"{header}signature"), q.headers.get(f"{header}timestamp")
    sendgrid.verify(q.body, signature, timestamp, tuple(one.get_secret_value() for one in q.secrets))


def _mail(q: Question) -> None:
    mail_reports.verify(q.body, q.headers.get("x-recobro-signature"), q.secrets)


_SCHEMES: Mapping[str, Callable[[Question], None]] = {
    "stripe-v1": _stripe,
    "twilio-v1": _twilio,
    "meta-sha256": _meta,
    "gocardless": _gocardless,
    "standard-webhooks": _standard,
    "mercadopago": _mercadopago,
    "conekta-rsa": _conekta,
    "belvo": _belvo,
    "sendgrid": _sendgrid,
    "mail": _mail,
}


def _question(given: Mapping[str, Any], scheme: str, clock: Callable[[], datetime]) -> Question:
    body = _body(given)
    if scheme == "twilio-v1":
        params = _pairs(given.get("params") or [])
        if params and body:
            raise BadLine("params: expected either a form's params or a body")
        if params:
            body = urlencode(params, errors="surrogatepass").encode()
    elif body is None and scheme != "mercadopago":
        raise BadLine("body: expected the exact text, or its bytes as body_base64")
    url, query = given.get("url"), given.get("query")
    if url is not None and not isinstance(url, str):
        raise BadLine("url: expected a text")
    if query is not None and not isinstance(query, dict):
        raise BadLine("query: expected an object")
    about = (query or {}).get("data.id")
    if about is not None and not isinstance(about, str | int):
        raise BadLine("query: expected data.id as a text")
    return Question(
        headers=_headers(given.get("headers")),
        body=body or b"",
        url=url,
        about=None if about is None else str(about),
        secrets=_secrets(given.get("secret")),
        now=_moment(given["now"]) if given.get("now") is not None else clock(),
        tolerance=_tolerance(given.get("tolerance")),
        given="tolerance" in given,
    )


def _object(text: bytes) -> dict[str, Any]:
    if len(text) > _LARGEST_LINE:
        raise BadLine("too long: no webhook is larger than 4 MiB")
    try:
        given = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise BadLine("nested too deeply") from None
    except UnicodeDecodeError:
        raise BadLine("expected UTF-8") from None
    except BadLine:
        raise
    except ValueError as error:
        where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadLine(f"no JSON{where}: expected one object a line") from None
    if not isinstance(given, dict):
        raise BadLine("expected a JSON object")
    return given


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadLine("a key stands twice in one object")
    return found


def _headers(given: Any) -> dict[str, str]:
    """By lower-case name; one that comes several times is joined by commas, as HTTP says."""
    if given is None:
        given = {}
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list):
        raise BadLine("headers: expected an object, or a list of pairs")
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise BadLine("headers: expected an object, or a list of pairs")
        values = pair[1] if isinstance(pair[1], list) else [pair[1]]
        for value in values:
            if value is None:
                continue
            if not isinstance(value, str):
                raise BadLine("headers: expected texts")
            found.setdefault(pair[0].strip().lower(), []).append(value)
    return {name: ", ".join(dict.fromkeys(values)) for name, values in found.items()}


def _pairs(given: Any) -> list[tuple[str, str]]:
    items = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(items, list):
        raise BadLine("params: expected a list of pairs, or an object")
    found: list[tuple[str, str]] = []
    for item in items:
        if not isinstance(item, list | tuple) or len(item) != 2 or not isinstance(item[0], str):
            raise BadLine("params: expected a list of pairs, or an object")
        for value in item[1] if isinstance(item[1], list) else [item[1]]:
            if not isinstance(value, str):
                raise BadLine("params: expected texts")
            found.append((item[0], value))
    return found


def _body(given: Mapping[str, Any]) -> bytes | None:
    text, encoded = given.get("body"), given.get("body_base64")
    if text is not None and encoded is not None:
        raise BadLine("body: expected either body or body_base64")
    if encoded is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise BadLine("body_base64: expected base64") from None
    if text is None:
        return None
    if not isinstance(text, str):
        raise BadLine("body: expected the exact text, or its bytes as body_base64")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadLine("body: half of a character; give the bytes as body_base64") from None


def _secrets(given: Any) -> tuple[SecretStr, ...]:
    each = given if isinstance(given, list) else [given]
    if not each or not all(isinstance(one, str) and one for one in each):
        raise BadLine("secret: expected a text that is not empty, or a list of them")
    return tuple(SecretStr(one) for one in each)


def _moment(given: Any) -> datetime:
    try:
        if isinstance(given, str):
            at = datetime.fromisoformat(given)
            if at.tzinfo is None:
                raise ValueError
            return at.astimezone(UTC)
        if isinstance(given, bool):
            raise ValueError
        return datetime.fromtimestamp(given, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise BadLine("now: expected seconds since 1970, or a moment such as 2026-12-24T09:00:00Z") from None


def _tolerance(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < math.inf:
        raise BadLine("tolerance: expected seconds, or null for none")
    return given
