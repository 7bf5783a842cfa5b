"""Numbers in typed tables: whole ones stay what they are, and ids longer than the file keeps are named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import intake
from tests.intake.workbooks import write_workbook

TODAY = date(2026, 11, 30)
HEADER = ["loan_id", "amount_due_minor", "currency", "due_date", "country", "language"]
REASON = "a number keeps 15 digits in a spreadsheet: make the column text"
DUE = date(2026, 10, 1)


def row(loan_id: object, minor: object = 1_000) -> list[object]:
    return [loan_id, minor, "COP", DUE, "CO", "es"]


def workbook(folder: Path, *rows: list[object]) -> Path:
    return write_workbook(folder / "loans.xlsx", [HEADER, *rows])


def table(folder: Path, *rows: list[object]) -> Path:
    path = folder / "loans.parquet"
    pl.DataFrame(rows, schema=HEADER, orient="row").write_parquet(path)
    return path


def check(path: Path) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The good loans' ids, and each bad cell."""
    report = intake.check(path, "recobro", TODAY)
    return [loan.loan_id for loan in report.loans()], [(one.line, one.column, one.reason) for one in report.errors]


@pytest.mark.parametrize("long", [4532015112830366, 4532015112830300, 123456789012345678, 1e22])
def test_an_id_typed_as_a_longer_number_than_a_spreadsheet_keeps_is_an_error(tmp_path: Path, long: float) -> None:
    path = workbook(tmp_path, row(long), row(453201511283036))

    good, bad = check(path)

    assert good == ["453201511283036"]
    assert bad == [(2, "loan_id", REASON)]


def test_an_id_typed_as_text_may_be_as_long_as_it_likes(tmp_path: Path) -> None:
    path = workbook(tmp_path, row("4532015112830366"), row("00123456789012345678"))

    assert check(path) == (["4532015112830366", "00123456789012345678"], [])


def test_whole_numbers_of_a_parquet_file_are_exact_and_floats_that_cannot_be_are_errors(tmp_path: Path) -> None:
    whole = table(tmp_path, row(4532015112830366))
    assert check(whole) == (["4532015112830366"], [])

    floats = table(tmp_path, row(4532015112830366.0), row(7.0))

    assert check(floats) == (["7"], [(2, "loan_id", REASON)])


@pytest.mark.parametrize(
    ("short", "first_wrong", "told"), [(pl.Float32, 2**24, "16,777,216"), (pl.Float16, 2**11, "2,048")]
)
def test_an_id_in_a_column_of_short_floats_is_an_error_from_where_they_skip_numbers(
    tmp_path: Path, short: type[pl.DataType], first_wrong: int, told: str
) -> None:
    path = table(tmp_path, row(first_wrong - 1), row(first_wrong + 1))
    pl.read_parquet(path).with_columns(pl.col("loan_id").cast(short)).write_parquet(path)

    good, bad = check(path)

    assert good == [str(first_wrong - 1)]
    assert bad == [(3, "loan_id", f"a short float is exact below {told} alone: make the column text")]


@pytest.mark.parametrize("minor", [4532015112830367, 1234567890123, 100_000])
def test_an_amount_that_is_a_whole_number_is_exact_to_its_last_digit(tmp_path: Path, minor: int) -> None:
    report = intake.check(workbook(tmp_path, row(1, minor)), "recobro", TODAY)

    assert [loan.amount_due_minor for loan in report.loans()] == [minor]
