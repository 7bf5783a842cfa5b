"""Statements in MT940 and CSV: read whole with the line of each entry, or refused with the line that is wrong."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from config.statement_mapping import MappingError, StatementColumns, StatementMapping, load_statement_mapping
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


@pytest.mark.parametrize("kept", [":86:P-204", ":86:Pago prestamo L-1042 Ana Ruiz\n", ":61:2611271127C50,00"])
def test_a_statement_that_is_cut_off_is_refused_whole(kept: str) -> None:
    """Given a transfer agent that moves a file while the bank still writes it."""
    whole = MT940[: MT940.index(":62F:")]
    cut = whole.replace(":86:Pago prestamo L-1042 Ana Ruiz\n", kept)

    with pytest.raises(FileUnreadable, match="line 1: cut off: no closing balance"):
        read_any(cut.encode(), None)


def test_a_page_of_a_statement_closes_with_a_balance_of_its_own() -> None:
    pages = read_any(MT940.replace(":62F:", ":62M:").encode(), None)

    assert len(pages) == 2


@pytest.mark.parametrize("amount", ["C,", "C1,2,3"])
def test_an_amount_that_is_none_is_told_by_its_line(amount: str) -> None:
    broken = MT940.replace("C123,45", amount)

    with pytest.raises(FileUnreadable, match="line 1: not written as MT940"):
        read_any(broken.encode(), None)


MT942 = """:20:INTERIM
:25:ES9121000418450200051332
:28C:00001/001
:34F:EUR0,
:13D:2611271200+0100
:61:2611271127C123,45NTRFNONREF//BANK-REF-1
:86:Prestamo P-20417
"""


def test_an_interim_report_is_whole_when_the_sums_of_its_entries_stand_behind_them() -> None:
    [report] = read_any((MT942 + ":90D:0EUR0,\n:90C:1EUR123,45\n-\n").encode(), None)

    assert isinstance(report, Statement)
    assert [(one.amount_minor, one.currency, one.text) for one in report.entries] == [
        (12_345, "EUR", "Prestamo P-20417")
    ]
    with pytest.raises(FileUnreadable, match="cut off"):
        read_any(MT942.encode(), None)


def test_an_indented_closing_balance_closes_and_is_nobodys_text() -> None:
    first, _ = read_any(MT940.replace(":62F:", " :62F:").encode(), None)

    assert isinstance(first, Statement)
    assert first.entries[-1].text == "Pago prestamo L-1042 Ana Ruiz"


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
        (("1.234,50", "1,234"), "line 4: Importe: three digits behind ','"),
        (("1.234,50", "1,2345"), "line 4: Importe: more decimals"),
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
        ((";Comisión;;;;R2", ""), "line 5: fewer cells than headings: is the line whole?"),
        (("Observaciones", "Concepto "), "line 3: no column 'Observaciones'"),
        (("Cuenta;Referencia", "Cuenta;Referencia;Importe"), "line 3: two columns 'Importe'"),
    ],
)
def test_each_wrong_line_of_a_csv_is_told(mapping: StatementMapping, wrong: tuple[str, str], said: str) -> None:
    with pytest.raises(FileUnreadable, match=said) as refused:
        read_csv(CSV.replace(*wrong).encode("cp1252"), mapping)

    assert "Lucía" not in str(refused.value)


SHORT = "Fecha;Concepto;Importe\n27/11/2026;P-20417;1234,56\n"


@pytest.fixture
def short(mapping: StatementMapping) -> StatementMapping:
    """A file whose last column is the amount."""
    columns = StatementColumns(booked_on="Fecha", text=("Concepto",), amount="Importe")
    return mapping.model_copy(update={"columns": columns, "skip": 0, "thousands": ""})


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ("27/11/2026;P-20418;1", "line 3: the last line does not end: is the file whole?"),
        ("27/11/2026;P-20418;0", "line 3: the last line does not end: is the file whole?"),
        ('27/11/2026;P-20418;"1', "line 3: a quote opens a cell and does not close it"),
        ("27/11/2026;P-2041", "line 3: fewer cells than headings: is the line whole?"),
    ],
)
def test_a_file_cut_off_in_its_last_line_books_no_cut_amount(short: StatementMapping, cut: str, said: str) -> None:
    with pytest.raises(FileUnreadable, match=re.escape(said)):
        read_csv((SHORT + cut).encode(), short)


def test_a_bank_that_never_ends_the_last_line_is_read_when_the_mapping_says_so(short: StatementMapping) -> None:
    whole = SHORT + "27/11/2026;P-20418;1,50"
    with pytest.raises(FileUnreadable, match="ends_with_line_end: false"):
        read_csv(whole.encode(), short)

    allowed = short.model_copy(update={"ends_with_line_end": False})

    assert len(read_csv(whole.encode(), allowed).entries) == 2
    with pytest.raises(FileUnreadable, match="fewer cells"):
        read_csv((SHORT + "27/11/2026;P-20418").encode(), allowed)


def test_a_closing_delimiter_says_that_the_amount_before_it_is_whole(short: StatementMapping) -> None:
    told = "Fecha;Concepto;Importe;\n27/11/2026;P-20417;1234,56;\n27/11/2026;P-20418;1,50;"

    assert len(read_csv(told.encode(), short).entries) == 2


OPEN_END = "Fecha;Importe;Concepto;Oficina\n27/11/2026;1,50;P-20417\n27/11/2026;1,50;P-20418;Madrid\n"


def test_empty_cells_that_a_bank_leaves_out_at_a_lines_end_are_not_missed(short: StatementMapping) -> None:
    assert len(read_csv(OPEN_END.encode(), short).entries) == 2
    with pytest.raises(FileUnreadable, match="line 4: fewer cells"):
        read_csv((OPEN_END + "27/11/2026;1,50;P-204").encode(), short)
    with pytest.raises(FileUnreadable, match="line 2: fewer cells"):
        read_csv(OPEN_END.replace(";P-20417", "").encode(), short)


@pytest.mark.parametrize("last", ['27/11/2026;P-20418;"1,50"', "27/11/2026;P-20418;1,50\n", ";;", " "])
def test_a_file_whose_last_cell_is_surely_whole_is_read(short: StatementMapping, last: str) -> None:
    assert len(read_csv((SHORT + last).encode(), short).entries) in (1, 2)


def test_a_banks_file_without_a_last_line_end_is_read_where_no_amount_or_day_can_be_cut(
    mapping: StatementMapping,
) -> None:
    assert len(read_csv(CSV.rstrip("\n").encode("cp1252"), mapping).entries) == 2


QUOTED_BY_PAYERS = [
    # Never closed; closed in the middle of what a later payer wrote; closed where a later cell ends.
    ('"cuota P-20417', "pago 20418", "P-20419"),
    ('"cuota P-20417', 'pago "20418" gracias', "P-20419"),
    ('"cuota P-20417', '"pago 20418', "P-20419"),
    ('"cuota P-20417', "pago 20418", 'P-20419"'),
]


@pytest.mark.parametrize("texts", QUOTED_BY_PAYERS)
def test_a_quote_a_payer_wrote_swallows_no_other_payment(short: StatementMapping, texts: tuple[str, ...]) -> None:
    lines = "".join(f"27/11/2026;{minor},00;{text}\n" for minor, text in zip((40, 50, 60), texts, strict=True))
    told = ("Fecha;Importe;Concepto\n" + lines).encode()

    with pytest.raises(FileUnreadable, match=r"^line 2: a quote opens .* quotes: false") as refused:
        read_csv(told, short)
    assert "cuota" not in str(refused.value)

    unquoted = short.model_copy(update={"quotes": False})
    assert [(one.amount_minor, one.text) for one in read_csv(told, unquoted).entries] == list(
        zip((4_000, 5_000, 6_000), texts, strict=True)
    )


def test_what_a_bank_puts_in_quotes_may_hold_lines_delimiters_and_quotes(short: StatementMapping) -> None:
    told = (
        'Fecha;Importe;Concepto\n27/11/2026;"40,00";"cuota ""P-20417"";\n28/11/2026\ngracias"\n27/11/2026;50,00;x "y"\n'
    )

    first, second = read_csv(told.encode(), short).entries

    assert (first.amount_minor, first.text) == (4_000, 'cuota "P-20417";\n28/11/2026\ngracias')
    assert (second.line, second.amount_minor, second.text) == (5, 5_000, 'x "y"')


def test_a_payment_is_not_lost_between_a_payers_quote_and_what_the_bank_quotes_on_the_next_line(
    short: StatementMapping,
) -> None:
    told = (
        'Fecha;Concepto;Importe;Nota\n27/11/2026;"cuota;40,00;x\n27/11/2026;pago P-2";50,00;"a;b"\n'
        "27/11/2026;P-20419;60,00;c\n"
    )

    with pytest.raises(FileUnreadable, match=r"^line 2: a quote opens .* as far as line 3"):
        read_csv(told.encode(), short)


BALANCED = "Fecha;Concepto;Importe;Observaciones;Saldo\n"


@pytest.mark.parametrize(
    "line",
    [
        # The amount and what follows it stand between two quotes of the payer's, and the balance where it is read.
        '27/11/2026;"cuota P-20417;40,00;noviembre";1.040,00',
        '27/11/2026;"cuota P-20417;-40,00;noviembre";40,00',
        '27/11/2026;"cuota P-20417;40,00;noviembre";0,00',
        '27/11/2026;"aviso P-20417;0,00;noviembre";1.040,00',
    ],
)
def test_a_balance_is_not_read_as_the_amount_that_a_payers_quotes_hold(short: StatementMapping, line: str) -> None:
    parted = short.model_copy(update={"thousands": "."})
    told = f"{BALANCED}27/11/2026;P-20418;1,00;;1.000,00\n{line}\n".encode()

    with pytest.raises(FileUnreadable, match=r"^line 3: read with its quotes it tells of other money") as refused:
        read_csv(told, parted)
    assert "cuota" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "minor"),
    [
        ('27/11/2026;"cuota; noviembre";40,00', 4_000),
        ('27/11/2026;"cuota; de 3,00; noviembre";40,00', 4_000),
        ('27/11/2026;"cuota;\n28/11/2026;\nnoviembre";40,00', 4_000),
        ('27/11/2026;"cuota; 3,00; de noviembre";40,00;;', 4_000),
        ('"27/11/2026";"cuota; 3,00";"40,00"', 4_000),
        ('27/11/2026;"cuota";"1.240,00";"gracias;\nseñora"', 124_000),
        ('27/11/2026;"reenvío: ""27/11/2026"";""P-1"";""3,00""\ngracias";40,00', 4_000),
        ('27/11/2026;"aviso; 3,00";0,00', None),
    ],
)
def test_what_a_bank_quotes_is_read_though_it_leaves_out_the_cells_at_the_end(
    short: StatementMapping, line: str, minor: int | None
) -> None:
    parted = short.model_copy(update={"thousands": "."})

    entries = read_csv(f"{BALANCED}{line}\n27/11/2026;P-20418;1,00\n".encode(), parted).entries

    assert [one.amount_minor for one in entries] == [*([] if minor is None else [minor]), 100]


@pytest.mark.parametrize(
    ("currency", "decimal", "written", "minor"),
    [
        ("CLP", ".", "150.000", None),
        ("PYG", ".", "1.000", None),
        ("EUR", ".", "-1.500", None),
        ("CLP", ",", "150,000", None),
        ("CLP", ",", "150,00", 150),
        ("CLP", ".", "150000", 150_000),
        ("EUR", ".", "1.5000", 150),
        ("KWD", ".", "1.500", 1_500),
    ],
)
def test_thousands_are_not_taken_for_decimals(
    short: StatementMapping, currency: str, decimal: str, written: str, minor: int | None
) -> None:
    told = f"Fecha;Concepto;Importe\n27/11/2026;P-20417;{written}\n".encode()
    asked = short.model_copy(update={"currency": currency, "decimal": decimal})

    if minor is None:
        with pytest.raises(FileUnreadable, match=re.escape(f"line 2: Importe: three digits behind '{decimal}'")):
            read_csv(told, asked)
    else:
        assert read_csv(told, asked).entries[0].amount_minor == minor


def test_lines_of_an_old_mac_are_lines(short: StatementMapping) -> None:
    [one] = read_csv(SHORT.replace("\n", "\r").encode(), short).entries

    assert (one.line, one.amount_minor, one.text) == (2, 123_456, "P-20417")


def test_headings_end_where_the_last_name_stands(short: StatementMapping) -> None:
    told = SHORT.replace("Importe", "Importe;")

    assert read_csv(told.encode(), short).entries[0].amount_minor == 123_456


def test_a_heading_that_cannot_be_read_is_told_by_its_line(short: StatementMapping) -> None:
    with pytest.raises(FileUnreadable, match="line 1: a quote opens a cell and does not close it"):
        read_csv(b'"' + b"x" * 140_000, short)


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
