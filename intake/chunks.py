"""A piece of a file, as text, before any meaning is given to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl

from intake.errors import CellError

CHUNK_ROWS = 2_000


@dataclass(frozen=True)
class Chunk:
    """Rows in file order. `rows` has a column "line" and a String column for each index wanted ("0", "1").

    Cells are trimmed and empty ones are null. `broken` are rows that could not be cut into cells.
    """

    rows: pl.DataFrame
    broken: list[CellError] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """A file opened: its header and a way to read its rows, again and again, a chunk at a time."""

    header: list[str]
    read: Callable[[list[int]], Iterator[Chunk]]
    """Takes the indices of the columns wanted."""
    kind: str
    """csv, xlsx or parquet."""
    details: str
    """How the file was read, for the operator: encoding and delimiter."""
    plain: frozenset[int] = frozenset()
    """Columns whose cells are typed in the file: numbers come with a decimal point, dates as ISO."""
    mixed: frozenset[int] = frozenset()
    """Spreadsheet columns that hold both typed and text cells, which cannot be told apart for sure."""
    rounded: frozenset[int] = frozenset()
    """Columns of numbers of which the file keeps the first 15 digits alone."""
    whole_below: dict[int, int] = field(default_factory=dict)
    """Columns of short floats, and the number from which on they do not hold every whole number."""


def trimmed(column: pl.Series) -> pl.Series:
    """Without surrounding blanks (also no-break ones); empty becomes null."""
    stripped = column.str.strip_chars()
    return stripped.set(stripped == "", None)
