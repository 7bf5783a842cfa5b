"""What people can be asked to pay: whole pesos of Colombia, minor units everywhere else.

The books keep every amount as it was given. Only what is asked for is payable, and a rest of less than the smallest
payable amount is never asked for: it counts as paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.money import Money

_SMALLEST: Final[Mapping[str, int]] = MappingProxyType({"COP": 100})
"""Minor units. CLDR gives the Colombian peso two digits, and none where it is paid in cash (`cashDigits="0"`, as
`get_global("currency_fractions")` of babel has it); Mercado Pago takes prices in it as integers alone. CLDR's other
currencies without cash digits (NOK, CZK, HUF ...) are paid to the minor unit by transfer and by card."""


def smallest_payable(currency: str) -> int:
    """The smallest amount anybody can be asked for, in minor units: every payable amount is a multiple of it."""
    return _SMALLEST.get(currency, 1)


def payable(amount_minor: int, currency: str) -> int:
    """`amount_minor` rounded down, towards nothing, to what can be paid."""
    return in_whole(amount_minor, smallest_payable(currency))


def in_whole(amount_minor: int, smallest: int) -> int:
    """`amount_minor` rounded down, towards nothing, to a multiple of `smallest`."""
    whole = abs(amount_minor) // smallest * smallest
    return whole if amount_minor >= 0 else -whole


def payable_money(amount: Money) -> Money:
    """As `payable`, of an amount with its currency."""
    return amount.model_copy(update={"amount_minor": payable(amount.amount_minor, amount.currency)})


def counts_as_paid(left_minor: int, currency: str) -> bool:
    """Whether what is left, minor units, is nothing or less than can be asked for."""
    return left_minor < smallest_payable(currency)
