"""Whole Colombian pesos: what people there can be asked to pay. Written out anew, as everything here is."""

from __future__ import annotations


def smallest_asked_for(currency: str) -> int:
    """Minor units: less than this that is left is never asked for, and counts as paid."""
    return 100 if currency == "COP" else 1


def asked_for(amount_minor: int, currency: str) -> int:
    """`amount_minor`, not negative, rounded down to what can be asked for."""
    return amount_minor - amount_minor % smallest_asked_for(currency)
