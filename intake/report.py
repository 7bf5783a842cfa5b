"""The check's whole result, with the good loans to be read again, and what is kept of every row for its figures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

import polars as pl

from domain.portfolio import PortfolioLoan
from intake import same_people, whereabouts
from intake.cell_errors import CellErrors
from intake.errors import PortfolioError
from intake.findings import BUCKETS, CurrencyTotal, Findings, Summary, UnruledPlace

CITIES_NAMED = 10
PLACES_NAMED = 10
BAND_ROWS = 25_000
"""Rows sorted in memory at once; a file of more is read again for the next ones."""


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
    countries: tuple[str, ...]
    """Of the good rows, in order."""
    priorities: tuple[tuple[int, int], ...]
    """Each priority with how many good rows have it, highest first."""
    due_dates_counted: bool
    """As of `Findings`."""
    frames: Callable[[], Iterator[pl.DataFrame]]
    """Good rows as data frames with the columns of PortfolioLoan, a chunk at a time."""

    def summary(self) -> Summary:
        return self.totals

    def findings(self, errors_kept: int) -> Findings:
        """What is to be said of the file, with the first `errors_kept` of its bad cells."""
        return Findings(
            path=self.path,
            mapping=self.mapping,
            as_of=self.as_of,
            read_as=self.read_as,
            totals=self.totals,
            countries=self.countries,
            due_dates_counted=self.due_dates_counted,
            warnings=tuple(self.warnings),
            unused_columns=tuple(self.unused_columns),
            errors_total=len(self.errors),
            errors=tuple(islice(self.errors, errors_kept)),
        )

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
        for priority, count in self.priorities:
            if bands and filled + count <= rows:
                bands[-1] = (priority, bands[-1][1])
                filled += count
            else:
                bands.append((priority, priority))
                filled = count
        return bands

    def _loans(self) -> Iterator[PortfolioLoan]:
        yield from _validated(self.frames())


def _validated(frames: Iterator[pl.DataFrame]) -> Iterator[PortfolioLoan]:
    for frame in frames:
        for row in frame.iter_rows(named=True):
            yield PortfolioLoan.model_validate(row)


class Tally:
    """Keeps, of every good row, the few bytes the figures need, and of a city only one that is in doubt."""

    def __init__(self, rules: Path) -> None:
        """`rules`: the folder of the contact rules' packs."""
        self._rules = rules
        self._rows: list[pl.DataFrame] = []

    def add(self, loans: pl.DataFrame) -> None:
        places = whereabouts.judged(loans, self._rules)
        doubted = places["city_in_doubt"]
        no_rules = places["no_rules"]
        self._rows.append(
            loans.select(
                "line",
                "country",
                "priority",
                "currency",
                "amount_due_minor",
                "due_date",
                "consent_valid_until",
                pl.col("person_id").hash(),
                same_people.told_of_person().alias("told_of_person"),
                pl.col("phone", "email", "bank_consent", "timezone").is_not_null(),
                reachable=pl.any_horizontal(pl.col("phone", "email").is_not_null()),
                no_clock=places["no_clock"],
                zone_at_odds=places["zone_at_odds"],
                city_in_doubt=doubted,
                perhaps=places["perhaps"],
                city=pl.when(doubted).then("city"),
                no_rules=no_rules,
                region=pl.when(doubted | no_rules).then("region"),
            )
        )

    def told_differently(self, but: pl.Series) -> pl.Series:
        """Lines of the rows whose person other rows say other things of, those in `but` left aside."""
        if not self._rows:
            return pl.Series(dtype=pl.UInt32)
        told = pl.concat([rows.select("line", "person_id", "told_of_person") for rows in self._rows])
        told = told.filter(~pl.col("line").is_in(but.implode()))
        several = (
            told.group_by("person_id").agg(pl.col("told_of_person").n_unique()).filter(pl.col("told_of_person") > 1)
        )
        return told.join(several, on="person_id", how="semi")["line"]

    def without(self, lines: pl.Series) -> pl.DataFrame | None:
        """What was kept of the rows added, less those in `lines`. None: no row was added."""
        if not self._rows:
            return None
        return pl.concat(self._rows).filter(~pl.col("line").is_in(lines.implode()))


def countries_of(kept: pl.DataFrame | None) -> tuple[str, ...]:
    return tuple(kept["country"].unique().sort()) if kept is not None else ()


def priorities_of(kept: pl.DataFrame | None) -> tuple[tuple[int, int], ...]:
    if kept is None:
        return ()
    counted = kept.group_by("priority").len("count").sort("priority", descending=True)
    return tuple((int(priority), int(count)) for priority, count in counted.iter_rows())


def _place(place: UnruledPlace) -> str:
    if not place.known_country:
        return f"{place.country}, a country without rules"
    if place.region is None:
        return f"{place.country} without a region"
    return f"{place.country}-{place.region}, not a code of its rules"


def summarised(kept: pl.DataFrame | None, rows: int, bad: int, as_of: date, rules: Path) -> tuple[Summary, list[str]]:
    """Figures over what a tally kept; and what an operator should know."""
    if kept is None:
        empty = Summary(rows, 0, bad, 0, [], {name: 0 for name, _ in BUCKETS}, 0, 0, 0, 0, 0, [], [])
        return empty, []
    by_currency = (
        kept.group_by("currency").agg(pl.len(), pl.col("amount_due_minor").cast(pl.Int128).sum()).sort("currency")
    )
    days = kept.select((pl.lit(as_of) - pl.col("due_date")).dt.total_days()).to_series()
    buckets: dict[str, int] = {}
    below = 0
    for name, last in BUCKETS:
        up_to = int((days <= last).sum()) if last is not None else len(days)
        buckets[name] = up_to - below
        below = up_to
    summary = Summary(
        rows=rows,
        good=kept.height,
        bad=bad,
        people=kept["person_id"].n_unique(),
        amounts=[CurrencyTotal(code, count, int(amount)) for code, count, amount in by_currency.iter_rows()],
        days_past_due=buckets,
        with_phone=int(kept["phone"].sum()),
        with_email=int(kept["email"].sum()),
        with_consent=int(kept["bank_consent"].sum()),
        with_timezone=int(kept["timezone"].sum()),
        zones_at_odds=int(kept["zone_at_odds"].sum()),
        cities_in_doubt=whereabouts.cities_in_doubt(kept),
        unruled_places=whereabouts.unruled_places(kept, rules),
    )
    alike = [each for each in summary.cities_in_doubt if each.perhaps is not None]
    cityless = sum(each.rows for each in summary.cities_in_doubt if each.perhaps is None)
    spelled = ", ".join(f"{each.city} ({each.perhaps}?)" for each in alike[:CITIES_NAMED])
    more = f" and {len(alike) - CITIES_NAMED} more" if len(alike) > CITIES_NAMED else ""
    unruled = summary.unruled_places
    places = ", ".join(f"{_place(each)} ({each.rows})" for each in unruled[:PLACES_NAMED])
    others = f" and {len(unruled) - PLACES_NAMED} more" if len(unruled) > PLACES_NAMED else ""
    notes = {
        "are in a place whose contact rules are not known, so that nobody there will be contacted: "
        f"{places}{others}": sum(each.rows for each in unruled),
        "have no time zone: no contact with them will be allowed": int(kept["no_clock"].sum()),
        "have a time zone that contradicts their region or country: only what is lawful by both clocks will be"
        " allowed": summary.zones_at_odds,
        "name a city that may be a misspelt one with rules of its own, and count as of any city of the region: "
        f"{spelled}{more}": sum(each.rows for each in alike),
        "name no city as theirs, in a region where some have rules of their own, and count as of any city of it": (
            cityless
        ),
        "have neither telephone nor e-mail": kept.height - int(kept["reachable"].sum()),
        "are due more than two months ahead": int((days < -62).sum()),
        "have a bank consent that has run out": int((kept["consent_valid_until"] < as_of).sum()),
    }
    return summary, [f"{count} good rows {what}" for what, count in notes.items() if count]
