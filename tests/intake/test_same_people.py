"""Rows under one customer number: one person's, or a placeholder that makes many people one."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

import intake
from domain.contact import Channel

TODAY = date(2026, 11, 30)
TOLD = ("person_id", "name", "country", "birth_year", "id_digits", "phone", "email", "authorised_channels")
MAPPING = "name: own\nfields:\n  language: {value: es}\n  currency: {value: EUR}\n" + "".join(
    f"  {field}: {{columns: {field}}}\n" for field in ("loan_id", "amount_due_minor", "due_date", "priority", *TOLD)
)
Row = dict[str, str]
ANA: Row = dict.fromkeys(TOLD, "") | {"person_id": "P1", "name": "Ana Gil Ruiz", "country": "ES"}


def check(folder: Path, *rows: Row) -> intake.PortfolioReport:
    """Rows from line 2 on, the first of the highest priority."""
    (folder / "own.yaml").write_text(MAPPING)
    path = folder / "loans.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["loan_id", "amount_due_minor", "due_date", "priority", *TOLD])
        for number, row in enumerate(rows):
            out.writerow([f"L{number}", 1000, "2026-10-01", len(rows) - number, *(row[field] for field in TOLD)])
    return intake.check(path, folder / "own.yaml", TODAY)


def good(report: intake.PortfolioReport) -> list[str]:
    return [loan.loan_id for loan in report.loans()]


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        ({"name": "Luis Soto"}, "name"),
        ({"country": "MX"}, "country"),
        ({"birth_year": "1990"}, "birth_year"),
        ({"id_digits": "4321"}, "id_digits"),
        ({"name": "Luis Soto", "country": "MX", "id_digits": "4321"}, "name, country, id_digits"),
    ],
)
def test_rows_that_cannot_be_one_persons_are_errors_on_every_line(tmp_path: Path, other: Row, fields: str) -> None:
    """Given three rows of one number, the third of somebody else; then nobody's debt goes to another's telephone."""
    ana = ANA | {"birth_year": "1984"} | ({"id_digits": "1234"} if other.get("id_digits") else {})
    somebody = ANA | {"person_id": "P2"}

    report = check(tmp_path, ana, somebody, ANA, ana | other)

    assert [(one.line, one.column, one.value) for one in report.errors] == [
        (line, "person_id", "P1") for line in (2, 4, 5)
    ]
    assert {one.reason for one in report.errors} == {
        f"rows of one person_id differ in {fields}: lines 2, 4, 5; give each person a number of their own, or make the"
        " rows alike"
    }
    assert good(report) == ["L1"]
    assert (report.good_rows, report.bad_rows, report.summary().people) == (1, 3, 1)


def test_a_placeholder_for_many_names_few_lines_and_counts_the_rest(tmp_path: Path) -> None:
    report = check(tmp_path, *(ANA | {"person_id": "SIN DATO", "name": f"Persona {chr(97 + n) * 3}"} for n in range(9)))

    assert len(report.errors) == 9
    assert "lines 2, 3, 4, 5, 6 and 4 more;" in report.errors[0].reason


@pytest.mark.parametrize("name", ["GIL RUIZ, ANA", "Ana Gil", "", "A. Gil Ruiz"])
def test_one_person_written_by_two_systems_is_one_person(tmp_path: Path, name: str) -> None:
    report = check(tmp_path, ANA | {"birth_year": "1984"}, ANA | {"name": name, "id_digits": "1234"})

    assert (list(report.errors), good(report)) == ([], ["L0", "L1"])


def test_a_misspelt_name_of_one_document_is_one_persons(tmp_path: Path) -> None:
    report = check(tmp_path, ANA | {"id_digits": "1234"}, ANA | {"name": "Ana Gill Ruiz", "id_digits": "1234"})

    assert list(report.errors) == []


def test_another_telephone_or_address_is_a_warning_that_names_the_lines(tmp_path: Path) -> None:
    first, second = ANA | {"phone": "612345678", "email": "ana@correo.es"}, ANA | {"phone": "600111222"}

    report = check(tmp_path, first, second, ANA, first | {"person_id": "P2"}, first | {"person_id": "P2", "phone": ""})

    assert len(good(report)) == 5
    assert "rows of one person_id differ in phone: lines 2, 3, 4: one of them is kept" in report.warnings
    assert not [told for told in report.warnings if "email" in told and "differ" in told]


def test_of_different_channels_those_that_all_rows_name_are_kept_whatever_their_order(tmp_path: Path) -> None:
    def ana(channels: str, person: str = "P1") -> Row:
        return ANA | {"person_id": person, "authorised_channels": channels}

    report = check(
        tmp_path, ana("email,sms"), ana("sms,call"), ana(""), ana("call", "P2"), ana("email", "P2"), ana("call", "P3")
    )

    kept = {loan.loan_id: loan.authorised_channels for loan in report.loans_by_priority()}
    assert kept == {
        "L0": (Channel.SMS,),
        "L1": (Channel.SMS,),
        "L2": None,
        "L3": (),
        "L4": (),
        "L5": (Channel.CALL,),
    }
    assert (
        "rows of one person_id differ in authorised_channels: lines 2, 3, 4; lines 5, 6: only the channels that all of"
        " them name are kept" in report.warnings
    )


def test_an_id_used_twice_is_told_as_that_alone(tmp_path: Path) -> None:
    path = tmp_path / "loans.csv"
    path.write_text(
        "loan_id,language,country,currency,amount_due_minor,due_date,name\n"
        "A,es,ES,EUR,1000,2026-10-01,Ana Gil\nA,es,ES,EUR,1000,2026-10-01,Luis Soto\n"
    )

    report = intake.check(path, "recobro", TODAY)

    assert [(one.line, one.column) for one in report.errors] == [(2, "loan_id"), (3, "loan_id")]
