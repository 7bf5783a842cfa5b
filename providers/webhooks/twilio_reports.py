"""What we asked Twilio for, in the form in which it would have posted it: a message's state, a message of a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from domain.webhook_news import DeliveryState
from providers.messaging.twilio_inbox import Received
from providers.ports import DeliveryReport
from providers.webhooks.twilio import CREATED, event_key

_WORDS: Final = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.READ: "read",
    DeliveryState.FAILED: "undelivered",
}


def report_body(report: DeliveryReport, references: Mapping[str, str]) -> tuple[str, str, bytes]:
    """Key, address and body of the report; its key is that of Twilio's own, so that whichever comes second is a repeat.

    Raises KeyError for a state that is not final.
    """
    fields = {"MessageSid": report.provider_message_id, "MessageStatus": _WORDS[report.state]}
    if report.error_code is not None:
        fields["ErrorCode"] = report.error_code
    body = urlencode(fields).encode()
    return event_key(body), f"/webhooks/twilio?{urlencode(references)}", body


def received_body(message: Received) -> tuple[str, str, bytes]:
    """Key, address and body of the webhook that never came, as `report_body`; it says when the message was written.

    Raises WebhookRefused for a sid that is none.
    """
    fields = {
        "MessageSid": message.sid,
        "SmsStatus": "received",
        "From": message.sender,
        "To": message.recipient,
        "Body": message.text,
        "NumMedia": str(message.media),
    }
    if message.created is not None:
        fields[CREATED] = message.created.isoformat()
    # Half an emoji that a handset cut off has no bytes in UTF-8; the words beside it have to be heard.
    body = urlencode(fields, errors="replace").encode()
    return event_key(body), "/webhooks/twilio", body
