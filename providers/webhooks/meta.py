"""Meta's webhooks of the WhatsApp Cloud API: `X-Hub-Signature-256`; messages, statuses, templates, numbers.

The signature has no time in it, so a repeat is only caught by `event_key`. The body escapes what is not ASCII:
it is never written anew before it is checked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from pydantic import SecretStr

from domain.contact import Channel
from domain.message_names import of_whatsapp
from domain.platform_rules import TIERS, Quality
from domain.webhook_news import (
    DeliveryNews,
    DeliveryState,
    Ignored,
    InboundNews,
    MediaNews,
    NumberChanged,
    SenderNews,
    TemplateNews,
    WebhookNews,
)
from providers.messaging.meta_codes import reaction_to_failed_delivery
from providers.messaging.meta_templates import category_of, quality_of, status_of
from providers.webhooks.json_bodies import json_object, objects, one_key
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys
from providers.webhooks.whatsapp_numbers import spellings

PROVIDER: Final = "meta"
LARGEST_BODY: Final = 3 * 1024 * 1024
"""As Meta's page on webhooks of the Cloud API says; what is refused is tried again for some days and then lost."""
_PREFIX = "sha256="
_SENDER = re.compile(r"[0-9]{5,20}")
_WORD = re.compile(r"[a-z_]{1,40}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_LONGEST_ID = 128
_OURS = re.compile(r"[A-Za-z0-9_-]{1,40}")
_SECONDS = re.compile(r"[0-9]{1,10}")
_WHOLE_SECOND = timedelta(microseconds=999_999)
_LATEST = 4_000_000_000
"""In 2096, in seconds: later ones are no moments."""
_NUMBER_ID = re.compile(r"[0-9]{1,30}")
_MEDIA_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
_FILES = frozenset({"image", "document", "audio", "voice", "video", "sticker"})
_NUMBER_EVENTS: Mapping[str, Quality] = {"FLAGGED": Quality.RED, "UNFLAGGED": Quality.GREEN}
_NUMBER_CHANGES = frozenset({"user_changed_number", "customer_changed_number"})
_LONGEST_TEXT = 8_000
_STATES: Mapping[str, DeliveryState] = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "failed": DeliveryState.FAILED,
}


def verify(raw_body: bytes, header: str | None, secrets: Secrets) -> None:
    """Prove that Meta sent these bytes; `secrets` are the app's, not the verify token. Raises WebhookRefused."""
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header or not header.strip():
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    scheme, equals, signature = header.strip().partition("=")
    if not equals:
        raise WebhookRefused(PROVIDER, RefusedReason.MALFORMED_HEADER)
    if scheme.lower() + equals != _PREFIX:
        raise WebhookRefused(PROVIDER, RefusedReason.NO_EXPECTED_SCHEME)
    expected = [hmac.new(key, raw_body, hashlib.sha256).hexdigest() for key in keys(secrets)]
    if not any_same(expected, [signature.lower()]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def challenge(query: Mapping[str, str], verify_token: SecretStr) -> str | None:
    """What to answer when Meta asks whether this address is ours; None: the question is not Meta's."""
    expected, echo = verify_token.get_secret_value(), query.get("hub.challenge", "")
    if query.get("hub.mode") != "subscribe" or not expected or not _CHALLENGE.fullmatch(echo):
        return None
    return echo if any_same([expected], [query.get("hub.verify_token", "")]) else None


def event_key(raw_body: bytes) -> str:
    """The key under which a delivery counts once: a message's name, a status's with its state, or one made of all.

    Raises WebhookRefused (UNREADABLE) where one has no id: another without an id would be taken for its repeat.
    """
    told: list[tuple[str, str]] = []
    for _, value in _changes(json_object(PROVIDER, raw_body)):
        told += [(_text(message.get("id")), "") for message in objects(value.get("messages"))]
        told += [
            (_text(status.get("id")), f":{_text(status.get('status'))}") for status in objects(value.get("statuses"))
        ]
    if not all(message_id for message_id, _ in told):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    parts = [message_id + state for message_id, state in told]
    key = one_key(PROVIDER, parts)
    # One made of several is of their ids as they came: a repeat of one from before ids had names is known by it.
    return of_whatsapp(told[0][0]) + told[0][1] if key == parts[0] else key


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a proven body, always at least one value. Raises WebhookRefused (UNREADABLE)."""
    news: list[WebhookNews] = []
    for field, value in _changes(json_object(PROVIDER, raw_body)):
        read = partial(_message, written_to=_number_of(value))
        told = [_each(message, read) for message in objects(value.get("messages"))]
        told += [_each(status, _status) for status in objects(value.get("statuses"))]
        told += _about_ours(field, value)
        news += told or [Ignored(kind=f"change:{field if _WORD.fullmatch(field) else 'unknown'}", needs_person=True)]
    if not news:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return tuple(news)


def _each(told: Mapping[str, Any], read: Callable[[Mapping[str, Any]], WebhookNews]) -> WebhookNews:
    """One of the many that a delivery brings: what cannot be read is left to a person and keeps no other from it."""
    try:
        return read(told)
    except WebhookRefused:
        named = _text(told.get("id"))
        reference = of_whatsapp(named) if _is_id(named) else None
        return Ignored(kind="message_unreadable", needs_person=True, reference=reference)


def _is_id(message_id: str) -> bool:
    return message_id.isprintable() and 0 < len(message_id) <= _LONGEST_ID


def _changes(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in objects(body.get("entry")):
        for change in objects(entry.get("changes")):
            value = change.get("value")
            yield _text(change.get("field")), value if isinstance(value, dict) else {}


def _about_ours(field: str, value: Mapping[str, Any]) -> list[WebhookNews]:
    """News of our templates and numbers; a change that names none is not understood."""
    name, language = _text(value.get("message_template_name"))[:512], _text(value.get("message_template_language"))[:15]
    number = "".join(char for char in _text(value.get("display_phone_number")) if char.isascii() and char.isdigit())
    if field == "phone_number_quality_update" and number:
        event = _text(value.get("event")).upper()
        limit = _text(value.get("current_limit")).upper()
        return [
            SenderNews(
                provider=PROVIDER,
                sender=number[:20],
                event=event.lower()[:40],
                quality=_NUMBER_EVENTS.get(event),
                tier=TIERS.get(limit),
            )
        ]
    if not name or not language or not (name + language).isprintable():
        return []
    common = {"provider": PROVIDER, "name": name, "language": language}
    if field == "message_template_status_update":
        reason = _text(value.get("reason"))
        told = reason.lower()[:80] if _WORD.fullmatch(reason.lower()) and reason.upper() != "NONE" else ""
        return [TemplateNews(**common, status=status_of(value.get("event")), reason=told)]
    if field == "message_template_quality_update":
        return [TemplateNews(**common, quality=quality_of(value.get("new_quality_score")))]
    if field == "template_category_update":
        return [TemplateNews(**common, category=category_of(value.get("new_category")))]
    return []


def _number_of(value: Mapping[str, Any]) -> str | None:
    """Meta's id of the number of ours that a change is about."""
    metadata = value.get("metadata")
    told = _text(metadata.get("phone_number_id")) if isinstance(metadata, dict) else ""
    return told if _NUMBER_ID.fullmatch(told) else None


def _quoted(message: Mapping[str, Any], kind: str) -> str | None:
    """The message of ours that this one answers, or reacts to; None where the sender picked none."""
    told, name = (message.get(kind), "message_id") if kind == "reaction" else (message.get("context"), "id")
    quoted = _text(told.get(name)) if isinstance(told, dict) else ""
    return of_whatsapp(quoted) if _is_id(quoted) else None


def _message(message: Mapping[str, Any], written_to: str | None) -> WebhookNews:
    kind, sender, message_id = (_text(message.get(name)) for name in ("type", "from", "id"))
    if not _is_id(message_id):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    named = kind if _WORD.fullmatch(kind) else "unknown"
    if kind == "system":
        return _system(message, sender, message_id)
    quotes = _quoted(message, kind)
    has_number = _SENDER.fullmatch(sender) is not None
    if not has_number and quotes is None:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    # Who goes by a username alone is known only by what they answer.
    address, *others = spellings(sender) if has_number else ("",)
    common: dict[str, Any] = {
        "channel": Channel.WHATSAPP,
        "provider": PROVIDER,
        "sender_address": address,
        "other_spellings": tuple(others),
        "provider_message_id": of_whatsapp(message_id),
        "written_at": _moment(message.get("timestamp")),
        "kind": named,
        "written_to": written_to,
        "quotes": quotes,
    }
    file = message.get(kind)
    if kind in _FILES and isinstance(file, dict) and _MEDIA_ID.fullmatch(media_id := _text(file.get("id"))):
        caption, mime_type = _text(file.get("caption")), _text(file.get("mime_type")).partition(";")[0].strip().lower()
        return MediaNews(
            **common,
            text=caption[:_LONGEST_TEXT],
            media_id=media_id,
            mime_type=mime_type if len(mime_type) < 100 else "",
        )
    # Whatever it is, a person wrote to us: the window is open, and what holds no words is shown to somebody.
    return InboundNews(**common, text=(_words(kind, message) or "")[:_LONGEST_TEXT])


def _system(message: Mapping[str, Any], sender: str, message_id: str) -> WebhookNews:
    """What WhatsApp itself tells of a person. That an id of theirs changed which is no number concerns nothing here."""
    told = message.get("system")
    what = _text(told.get("type")) if isinstance(told, dict) else ""
    if what in _NUMBER_CHANGES and _SENDER.fullmatch(sender):
        address, *others = spellings(sender)
        return NumberChanged(
            provider=PROVIDER,
            provider_message_id=of_whatsapp(message_id),
            address=address,
            other_spellings=tuple(others),
        )
    return Ignored(
        kind="message:system", needs_person=what != "user_changed_user_id", reference=of_whatsapp(message_id)
    )


def _words(kind: str, message: Mapping[str, Any]) -> str | None:
    """What the person wrote or tapped; None where it is neither."""
    content = message.get(kind)
    if not isinstance(content, dict):
        return None
    if kind == "interactive":
        reply = content.get("button_reply") or content.get("list_reply")
        content = reply if isinstance(reply, dict) else {}
    found = content.get({"text": "body", "button": "text", "interactive": "title"}.get(kind, ""))
    return found if isinstance(found, str) and found else None


def _status(status: Mapping[str, Any]) -> WebhookNews:
    message_id, word = _text(status.get("id")), _text(status.get("status"))
    if not _is_id(message_id):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    state = _STATES.get(word)
    if state is None:
        return Ignored(kind=f"status:{word if _WORD.fullmatch(word) else 'unknown'}")
    errors = objects(status.get("errors"))
    given = errors[0].get("code") if errors and state.has_failed else None
    code = given if type(given) is int and 0 <= given < 10**9 else None
    ours = _text(status.get("biz_opaque_callback_data"))
    return DeliveryNews(
        message_id=ours if _OURS.fullmatch(ours) else None,
        provider=PROVIDER,
        provider_message_id=of_whatsapp(message_id),
        state=state,
        error_code=None if code is None else str(code),
        reaction=reaction_to_failed_delivery(code) if state.has_failed else None,
    )


def _moment(value: object) -> datetime | None:
    """The moment of a message, which is told in whole seconds: the last of that second, for whoever wrote in it had
    read what came before."""
    told = str(value) if type(value) is int else _text(value)
    if not _SECONDS.fullmatch(told) or not 0 < int(told) < _LATEST:
        return None
    return datetime.fromtimestamp(int(told), UTC) + _WHOLE_SECOND


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
