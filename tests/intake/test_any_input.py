"""Whatever comes in, out comes a report or one clear line; money and dates survive how they are written."""

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from babel.numbers import format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

import intake
from domain.portfolio import PortfolioLoan
from intake import PortfolioError, PortfolioReport
from intake.calendar_dates import to_dates
from intake.mapping import DateFormat, NumberFormat
from intake.numerals import to_minor, to_plain
from tests.intake.workbooks import write_workbook
from tests.nasty import fuzzing

TODAY = date(2026, 11, 23)
OWN = "loan_id,phone,email,language,country,timezone,currency,amount_due_minor,due_date,name,priority"
LIKELY = st.sampled_from(
    [
        "",
        "A1",
        "es",
        "ES",
        "EUR",
        "100",
        "-1",
        "2026-10-01",
        "31/02/2026",
        "+34612345678",
        "a@b.es",
        '"',
        "1,5",
        "\x00",
    ]
)
loose = fuzzing(30)
pytestmark = pytest.mark.drawn


def used_up(path: Path, mapping: str | None) -> None:
    """Check the file and take its loans: only PortfolioError may come out, and the figures must agree."""
    try:
        report = intake.check(path, mapping, TODAY)
        loans = list(report.loans())
    except PortfolioError as error:
        told = str(error)
    else:
        told = "a report"
        figures_agree(report, loans)
    assert told
    assert "\n" not in told


def figures_agree(report: PortfolioReport, loans: list[PortfolioLoan]) -> None:
    assert len(loans) == report.good_rows
    assert report.good_rows + report.bad_rows == report.summary().rows
    assert {error.line for error in report.errors}.isdisjoint(loan.line for loan in loans)
    assert len({error.line for error in report.errors}) == report.bad_rows
    assert all(error.reason for error in report.errors)
    assert len({loan.loan_id for loan in loans}) == len(loans)


@loose
@given(content=st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)

    used_up(path, None)


@loose
@given(body=st.text(max_size=300))
def test_any_text_under_a_good_header(tmp_path: Path, body: str) -> None:
    path = tmp_path / "any.csv"
    path.write_text(f"{OWN}\n{body}", encoding="utf-8", errors="surrogatepass", newline="")

    used_up(path, "recobro")


@loose
@given(rows=st.lists(st.lists(LIKELY | st.text(max_size=8), min_size=9, max_size=12), max_size=6))
def test_any_cells_under_a_good_header(tmp_path: Path, rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([OWN.split(","), *rows])
    path = tmp_path / "any.csv"
    path.write_text(out.getvalue(), encoding="utf-8", errors="replace", newline="")

    used_up(path, "recobro")


COLUMN = st.one_of(
    st.lists(st.none() | LIKELY.filter(lambda text: "\x00" not in text), min_size=3, max_size=3),
    st.lists(st.none() | st.floats(), min_size=3, max_size=3),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.none() | st.dates(), min_size=3, max_size=3),
    st.lists(st.none() | st.booleans(), min_size=3, max_size=3),
    st.just([[1], None, [2, 3]]),
    st.just([b"x", None, b"y"]),
)


@loose
@given(columns=st.lists(COLUMN, min_size=11, max_size=11))
def test_any_typed_cells_in_parquet(tmp_path: Path, columns: list[list[object]]) -> None:
    frame = pl.DataFrame([pl.Series(name, cells) for name, cells in zip(OWN.split(","), columns, strict=True)])
    path = tmp_path / "any.parquet"
    frame.write_parquet(path)

    used_up(path, "recobro")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A workbook and a Parquet file that are in order, by how their names end."""
    folder = tmp_path_factory.mktemp("whole")
    workbook = write_workbook(folder / "a.xlsx", [OWN.split(","), ["A1", 612345678, None, "es", "ES"]])
    parquet = folder / "a.parquet"
    pl.DataFrame({name: ["1"] for name in OWN.split(",")}).write_parquet(parquet)
    return {path.suffix: path.read_bytes() for path in (workbook, parquet)}


@loose
@given(data=st.data())
def test_a_damaged_workbook_or_parquet_file(tmp_path: Path, whole: dict[str, bytes], data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from([".xlsx", ".parquet"]))
    path = tmp_path / f"a{ending}"
    content = bytearray(whole[ending])
    for place in data.draw(st.lists(st.integers(4, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(4, len(content)))]))

    used_up(path, "recobro")


def test_a_workbook_that_unpacks_into_far_more_than_it_is(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", [OWN.split(",")])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/a.bin", "w") as part:
        for _ in range(80):
            part.write(bytes(2**20))

    with pytest.raises(PortfolioError, match="unpacks into 80 MiB"):
        intake.check(path, None, TODAY)


@loose
@given(content=st.binary(min_size=1, max_size=300), magic=st.sampled_from([b"PK\x03\x04", b"PAR1"]))
def test_any_bytes_behind_a_workbooks_or_parquets_first(tmp_path: Path, content: bytes, magic: bytes) -> None:
    path = tmp_path / "any.xlsx"
    path.write_bytes(magic + content + magic)

    used_up(path, None)


def test_a_cell_at_the_far_end_of_the_sheet_takes_no_memory(tmp_path: Path) -> None:
    near = write_workbook(tmp_path / "a.xlsx", [OWN.split(",")])
    path = tmp_path / "b.xlsx"
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with zipfile.ZipFile(near) as old, zipfile.ZipFile(path, "w") as new:
        for part in old.infolist():
            new.writestr(part, old.read(part).replace(b"</sheetData>", far))

    with pytest.raises(PortfolioError, match="beyond column ZZ"):
        intake.check(path, None, TODAY)


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")

    used_up(path, None)


@settings(deadline=None)
@given(st.integers(1, 10**13), st.sampled_from([("en", NumberFormat.POINT), ("es", NumberFormat.COMMA)]))
def test_an_amount_written_in_a_locale_reads_back_to_the_cent(cents: int, way: tuple[str, NumberFormat]) -> None:
    locale, format_ = way
    written = format_decimal(Decimal(cents).scaleb(-2), "#,##0.00", locale=locale)

    plain = to_plain(pl.Series([written]), format_, typed=False)

    assert to_minor(plain, pl.Series([2])).to_list() == [cents]


@settings(deadline=None)
@given(st.dates(date(1970, 1, 1), date(2100, 12, 31)), st.sampled_from("/-."))
def test_a_day_first_date_reads_back(day: date, separator: str) -> None:
    cell = pl.Series([f"{day.day}{separator}{day.month:02d}{separator}{day.year}"])

    assert to_dates(cell, [DateFormat.DAY_FIRST], typed=False).to_list() == [day]
