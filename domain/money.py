"""Money: integer minor units and an ISO 4217 currency, never a float."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import get_currency_precision, list_currencies
from pydantic import BaseModel, ConfigDict, field_validator

MOST_MINOR = 10**15
"""The largest amount taken, in minor units: thousands of them still add up within a database's 64-bit integer."""

_WRITTEN = re.compile(r"[+-]?[0-9]+(?:\.(?P<decimals>[0-9]*))?")

_CURRENCIES = frozenset(list_currencies())


def is_currency(code: str) -> bool:
    """Whether `code` is an ISO 4217 code that CLDR knows, upper case."""
    return code in _CURRENCIES


def minor_digits(currency: str) -> int:
    """Digits after the decimal point of `currency` (EUR 2, CLP 0), from CLDR."""
    return get_currency_precision(currency)


class Money(BaseModel):
    """An amount in minor units (cents for EUR, whole pesos for CLP); may be negative."""

    model_config = ConfigDict(frozen=True)

    amount_minor: int
    currency: str

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not is_currency(value):
            raise ValueError(f"unknown currency {value!r}: expected an ISO 4217 code such as EUR")
        return value

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.amount_minor).scaleb(-minor_digits(self.currency))


def minor_units(value: Decimal, currency: str) -> int:
    """Minor units of `value` in major units, whatever zeros were written after it.

    Raises ValueError for a fraction of one, and for what is no number.
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not an amount")
    digits = minor_digits(currency)
    scaled = value.scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise ValueError(_too_many_decimals(str(value), currency))
    return int(scaled)


def parse_major(text: str, currency: str) -> int:
    """Minor units of an amount a person wrote in major units with a decimal point ("12.50" EUR is 1250).

    Raises ValueError when `text` is no number, is larger than any amount taken, or has more decimals than the currency,
    zeros included: who writes "150.000" may well mean a hundred and fifty thousand. `minor_units` takes what machines
    write.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError(f"{text[:40]!r} is not an amount: expected digits such as 12.50")
    digits = minor_digits(currency)
    if len(written["decimals"] or "") > digits:
        example = Decimal("1200.5" if digits else "1200").quantize(Decimal(1).scaleb(-digits))
        wrong = _too_many_decimals(text, currency)
        raise ValueError(f"{wrong}: write thousands without a point, such as {example}")
    minor = minor_units(Decimal(text.strip()), currency)
    if abs(minor) > MOST_MINOR:
        raise ValueError(f"{text[:40]!r} is larger than any amount taken")
    return minor


def _too_many_decimals(text: str, currency: str) -> str:
    return f"{text[:40]!r} has more decimals than {currency} allows ({minor_digits(currency)})"
