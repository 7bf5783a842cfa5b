"""A message with its days and sums made words of their kind: what is left tells whether they are promised.

Whoever writes `37 lunes`, `tmrw 45` or `pal 1 son suyas las 70 lucas` says a day and a sum and little else. No list of words
holds all ways to say either; the rules that read them do.
"""

from __future__ import annotations

import re
from datetime import date

from domain.replies.amounts import figured, money_in
from domain.replies.clauses import without_empty_denials
from domain.replies.day_mentions import Mention, mentions_in
from domain.replies.day_words import respelt
from domain.replies.text import language_of, with_past_marked

_ON = date(2026, 11, 25)
"""Which day it is changes what day is meant, hardly ever whether one is."""
_COUNTRY = "MX"
_KINDS = {
    "past": "zzpast", "vague": "zzvague", "none": "zznoday", "today": "zznow", "today_wd": "zznow", "at_once": "zznow",
    "there": "zzthere", "today_weak": "zzbusynow", "plus1": "zzsoon", "plus2": "zzsoon", "payday": "zzmonthday",
    "last_of_this": "zzmonthday", "last_of_month": "zzmonthday", "half_month": "zzmonthday", "day": "zzdated",
    "day_month": "zzdated", "figures": "zzdated", "iso": "zzdated",
}  # fmt: skip
_SHALL = re.compile(r"\b[a-zñáéíóú]{2,}(?:[aei]r(?:é|á|án|ás|éis|emos)|[aei]rei)\b", re.IGNORECASE)
_DID = re.compile(
    r"\b(?!qu|porqu|sé\b|té\b|caf|esté|fé\b|sou\b|vou\b|dou\b|estou\b|you\b|sei\b|lei\b|rei\b|bebé)[a-zñáéíóú]{2,}(?:ó|(?<!r)é|aste|iste|(?<!r)ei|ou|iu)\b",
    re.IGNORECASE,
)
"""What an accent tells of a verb before it is taken off: `pagaré` is to come, `pasó` is done."""
_MARK = re.compile(r"(?<=[oei])'(?![a-z])")
_OTHER_DAY, _MONEY, _FIGURE = "zzweekday", "zzmoney", "zzbare"


def outline(text: str) -> str:
    """`text` in plain letters with a word for each day (`zzsoon`, `zzdated`, ...), sum (`zzmoney`) and bare figure."""
    text = _DID.sub(lambda it: f"{it.group()} zzdid", _SHALL.sub(lambda it: f"{it.group()} zzshall", text))
    folded = respelt(with_past_marked(text))
    language = language_of(folded, _COUNTRY)
    days = [(each.start, each.end, _named(each, folded)) for each in mentions_in(folded, _ON, _COUNTRY)]
    masked = without_empty_denials(figured(_masked(folded, days), language), language)
    sums = [(start, end, _MONEY if sure else _FIGURE) for start, end, sure in money_in(masked, _COUNTRY)]
    return _MARK.sub("", _masked(masked, sums))


def _named(day: Mention, text: str) -> str:
    """`hasta el 20` asks for time where `el 20` promises."""
    until = text.startswith(("hasta ", "ate "), day.start)
    return f"{'hasta ' if until else ''}{_KINDS.get(day.kind, _OTHER_DAY)}"


def _masked(text: str, spans: list[tuple[int, int, str]]) -> str:
    parts, at = [], 0
    for start, end, word in spans:
        parts += [text[at:start], f" {word} "]
        at = end
    return "".join([*parts, text[at:]])
