"""How many segments a text message takes, exactly: GSM 7-bit (3GPP TS 23.038) or UCS-2.

A text whose characters all stand in the GSM alphabet or its extension table travels as septets: 160 in
a single message, 153 a segment in a longer one. One character outside it turns the whole text into
UTF-16 code units: 70 alone, 67 a segment. An escape pair and a surrogate pair are never split, so a
segment may end one unit short.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")


class SmsEncoding(StrEnum):
    GSM7 = "gsm7"
    UCS2 = "ucs2"


class SmsSize(BaseModel):
    """`units` are septets (GSM-7) or UTF-16 code units (UCS-2); an empty text takes one segment."""

    model_config = ConfigDict(frozen=True)

    encoding: SmsEncoding
    units: int
    segments: int


def outside_gsm7(text: str) -> tuple[str, ...]:
    """The characters that force UCS-2, each once, in order of appearance."""
    return tuple(dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENSION))


def sms_size(text: str) -> SmsSize:
    """Encoding, units and segments of `text` as a carrier counts them."""
    if outside_gsm7(text):
        widths = [2 if ord(char) > 0xFFFF else 1 for char in text]
        return _packed(SmsEncoding.UCS2, widths, alone=70, joined=67)
    widths = [2 if char in _EXTENSION else 1 for char in text]
    return _packed(SmsEncoding.GSM7, widths, alone=160, joined=153)


def _packed(encoding: SmsEncoding, widths: list[int], *, alone: int, joined: int) -> SmsSize:
    units = sum(widths)
    if units <= alone:
        return SmsSize(encoding=encoding, units=units, segments=1)
    segments, room = 1, joined
    for width in widths:
        if width > room:
            segments, room = segments + 1, joined
        room -= width
    return SmsSize(encoding=encoding, units=units, segments=segments)
