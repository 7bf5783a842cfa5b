"""Evaluating a mapping's sources over a chunk: columns, constants, look-ups, arithmetic, days past due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import reduce

import polars as pl

from intake import calendar_dates, numerals
from intake.cell_errors import ErrorCollector
from intake.codes import each
from intake.mapping import DateFormat, NumberFormat, Operand, Source
from intake.mapping_files import folded

_LONGEST_DELAY = 36_500
_TYPED_NUMBER = r"^[+-]?\d+(?:\.\d+)?$"
_ROUNDED = r"^-?\d{16}|e[0-9+]"
_KEYS_NAMED = 8
_SHEET_ERROR = r"(?i)^(?:#N/[AD]|#[¡¿]?[\p{L}/0]+[!?]|#{3,}|Err:[0-9]{3})$"
"""What a spreadsheet shows, in any language, where a formula has no result or a column is too narrow."""


@dataclass(frozen=True)
class Cells:
    """A column of values, and what an error about one of them has to show."""

    values: pl.Series
    shown: pl.Series
    column: str
    reported: pl.Series
    """True where an error has been recorded, so that the absence of a value is not reported as well."""


@dataclass(frozen=True)
class Layout:
    """Where the columns of this file are and how their cells are written."""

    header: list[str]
    plain: frozenset[int]
    mixed: frozenset[int]
    rounded: frozenset[int]
    whole_below: dict[int, int]
    """As of `Table`."""
    numbers: dict[int, NumberFormat]
    """Number format of the columns whose format had to be found out."""
    as_of: date
    empty: frozenset[str]

    def place(self, names: Sequence[str]) -> int | None:
        """Index of the first of these columns that the file has."""
        where: dict[str, int] = {}
        for index, name in enumerate(self.header):
            where.setdefault(folded(name), index)
        return next((where[folded(name)] for name in names if folded(name) in where), None)


Kind = Callable[["Evaluation", Source], Cells]


@dataclass(frozen=True)
class Evaluation:
    """One field's sources over the rows of one chunk."""

    field: str
    rows: pl.DataFrame
    layout: Layout
    errors: ErrorCollector
    numbers: NumberFormat
    dates: tuple[DateFormat, ...]

    @property
    def lines(self) -> pl.Series:
        return self.rows["line"]

    def _over(self, rows: pl.DataFrame) -> "Evaluation":
        return Evaluation(self.field, rows, self.layout, self.errors, self.numbers, self.dates)

    def _none(self, dtype: pl.DataType | type[pl.DataType], column: str) -> Cells:
        height = self.rows.height
        nothing = pl.repeat(None, height, dtype=pl.String, eager=True)
        return Cells(
            pl.repeat(None, height, dtype=dtype, eager=True),
            nothing,
            column,
            pl.repeat(False, height, dtype=pl.Boolean, eager=True),
        )

    def _constant(self, value: str) -> Cells:
        """The same in every row; an empty text leaves the field empty."""
        cells = self._none(pl.String, self.field)
        values = pl.repeat(value or None, self.rows.height, dtype=pl.String, eager=True)
        return Cells(values, values, self.field, cells.reported)

    def _raw(self, names: Sequence[str]) -> tuple[int | None, Cells]:
        index = self.layout.place(names)
        if index is None:
            return None, self._none(pl.String, names[0])
        raw = self.rows[str(index)]
        if self.layout.empty:
            raw = raw.set(raw.str.to_lowercase().is_in(list(self.layout.empty)).fill_null(False), None)
        column = self.layout.header[index]
        wrong = raw.str.contains(_SHEET_ERROR).fill_null(False)
        self.errors.add(self.lines, wrong, column, raw, "an error of the spreadsheet stands here in place of a value")
        return index, Cells(raw.set(wrong, None), raw, column, wrong)

    def _judged(self, raw: Cells, values: pl.Series, reason: str | pl.Series) -> Cells:
        """Values parsed from `raw`; a cell that is there but gave no value is an error."""
        bad = raw.values.is_not_null() & values.is_null()
        self.errors.add(self.lines, bad, raw.column, raw.shown, reason)
        return Cells(values, raw.shown, raw.column, raw.reported | bad)

    def text(self, source: Source) -> Cells:
        """Cells as they stand."""
        if source.columns is not None:
            index, raw = self._raw(source.columns)
            if index not in self.layout.rounded:
                return raw
            values = raw.values.set(raw.values.str.contains(_ROUNDED).fill_null(False), None)
            if (limit := self.layout.whole_below.get(index)) is not None:
                values = values.set((values.cast(pl.Float64, strict=False).abs() >= limit).fill_null(False), None)
                return self._judged(raw, values, f"a short float is exact below {limit:,} alone: make the column text")
            return self._judged(raw, values, "a number keeps 15 digits in a spreadsheet: make the column text")
        if source.value is not None:
            return self._constant(str(source.value))
        return self._looked_up(source, Evaluation.text, pl.String())

    def number(self, source: Source) -> Cells:
        """Plain decimal text ("-1234.50"), decimals as written."""
        if source.columns is not None:
            return self._number_column(source.columns)
        if source.value is not None:
            return self._number_constant(source.value)
        if source.lookup is not None:
            return self._looked_up(source, Evaluation.number, pl.String())
        if source.sum is not None:
            return self._computed(source.sum, lambda a, b: a + b)
        if source.product is not None:
            return self._computed(source.product, lambda a, b: a * b)
        assert source.difference is not None
        return self._computed(source.difference, lambda a, b: a - b)

    def date(self, source: Source) -> Cells:
        """Dates."""
        if source.columns is not None:
            index, raw = self._raw(source.columns)
            typed = index in self.layout.plain
            values = calendar_dates.to_dates(raw.values, self.dates, typed)
            if index in self.layout.mixed:
                iso = calendar_dates.to_dates(raw.values, self.dates, typed=True)
                values = values.zip_with(values.is_not_null(), iso)
            return self._judged(raw, values, calendar_dates.expected(self.dates, typed))
        if source.value is not None:
            raw = self._constant(str(source.value))
            values = calendar_dates.to_dates(raw.values, self.dates, typed=True)
            return self._judged(raw, values, calendar_dates.expected(self.dates, typed=True))
        if source.lookup is not None:
            return self._looked_up(source, Evaluation.date, pl.Date())
        assert source.days_past_due is not None
        return self._days_before(source.days_past_due)

    def _number_constant(self, value: object) -> Cells:
        raw = self._constant(str(value))
        return self._judged(
            raw,
            numerals.to_plain(raw.values, self.numbers, typed=True),
            numerals.expected(self.numbers, True),
        )

    def _number_column(self, names: Sequence[str]) -> Cells:
        index, raw = self._raw(names)
        if index is None:
            return raw
        format_ = self.layout.numbers.get(index, self.numbers)
        typed = index in self.layout.plain
        values = numerals.to_plain(raw.values, format_, typed)
        reason: str | pl.Series = numerals.expected(format_, typed)
        doubtful: pl.Series | None = None
        if format_ is NumberFormat.AUTO and not typed:
            doubtful = numerals.without_sign(raw.values).str.contains(numerals.AMBIGUOUS)
        elif format_ is NumberFormat.COMMA and index in self.layout.mixed:
            like_typed = raw.values.str.contains(_TYPED_NUMBER)
            doubtful = raw.values.str.contains(numerals.AMBIGUOUS)
            values = values.zip_with(~like_typed.fill_null(False), numerals.to_plain(raw.values, format_, True))
        if doubtful is not None and doubtful.any():
            doubtful = doubtful.fill_null(False)
            values = values.set(doubtful, None)
            way_out = (
                "make the whole column numbers, or text"
                if index in self.layout.mixed
                else "state `numbers` in the mapping"
            )
            unclear = f"the separator may mark thousands or decimals: {way_out}"
            reason = pl.select(pl.when(doubtful).then(pl.lit(unclear)).otherwise(pl.lit(reason)).alias("reason"))[
                "reason"
            ]
        return self._judged(raw, values, reason)

    def _operand(self, operand: Operand) -> Cells:
        if isinstance(operand, Source):
            return self.number(operand)
        if isinstance(operand, str):
            return self._number_column((operand,))
        return self._number_constant(operand)

    def _computed(self, operands: Sequence[Operand], combine: Callable[[Decimal, Decimal], Decimal]) -> Cells:
        parts = [self._operand(operand) for operand in operands]
        reported = reduce(lambda a, b: a | b, (part.reported for part in parts))
        # An empty operand is an error of its own: half a sum would be a wrong amount.
        for part in parts:
            gap = part.values.is_null() & ~part.reported
            reason = f"is empty, but {self.field} is computed from it"
            self.errors.add(self.lines, gap, part.column, part.shown, reason)
            reported = reported | gap
        results: list[str | None] = []
        for numbers in zip(*(part.values for part in parts), strict=True):
            if None in numbers:
                results.append(None)
                continue
            try:
                outcome = reduce(combine, map(Decimal, numbers))
                results.append(f"{outcome:f}" if abs(outcome.adjusted()) < 30 else None)
            except InvalidOperation:
                results.append(None)
        values = pl.Series(results, dtype=pl.String)
        values = values.str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")
        lost = values.is_null() & ~reported
        self.errors.add(self.lines, lost, self.field, parts[0].shown, "the computed number is too large")
        return Cells(values, values, self.field, reported | lost)

    def _days_before(self, operand: Operand) -> Cells:
        days = self._operand(operand)
        count = days.values.cast(pl.Int32, strict=False)
        count = count.set(count.abs() > _LONGEST_DELAY, None)
        shown = days.shown if days.column != self.field else days.values
        cells = Cells(days.values, shown, days.column, days.reported)
        as_of = self.layout.as_of
        dates = each_number(count, lambda n: shifted(as_of, n))
        return self._judged(cells, dates, "not a whole number of days past due")

    def _looked_up(self, source: Source, kind: Kind, dtype: pl.DataType) -> Cells:
        lookup = source.lookup
        assert lookup is not None
        _, by = self._raw(lookup.by)
        keys = each(by.values, folded)
        entries = {folded(key): (key, entry) for key, entry in lookup.table.items()}
        values = pl.repeat(None, self.rows.height, dtype=dtype, eager=True)
        reported = by.reported
        computed = False

        def take(entry: object, where: pl.Series) -> None:
            nonlocal values, reported
            places = where.fill_null(False).arg_true()
            if not len(places):
                return
            nested = entry if isinstance(entry, Source) else Source(value=entry)
            part = kind(self._over(self.rows[places]), nested)
            values = values.scatter(places, part.values)
            reported = reported.scatter(places, part.reported)

        present = set(keys.drop_nulls().unique())
        for key, (_, entry) in entries.items():
            computed = computed or isinstance(entry, Source)
            if key in present:
                take(entry, keys == key)
        unknown = keys.is_not_null() & ~keys.is_in(list(entries))
        if lookup.otherwise is not None:
            take(lookup.otherwise, unknown)
        elif unknown.any():
            known = [key for key, _ in entries.values()]
            more = f" and {len(known) - _KEYS_NAMED} more" if len(known) > _KEYS_NAMED else ""
            reason = f"not in the mapping's table: expected {', '.join(known[:_KEYS_NAMED])}{more}"
            self.errors.add(self.lines, unknown, by.column, by.shown, reason)
            reported = reported | unknown
        if computed:
            return Cells(values, values.cast(pl.String), self.field, reported)
        return Cells(values, by.shown, by.column, reported)


def shifted(as_of: date, days: int) -> date | None:
    try:
        return as_of - timedelta(days=days)
    except OverflowError:
        return None


def each_number(numbers: pl.Series, judge: Callable[[int], date | None]) -> pl.Series:
    """`judge` applied once to each distinct number."""
    distinct = numbers.drop_nulls().unique()
    if not len(distinct):
        return pl.repeat(None, len(numbers), dtype=pl.Date, eager=True)
    judged = pl.Series([judge(number) for number in distinct], dtype=pl.Date)
    return numbers.replace_strict(distinct, judged, default=None, return_dtype=pl.Date)
