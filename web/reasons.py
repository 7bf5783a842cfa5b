"""Why a case waits and why a loan refuses something, in the language of a page.

The loan gives its reasons in English, with amounts in minor units, and so they stand in the records and in the audit
trail. What has no words here is shown as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from config.localised import format_date, format_money, locale_of
from domain.money import Money
from web.reason_words import PHRASES, WORDS

_PLACES = {
    "n": r"\d+",
    "days": r"\d+",
    "amount": r"\d+",
    "least": r"\d+",
    "whole": r"\d+",
    "day": r"\d{4}-\d\d-\d\d",
    "kind": r"promise|plan|settlement|restructuring",
    "what": r"dispute|hardship|bereavement|vulnerable",
    "who": r"machine|agent|supervisor",
    "end": r"cured|settled|not cured|not_cured|recalled|sold|written off|written_off",
    "state": r"kept|partly kept|completed|broken|replaced|void|cancelled|expired|proposed|open|active",
    "intents": r"[a-z ]+(?:, [a-z ]+)*",
    "name": r".+?",
    "why": r".+",
}
_MONEY = frozenset({"amount", "least", "whole"})
"""Places that hold minor units."""


def _compiled(phrase: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrase)
    pattern = "".join(
        re.escape(part) if at % 2 == 0 else f"(?P<{part}_>{_PLACES[part]})" for at, part in enumerate(parts)
    )
    return re.compile(pattern)


def _in_english(phrase: str) -> str:
    """The reason itself; amounts are written as money, which names its currency."""
    return phrase.replace(" minor units of {name}", "").replace(" minor units", "").replace("refused: ", "")


_COMPILED = tuple((_compiled(english), {"en": _in_english(english), "es": es, "pt": pt}) for english, es, pt in PHRASES)


def reason_in(text: str, language: str, currency: str) -> str:
    """A reason of the loan's in `language`, amounts as money of `currency` instead of minor units."""
    told = _told(text, language, currency)
    if language not in WORDS:
        return told
    begins_with_a_rule = "." in told.split(":")[0].split(" ")[0]
    return told if begins_with_a_rule else told[:1].upper() + told[1:]


def _told(text: str, language: str, currency: str) -> str:
    for pattern, said in _COMPILED:
        if (match := pattern.fullmatch(text)) is not None:
            write = _writer(language, currency)
            return said.get(language, said["en"]).format(
                **{place[:-1]: write(place[:-1], value) for place, value in match.groupdict().items()}
            )
    return text


def _writer(language: str, currency: str) -> Callable[[str, str], str]:
    words, locale = WORDS.get(language, {}), locale_of(language, "")

    def write(place: str, value: str) -> str:
        if place in _MONEY:
            return format_money(Money(amount_minor=int(value), currency=currency), locale)
        if place == "day":
            return format_date(date.fromisoformat(value), locale)
        if place == "why":
            return _told(value, language, currency)
        if place == "intents":
            return ", ".join(words.get(each, each) for each in value.split(", "))
        return words.get(value.replace("_", " "), value)

    return write
