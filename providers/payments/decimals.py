"""Amounts that travel as JSON numbers in major units: exact on the way out and on the way in."""

from __future__ import annotations

from decimal import Decimal

from domain.money import Money, is_currency, minor_digits, minor_units
from domain.payable import payable_money, smallest_payable

_LARGEST = 10**13
"""Minor units: a double holds all decimals of any amount below."""


def to_number(amount: Money) -> int | float:
    """`amount` as a JSON number; whole where nobody pays decimals of the currency, such as CLP and COP.

    ValueError where it would not be exact, or where nobody can pay it.
    """
    if not 0 <= amount.amount_minor < _LARGEST:
        raise ValueError("an amount this large is not exact as a JSON number")
    if payable_money(amount) != amount:
        raise ValueError(f"no amount of {amount.currency} has decimals that can be paid")
    whole = smallest_payable(amount.currency) == 10 ** minor_digits(amount.currency)
    return int(amount.major) if whole else float(amount.major)


def from_number(value: object, currency: object) -> Money:
    """Money of a JSON number. ValueError for anything that is not a whole number of minor units of a currency."""
    plain = decimal_of(value)
    if not isinstance(currency, str) or not is_currency(currency):
        raise ValueError("unknown currency")
    return Money(amount_minor=minor_units(plain, currency), currency=currency)


def decimal_of(value: object) -> Decimal:
    """A JSON number just as it is written. ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    return Decimal(repr(value))
