"""Amounts as people write them on their page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from config.localised import locale_of
from web import agree_read_back


def minor(text: str, country: str, currency: str) -> int | None:
    """What the page of a loan in `currency` takes `text` for, in minor units."""
    visit: Any = SimpleNamespace(
        loan=SimpleNamespace(currency=currency), locale=locale_of("pt" if country == "BR" else "es", country)
    )
    return agree_read_back._minor(visit, text)


@pytest.mark.parametrize(
    ("text", "country", "currency", "expected"),
    [
        ("150", "ES", "EUR", 15_000),
        ("150 euros", "ES", "EUR", 15_000),
        ("€ 1.500,00", "ES", "EUR", 150_000),
        ("EUR 150", "ES", "EUR", 15_000),
        ("S/ 150", "PE", "PEN", 15_000),
        ("S/. 150.50", "PE", "PEN", 15_050),
        ("150 soles", "PE", "PEN", 15_000),
        ("500 pesos", "MX", "MXN", 50_000),
        ("$1,500", "MX", "MXN", 150_000),
        ("40.000 pesos", "CL", "CLP", 40_000),
        ("$200.000 pesos", "CO", "COP", 20_000_000),
        ("$ 15.000", "AR", "ARS", 1_500_000),
        ("R$ 150,00", "BR", "BRL", 15_000),
        ("150 reais", "BR", "BRL", 15_000),
        ("₲ 500.000", "PY", "PYG", 500_000),
        ("500.000 guaraníes", "PY", "PYG", 500_000),
        ("Q150", "GT", "GTQ", 15_000),
        ("150 dólares", "EC", "USD", 15_000),
        ("$U 150", "UY", "UYU", 15_000),
    ],
)
def test_the_currencys_own_sign_and_words_are_no_obstacle(
    text: str, country: str, currency: str, expected: int
) -> None:
    assert minor(text, country, currency) == expected


@pytest.mark.parametrize(
    ("text", "country", "currency"),
    [
        ("150 dólares", "ES", "EUR"),
        ("US$ 100", "MX", "MXN"),
        ("500 pesos colombianos", "MX", "MXN"),
        ("euros", "ES", "EUR"),
        ("mucho", "ES", "EUR"),
        ("", "ES", "EUR"),
    ],
)
def test_another_currency_or_no_figure_is_asked_for_again(text: str, country: str, currency: str) -> None:
    assert minor(text, country, currency) is None
