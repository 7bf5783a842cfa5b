"""Amounts that travel as JSON numbers in major units: exact on the way out and on the way in."""

from __future__ import annotations

from decimal import Decimal

from domain.money import Money, is_currency, minor_digits, minor_units

_LARGEST = 10**13
"""Minor units: a double holds all decimals of any amount below."""


def to_number(amount: Money) -> int | float:
    """`amount` as a JSON number; whole where the currency has no decimals. ValueError where it would not be exact."""
    if not 0 <= amount.amount_minor < _LARGEST:
        raise ValueError("an amount this large is not exact as a JSON number")
    return int(amount.major) if minor_digits(amount.currency) == 0 else float(amount.major)


def from_number(value: object, currency: object) -> Money:
    """Money of a JSON number. ValueError for anything that is not a whole number of minor units of a currency."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    if not isinstance(currency, str) or not is_currency(currency):
        raise ValueError("unknown currency")
    return Money(amount_minor=minor_units(Decimal(repr(value)), currency), currency=currency)
