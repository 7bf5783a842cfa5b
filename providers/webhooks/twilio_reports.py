"""A message's state that we asked for, in the form of the report Twilio would have posted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from domain.webhook_news import DeliveryState
from providers.ports import DeliveryReport
from providers.webhooks.twilio import event_key

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
