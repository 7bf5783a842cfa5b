"""Cells that hold a spreadsheet's error, such as #N/A, in place of a value: none is taken for an empty one."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import intake
from tests.intake.workbooks import SheetError, write_workbook

TODAY = date(2026, 11, 30)
GOOD: dict[str, object] = {
    "loan_id": "L1",
    "person_id": "P1",
    "name": "Ana Gil",
    "phone": "+34612345678",
    "language": "es",
    "country": "ES",
    "region": "MD",
    "city": "Getafe",
    "currency": "EUR",
    "amount_due_minor": 1_000,
    "due_date": date(2026, 10, 1),
    "authorised_channels": "sms",
    "bank_account": "A1",
    "priority": 1,
}
REASON = "an error of the spreadsheet stands here in place of a value"


def workbook(folder: Path, *rows: dict[str, object]) -> Path:
    return write_workbook(folder / "loans.xlsx", [list(GOOD), *([*row.values()] for row in rows)])


def text_file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "loans.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(GOOD), *([*row.values()] for row in rows)])
    return path


@pytest.mark.parametrize("write", [workbook, text_file])
@pytest.mark.parametrize("column", GOOD)
def test_an_error_in_any_column_is_an_error_of_its_cell(
    tmp_path: Path, write: Callable[..., Path], column: str
) -> None:
    """Given three rows; when a formula of the second has no result; then that cell is named and the others are good."""
    rows = [GOOD | {"loan_id": f"L{number}"} for number in range(3)]
    rows[1] |= {column: SheetError("#N/A")}

    report = intake.check(write(tmp_path, *rows), "recobro", TODAY)

    assert [(one.line, one.column, one.value, one.reason) for one in report.errors] == [(3, column, "#N/A", REASON)]
    assert [loan.loan_id for loan in report.loans()] == ["L0", "L2"]


@pytest.mark.parametrize(
    "value",
    (
        "#REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL! #N/D #¡REF! #¡VALOR! #¡DIV/0! #¿NOMBRE? #¡NUM! #¡NULO! #NOME? #NÚM! "
        "Err:502 ########"
    ).split(),
)
def test_an_error_in_any_language_is_no_name(tmp_path: Path, value: str) -> None:
    report = intake.check(text_file(tmp_path, GOOD | {"name": value}), "recobro", TODAY)

    assert [(one.column, one.value, one.reason) for one in report.errors] == [("name", value, REASON)]


@pytest.mark.parametrize("value", ["#1", "C# Ana", "N/A", "Calle #4!", "#"])
def test_a_text_that_only_looks_a_little_like_one_stays_a_text(tmp_path: Path, value: str) -> None:
    report = intake.check(text_file(tmp_path, GOOD | {"name": value}), "recobro", TODAY)

    assert [loan.name for loan in report.loans()] == [value]


def test_an_error_does_not_pass_for_a_key_of_a_table_that_is_spelt_nearly_so(tmp_path: Path) -> None:
    """Given NA for Navarre: compared without punctuation, #N/A would be it."""
    mapping = tmp_path / "own.yaml"
    mapping.write_text(
        "name: own\nfields:\n  loan_id: {columns: loan_id}\n  country: {value: ES}\n  language: {value: es}\n"
        "  currency: {value: EUR}\n  amount_due_minor: {columns: amount_due_minor}\n  due_date: {columns: due_date}\n"
        '  region: {lookup: {by: region, table: {"NA": NC}, otherwise: ""}}\n'
    )

    report = intake.check(workbook(tmp_path, GOOD | {"region": SheetError("#N/A")}), mapping, TODAY)

    assert [(one.column, one.reason) for one in report.errors] == [("region", REASON)]


def test_an_id_of_too_many_digits_is_still_one_where_another_row_has_an_error(tmp_path: Path) -> None:
    rows = (GOOD | {"loan_id": SheetError("#REF!")}, GOOD | {"loan_id": 4532015112830366}, GOOD | {"loan_id": 7})

    report = intake.check(workbook(tmp_path, *rows), "recobro", TODAY)

    assert [(one.line, one.column) for one in report.errors] == [(2, "loan_id"), (3, "loan_id")]
    assert [loan.loan_id for loan in report.loans()] == ["7"]


@pytest.mark.parametrize(
    ("part", "told"),
    [("content.xml", "is an OpenDocument spreadsheet"), ("xl/workbook.bin", "is a binary Excel workbook")],
)
def test_a_workbook_whose_errors_the_reader_passes_over_is_refused(tmp_path: Path, part: str, told: str) -> None:
    path = tmp_path / "loans.ods"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(part, b"")

    with pytest.raises(intake.PortfolioError, match=rf"loans.ods {told}; save it as XLSX: expected CSV, XLSX"):
        intake.check(path, "recobro", TODAY)
