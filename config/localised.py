"""Money and dates written the way the borrower reads them, by babel (CLDR)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_format_date
from babel.dates import format_skeleton, format_time
from babel.numbers import format_currency

from domain.money import Money

# CLDR gives the Colombian peso two digits; nobody there writes, or could pay, a centavo.
_PRINTED_WHOLE = frozenset({"COP", "CLP"})


@lru_cache(maxsize=256)
def locale_of(language: str, country: str) -> Locale:
    """The locale of an ISO 639-1 language and an ISO 3166-1 country; without such a pair, of the language.

    Raises ValueError for a language CLDR does not know.
    """
    for name in (f"{language}_{country}", language):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    raise ValueError(f"unknown language {language!r}: expected an ISO 639-1 code such as es")


def format_money(money: Money, locale: Locale) -> str:
    """An amount with its symbol, e.g. `1.234,50 €` (es_ES); pesos of Colombia and Chile whole, half up."""
    if money.currency not in _PRINTED_WHOLE:
        return str(format_currency(money.major, money.currency, locale=locale))
    whole = money.major.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    pattern = re.sub(r"\.0+", "", locale.currency_formats["standard"].pattern)
    return str(format_currency(whole, money.currency, format=pattern, locale=locale, currency_digits=False))


def format_date(day: date, locale: Locale) -> str:
    """Short but never ambiguous, e.g. `4 mar 2026`: the month is a word."""
    return str(format_skeleton("yMMMd", datetime.combine(day, time(12)), locale=locale))


def format_date_long(day: date, locale: Locale) -> str:
    """In words, e.g. `4 de marzo de 2026`."""
    return str(babel_format_date(day, format="long", locale=locale))


def format_moment(at: datetime, locale: Locale) -> str:
    """Day, time and zone of an aware `at` where it is said, e.g. `4 mar 2026, 10:30 CET`."""
    return f"{format_date(at.date(), locale)}, {format_time(at, format='short', locale=locale)} {at:%Z}"
