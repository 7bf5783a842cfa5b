"""Money: integer minor units and an ISO 4217 currency, never a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from babel.numbers import get_currency_precision, list_currencies
from pydantic import BaseModel, ConfigDict, field_validator

MOST_MINOR = 10**15
"""The largest amount taken, in minor units: thousands of them still add up within a database's 64-bit integer."""

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


def parse_major(text: str, currency: str) -> int:
    """Minor units of an amount written in major units with a decimal point ("12.50" EUR is 1250).

    Raises ValueError when `text` is no number or has more decimals than the currency.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount: expected digits such as 12.50") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not an amount: expected digits such as 12.50")
    digits = minor_digits(currency)
    scaled = value.scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text!r} has more decimals than {currency} allows ({digits})")
    return int(scaled)
