"""Ids of WhatsApp's messages as Meta makes them: base64 of the person's number and of the message's own."""

import base64


def wamid(phone: str, own: str, *, inbound: bool) -> str:
    """`own`: hexadecimal digits of the message's own number, 20 at least; each part stands behind its length."""
    digits, number = phone.lstrip("+").encode(), own.upper().encode()[: 20 if inbound else 18]
    parts = (b"\x1c", _long(digits), b"\x15\x02\x00", b"\x12" if inbound else b"\x11", _long(number), b"\x00")
    return "wamid." + base64.b64encode(b"".join(parts)).decode()


def _long(text: bytes) -> bytes:
    return b"\x18" + bytes([len(text)]) + text
