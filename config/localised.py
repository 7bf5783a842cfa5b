"""Money and dates written the way the borrower reads them, by babel (CLDR)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_format_date
from babel.dates import format_skeleton, format_time
from babel.numbers import format_currency, format_percent

from domain.money import Money, minor_digits
from domain.payable import payable_money, smallest_payable


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
    """An amount with its symbol, e.g. `1.234,50 €` (es_ES): as much of it as can be paid, pesos of Colombia whole, so
    that nobody reads another amount than a payment link asks for."""
    if smallest_payable(money.currency) < 10 ** minor_digits(money.currency) or not minor_digits(money.currency):
        return str(format_currency(money.major, money.currency, locale=locale))
    whole = payable_money(money).major.quantize(Decimal(1))
    pattern = re.sub(r"\.0+", "", locale.currency_formats["standard"].pattern)
    return str(format_currency(whole, money.currency, format=pattern, locale=locale, currency_digits=False))


def format_rate(hundredths: int, locale: Locale) -> str:
    """Hundredths of a percent, e.g. `12,50 %` (es_ES)."""
    pattern = re.sub(r"0(?=\s*%)", "0.00", locale.percent_formats[None].pattern)
    return str(format_percent(Decimal(hundredths) / 10_000, format=pattern, locale=locale))


def format_date(day: date, locale: Locale) -> str:
    """Short but never ambiguous, e.g. `4 mar 2026`: the month is a word."""
    return str(format_skeleton("yMMMd", datetime.combine(day, time(12)), locale=locale))


def format_date_long(day: date, locale: Locale) -> str:
    """In words, e.g. `4 de marzo de 2026`."""
    return str(babel_format_date(day, format="long", locale=locale))


def format_moment(at: datetime, locale: Locale) -> str:
    """Day, time and zone of an aware `at` where it is said, e.g. `4 mar 2026, 10:30 CET`."""
    return f"{format_date(at.date(), locale)}, {format_time(at, format='short', locale=locale)} {_zone(at)}"


def _zone(at: datetime) -> str:
    """Its letters; of a zone that has none, what it is off by: `UTC-03`."""
    name = f"{at:%Z}"
    return name if name[:1].isalpha() else f"UTC{name}"
