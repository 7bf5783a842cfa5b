"""What a check of a portfolio file found, and the good loans in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from domain.portfolio import PortfolioLoan
from intake.errors import CellErrors, PortfolioError

BUCKETS: tuple[tuple[str, int | None], ...] = (
    ("not yet due", 0),
    ("1-30", 30),
    ("31-60", 60),
    ("61-90", 90),
    ("91-180", 180),
    ("over 180", None),
)
"""Names of the intervals of days past due with their last day, inclusive."""
BAND_ROWS = 25_000
"""Rows sorted in memory at once; a file of more is read again for the next ones."""


@dataclass(frozen=True)
class CurrencyTotal:
    currency: str
    loans: int
    amount_minor: int
    """Minor units of `currency`."""


@dataclass(frozen=True)
class Summary:
    """Figures of a file. All but `rows`, `good` and `bad` count good rows only."""

    rows: int
    good: int
    bad: int
    people: int
    amounts: list[CurrencyTotal]
    days_past_due: dict[str, int]
    with_phone: int
    with_email: int
    with_consent: int
    with_timezone: int


@dataclass(frozen=True)
class PortfolioReport:
    """Result of `intake.check`. Holds no loan: `loans()` reads the file again."""

    path: str
    mapping: str
    as_of: date
    read_as: str
    """Kind of file, encoding and delimiter, for the operator."""
    errors: CellErrors
    good_rows: int
    bad_rows: int
    warnings: list[str]
    unused_columns: list[str]
    totals: Summary
    frames: Callable[[], Iterator[pl.DataFrame]]
    """Good rows as data frames with the columns of PortfolioLoan, a chunk at a time."""

    def summary(self) -> Summary:
        return self.totals

    def loans(self, strict: bool = False) -> Iterator[PortfolioLoan]:
        """The good loans in file order, a chunk in memory at a time.

        Raises PortfolioError when the file has changed since it was checked and, if `strict`, when any row is
        bad.
        """
        if strict and self.bad_rows:
            raise PortfolioError(f"{self.path}: {self.bad_rows} bad rows, nothing accepted")
        return self._loans()

    def loans_by_priority(self, band_rows: int = BAND_ROWS) -> Iterator[PortfolioLoan]:
        """The good loans, highest priority first, then by line, without holding the file in memory.

        The file is read once for every band of priorities that together have at most `band_rows` loans, and a band's
        rows are sorted in memory. A priority with more loans than that is a band of its own and in file order already.
        Raises PortfolioError when the file has changed since it was checked.
        """
        for low, high in self._bands(band_rows):
            kept: Iterator[pl.DataFrame] = (
                frame.filter(pl.col("priority").is_between(low, high)) for frame in self.frames()
            )
            if low != high:
                kept = iter([pl.concat(list(kept)).sort("priority", "line", descending=[True, False])])
            yield from _validated(kept)

    def _bands(self, rows: int) -> list[tuple[int, int]]:
        """Lowest and highest priority of each band, highest band first."""
        bands: list[tuple[int, int]] = []
        filled = 0
        for priority, count in self._priorities.iter_rows():
            if bands and filled + count <= rows:
                bands[-1] = (priority, bands[-1][1])
                filled += count
            else:
                bands.append((priority, priority))
                filled = count
        return bands

    @cached_property
    def _priorities(self) -> pl.DataFrame:
        """How many good loans each priority has, highest first."""
        counted = [frame.group_by("priority").len("count") for frame in self.frames()]
        if not counted:
            return pl.DataFrame(schema={"priority": pl.Int64, "count": pl.Int64})
        return (
            pl.concat(counted)
            .group_by("priority")
            .agg(pl.col("count").cast(pl.Int64).sum())
            .sort("priority", descending=True)
        )

    def _loans(self) -> Iterator[PortfolioLoan]:
        yield from _validated(self.frames())


def _validated(frames: Iterator[pl.DataFrame]) -> Iterator[PortfolioLoan]:
    for frame in frames:
        for row in frame.iter_rows(named=True):
            yield PortfolioLoan.model_validate(row)


class Tally:
    """Keeps, of every good row, the few bytes the summary needs."""

    def __init__(self) -> None:
        self._rows: list[pl.DataFrame] = []

    def add(self, loans: pl.DataFrame) -> None:
        self._rows.append(
            loans.select(
                "line",
                "currency",
                "amount_due_minor",
                "due_date",
                "consent_valid_until",
                pl.col("person_id").hash(),
                pl.col("phone", "email", "bank_consent", "timezone").is_not_null(),
                reachable=pl.any_horizontal(pl.col("phone", "email").is_not_null()),
            )
        )

    def summary(self, rows: int, bad: int, without: pl.Series, as_of: date) -> tuple[Summary, list[str]]:
        """Figures over the rows added, less the lines in `without`; and what an operator should know."""
        loans = pl.concat(self._rows) if self._rows else None
        if loans is None:
            empty = Summary(rows, 0, bad, 0, [], {name: 0 for name, _ in BUCKETS}, 0, 0, 0, 0)
            return empty, []
        loans = loans.filter(~pl.col("line").is_in(without.implode()))
        by_currency = (
            loans.group_by("currency").agg(pl.len(), pl.col("amount_due_minor").cast(pl.Int128).sum()).sort("currency")
        )
        days = loans.select((pl.lit(as_of) - pl.col("due_date")).dt.total_days()).to_series()
        buckets: dict[str, int] = {}
        below = 0
        for name, last in BUCKETS:
            up_to = int((days <= last).sum()) if last is not None else len(days)
            buckets[name] = up_to - below
            below = up_to
        summary = Summary(
            rows=rows,
            good=loans.height,
            bad=bad,
            people=loans["person_id"].n_unique(),
            amounts=[CurrencyTotal(code, count, int(amount)) for code, count, amount in by_currency.iter_rows()],
            days_past_due=buckets,
            with_phone=int(loans["phone"].sum()),
            with_email=int(loans["email"].sum()),
            with_consent=int(loans["bank_consent"].sum()),
            with_timezone=int(loans["timezone"].sum()),
        )
        notes = {
            "have no time zone: no contact with them will be allowed": loans.height - summary.with_timezone,
            "have neither telephone nor e-mail": loans.height - int(loans["reachable"].sum()),
            "are due more than two months ahead": int((days < -62).sum()),
            "have a bank consent that has run out": int((loans["consent_valid_until"] < as_of).sum()),
        }
        return summary, [f"{count} good rows {what}" for what, count in notes.items() if count]
