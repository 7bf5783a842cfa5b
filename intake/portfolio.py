"""Checking a portfolio file: every bad cell found, every good loan kept."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from config.jurisdictions import SHIPPED, JurisdictionError
from intake import numerals, same_people
from intake.cell_errors import ERROR_SCHEMA, CellErrors
from intake.chunks import Table
from intake.csv_rows import open_csv
from intake.errors import PortfolioError
from intake.mandate_cells import said_differently
from intake.mapping import NUMBER_FIELDS, ColumnNames, Mapping, NumberFormat, Source
from intake.mapping_files import (
    MAPPINGS_FOLDER,
    fitting_mapping,
    folded,
    named_mapping,
    require_columns,
)
from intake.report import PortfolioReport, Tally, countries_of, priorities_of, summarised
from intake.rows import RowChecker
from intake.sources import Layout
from intake.typed_tables import open_parquet, open_xlsx

_LINES_NAMED = 5
_COLUMNS_NAMED = 12
_FOREIGN_KINDS = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old or protected Excel workbook; save it as XLSX without a password"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a SQLite database"),
)


def check(
    path: Path,
    mapping: str | Path | None,
    as_of: date,
    mappings_folder: Path = MAPPINGS_FOLDER,
    rules: Path = SHIPPED,
) -> PortfolioReport:
    """Check every cell of a portfolio file.

    `mapping` is a name in `mappings_folder`, the path of a mapping file, or None to take the one that fits
    the header. `as_of` is the day that days past due count from; `rules` the folder of the contact
    rules' packs. Raises PortfolioError, with one line to show, when the file, the mapping or a pack cannot be used
    at all; bad cells never raise.
    """
    named = named_mapping(mapping, mappings_folder) if mapping is not None else None
    print_before = _fingerprint(path)
    try:
        table = _open(path, named.delimiter if named else None)
        chosen = named or fitting_mapping(table.header, mappings_folder)
        require_columns(chosen, table.header)
        return _checked(path, table, chosen, as_of, print_before, rules)
    except JurisdictionError as error:
        raise PortfolioError(f"the contact rules cannot be used: {error}") from None
    except OSError as error:
        raise PortfolioError(f"{path} cannot be read: {error.strerror or error}") from None


def _fingerprint(path: Path) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PortfolioError(f"{path} cannot be read: {reason}") from None
    if not path.is_file():
        raise PortfolioError(f"{path} is no regular file: the check reads it more than once")
    return found.st_size, found.st_mtime_ns, found.st_ino


def _open(path: Path, delimiter: str | None) -> Table:
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise PortfolioError(f"{path.name} is empty: expected a header line and one line for each loan")
    for magic, kind in _FOREIGN_KINDS:
        if start.startswith(magic):
            raise PortfolioError(f"{path.name} is {kind}: expected CSV, XLSX or Parquet")
    if start.startswith(b"PAR1"):
        return open_parquet(path)
    if start.startswith(b"PK\x03\x04"):
        return open_xlsx(path)
    if path.suffix.lower() in (".xlsx", ".parquet"):
        raise PortfolioError(f"{path.name} is not what its name says: it has no {path.suffix[1:]} content")
    return open_csv(path, delimiter)


def _checked(
    path: Path, table: Table, mapping: Mapping, as_of: date, print_before: tuple[int, int, int], rules: Path
) -> PortfolioReport:
    warnings: list[str] = []
    layout, wanted = _layout(table, mapping, as_of, warnings)
    checker = RowChecker(mapping, layout)
    tally = Tally(rules)
    errors: list[pl.DataFrame] = []
    ids: list[pl.DataFrame] = []
    mandates: list[pl.DataFrame] = []
    rows = 0
    for chunk in table.read(wanted):
        checked = checker.check(chunk)
        rows += checked.rows
        errors.append(checked.errors)
        ids.append(checked.ids)
        if checked.mandates.height:
            mandates.append(checked.mandates)
        tally.add(checked.loans)
    if not rows:
        raise PortfolioError(f"{path.name} has a header and no rows: expected one line for each loan")

    def good_rows() -> Iterator[pl.DataFrame]:
        again = RowChecker(mapping, layout)
        if _fingerprint(path) != print_before:
            raise PortfolioError(f"{path} has changed since it was checked; check it again")
        for chunk in table.read(wanted):
            yield again.check(chunk).loans

    repeated = pl.concat([_repeated(ids, checker.id_column), said_differently(mandates, checker.mandate_column)])
    people = same_people.judged(tally.told_differently(repeated["line"]), good_rows(), checker.person_column)
    repeated = pl.concat([repeated, people.errors])
    found = pl.concat([*errors, repeated], rechunk=True).sort("line", maintain_order=True)
    bad_lines = found["line"].unique()
    bad = len(bad_lines)
    kept = tally.without(repeated["line"])
    totals, notes = summarised(kept, rows, bad, as_of, rules)
    used = set(wanted)
    unused = [name for index, name in enumerate(table.header) if index not in used and name]
    repeated_lines = repeated["line"].unique()

    def frames() -> Iterator[pl.DataFrame]:
        for loans in good_rows():
            yield people.with_channels(loans.filter(~pl.col("line").is_in(repeated_lines.implode())))

    return PortfolioReport(
        path=str(path),
        mapping=mapping.name,
        as_of=as_of,
        read_as=", ".join(
            part for part in (table.kind.upper() if table.kind != "parquet" else "Parquet", table.details) if part
        ),
        errors=CellErrors(found),
        good_rows=totals.good,
        bad_rows=bad,
        warnings=[*warnings, *people.warnings, *notes],
        unused_columns=unused,
        totals=totals,
        countries=countries_of(kept),
        priorities=priorities_of(kept),
        due_dates_counted=mapping.fields.due_date.counts_days(),
        frames=frames,
    )


def _repeated(ids: list[pl.DataFrame], column: str) -> pl.DataFrame:
    """An error for every row whose loan id another row has too: which of them is right cannot be known."""
    together = pl.concat(ids) if ids else pl.DataFrame(schema={"line": pl.UInt32, "loan_id": pl.String})
    again = together.filter(together["loan_id"].is_duplicated())
    if not again.height:
        return pl.DataFrame(schema=ERROR_SCHEMA)
    named = again.group_by("loan_id", maintain_order=True).agg(
        pl.col("line").head(_LINES_NAMED).cast(pl.String).str.join(", ").alias("lines"),
        pl.len().alias("times"),
    )
    more = pl.col("times").cast(pl.Int64) - _LINES_NAMED
    return (
        again.join(named, on="loan_id", how="left", maintain_order="left")
        .select(
            "line",
            pl.lit(column).alias("column"),
            pl.col("loan_id").alias("value"),
            (
                pl.lit("the loan id is used more than once: lines ")
                + pl.col("lines")
                + pl.when(more > 0).then(" and " + more.cast(pl.String) + " more").otherwise(pl.lit(""))
            ).alias("reason"),
        )
        .cast(ERROR_SCHEMA)
    )


def _layout(table: Table, mapping: Mapping, as_of: date, warnings: list[str]) -> tuple[Layout, list[int]]:
    """Where the mapping's columns are in this file, and the number formats that must be found out."""
    bare = Layout(
        header=table.header,
        plain=table.plain,
        mixed=table.mixed,
        rounded=table.rounded,
        whole_below=table.whole_below,
        numbers={},
        as_of=as_of,
        empty=frozenset(text.strip().lower() for text in mapping.empty),
    )
    wanted: set[int] = set()
    for rule in mapping.fields.rules().values():
        for names in rule.columns_needed():
            index = bare.place(names)
            if index is None:
                continue
            wanted.add(index)
            _warn_of_rivals(table.header, names, index, warnings)
    auto = {index for index in _auto_columns(mapping, bare) if index not in table.plain}
    numbers = _found_formats(table, sorted(auto)) if auto else {}
    return (
        replace(bare, numbers=numbers),
        sorted(wanted),
    )


def _warn_of_rivals(header: list[str], names: ColumnNames, chosen: int, warnings: list[str]) -> None:
    accepted = {folded(name) for name in names}
    rivals = [name for index, name in enumerate(header) if index != chosen and folded(name) in accepted and name]
    if rivals:
        note = f"column {header[chosen]!r} is used; {', '.join(map(repr, rivals[:3]))} would fit as well"
        if note not in warnings:
            warnings.append(note)


def _auto_columns(mapping: Mapping, layout: Layout) -> set[int]:
    found: set[int] = set()
    for field, rule in mapping.fields.rules().items():
        numeric = field in NUMBER_FIELDS or rule.days_past_due is not None
        if numeric and (rule.numbers or mapping.numbers) is NumberFormat.AUTO:
            places = (layout.place(names) for names in _number_columns(rule))
            found.update(place for place in places if place is not None)
    return found


def _number_columns(source: Source) -> list[ColumnNames]:
    if source.lookup is None:
        return source.columns_needed()
    nested = (*source.lookup.table.values(), source.lookup.otherwise)
    return [names for entry in nested if isinstance(entry, Source) for names in _number_columns(entry)]


def _found_formats(table: Table, columns: list[int]) -> dict[int, NumberFormat]:
    """The format each column agrees on, AUTO where nothing in it tells. PortfolioError where it disagrees."""
    point: dict[int, int] = {}
    comma: dict[int, int] = {}
    for chunk in table.read(columns):
        lines = chunk.rows["line"]
        for index in columns:
            cells = numerals.without_sign(chunk.rows[str(index)])
            for pattern, first in ((numerals.SURELY_POINT, point), (numerals.SURELY_COMMA, comma)):
                if index not in first:
                    hits = lines.filter(cells.str.contains(pattern).fill_null(False))
                    if len(hits):
                        first[index] = int(hits[0])
    for index in columns:
        if index in point and index in comma:
            raise PortfolioError(
                f"column {table.header[index]!r} has decimal points (line {point[index]}) and decimal commas "
                f"(line {comma[index]}): make them alike, or state `numbers` in the mapping"
            )
    return {
        index: NumberFormat.POINT if index in point else NumberFormat.COMMA if index in comma else NumberFormat.AUTO
        for index in columns
    }
