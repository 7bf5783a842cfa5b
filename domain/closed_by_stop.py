"""Which ways of reaching a person a stop of one of them closes, by the law where the person lives."""

from __future__ import annotations

import re

from domain.contact import Channel
from domain.opt_out_scope import StopScope, asks_to_be_written_to, named_scope, stays, ways_named
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


def closed_by_words(text: str, came_by: Channel, country: str, *, plain: bool) -> tuple[Channel, ...]:
    """What a wish to stop that came by `came_by` closes, by its words; of a person in `country` (ISO 3166-1 alpha-2).

    The way it came by stays open only where words say so: what is no `plain` stop of theirs, but a carrier's or a
    model's reading, or is not clear, closes that too. Ways that plain words name as unwanted are closed in any case.
    """
    scope = named_scope(text, came_by if plain else None)
    named = ways_named(text) if plain or scope is StopScope.NAMED_WAYS else ()
    if scope in (StopScope.CHANNEL, StopScope.NAMED_WAYS):
        here = () if plain and scope is StopScope.NAMED_WAYS else (came_by,)
        return tuple(dict.fromkeys((*here, *named)))
    by_law = closed_by_stop(Channel.CALL, country)
    calls = (Channel.CALL,) if asks_for_texts(text, came_by) else by_law
    if scope is not StopScope.CALLS or not plain:
        return tuple(dict.fromkeys((came_by, *named, *calls)))
    kept = stays(text, came_by)
    # Where texts go with the calls, so does WhatsApp to the same number, unless messages are asked for.
    texts_too = len(by_law) > 1 and came_by is Channel.WHATSAPP and not kept and not asks_to_be_written_to(text)
    return tuple(dict.fromkeys((*((Channel.WHATSAPP,) if texts_too else ()), *(named if kept else ()), *calls)))


def asks_for_texts(text: str, came_by: Channel | None = None) -> bool:
    """Whether `text` says, beside what it stops, that text messages are welcome: not if it names other ways alone.

    One that came by text message asks for them by "only here" too: the person may name the medium (12 CFR 1006.14(h)).
    """
    if came_by is Channel.SMS and stays(text, came_by):
        return True
    clauses = clauses_of(text)
    other_ways_alone = _OTHER_WAYS.search(clauses) is not None and _TEXTS.search(clauses) is None
    return asks_to_be_written_to(text) and not other_ways_alone
