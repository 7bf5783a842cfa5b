"""Numbers as lenders write them, to plain decimal text ("1.234,50 €" is "1234.50")."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP

import polars as pl

from intake.mapping import NumberFormat, Rounding

# Thousands may also be set apart by blanks or apostrophes, in either format.
_WHOLE = r"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,3}}(?:[\s'\u2019]\d{{3}})+|\d+)"
_POINT = rf"^[+-]?{_WHOLE.format(group=',')}(?:\.\d+)?$"
_COMMA = rf"^[+-]?{_WHOLE.format(group='[.]')}(?:,\d+)?$"
_PLAIN = r"^[+-]?\d+(?:\.\d+)?$"
_SIGN = r"^\p{Sc}\s*|\s*\p{Sc}$"

SURELY_POINT = r"^[+-]?(?:\d+\.(?:\d{1,2}|\d{4,})|0\.\d+|\d{4,}\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})$"
SURELY_COMMA = r"^[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})$"
AMBIGUOUS = r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$"

ROUNDINGS = {
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
}

# Beyond 2^53 - 1 a JSON number is no longer exact for many readers.
LARGEST = 9_007_199_254_740_991


def without_sign(cells: pl.Series) -> pl.Series:
    """Cells without a currency sign before or after the number."""
    return cells.str.replace_all(_SIGN, "").str.strip_chars()


def to_plain(cells: pl.Series, format_: NumberFormat, typed: bool) -> pl.Series:
    """Plain decimal text of each cell, decimals as written; null where the cell is no number in that format.

    `typed` cells were numbers in the file itself, so their point is always a decimal point.
    """
    bare = without_sign(cells)
    if typed:
        return bare.set(~bare.str.contains(_PLAIN), None).str.strip_prefix("+")
    pattern, decimal, other = (_POINT, ".", ",") if format_ is not NumberFormat.COMMA else (_COMMA, ",", ".")
    bare = bare.set(~bare.str.contains(pattern), None)
    if bare.null_count() == len(bare):
        return bare
    bare = bare.str.replace_all(rf"[{other}\s'\u2019+]", "")
    return bare.str.replace_all(",", ".", literal=True) if decimal == "," else bare


def expected(format_: NumberFormat, typed: bool) -> str:
    if format_ is NumberFormat.COMMA and not typed:
        return "not a number: expected a decimal comma, such as 1234,56 or 1.234,56"
    return "not a number: expected a decimal point, such as 1234.56 or 1,234.56"


def decimals(plain: pl.Series) -> pl.Series:
    """How many decimals each plain number was written with."""
    fraction = plain.str.extract(r"\.(\d+)$")
    return fraction.str.len_chars().fill_null(0).cast(pl.Int64)


def to_minor(plain: pl.Series, digits: pl.Series) -> pl.Series:
    """Plain numbers in minor units. Their decimals must not exceed `digits`. Null where too large."""
    written = decimals(plain)
    joined = plain.str.replace(".", "", literal=True)
    out = pl.Series("minor", [None] * len(plain), dtype=pl.Int64)
    scale = digits - written
    for zeros in scale.drop_nulls().unique().to_list():
        if zeros < 0:
            continue
        value = (joined + "0" * zeros if zeros else joined).cast(pl.Int64, strict=False)
        out = out.zip_with(scale != zeros, value) if zeros is not None else out
    return out.set(out.abs() > LARGEST, None)
