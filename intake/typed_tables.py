"""XLSX and Parquet: the same rows as CSV gives, with typed cells turned to plain text."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from intake.chunks import CHUNK_ROWS, Chunk, Table, trimmed
from intake.errors import PortfolioError

_ROWS_BEFORE_HEADER = 50
_UNPACKED_ALWAYS = 64 * 2**20
_UNPACKED_TIMES = 200
_WHOLE_TO = 2**53
"""Below this a float holds every whole number."""
_SHORT_FLOATS: dict[pl.DataType, int] = {pl.Float16(): 2**11, pl.Float32(): 2**24}
"""Likewise of the shorter floats that Parquet knows."""
_FAR_COLUMN = re.compile(rb"""\br\s*=\s*["'][A-Za-z]{3,}[0-9]""")
_ERROR_TYPE = re.compile(rb"""\bt\s*=\s*["']e["']""")
_ERROR_CELL = re.compile(rb"""(<(?:[\w.-]+:)?c\s[^<>]*?\bt\s*=\s*)["']e["']""")
_BLOCK = 2**20
_OTHER_WORKBOOKS = {
    "content.xml": "an OpenDocument spreadsheet; save it as XLSX",
    "xl/workbook.bin": "a binary Excel workbook; save it as XLSX",
}
"""By a part that each has: the reader would open them, and take their cells with errors for empty ones."""


def _plain_text(column: pl.Series) -> pl.Series:
    """Typed cells as text: numbers with a decimal point and no needless ".0", dates as ISO."""
    if column.dtype.is_float():
        finite = column.set(~column.is_finite(), None)
        whole = ((finite.floor() == finite) & (finite.abs() < _WHOLE_TO)).fill_null(False)
        # 15 digits are what a float keeps of a decimal number, and what Excel shows of it.
        text = finite.round_sig_figs(15).cast(pl.String)
        return finite.set(~whole, None).cast(pl.Int64).cast(pl.String).zip_with(whole, text)
    if column.dtype == pl.Boolean or column.dtype.is_numeric() or column.dtype.is_temporal():
        return column.cast(pl.String)
    if column.dtype == pl.String or column.dtype == pl.Categorical or column.dtype == pl.Enum:
        return column.cast(pl.String)
    return pl.repeat(None, len(column), dtype=pl.String, eager=True)


def _typed(dtype: pl.DataType) -> bool:
    return bool(dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean)


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    """What the readers raise for a broken file, their Rust panics among it, becomes a PortfolioError."""
    try:
        yield
    except (PortfolioError, GeneratorExit, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic is no Exception, and each library has a type of its own for it
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise PortfolioError(f"{path.name} cannot be read as {kind}: {first_line}") from None


def open_parquet(path: Path) -> Table:
    """A Parquet file. Its rows are numbered from 2, as if a header were line 1."""
    with _readable(path, "Parquet"):
        schema = pl.read_parquet_schema(path)
        pl.scan_parquet(path).head(1).collect()
    names = list(schema)
    unfit = [name for name, dtype in schema.items() if dtype.is_nested() or dtype in (pl.Binary, pl.Object)]

    def read(wanted: list[int]) -> Iterator[Chunk]:
        columns = [names[index] for index in wanted]
        start = 0
        with _readable(path, "Parquet"):
            for batch in (
                pl.scan_parquet(path).select(columns).collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)
            ):
                lines = pl.int_range(start + 2, start + 2 + batch.height, dtype=pl.UInt32, eager=True)
                start += batch.height
                data = {"line": lines.alias("line")}
                for index, name in zip(wanted, columns, strict=True):
                    data[str(index)] = trimmed(_plain_text(batch[name]))
                yield Chunk(pl.DataFrame(data))

    plain = frozenset(index for index, dtype in enumerate(schema.values()) if _typed(dtype))
    rounded = frozenset(index for index, dtype in enumerate(schema.values()) if dtype.is_float())
    left_out = f"columns left out: {', '.join(unfit)}" if unfit else ""
    whole_below = {index: _SHORT_FLOATS[dtype] for index, dtype in enumerate(schema.values()) if dtype in _SHORT_FLOATS}
    return Table(names, read, "parquet", left_out, plain, rounded=rounded, whole_below=whole_below)


def _looked_through(path: Path) -> bool:
    """Whether any cell of the workbook holds an error, such as #N/A. Raises PortfolioError for what is not to be read.

    A workbook is a ZIP: one that unpacks into far more than it is was not made by people who keep loans.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        for part_name, kind in _OTHER_WORKBOOKS.items():
            if part_name in names:
                raise PortfolioError(f"{path.name} is {kind}: expected CSV, XLSX or Parquet")
        unpacked = sum(part.file_size for part in archive.infolist())
        errors = [_sheet_looked_through(path, archive, part) for part in archive.infolist() if _is_sheet(part)]
    if unpacked > _UNPACKED_ALWAYS and unpacked > _UNPACKED_TIMES * path.stat().st_size:
        raise PortfolioError(f"{path.name} unpacks into {unpacked // 2**20:,} MiB: not opened")
    return any(errors)


def _is_sheet(part: zipfile.ZipInfo) -> bool:
    return part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")


def _sheet_looked_through(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """The reader takes memory for every place up to the last cell, filled or not; far columns are a bomb."""
    tail = b""
    errors = False
    with archive.open(part) as sheet:
        while block := sheet.read(_BLOCK):
            if _FAR_COLUMN.search(tail + block):
                raise PortfolioError(f"{path.name} has cells beyond column ZZ: expected a table of loans")
            errors = errors or _ERROR_TYPE.search(tail + block) is not None
            tail = block[-64:]
    return errors


def _errors_as_text(path: Path) -> bytes:
    """The workbook with every error a cell of text: the reader takes one for an empty cell."""
    copy = io.BytesIO()
    with (
        zipfile.ZipFile(path) as archive,
        zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written,
    ):
        for part in archive.infolist():
            with archive.open(part) as source, written.open(part.filename, "w") as target:
                rest = b""
                while block := source.read(_BLOCK):
                    if not _is_sheet(part):
                        target.write(block)
                        continue
                    whole, bracket, rest = (rest + block).rpartition(b"<")
                    rest = bracket + rest
                    target.write(_ERROR_CELL.sub(rb'\1"str"', whole))
                target.write(rest)
    return copy.getvalue()


def open_xlsx(path: Path) -> Table:
    """The first sheet of an Excel workbook that has rows. Lines are the sheet's row numbers."""
    with _readable(path, "XLSX"):
        has_errors = _looked_through(path)
        # Here, because most portfolios are CSV, and memory of a start counts.
        import fastexcel

        reader = fastexcel.read_excel(path)
        with_errors = fastexcel.read_excel(_errors_as_text(path)) if has_errors else reader
        for name in reader.sheet_names:
            texts = with_errors.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
            if texts.height:
                break
        else:
            raise PortfolioError(f"{path.name} is empty: expected a header row and one row for each loan")
        head = texts.head(_ROWS_BEFORE_HEADER)
        top = next((n for n, row in enumerate(head.iter_rows()) if any(cell and cell.strip() for cell in row)), None)
        if top is None:
            raise PortfolioError(f"{path.name}: no header in the first {_ROWS_BEFORE_HEADER} rows of {name!r}")
        # Read a second time with types: the text of a typed cell does not tell whether it was typed.
        typed = reader.load_sheet(name, header_row=None, skip_rows=top + 1, schema_sample_rows=None).to_polars()
    header = [" ".join((cell or "").split()) for cell in texts.row(top)]
    while header and not header[-1]:
        header.pop()
    rows = texts.slice(top + 1)
    filled = rows.select(
        pl.any_horizontal(pl.all().str.strip_chars().str.len_chars().fill_null(0) > 0).alias("filled")
    )["filled"]
    aligned = typed.height == rows.height and typed.width == rows.width
    columns: list[pl.Series] = []
    plain: set[int] = set()
    mixed: set[int] = set()
    rounded: set[int] = set()
    for index in range(len(header)):
        text = rows.to_series(index)
        native = typed.to_series(index) if aligned else None
        if native is not None and _typed(native.dtype):
            plain.add(index)
            if native.dtype.is_numeric():
                rounded.add(index)
            columns.append(trimmed(_plain_text(native).zip_with(native.is_not_null(), text)))
            continue
        mixed.add(index)
        columns.append(trimmed(text))

    def read(wanted: list[int]) -> Iterator[Chunk]:
        for start in range(0, rows.height, CHUNK_ROWS):
            height = min(CHUNK_ROWS, rows.height - start)
            first = top + 2 + start
            data = {"line": pl.int_range(first, first + height, dtype=pl.UInt32, eager=True).alias("line")}
            for index in wanted:
                data[str(index)] = columns[index].slice(start, height).alias(str(index))
            yield Chunk(pl.DataFrame(data).filter(filled.slice(start, height)))

    return Table(
        header, read, "xlsx", f"sheet {name}", frozenset(plain), mixed=frozenset(mixed), rounded=frozenset(rounded)
    )
