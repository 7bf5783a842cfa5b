"""Bad cells by the million, kept in columns."""

from collections.abc import Iterator, Sequence
from typing import overload

import polars as pl

from intake.errors import CellError

ERROR_SCHEMA = pl.Schema(
    {
        "line": pl.UInt32(),
        "column": pl.String(),
        "value": pl.String(),
        "reason": pl.String(),
    }
)


class CellErrors(Sequence[CellError]):
    """Every bad cell of a file in line order, kept in columns: millions cost tens of megabytes."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __len__(self) -> int:
        return self.frame.height

    @overload
    def __getitem__(self, index: int) -> CellError: ...
    @overload
    def __getitem__(self, index: slice) -> "CellErrors": ...
    def __getitem__(self, index: int | slice) -> "CellError | CellErrors":
        if isinstance(index, slice):
            return CellErrors(self.frame[index])
        return CellError(*self.frame.row(index))

    def __iter__(self) -> Iterator[CellError]:
        for row in self.frame.iter_rows():
            yield CellError(*row)


class ErrorCollector:
    """Takes bad cells as they are found, by whole columns."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []

    def add(self, lines: pl.Series, bad: pl.Series, column: str, values: pl.Series, reasons: str | pl.Series) -> None:
        """Record the rows where `bad` is true. `reasons` is one text for all, or one for each row."""
        if not bad.any():
            return
        rows = lines.filter(bad)
        self._frames.append(
            pl.DataFrame(
                {
                    "line": rows,
                    "column": pl.repeat(column, len(rows), dtype=pl.String, eager=True),
                    "value": values.filter(bad).cast(pl.String).fill_null(""),
                    "reason": reasons.filter(bad)
                    if isinstance(reasons, pl.Series)
                    else pl.repeat(reasons, len(rows), dtype=pl.String, eager=True),
                },
                schema=ERROR_SCHEMA,
            )
        )

    def add_rows(self, errors: list[CellError]) -> None:
        if errors:
            self._frames.append(pl.DataFrame(errors, schema=ERROR_SCHEMA, orient="row"))

    def take(self) -> pl.DataFrame:
        """All that was collected since the last call, each error once."""
        frames, self._frames = self._frames, []
        if not frames:
            return pl.DataFrame(schema=ERROR_SCHEMA)
        return pl.concat(frames).unique(maintain_order=True)
