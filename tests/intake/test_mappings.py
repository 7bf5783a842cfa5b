"""Mapping files: what they may say, how they are chosen, and how their faults are told."""

from datetime import date
from pathlib import Path

import pytest

import intake
from domain.portfolio import PortfolioLoan
from intake import PortfolioError

TODAY = date(2026, 11, 23)
MAPPING = """\
name: mine
fields:
  loan_id: {columns: [Loan, Contract]}
  language: {value: en}
  country: {value: US}
  currency: {value: USD}
  amount_due: {columns: Owed}
  due_date: {days_past_due: Late}
"""
FILE = "Contract,Owed,Late\nA1,10.50,3\n"


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_shipped_mapping_loads() -> None:
    names = {intake.load_mapping(path).name for path in intake.MAPPINGS_FOLDER.glob("*.yaml")}

    assert names == {"lendingclub", "microlender_es", "recobro"}


def test_recobros_own_columns_are_all_fields_of_a_loan() -> None:
    fields = intake.load_mapping(intake.MAPPINGS_FOLDER / "recobro.yaml").fields.rules()

    assert set(fields) == set(PortfolioLoan.model_fields) - {"line"}


def test_a_mapping_of_ones_own_is_used_by_path_and_by_name(tmp_path: Path) -> None:
    mapping = put(tmp_path, "mine.yaml", MAPPING)
    file = put(tmp_path, "loans.csv", FILE)

    by_path = list(intake.check(file, mapping, TODAY).loans())
    by_name = list(intake.check(file, "mine", TODAY, mappings_folder=tmp_path).loans())
    found = list(intake.check(file, None, TODAY, mappings_folder=tmp_path).loans())

    assert by_path == by_name == found
    assert (by_path[0].amount_due_minor, by_path[0].due_date) == (1050, date(2026, 11, 20))


def test_two_mappings_that_fit_must_be_chosen_between(tmp_path: Path) -> None:
    put(tmp_path, "one.yaml", MAPPING.replace("mine", "one"))
    put(tmp_path, "two.yaml", MAPPING.replace("mine", "two"))

    with pytest.raises(PortfolioError, match="several mappings fit this file: one, two"):
        intake.check(put(tmp_path, "loans.csv", FILE), None, TODAY, mappings_folder=tmp_path)


def test_a_chosen_mapping_says_which_columns_it_misses(tmp_path: Path) -> None:
    file = put(tmp_path, "loans.csv", "Contract,Due\nA,1\n")

    with pytest.raises(PortfolioError, match="mapping mine misses 'Owed', 'Late'; the file has 'Contract', 'Due'"):
        intake.check(file, put(tmp_path, "mine.yaml", MAPPING), TODAY)


def test_a_second_column_that_would_fit_is_noted(tmp_path: Path) -> None:
    file = put(tmp_path, "loans.csv", "Contract,Loan,Owed,Late\nC1,L1,1,1\n")

    report = intake.check(file, put(tmp_path, "mine.yaml", MAPPING), TODAY)

    assert [loan.loan_id for loan in report.loans()] == ["L1"]
    assert "column 'Loan' is used; 'Contract' would fit as well" in report.warnings


def test_an_unknown_name_lists_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(PortfolioError, match="no mapping is called 'x'; there are: lendingclub, microlender_es"):
        intake.check(put(tmp_path, "loans.csv", FILE), "x", TODAY)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("language: {value: en}", "language: {valeu: en}", r"m\.yaml, line 4, fields\.language"),
        ("  currency: {value: USD}\n", "", r"line 2, fields\.currency: Field required"),
        ("amount_due: {columns: Owed}", "amount_due: {columns: 3}", r"line 7, fields\.amount_due\.columns"),
        (
            "{columns: Owed}",
            "{columns: Owed, value: 3}",
            r"line 7, fields\.amount_due: expected exactly one of",
        ),
        ("{columns: Owed}", "{days_past_due: Owed}", "amount_due: days_past_due gives a date"),
        ("{columns: Owed}", "{sum: [1, {days_past_due: Late}]}", "days_past_due gives a date"),
        ("days_past_due: Late", "days_past_due: {days_past_due: Late}", "days_past_due gives a date"),
        (
            "value: en",
            "lookup: {by: A, table: {a: {sum: [1, 2]}}}",
            "language: sum, product and difference give numbers",
        ),
        ("{columns: Owed}", "{sum: [Owed]}", r"line 7, fields\.amount_due\.sum"),
        ("{columns: Owed}", "{lookup: {by: X, table: {A: {summ: [1, 2]}}}}", r"line 7, .*lookup\.table\.A"),
        ("  amount_due: {columns: Owed}\n", "", "expected one of amount_due"),
        ("name: mine", "name: mine\nnumbers: latin", "line 2, numbers"),
        ("name: mine", "name: mine\ndates: [day_first, month_first]", "leave 3/4 open"),
        ("name: mine", "name: mine\nname: yours", "line 2.*duplicate key"),
        ("name: mine", "name: [mine", "m.yaml, line [0-9]+"),
        (MAPPING, "just text", "expected a mapping with name and fields"),
        (MAPPING, "", "expected a mapping with name and fields"),
    ],
)
def test_a_fault_in_a_mapping_is_told_by_file_line_and_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    mapping = put(tmp_path, "m.yaml", MAPPING.replace(old, new))

    with pytest.raises(PortfolioError, match=told) as raised:
        intake.check(put(tmp_path, "loans.csv", FILE), mapping, TODAY)

    assert "m.yaml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_mapping_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    file = put(tmp_path, "loans.csv", FILE)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(PortfolioError, match="does not exist"):
        intake.check(file, tmp_path / "none.yaml", TODAY)
    with pytest.raises(PortfolioError, match="cannot be read"):
        intake.check(file, tmp_path / "b.yaml", TODAY)
