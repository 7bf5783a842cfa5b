"""Which ways of reaching a person a stop of one of them closes, by the law where the person lives."""

from __future__ import annotations

import re

from domain.contact import Channel
from domain.opt_out_scope import asks_to_be_written_to
from domain.opt_out_words import clauses_of

_A_TEXT_IS_A_CALL = frozenset({"US"})
"""Where whoever wants no calls gets no text messages either: 47 CFR 64.1200(a)(10) and (f)."""
_TEXTS = re.compile(
    r"\b(?:sms|texts?|texting|textos?|txts?|(?:messages?|mensajes?|mensagens?|mensagem|msjs?)"
    r"(?! (?:by|por|pelo|via|on|en|de|through|no)\b))\b"
)
_OTHER_WAYS = re.compile(r"\b(?:what?s ?app?s?|whats|wasaps?|wsp|wpp|zap|e ?mails?|mails?|correos?|letters?|cartas?)\b")


def closed_by_stop(channel: Channel, country: str) -> tuple[Channel, ...]:
    """The channels that a stop of `channel` closes in `country` (ISO 3166-1 alpha-2), that one last."""
    return (Channel.SMS, channel) if channel is Channel.CALL and country in _A_TEXT_IS_A_CALL else (channel,)


def asks_for_texts(text: str) -> bool:
    """Whether `text` says, beside what it stops, that text messages are welcome: not if it names other ways alone."""
    clauses = clauses_of(text)
    other_ways_alone = _OTHER_WAYS.search(clauses) is not None and _TEXTS.search(clauses) is None
    return asks_to_be_written_to(text) and not other_ways_alone
