"""Mandates in a lender's file: whole ones kept, every wrong cell told by line and field."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import intake
from intake import PortfolioError
from tests.intake.test_check import GOOD, OWN, TODAY, written

MANDATE = "mandate_reference,mandate_iban,mandate_signed_on,mandate_holder,mandate_scheme,mandate_sequence"
IBAN = "ES91 2100 0418 4502 0005 1332"


def checked(folder: Path, *mandates: str, people: tuple[str, ...] = ()) -> intake.PortfolioReport:
    """A file with one loan for each mandate given; `people` are their owners by row."""
    lines = [OWN.strip() + ",person_id," + MANDATE]
    for number, mandate in enumerate(mandates):
        person = people[number] if people else f"p{number}"
        lines.append(GOOD.format(id=f"L{number}").strip() + f",{person},{mandate}")
    return intake.check(written(folder, "\n".join(lines) + "\n"), "recobro", TODAY)


def test_a_whole_mandate_is_read_and_a_row_without_one_is_good_too(tmp_path: Path) -> None:
    report = checked(tmp_path, f"M-1,{IBAN},2026-03-14,,b2b,rcur", ",,,,,", f"M/2,{IBAN},2026-11-23,Luis,,")

    first, second, third = report.loans()
    assert list(report.errors) == []
    assert (first.mandate_reference, first.mandate_iban) == ("M-1", "ES9121000418450200051332")
    assert (first.mandate_scheme, first.mandate_sequence, first.mandate_signed_on) == (
        "B2B",
        "RCUR",
        date(2026, 3, 14),
    )
    assert second.mandate_reference is None
    assert (third.mandate_holder, third.mandate_scheme, third.mandate_sequence) == ("Luis", None, None)
    assert "2100" not in repr(first)


@pytest.mark.parametrize(
    ("mandate", "column", "reason"),
    [
        (f"M 1,{IBAN},2026-03-14,,,", "mandate_reference", "not a mandate reference"),
        (f"/M,{IBAN},2026-03-14,,,", "mandate_reference", "not a mandate reference"),
        (f"{'x' * 36},{IBAN},2026-03-14,,,", "mandate_reference", "not a mandate reference"),
        ("M-1,ES91 2100 0418 4502 0005 1333,2026-03-14,,,", "mandate_iban", "not an IBAN"),
        ("M-1,12345,2026-03-14,,,", "mandate_iban", "not an IBAN"),
        (f"M-1,{IBAN},14.13.2026,,,", "mandate_signed_on", "not a date"),
        (f"M-1,{IBAN},2026-11-24,,,", "mandate_signed_on", "lies ahead"),
        (f"M-1,{IBAN},2026-03-14,,CORE2,", "mandate_scheme", "expected CORE or B2B"),
        (f"M-1,{IBAN},2026-03-14,,,LAST", "mandate_sequence", "expected FRST, RCUR or OOFF"),
        (f",{IBAN},2026-03-14,,,", "mandate_reference", "empty, but the row names a mandate"),
        ("M-1,,2026-03-14,,,", "mandate_iban", "empty, but the row names a mandate"),
        (f"M-1,{IBAN},,,,", "mandate_signed_on", "empty, but the row names a mandate"),
    ],
)
def test_each_wrong_cell_is_told_once_by_line_and_column(
    tmp_path: Path, mandate: str, column: str, reason: str
) -> None:
    report = checked(tmp_path, ",,,,,", mandate)

    [error] = report.errors
    assert (error.line, error.column) == (3, column)
    assert reason in error.reason
    assert [loan.loan_id for loan in report.loans()] == ["L0"]


def test_a_reference_means_one_mandate_and_may_stand_at_several_loans_of_its_person(tmp_path: Path) -> None:
    other = "ES79 2100 0813 6101 2345 6789"
    report = checked(
        tmp_path,
        f"M-1,{IBAN},2026-03-14,,,",
        f"M-1,{IBAN},2026-03-14,,,",
        f"M-2,{IBAN},2026-03-14,,,",
        f"M-2,{other},2026-03-14,,,",
        people=("ana", "ana", "ana", "ana"),
    )

    assert [(error.line, error.column, error.value) for error in report.errors] == [
        (4, "mandate_reference", "M-2"),
        (5, "mandate_reference", "M-2"),
    ]
    assert "lines 4, 5" in report.errors[0].reason
    assert [loan.loan_id for loan in report.loans()] == ["L0", "L1"]


def test_a_mapping_that_reads_half_a_mandate_is_told(tmp_path: Path) -> None:
    mapping = written(
        tmp_path,
        "name: half\nfields:\n  loan_id: {columns: id}\n  language: {value: es}\n  country: {value: ES}\n"
        "  currency: {value: EUR}\n  amount_due: {columns: amount}\n  due_date: {columns: due}\n"
        "  mandate_iban: {columns: iban}\n",
        "half.yaml",
    )

    with pytest.raises(PortfolioError, match="mandate_reference, mandate_signed_on missing"):
        intake.check(written(tmp_path, "id,amount,due,iban\nL1,10,2026-10-01,x\n"), mapping, TODAY)


def test_a_spanish_lenders_own_headings_bring_mandates_too(tmp_path: Path) -> None:
    header = "Nº préstamo;Cliente;Importe pendiente;Fecha de vencimiento;Provincia;RUM;IBAN domiciliación;Fecha mandato"
    rows = [f"P1;Ana;50,00;3/9/2026;Madrid;M-7;{IBAN};14/3/2026", "P2;Luis;60,00;3/9/2026;Madrid;;;"]
    report = intake.check(written(tmp_path, "\n".join([header, *rows, ""])), "microlender_es", TODAY)

    first, second = report.loans()
    assert list(report.errors) == []
    assert (first.mandate_reference, first.mandate_signed_on) == ("M-7", date(2026, 3, 14))
    assert second.mandate_reference is None
