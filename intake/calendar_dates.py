"""Dates as lenders write them."""

from collections.abc import Sequence

import polars as pl

from intake.mapping import DateFormat

_MIDNIGHT = r"[T ]0{1,2}:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?$"
_PATTERNS = {
    DateFormat.ISO: (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    DateFormat.DAY_FIRST: (r"^\d{1,2}-\d{1,2}-\d{4}$", "%d-%m-%Y"),
    DateFormat.MONTH_FIRST: (r"^\d{1,2}-\d{1,2}-\d{4}$", "%m-%d-%Y"),
}
_SAMPLES = {
    DateFormat.ISO: "2026-12-31",
    DateFormat.DAY_FIRST: "31/12/2026",
    DateFormat.MONTH_FIRST: "12/31/2026",
}
FIRST_YEAR, LAST_YEAR = 1970, 2100


def to_dates(cells: pl.Series, formats: Sequence[DateFormat], typed: bool) -> pl.Series:
    """The date of each cell; null where it is none in any of the formats. `typed` cells are ISO."""
    text = cells.str.replace(_MIDNIGHT, "").str.replace_all(r"[./]", "-")
    dates = pl.Series("dates", [None] * len(cells), dtype=pl.Date)
    for format_ in [DateFormat.ISO] if typed else formats:
        shape, pattern = _PATTERNS[format_]
        fitting = text.set(~text.str.contains(shape), None)
        # chrono reads %m and %d with one digit or two
        dates = dates.zip_with(dates.is_not_null(), fitting.str.to_date(pattern, strict=False))
    year = dates.dt.year()
    return dates.set((year < FIRST_YEAR) | (year > LAST_YEAR), None)


def expected(formats: Sequence[DateFormat], typed: bool) -> str:
    shown = " or ".join(_SAMPLES[format_] for format_ in ([DateFormat.ISO] if typed else formats))
    return f"not a date of the calendar between {FIRST_YEAR} and {LAST_YEAR}: expected the form {shown}"
