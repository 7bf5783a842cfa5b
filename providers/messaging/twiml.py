"""TwiML, the XML with which a call is answered (twilio.com/docs/voice/twiml), as far as our calls need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # writes XML, reads none

CONTENT_TYPE = "text/xml"
HANG_UP = "<Hangup/>"
_ANSWER_WITHIN = 8
"""Seconds of silence after which what was asked counts as not answered."""


class Voice(NamedTuple):
    """`<Say>`'s language, a BCP 47 tag, and one of Twilio's voices that speak it."""

    language: str
    name: str


# Amazon Polly's voices under the names Twilio gives them; Latin America hears the Mexican one.
_VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        "es": Voice("es-MX", "Polly.Mia"),
        "es-ES": Voice("es-ES", "Polly.Lucia"),
        "es-US": Voice("es-US", "Polly.Lupe"),
        "en": Voice("en-US", "Polly.Joanna"),
        "en-GB": Voice("en-GB", "Polly.Amy"),
        "pt": Voice("pt-BR", "Polly.Camila"),
    }
)


def voice_of(language: str, country: str) -> Voice:
    """The voice for an ISO 639-1 language as it is spoken in a country. Raises KeyError for one nobody speaks here."""
    return _VOICES.get(f"{language}-{country}") or _VOICES[language]


def say(text: str, voice: Voice) -> str:
    return f"<Say language={quoteattr(voice.language)} voice={quoteattr(voice.name)}>{escape(text)}</Say>"


def gather(action: str, digits: int, prompts: Sequence[str]) -> str:
    """Keys are asked for while the prompts are spoken; what is pressed, or that nothing was, is posted to `action`."""
    attributes = (
        f'input="dtmf" numDigits="{digits}" timeout="{_ANSWER_WITHIN}" actionOnEmptyResult="true" method="POST"'
    )
    return f"<Gather action={quoteattr(action)} {attributes}>{''.join(prompts)}</Gather>"


def dial(number: str) -> str:
    return f"<Dial>{escape(number)}</Dial>"


def response(verbs: Sequence[str]) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'
