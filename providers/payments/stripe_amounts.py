"""Stripe's integer amounts beside ours: the digits differ for some currencies.

Stripe's lists: docs.stripe.com/currencies, sections "zero-decimal", "three-decimal" and "special cases".
Everything not listed there has two decimals, COP included; CLP has none.
"""

from __future__ import annotations

from domain.money import Money, is_currency, minor_digits

_ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())
# ISK has no decimals, yet Stripe keeps two in its amounts, always 00, for older integrations.
_WHOLE_UNITS_ONLY = frozenset(("ISK",))
# Listed both as zero-decimal and as a special case with two decimals: a factor of 100 is not to be guessed.
_CONTRADICTORY = frozenset(("UGX",))
_POWERS = (1, 10, 100, 1_000, 10_000)


def stripe_digits(currency: str) -> int:
    """Decimals in Stripe's amounts of `currency` (ISO 4217, upper case); ValueError where that is unclear."""
    if currency in _CONTRADICTORY:
        raise ValueError(f"Stripe's decimals for {currency} are documented in two ways")
    if currency in _ZERO_DECIMAL:
        return 0
    return 3 if currency in _THREE_DECIMAL else 2


def to_stripe(amount: Money) -> int:
    """`amount` as Stripe's integer.

    Raises ValueError when Stripe cannot charge it exactly: a fraction of its smallest unit, a three-decimal
    amount that does not end in 0, a broken unit of ISK, or a currency of unclear decimals.
    """
    scaled = amount.amount_minor * _POWERS[stripe_digits(amount.currency)]
    unit = _POWERS[minor_digits(amount.currency)]
    if scaled % unit:
        raise ValueError(f"Stripe has no such fraction of {amount.currency}")
    value = scaled // unit
    if amount.currency in _THREE_DECIMAL and value % 10:
        raise ValueError(f"Stripe charges {amount.currency} in steps of 0.010 only")
    if amount.currency in _WHOLE_UNITS_ONLY and value % 100:
        raise ValueError(f"Stripe charges {amount.currency} in whole units only")
    return value


def from_stripe(amount: int, currency: str) -> Money:
    """Money of Stripe's integer and lower-case currency.

    Raises ValueError for an unknown currency, one of unclear decimals, and a fraction that our minor unit
    cannot hold.
    """
    code = currency.upper()
    if not is_currency(code):
        raise ValueError("unknown currency")
    scaled = amount * _POWERS[minor_digits(code)]
    divisor = _POWERS[stripe_digits(code)]
    if scaled % divisor:
        raise ValueError(f"{code} has no such fraction here")
    return Money(amount_minor=scaled // divisor, currency=code)
