"""Statements in MT940 and CSV: read whole with the line of each entry, or refused with the line that is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from config.statement_mapping import MappingError, StatementMapping, load_statement_mapping
from domain.bank_news import FileKind, FileUnreadable, Statement
from providers.bankfiles.any_file import read_any
from providers.bankfiles.csv_file import read_csv

MT940 = """:20:STARTUMS
:25:ES9121000418450200051332
:28C:00001/001
:60F:C261126EUR1000,00
:61:2611271127C123,45NTRFNONREF//BANK-REF-1
:86:166?00GUTSCHRIFT?20EREF+ABC-1?21SVWZ+Prestamo P-204?2217 gracias?30CAIXESBB?31ES7921000813610123456789?32LUCIA GOMEZ?33 NANDU
:61:2611271127D10,00NCHGNONREF
:86:Comision
:61:2611271127C50,00NTRFREF22//B2
:86:Pago prestamo L-1042 Ana Ruiz
:62F:C261127EUR1163,45
-
:20:SECOND
:25:ES7921000813610123456789
:28C:00002/001
:60F:C261126USD0,00
:61:2611281127RC1,00NTRFNONREF//B3
:86:taken back
:62F:C261127USD1,00
-
"""  # noqa: E501


def test_statements_of_several_accounts_stand_in_one_mt940_file() -> None:
    first, second = read_any(MT940.replace("\n", "\r\n").encode("latin-1"), None)

    assert isinstance(first, Statement)
    assert isinstance(second, Statement)
    assert (first.kind, first.account, first.currency) == (FileKind.MT940, "ES9121000418450200051332", "EUR")
    assert [(e.line, e.amount_minor, e.credit) for e in first.entries] == [
        (5, 12_345, True),
        (7, 1_000, False),
        (9, 5_000, True),
    ]
    paid = first.entries[0]
    assert (paid.other_name, paid.other_iban) == ("LUCIA GOMEZ NANDU", "ES7921000813610123456789")
    assert (paid.end_to_end_id, paid.bank_reference, paid.text) == ("ABC-1", "BANK-REF-1", "Prestamo P-20417 gracias")
    assert first.entries[2].text == "Pago prestamo L-1042 Ana Ruiz"
    [undone] = second.entries
    assert (undone.credit, undone.reversal, undone.currency, undone.value_on) == (
        False,
        True,
        "USD",
        date(2026, 11, 28),
    )


def test_an_entry_that_cannot_be_read_is_named_by_its_line_and_said_to_nobody(
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = MT940.replace(":61:2611271127D10,00NCHGNONREF", ":61:Lucia owes nothing")

    with pytest.raises(FileUnreadable, match="line 7") as refused:
        read_any(broken.encode(), None)

    assert "Lucia" not in str(refused.value)
    assert "Lucia" not in "".join(capfd.readouterr())


MAPPING = """name: our-bank
account: ES91 2100 0418 4502 0005 1332
currency: EUR
delimiter: ";"
encoding: cp1252
skip: 2
date: "%d/%m/%Y"
decimal: ","
thousands: "."
columns:
  booked_on: Fecha
  value_on: Valor
  amount: Importe
  text: [Concepto, Observaciones]
  name: Ordenante
  iban: Cuenta
  reference: Referencia
"""
CSV = """Movimientos
Cuenta;...
Fecha;Valor;Importe;Concepto;Observaciones;Ordenante;Cuenta;Referencia
27/11/2026;28/11/2026;1.234,50;Préstamo P-20417;gracias;Lucía Gómez;ES79 2100 0813 6101 2345 6789;R1
27/11/2026;;-10,00;Comisión;;;;R2
"""


@pytest.fixture
def mapping(tmp_path: Path) -> StatementMapping:
    path = tmp_path / "our-bank.yaml"
    path.write_text(MAPPING)
    return load_statement_mapping(path)


def test_a_csv_is_read_as_its_mapping_says(mapping: StatementMapping) -> None:
    [statement] = read_any(CSV.encode("cp1252"), mapping)

    assert isinstance(statement, Statement)
    assert (statement.account, statement.currency) == ("ES9121000418450200051332", "EUR")
    came, went = statement.entries
    assert (came.line, came.amount_minor, came.credit, came.value_on) == (4, 123_450, True, date(2026, 11, 28))
    assert (came.text, came.other_name, came.bank_reference) == ("Préstamo P-20417 gracias", "Lucía Gómez", "R1")
    assert came.other_iban == "ES7921000813610123456789"
    assert (went.amount_minor, went.credit, went.value_on) == (1_000, False, date(2026, 11, 27))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("1.234,50", "viel"), "line 4: Importe: no amount"),
        (("1.234,50", "1,234"), "line 4: Importe: more decimals"),
        (("1.234,50", "12.50"), "line 4: Importe: expected three digits after each '.'"),
        (("1.234,50", "1.2345,50"), "line 4: Importe: expected three digits after each '.'"),
        (("1.234,50", "1234.567,50"), "line 4: Importe: expected three digits after each '.'"),
        (("1.234,50", "1.234,5.0"), "line 4: Importe: expected three digits after each '.'"),
        (("1.234,50", "1,234.50"), "line 4: Importe: expected three digits after each '.'"),
        (("1.234,50", "0.125"), "line 4: Importe: expected three digits after each '.'"),
        (("27/11/2026;28", "2026-11-27;28"), "line 4: Fecha: no date"),
        (("Importe", "Betrag"), "line 3: no column 'Importe'"),
        (("-10,00;Comisión;;;;R2", "-10,00;Comisión;;;;R2;;;"), "line 5: more cells"),
        (("1.234,50", "nada"), "line 4"),
    ],
)
def test_each_wrong_line_of_a_csv_is_told(mapping: StatementMapping, wrong: tuple[str, str], said: str) -> None:
    with pytest.raises(FileUnreadable, match=said) as refused:
        read_csv(CSV.replace(*wrong).encode("cp1252"), mapping)

    assert "Lucía" not in str(refused.value)


@pytest.mark.parametrize(
    ("thousands", "written", "minor"),
    [
        (".", "1.234.567,89", 123_456_789),
        (".", "- 1.234,50 EUR", -123_450),
        (".", "1234,5", 123_450),
        ("'", "+12'345,00", 1_234_500),
        (" ", "1 234,50", 123_450),
        (" ", "\u2212 1\u00a0234,50 EUR", -123_450),
        (" ", "- 10,00", -1_000),
        ("", "1 234,50", 123_450),
    ],
)
def test_an_amount_is_read_however_its_thousands_are_parted(
    mapping: StatementMapping, thousands: str, written: str, minor: int
) -> None:
    told = CSV.replace("1.234,50", written).replace("-10,00", "-9,00").encode("utf-8")
    parted = mapping.model_copy(update={"thousands": thousands, "encoding": "utf-8"})

    first = read_csv(told, parted).entries[0]

    assert first.amount_minor * (1 if first.credit else -1) == minor


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("currency: EUR", "currency: EURO"), "currency: expected"),
        (('decimal: ","', 'decimal: "."'), "decimal and thousands"),
        (("  amount: Importe\n", ""), "name either amount, or credit"),
        (("  name: Ordenante", "  nombre: Ordenante"), "yaml:15: columns.nombre"),
        (("encoding: cp1252", "encoding: klingon"), "encoding: expected"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_with_its_line(
    tmp_path: Path, wrong: tuple[str, str], said: str
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(MAPPING.replace(*wrong))

    with pytest.raises(MappingError, match=said):
        load_statement_mapping(path)


def test_what_is_no_statement_asks_for_a_mapping() -> None:
    with pytest.raises(FileUnreadable, match="needs --mapping"):
        read_any(CSV.encode(), None)
