"""CSV of any common delimiter and encoding, row by row, with true line numbers.

Python's csv reader is used rather than a bulk one because it tells where each record begins and lets a record
that is broken be set aside: an unclosed quote costs its own line, not the rest of the file.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import polars as pl

from intake.chunks import CHUNK_ROWS, Chunk, Table, trimmed
from intake.errors import CellError, PortfolioError

DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_BYTES = 65_536
_MAX_LINE = 1_000_000
_MAX_LINES_IN_RECORD = 200
_SHOWN = 60


class _RecordTooLong(Exception):
    pass


class _Lines:
    """Feeds physical lines to the csv reader and can take back those of a record that failed."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._returned: deque[str] = deque()
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.record) >= _MAX_LINES_IN_RECORD:
            raise _RecordTooLong
        line = self._returned.popleft() if self._returned else self._text.readline(_MAX_LINE)
        if not line:
            raise StopIteration
        if len(line) >= _MAX_LINE:
            raise PortfolioError(f"line {self.number + 1} is longer than {_MAX_LINE} characters: no table of loans")
        self.number += 1
        self.record.append(line)
        return line

    def keep_only_first(self) -> str:
        """Put all lines of the record but its first back in front of the rest."""
        self._returned.extendleft(reversed(self.record[1:]))
        self.number -= len(self.record) - 1
        return self.record[0]


@dataclass(frozen=True)
class Record:
    line: int
    cells: list[str]
    problem: str | None = None


def _records(text: TextIO, delimiter: str, width: int | None = None) -> Iterator[Record]:
    """Records with the line each begins on. With `width`, a quote that swallowed whole rows is undone."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.record = []
        start = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RecordTooLong) as error:
            if not lines.record:
                return
            several = len(lines.record) > 1
            first = lines.keep_only_first()
            if several:
                reason = "a quote is opened and never properly closed"
            elif "field larger" in str(error):
                reason = "a cell is longer than 131072 characters"
            else:
                reason = "quotes do not match: a quote inside a quoted cell must be doubled"
            yield Record(start, [first.rstrip("\r\n")[:_SHOWN]], reason)
            continue
        if width is not None and len(lines.record) > 1 and len(cells) != width:
            if _alone(lines.record[1], delimiter) == width:
                first = lines.keep_only_first()
                yield Record(start, [first.rstrip("\r\n")[:_SHOWN]], "a quote is opened and never properly closed")
                continue
        yield Record(start, cells)


def _alone(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter, strict=True), []))
    except csv.Error:
        return 0


def detect_encoding(path: Path) -> str:
    """Encoding of a text file: by its mark, else UTF-8 if it is that, else Windows-1252 or Latin-1.

    A file that is UTF-8 but for a few broken bytes stays UTF-8: one bad byte must not garble all accents.
    """
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        strict = codecs.getincrementaldecoder("utf-8")()
        valid = True
        undefined_in_1252 = False
        lost = beyond_ascii = 0
        lenient = codecs.getincrementaldecoder("utf-8")("replace")
        while block := file.read(1 << 20):
            if valid:
                try:
                    strict.decode(block)
                except UnicodeDecodeError:
                    valid = False
            if not block.isascii():
                text = lenient.decode(block)
                lost += text.count("\ufffd")
                beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
                undefined_in_1252 = undefined_in_1252 or any(byte in block for byte in b"\x81\x8d\x8f\x90\x9d")
            else:
                lenient.decode(block)
        if valid:
            try:
                strict.decode(b"", final=True)
                return "utf-8"
            except UnicodeDecodeError:
                pass
    if beyond_ascii - lost > lost:
        return "utf-8"
    return "latin-1" if undefined_in_1252 else "cp1252"


def _open(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, errors="replace", newline="")


def _sniff(path: Path, encoding: str) -> str:
    """The delimiter that cuts the header into most cells and the next rows into as many."""
    with _open(path, encoding) as text:
        sample = text.read(_SAMPLE_BYTES)
    lines = [line for line in sample.splitlines(keepends=True) if line.strip()][:30]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return lines[0].strip()[4]
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not rows:
            continue
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows) / len(rows)
        score = (width - 1) * (0.2 + alike)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def open_csv(path: Path, delimiter: str | None = None) -> Table:
    """A CSV file with its header read. Raises PortfolioError when it is empty or no text."""
    encoding = detect_encoding(path)
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    if encoding != "utf-16":
        controls = sum(sample.count(byte) for byte in range(32) if byte not in b"\t\n\r\x0b\x0c\x1a\x1b")
        if controls * 50 > len(sample):
            raise PortfolioError(
                f"{path.name} is no text: expected CSV, XLSX or Parquet (it holds bytes no text file has)"
            )
    cut = delimiter or _sniff(path, encoding)
    with _open(path, encoding) as text:
        header = _header(_records(text, cut), path)
    names = header.cells
    width = len(names)

    def read(wanted: list[int]) -> Iterator[Chunk]:
        with _open(path, encoding) as text:
            records = _records(text, cut, width)
            for record in records:
                if record.line == header.line:
                    break
            yield from _chunks(records, width, wanted)

    shown = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
    return Table(names, read, "csv", f"{shown.get(encoding, 'Latin-1')}, {_DELIMITER_NAMES.get(cut, cut)}")


def _header(records: Iterator[Record], path: Path) -> Record:
    for record in records:
        if record.problem:
            raise PortfolioError(f"{path.name}, line {record.line}: header cannot be read: {record.problem}")
        if not any(cell.strip() for cell in record.cells):
            continue
        if len(record.cells) <= 2 and "".join(record.cells).lower().startswith("sep="):
            continue
        return Record(record.line, [" ".join(cell.split()) for cell in record.cells])
    raise PortfolioError(f"{path.name} is empty: expected a header line and one line for each loan")


def _chunks(records: Iterator[Record], width: int, wanted: list[int]) -> Iterator[Chunk]:
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: list[CellError] = []
    for record in records:
        cells = record.cells
        if record.problem is not None:
            broken.append(CellError(record.line, "(row)", cells[0], record.problem))
        elif not any(map(str.strip, cells)):
            pass  # a line of bare delimiters is how spreadsheets write an empty row
        elif len(cells) == width:
            rows.append(cells)
            lines.append(record.line)
        else:
            if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
                rows.append(cells[:width])
                lines.append(record.line)
            else:
                shown = " | ".join(cells)[:_SHOWN]
                reason = f"the row has {len(cells)} cells, the header has {width}"
                broken.append(CellError(record.line, "(row)", shown, reason))
        if len(rows) + len(broken) >= CHUNK_ROWS:
            yield Chunk(_frame(rows, lines, wanted), broken)
            rows, lines, broken = [], [], []
    if rows or broken:
        yield Chunk(_frame(rows, lines, wanted), broken)


def _frame(rows: list[list[str]], lines: list[int], wanted: list[int]) -> pl.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else []
    data: dict[str, pl.Series] = {"line": pl.Series("line", lines, dtype=pl.UInt32)}
    for index in wanted:
        cells = columns[index] if rows else ()
        data[str(index)] = trimmed(pl.Series(str(index), cells, dtype=pl.String))
    return pl.DataFrame(data)
