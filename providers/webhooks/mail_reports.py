"""What comes into our mailbox: delivery reports (RFC 3464), abuse reports (RFC 5965) and what borrowers answer.

Whoever reads the mailbox posts each mail as it is, with `X-Recobro-Signature: sha256=<hex>`, an HMAC-SHA256 of the raw
mail under a secret both know.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Final

from domain.webhook_news import Complained, DeliveryNews, DeliveryState, Ignored, WebhookNews
from domain.what_next import Reaction, WhatNext
from providers.messaging.smtp_codes import Stage, reaction_to
from providers.webhooks.mail_replies import answer_in, answered_by, is_by_a_machine
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys

PROVIDER: Final = "mail"
"""Not `smtp`: whose reports are proven here is whoever holds the secret."""
SENT_BY: Final = "smtp"
LARGEST_BODY: Final = 256 * 1024
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MESSAGE_ID = re.compile(r"<([^<>@\s]{1,200})@[^<>\s]{1,200}>")
_MOST_PARTS = 50


def verify(raw_body: bytes, header: str | None, secrets: Secrets) -> None:
    """Prove that whoever reads the bounce mailbox posted this. Raises WebhookRefused."""
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header:
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    if not header.startswith("sha256="):
        raise WebhookRefused(PROVIDER, RefusedReason.NO_EXPECTED_SCHEME)
    expected = [hmac.new(key, raw_body, hashlib.sha256).hexdigest() for key in keys(secrets)]
    if not any_same(expected, [header.removeprefix("sha256=").strip().lower()]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)


def event_key(raw_body: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw_body).hexdigest()


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a report, or a borrower's answer to a mail of ours; any other mail is for a person to read.

    The mail is found by the Message-ID of ours that the report returns; no address of it is looked at.
    """
    mail = message_from_bytes(raw_body)
    parts = _parts(mail)
    kind = str(mail.get_param("report-type") or "").lower() if mail.get_content_type() == "multipart/report" else ""
    ours = _our_message(parts)
    if kind == "feedback-report":
        feedback = next((part for part in parts if part.get_content_type() == "message/feedback-report"), None)
        word = _field(feedback, "Feedback-Type") if feedback is not None else "unknown"
        if ours is None:
            return (Ignored(kind="mail:complaint", needs_person=True),)
        told = word if re.fullmatch(r"[a-z-]{1,30}", word) else "complaint"
        return (Complained(message_id=ours[0], provider=SENT_BY, provider_message_id=ours[1], kind=told),)
    if kind != "delivery-status":
        if is_by_a_machine(mail):
            return (Ignored(kind="mail:by_a_machine"),)
        answer = answer_in(mail, parts, PROVIDER)
        if answer is not None:
            return (answer,)
        return (Ignored(kind="mail:no_report", needs_person=True, reference=next(iter(answered_by(mail)), None)),)
    action, status = _fate(parts)
    if action not in ("failed", "delivered", "relayed", "expanded"):
        return (Ignored(kind="mail:delayed" if action == "delayed" else "mail:report"),)
    if ours is None:
        return (Ignored(kind="mail:report_of_unknown", needs_person=action == "failed"),)
    failed = action == "failed"
    code = 400 if status is not None and status.startswith("4") else 550
    # A server that gave up after trying for days says 4.x.x and means it: nothing is tried again by it.
    reaction = _given_up(reaction_to(max(code, 550), status, Stage.RECIPIENT)) if failed else None
    return (
        DeliveryNews(
            message_id=ours[0],
            provider=SENT_BY,
            provider_message_id=ours[1],
            state=DeliveryState.FAILED if failed else DeliveryState.DELIVERED,
            error_code=(status or "bounced") if failed else None,
            reaction=reaction,
        ),
    )


def _given_up(reaction: Reaction) -> Reaction:
    """A report tells of the one mail, which is over, whoever was to blame."""
    if reaction.what_next is WhatNext.TERMINAL:
        return reaction
    return Reaction(what_next=WhatNext.TERMINAL, meaning=reaction.meaning)


def _parts(mail: Message) -> list[Message]:
    """The mail and what is inside it, not endlessly."""
    found: list[Message] = []
    for part in mail.walk():
        found.append(part)
        if len(found) > _MOST_PARTS:
            raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return found


def _field(part: Message | None, name: str) -> str:
    """A field of a report's machine-readable part, whichever of its groups it stands in."""
    for group in _groups(part):
        if (value := group.get(name)) is not None:
            return str(value).strip().lower()
    return ""


def _groups(part: Message | None) -> Iterator[Message]:
    if part is None:
        return
    inside = part.get_payload()
    if isinstance(inside, list):
        yield from (each for each in inside if isinstance(each, Message))
    else:
        yield message_from_bytes(str(inside or "").encode("utf-8", "replace"))


def _fate(parts: list[Message]) -> tuple[str, str | None]:
    part = next((each for each in parts if each.get_content_type() == "message/delivery-status"), None)
    status = _STATUS.search(_field(part, "Status"))
    return _field(part, "Action").partition(" ")[0], status.group(0) if status else None


def _our_message(parts: list[Message]) -> tuple[str, str] | None:
    """Our own id and the whole Message-ID of the mail a report is about."""
    for part in parts:
        if part.get_content_type() not in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            continue
        inside = part.get_payload()
        returned = inside[0] if isinstance(inside, list) and inside else None
        if returned is None:
            decoded = part.get_payload(decode=True)
            returned = message_from_bytes(decoded if isinstance(decoded, bytes) else str(inside or "").encode())
        if isinstance(returned, Message) and (found := _MESSAGE_ID.search(str(returned.get("Message-ID", "")))):
            return found.group(1), found.group(0)
    return None
