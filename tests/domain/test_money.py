"""Amounts as people write them and as machines send them: never a thousandth or a thousandfold of what was meant."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.money import minor_units, parse_major


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "EUR", 1_250),
        ("12.5", "EUR", 1_250),
        ("12", "EUR", 1_200),
        ("150000", "CLP", 150_000),
        ("150000.00", "COP", 15_000_000),
        ("1.234", "KWD", 1_234),
        ("-3.10", "EUR", -310),
    ],
)
def test_an_amount_is_read_as_it_is_written(text: str, currency: str, minor: int) -> None:
    assert parse_major(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "instead"),
    [
        ("150.000", "CLP", "1200"),
        ("150.000", "COP", "1200.50"),
        ("1.200", "EUR", "1200.50"),
        ("10.000", "MXN", "1200.50"),
        ("150.00", "CLP", "1200"),
        ("1.2345", "KWD", "1200.500"),
    ],
)
def test_a_point_between_thousands_is_refused_and_it_is_said_how_to_write_it(
    text: str, currency: str, instead: str
) -> None:
    with pytest.raises(ValueError, match=f"more decimals than {currency} .*without a point, such as {instead}$"):
        parse_major(text, currency)


@pytest.mark.parametrize(
    "text", ["", "ten", "1,200", "1.200.000", "1e5", "1e999999", "1_000", "nan", "inf", "0x10", "."]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        parse_major(text, "EUR")


def test_an_amount_beyond_what_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="is larger than"):
        parse_major("9" * 40, "EUR")


def test_zeros_a_machine_adds_are_no_reason_to_refuse_its_amount() -> None:
    assert minor_units(Decimal("1500.00"), "CLP") == 1_500
    assert minor_units(Decimal("12.500"), "EUR") == 1_250


def test_a_fraction_of_the_smallest_unit_is_refused_from_a_machine_too() -> None:
    with pytest.raises(ValueError, match="more decimals than CLP allows"):
        minor_units(Decimal("1500.50"), "CLP")
