"""The QR code of a payment link in an e-mail: a picture that its HTML part shows."""

from __future__ import annotations

from typing import Final

from config.qr import LONGEST, qr_png
from domain.contact import Channel
from providers.ports import Attachment, OutgoingMessage

QR_CODE: Final = "pay-qr"
"""Templates show it as `cid:pay-qr`."""


def with_qr_code(message: OutgoingMessage, url: str) -> OutgoingMessage:
    """The message with the code of `url`, where it is an e-mail whose template shows one."""
    shows = message.channel is Channel.EMAIL and message.html is not None and f"cid:{QR_CODE}" in message.html
    if not shows or len(url) > LONGEST:
        return message
    picture = Attachment(filename="pay-qr.png", media_type="image/png", content=qr_png(url), content_id=QR_CODE)
    return message.model_copy(update={"attachments": (*message.attachments, picture)})
