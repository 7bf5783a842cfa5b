"""Twilio's webhooks: `X-Twilio-Signature`, message status callbacks and incoming messages.

The signature has no time in it, so a repeat is only caught by `event_key`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from domain.call_flow import CallEnd, Heard
from domain.contact import Channel
from domain.opt_out_words import OptOutReading
from domain.webhook_news import CallEnded, CallHeard, DeliveryNews, Ignored, InboundNews, WebhookNews
from providers.messaging.twilio_calls import reaction_to_unanswered
from providers.messaging.twilio_codes import STATES, reaction_to_failed_delivery
from providers.webhooks.json_bodies import named
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys
from providers.webhooks.whatsapp_numbers import spellings

PROVIDER: Final = "twilio"
HEARD: Final = "Heard"
"""The field by which what we kept of a call's keys is told from what Twilio posts."""
CREATED: Final = "DateCreated"
"""When a message came to Twilio, ISO 8601: only what we fetched says so, for it may be taken in much later."""
_NO_FILES: Final = {"image/webp": "sticker", "text/vcard": "contacts", "text/x-vcard": "contacts"}
QUOTED: Final = "OriginalRepliedMessageSid"
"""The message of ours that was picked to be answered; WhatsApp's alone."""
LARGEST_BODY: Final = 64 * 1024
_MOST_FIELDS = 200
_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_WORD = re.compile(r"[a-z_-]{1,40}")
_ERROR_CODE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"\+?([0-9]{5,20})")
_CARRIER_READINGS: Mapping[str, OptOutReading] = {
    "STOP": OptOutReading.OPT_OUT,
    "START": OptOutReading.OPT_IN,
    "HELP": OptOutReading.NOT_ABOUT_THIS,
}


def verify(url: str, raw_body: bytes, content_type: str | None, header: str | None, auth_tokens: Secrets) -> None:
    """Prove that Twilio sent this request; raises WebhookRefused.

    `url` is the public address with its query, as Twilio was given it, not what a proxy made of it; it may
    carry or lack a port. A form is signed field by field; any other body by its hash in the query.
    """
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header:
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    is_form = content_type is None or content_type.split(";")[0].strip().lower() in (
        "",
        "application/x-www-form-urlencoded",
    )
    fields: list[tuple[str, str]] = []
    if is_form:
        fields = _fields(raw_body)
    elif raw_body or _query(url).get("bodySHA256"):
        claimed = _query(url).get("bodySHA256", "")
        if not any_same([hashlib.sha256(raw_body).hexdigest()], [claimed.lower()]):
            raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)
    signed = "".join(name + value for name, value in sorted(set(fields)))
    expected = [
        base64.b64encode(
            hmac.new(key, (address + signed).encode(errors="surrogatepass"), hashlib.sha1).digest()
        ).decode()
        for key in keys(auth_tokens)
        for address in _with_and_without_port(url)
    ]
    if not any_same(expected, [header]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def event_key(raw_body: bytes) -> str:
    """The key under which the request counts once: message and status, or call and status."""
    fields = dict(_fields(raw_body))
    sid = fields.get("MessageSid") or fields.get("SmsSid") or fields.get("CallSid") or ""
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or fields.get("CallStatus") or "received"
    if not _SID.fullmatch(sid) or not _WORD.fullmatch(status):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return f"{sid}:{status}"


def parse(url: str, raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a verified request, always one value; our references come from the query of `url`.

    Raises WebhookRefused (UNREADABLE) if the fields a message needs are not there.
    """
    fields = dict(_fields(raw_body))
    sid = fields.get("MessageSid") or fields.get("SmsSid")
    if sid is None:
        if _SID.fullmatch(fields.get("CallSid", "")):
            return (_heard(fields) if HEARD in fields else _call_ended(fields, _query(url)),)
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    if not _SID.fullmatch(sid):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    status = fields.get("MessageStatus")
    if status is not None:
        return (_delivery(sid, status, fields, _query(url)),)
    if "Body" in fields and "From" in fields:
        return (_inbound(sid, fields),)
    raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)


def heard_body(call_sid: str, message_id: str, heard: Heard, promised_on: date | None = None) -> bytes:
    """What is kept of keys that were pressed: what they meant, never the keys, which may be a year of birth."""
    told = {"CallSid": call_sid, HEARD: heard.value, "Message": message_id}
    return urlencode(told if promised_on is None else {**told, "Promised": promised_on.isoformat()}).encode()


def _heard(fields: Mapping[str, str]) -> CallHeard:
    try:
        promised = fields.get("Promised")
        return CallHeard(
            message_id=fields["Message"],
            provider=PROVIDER,
            provider_message_id=fields["CallSid"],
            heard=Heard(fields[HEARD]),
            promised_on=date.fromisoformat(promised) if promised else None,
        )
    except (KeyError, ValueError):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None


def _call_ended(fields: Mapping[str, str], references: Mapping[str, str]) -> CallEnded | Ignored:
    status = fields.get("CallStatus", "")
    if status not in frozenset(CallEnd):
        return Ignored(kind=f"call:{status if _WORD.fullmatch(status) else 'unknown'}")
    seconds = fields.get("CallDuration", "0")
    end = CallEnd(status)
    return CallEnded(
        message_id=_ours(references),
        provider=PROVIDER,
        provider_message_id=fields["CallSid"],
        end=end,
        seconds=int(seconds) if _ERROR_CODE.fullmatch(seconds) else 0,
        reaction=None if end is CallEnd.COMPLETED else reaction_to_unanswered(status),
    )


def _delivery(
    sid: str, status: str, fields: Mapping[str, str], references: Mapping[str, str]
) -> DeliveryNews | Ignored:
    state = STATES.get(status)
    if state is None:
        return Ignored(kind=f"message:{status if _WORD.fullmatch(status) else 'unknown'}")
    given = fields.get("ErrorCode", "")
    code = given if _ERROR_CODE.fullmatch(given) and int(given) else None
    return DeliveryNews(
        message_id=_ours(references),
        provider=PROVIDER,
        provider_message_id=sid,
        state=state,
        error_code=code,
        reaction=reaction_to_failed_delivery(code) if state.has_failed else None,
        lender=references.get("lender") or None,
        loan_id=references.get("loan") or None,
    )


def _inbound(sid: str, fields: Mapping[str, str]) -> InboundNews | Ignored:
    scheme, colon, address = fields["From"].rpartition(":")
    if colon and scheme != "whatsapp":
        return Ignored(kind="message:other_channel", needs_person=True)
    if not address:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    others: tuple[str, ...] = ()
    if colon and (number := _NUMBER.fullmatch(address.strip())):
        address, *rest = spellings(number[1])
        others = tuple(rest)
    wordless = not fields["Body"].strip() and fields.get("NumMedia", "0").strip("0 ") != ""
    written_to = _NUMBER.fullmatch(fields.get("To", "").rpartition(":")[2].strip())
    quoted = fields.get(QUOTED, "")
    return InboundNews(
        channel=Channel.WHATSAPP if colon else Channel.SMS,
        provider=PROVIDER,
        sender_address=address,
        other_spellings=others,
        text="" if wordless else fields["Body"],
        provider_message_id=sid,
        carrier_reading=_CARRIER_READINGS.get(fields.get("OptOutType", "").upper()),
        written_at=_moment(fields[CREATED]) if CREATED in fields else None,
        written_to=written_to[1] if written_to else None,
        quotes=quoted if _SID.fullmatch(quoted) else None,
        kind=_file_kind(fields.get("MediaContentType0", "")) if wordless else "text",
    )


def _file_kind(content_type: str) -> str:
    """The word for a file, as the other platform has it. WhatsApp's photos are JPEG, its stickers WebP."""
    content_type = content_type.partition(";")[0].strip().lower()
    if content_type in _NO_FILES:
        return _NO_FILES[content_type]
    kind = content_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


def _ours(references: Mapping[str, str]) -> str | None:
    """Our own id of a message, by the address that Twilio was given for it."""
    return named(references.get("message"))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None
    if moment.tzinfo is None:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return moment


def _fields(raw_body: bytes) -> list[tuple[str, str]]:
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    try:
        return parse_qsl(raw_body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """The address as given and its twin: Twilio signs some requests with the port and some without."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None
    if port is None:
        netloc = f"{parts.netloc.rstrip(':')}:{443 if parts.scheme == 'https' else 80}"
    else:
        netloc = parts.netloc.rpartition(":")[0]
    return url, urlunsplit(parts._replace(netloc=netloc))
