"""What a lender's file becomes: good loans, and every bad cell by line, column, value and reason."""

import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import intake
from config.jurisdictions import SHIPPED as JURISDICTIONS
from domain.contact import Channel
from domain.contact_rules import Pack
from domain.contact_rules.cities import named_cities
from domain.direct_debit import MandateScheme, SequenceType
from domain.portfolio import PortfolioLoan
from intake import CellError, PortfolioError, PortfolioReport, whereabouts
from tests.intake.workbooks import write_workbook

TODAY = date(2026, 11, 23)
SHIPPED = Path(__file__).resolve().parents[2] / "portfolios"
OWN = "loan_id,phone,email,language,country,timezone,currency,amount_due_minor,due_date,name\n"
GOOD = "{id},+34612345678,ana@correo.es,es,ES,Europe/Madrid,EUR,1000,2026-10-01,Ana\n"
MAJOR_MAPPING = """\
name: major
numbers: {numbers}
dates: [iso, day_first]
fields:
  loan_id: {{columns: id}}
  language: {{value: es}}
  country: {{value: ES}}
  currency: {{columns: currency}}
  amount_due: {{columns: amount{rounding}}}
  due_date: {{columns: due}}
"""


def written(folder: Path, content: str | bytes, name: str = "loans.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def own(folder: Path, *rows: str) -> PortfolioReport:
    return intake.check(written(folder, OWN + "".join(rows)), "recobro", TODAY)


def amounts(folder: Path, cells: list[tuple[str, str]], numbers: str = "point") -> PortfolioReport:
    mapping = written(folder, MAJOR_MAPPING.format(numbers=numbers, rounding=""), "major.yaml")
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["id", "amount", "currency", "due"])
    rows.writerows([f"L{n}", amount, currency, "2026-10-01"] for n, (amount, currency) in enumerate(cells))
    return intake.check(written(folder, out.getvalue()), mapping, TODAY)


def read_amounts(report: PortfolioReport) -> list[int]:
    return [loan.amount_due_minor for loan in report.loans()]


def test_the_shipped_us_portfolio_is_good_to_the_last_row() -> None:
    report = intake.check(SHIPPED / "lendingclub_delinquent.csv", None, TODAY)

    loans = {loan.loan_id: loan for loan in report.loans()}

    assert report.mapping == "lendingclub"
    assert list(report.errors) == []
    assert len(loans) == report.good_rows == 178
    late = Counter((TODAY - loan.due_date).days for loan in loans.values())
    assert late == {8: 67, 23: 38, 75: 66, 150: 7}
    assert loans["38"].amount_due_minor == 57147
    assert loans["225"].amount_due_minor == 3 * 77838
    assert loans["388"].amount_due_minor == 750000 - 32415
    # Florida lies in two zones: which of them is not guessed, so nobody there is contacted, and the check says so.
    assert (loans["388"].region, loans["388"].timezone) == ("FL", None)
    assert loans["38"].timezone is not None
    empty = sum(loan.timezone is None for loan in loans.values())
    assert f"{empty} good rows have no time zone: no contact with them will be allowed" in report.warnings
    assert all(loan.phone is None and loan.email is None and loan.name is None for loan in loans.values())


def test_the_shipped_spanish_portfolio_is_good_and_keeps_people_together() -> None:
    report = intake.check(SHIPPED / "microprestamos_es.csv", None, TODAY)

    loans = list(report.loans())

    assert report.mapping == "microlender_es"
    assert (report.good_rows, report.bad_rows, report.summary().people) == (60, 0, 54)
    assert all(5_000 <= loan.amount_due_minor <= 100_000 for loan in loans)
    assert {loan.timezone for loan in loans if loan.region == "CN"} == {"Atlantic/Canary"}
    assert loans[0].due_date == date(2026, 11, 21)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
def test_delimiter_encoding_and_line_ends_make_no_difference(
    tmp_path: Path, delimiter: str, encoding: str, newline: str
) -> None:
    rows = [
        ["N\u00ba pr\u00e9stamo", "CLIENTE", "Importe  Pendiente", "fecha de vencimiento", "Provincia"],
        ["P1", "Bego\u00f1a Mu\u00f1oz", "1.234,50", "3/9/2026", "M\u00e1laga"],
        ["P2", "\u00c1lex P\u00e9rez", "50", "03-09-2026", "A CORU\u00d1A"],
    ]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows(rows)

    report = intake.check(written(tmp_path, out.getvalue().encode(encoding)), None, TODAY)

    assert list(report.errors) == []
    assert [(loan.line, loan.name, loan.amount_due_minor, loan.due_date, loan.region) for loan in report.loans()] == [
        (2, "Bego\u00f1a Mu\u00f1oz", 123450, date(2026, 9, 3), "AN"),
        (3, "\u00c1lex P\u00e9rez", 5000, date(2026, 9, 3), "GA"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("loan_id", "L 1", "not a loan id"),
        ("loan_id", "", "loan_id is required"),
        ("phone", "12", "not a telephone number of ES"),
        ("phone", "+34112345678", "not a telephone number of ES"),
        ("phone", "call me", "not a telephone number of ES"),
        ("phone", "912345678 ext. 4", "an extension of another number"),
        ("email", "ana.correo.es", "not an e-mail"),
        ("email", "ana@correo", "not an e-mail"),
        ("language", "fr", "no language with templates"),
        ("country", "XX", "unknown country"),
        ("timezone", "Europe/Toledo", "unknown time zone"),
        ("currency", "EURO", "unknown currency"),
        ("currency", "DEM", "unknown currency"),
        ("amount_due_minor", "0", "more than zero"),
        ("amount_due_minor", "-1000", "more than zero"),
        ("amount_due_minor", "10.50", "whole number of minor units"),
        ("amount_due_minor", "diez", "not a number"),
        ("amount_due_minor", "NaN", "not a number"),
        ("amount_due_minor", "1e3", "not a number"),
        ("amount_due_minor", "9" * 30, "too large"),
        ("due_date", "2026-02-31", "not a date"),
        ("due_date", "31/02/2026", "not a date"),
        ("due_date", "26-01-01", "not a date"),
        ("due_date", "2206-01-01", "not a date"),
        ("due_date", "", "due_date is required"),
        ("name", "An\x07a", "cannot be read"),
        ("name", "A" * 201, "longer than 200"),
    ],
)
def test_a_bad_cell_is_named_and_stops_no_other_row(tmp_path: Path, column: str, value: str, reason: str) -> None:
    header = OWN.strip().split(",")
    bad = dict(zip(header, GOOD.format(id="L1").strip().split(","), strict=True)) | {column: value}

    report = own(tmp_path, GOOD.format(id="L0"), ",".join(bad.values()) + "\n", GOOD.format(id="L2"))

    assert [(e.line, e.column, e.value) for e in report.errors] == [(3, column, value)]
    assert reason in report.errors[0].reason
    assert [loan.loan_id for loan in report.loans()] == ["L0", "L2"]


def test_an_amount_of_which_nobody_can_be_asked_for_anything_is_refused(tmp_path: Path) -> None:
    header = OWN.strip().split(",")
    row = dict(zip(header, GOOD.format(id="L1").strip().split(","), strict=True)) | {"currency": "COP"}
    rows = [row | {"loan_id": name, "amount_due_minor": minor} for name, minor in (("L1", "50"), ("L2", "100"))]

    report = own(tmp_path, GOOD.format(id="L0"), *(",".join(each.values()) + "\n" for each in rows))

    assert [(e.line, e.column, e.reason) for e in report.errors] == [
        (3, "amount_due_minor", "less than can be paid in COP")
    ]


def test_all_bad_cells_of_a_row_are_reported_not_only_the_first(tmp_path: Path) -> None:
    report = own(tmp_path, "L 1,12,x,fr,ES,Mars,EURO,-1,31/02/2026,Ana\n")

    assert {error.column for error in report.errors} == {
        "loan_id",
        "phone",
        "email",
        "language",
        "timezone",
        "currency",
        "amount_due_minor",
        "due_date",
    }
    assert {error.line for error in report.errors} == {2}


def test_an_id_used_twice_is_an_error_on_both_lines_that_names_both(tmp_path: Path) -> None:
    report = own(tmp_path, *(GOOD.format(id=name) for name in ("A", "B", "A")))

    assert [(e.line, e.column, e.value) for e in report.errors] == [(2, "loan_id", "A"), (4, "loan_id", "A")]
    assert all("lines 2, 4" in error.reason for error in report.errors)
    assert [loan.loan_id for loan in report.loans()] == ["B"]
    assert report.summary().good == 1
    assert report.summary().amounts[0].amount_minor == 1000


def test_an_id_used_a_thousand_times_names_few_lines_and_counts_the_rest(tmp_path: Path) -> None:
    report = own(tmp_path, *[GOOD.format(id="A")] * 1000)

    assert len(report.errors) == 1000
    assert report.errors[999].reason.endswith("lines 2, 3, 4, 5, 6 and 995 more")


def test_quoted_line_breaks_and_blank_lines_keep_line_numbers_right(tmp_path: Path) -> None:
    folded = GOOD.format(id="L1").replace("Ana\n", '"Ana\nRuiz"\n')

    report = own(tmp_path, folded, "\n", ",,,,,,,,,\n", GOOD.format(id="L 2"), GOOD.format(id="L3"))

    assert [(error.line, error.value) for error in report.errors] == [(6, "L 2")]
    assert [(loan.line, loan.name) for loan in report.loans()] == [(2, "Ana Ruiz"), (7, "Ana")]
    assert report.summary().rows == 3


def test_rows_with_too_few_or_too_many_cells_are_errors_but_empty_extra_cells_are_not(tmp_path: Path) -> None:
    report = own(
        tmp_path,
        "L1,,,es\n",
        GOOD.format(id="L2").replace("Ana\n", "Ana,x\n"),
        GOOD.format(id="L3").replace("Ana\n", "Ana,,\n"),
    )

    assert [(error.line, error.column, error.reason) for error in report.errors] == [
        (2, "(row)", "the row has 4 cells, the header has 10"),
        (3, "(row)", "the row has 11 cells, the header has 10"),
    ]
    assert [loan.loan_id for loan in report.loans()] == ["L3"]


@pytest.mark.parametrize("others", [1, 5, 600])
def test_a_quote_never_closed_costs_its_own_row_only(tmp_path: Path, others: int) -> None:
    broken = GOOD.format(id="L1").replace("+34612345678", '"+34612345678')

    report = own(tmp_path, broken, *(GOOD.format(id=f"M{n}") for n in range(others)))

    assert [(error.line, error.column) for error in report.errors] == [(2, "(row)")]
    assert "quote" in report.errors[0].reason
    assert [loan.line for loan in report.loans()] == list(range(3, 3 + others))


def test_two_stray_quotes_do_not_swallow_the_rows_between(tmp_path: Path) -> None:
    stray = GOOD.format(id="S{n}").replace("ana@correo.es", '"ana@correo.es')

    report = own(tmp_path, stray.format(n=1), GOOD.format(id="L2"), GOOD.format(id="L3"), stray.format(n=4))

    assert [error.line for error in report.errors] == [2, 5]
    assert [loan.loan_id for loan in report.loans()] == ["L2", "L3"]


def test_one_broken_byte_in_utf8_spoils_its_cell_and_no_other_accent(tmp_path: Path) -> None:
    rows = [GOOD.format(id=f"L{n}").replace("Ana", "Bego\u00f1a").encode() for n in range(5)]
    rows[2] = rows[2].replace("\u00f1".encode(), b"\xf1")

    report = intake.check(written(tmp_path, OWN.encode() + b"".join(rows)), None, TODAY)

    assert [(error.line, error.column) for error in report.errors] == [(4, "name")]
    assert {loan.name for loan in report.loans()} == {"Bego\u00f1a"}


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1500", "CLP", 1500),
        ("1,500", "JPY", 1500),
        ("12.5", "USD", 1250),
        ("12.50", "USD", 1250),
        ("1,234.56", "USD", 123456),
        ("1 234.56", "MXN", 123456),
        ("$1,234.56", "MXN", 123456),
        ("99.99 \u20ac", "EUR", 9999),
        ("1.234", "KWD", 1234),
    ],
)
def test_amounts_become_minor_units_of_their_currency(tmp_path: Path, amount: str, currency: str, minor: int) -> None:
    assert read_amounts(amounts(tmp_path, [(amount, currency)])) == [minor]


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("1500.5", "CLP", "CLP has 0 decimals, this has 1"),
        ("1500.00", "JPY", "JPY has 0 decimals, this has 2"),
        ("12.505", "USD", "USD has 2 decimals, this has 3"),
        ("12,50", "USD", "not a number"),
        ("0.00", "EUR", "more than zero"),
        ("100 \u20ac", "USD", "currency sign"),
        ("$100", "EUR", "currency sign"),
    ],
)
def test_amounts_that_cannot_be_are_errors(tmp_path: Path, amount: str, currency: str, reason: str) -> None:
    report = amounts(tmp_path, [(amount, currency), ("1", "USD")])

    assert [(error.line, error.column, error.value) for error in report.errors] == [(2, "amount", amount)]
    assert reason in report.errors[0].reason


def test_an_automatic_number_format_follows_what_the_whole_column_agrees_on(tmp_path: Path) -> None:
    commas = amounts(tmp_path, [("1.234", "EUR"), ("12,5", "EUR"), ("7", "EUR")], numbers="auto")
    assert read_amounts(commas) == [123400, 1250, 700]

    points = amounts(tmp_path, [("1,234", "EUR"), ("12.5", "EUR"), ("7", "EUR")], numbers="auto")
    assert read_amounts(points) == [123400, 1250, 700]


def test_an_automatic_number_format_is_refused_where_the_column_leaves_it_open(tmp_path: Path) -> None:
    report = amounts(tmp_path, [("1.234", "KWD"), ("7", "KWD")], numbers="auto")
    assert [(error.line, error.value) for error in report.errors] == [(2, "1.234")]
    assert "thousands or decimals" in report.errors[0].reason

    with pytest.raises(PortfolioError, match=r"decimal points \(line 2\) and decimal commas \(line 3\)"):
        amounts(tmp_path, [("12.50", "EUR"), ("12,50", "EUR")], numbers="auto")


def test_a_computed_amount_is_rounded_only_as_the_mapping_says(tmp_path: Path) -> None:
    content = "id,balance,rate_base,currency,due\nA,100.10,3,EUR,2026-10-01\nB,,3,EUR,2026-10-01\n"
    path = written(tmp_path, content)
    rule = "amount_due: {{product: [balance, 0.05]{}}}"

    def checked(rounding: str) -> PortfolioReport:
        text = MAJOR_MAPPING.format(numbers="point", rounding="").replace(
            "amount_due: {columns: amount}", rule.format(rounding)
        )
        return intake.check(path, written(tmp_path, text, "m.yaml"), TODAY)

    exact = checked("")
    assert [(error.line, error.column, error.value) for error in exact.errors] == [
        (2, "amount_due", "5.005"),
        (3, "balance", ""),
    ]
    assert read_amounts(checked(", rounding: half_up")) == [501]
    assert read_amounts(checked(", rounding: down")) == [500]


def test_values_outside_a_lookup_table_are_errors_on_the_column_looked_up(tmp_path: Path) -> None:
    text = (SHIPPED / "lendingclub_delinquent.csv").read_text().splitlines()[:3]
    text[2] = text[2].replace("In Grace Period", "Current").replace(",CA,", ",ZZ,")

    report = intake.check(written(tmp_path, "\n".join(text)), None, TODAY)

    assert Counter((e.line, e.column, e.value) for e in report.errors) == {
        (3, "loan_status", "Current"): 1,
        (3, "state", "ZZ"): 1,
    }
    assert report.good_rows == 1


def test_an_excel_workbook_reads_as_the_same_loans_as_the_csv(tmp_path: Path) -> None:
    header = [
        "N\u00ba pr\u00e9stamo",
        "Tel\u00e9fono",
        "Importe pendiente",
        "Fecha de vencimiento",
        "Provincia",
    ]
    text = [header, ["1", "612345678", "571,47", "01/10/2026", "Madrid"], ["2", "", "1.500", "2/10/2026", ""]]
    as_csv = written(tmp_path, "\n".join(";".join(row) for row in text))
    as_xlsx = write_workbook(
        tmp_path / "loans.xlsx",
        [
            header,
            [1, 612345678, 571.47, date(2026, 10, 1), "Madrid"],
            [2, None, 1500, date(2026, 10, 2), None],
        ],
    )

    from_csv = list(intake.check(as_csv, None, TODAY).loans())
    from_xlsx = list(intake.check(as_xlsx, None, TODAY).loans())

    assert from_xlsx == from_csv
    assert from_xlsx[0].amount_due_minor == 57147


def test_a_sheet_with_text_among_numbers_reads_what_is_clear_and_names_what_is_not(tmp_path: Path) -> None:
    header = ["N\u00ba pr\u00e9stamo", "Importe pendiente", "Fecha de vencimiento"]
    path = write_workbook(
        tmp_path / "loans.xlsx",
        [
            [None, None, None],
            header,
            [1, 571.47, date(2026, 10, 1)],
            [2, "12,50", "02/10/2026"],
            [None, None, None],
            [3, "1.234", date(2026, 10, 1)],
            [4, 0.1 + 0.2, "31/02/2026"],
        ],
    )

    report = intake.check(path, None, TODAY)

    assert [(loan.line, loan.amount_due_minor) for loan in report.loans()] == [(3, 57147), (4, 1250)]
    assert [(error.line, error.column) for error in report.errors] == [
        (6, "Importe pendiente"),
        (7, "Fecha de vencimiento"),
    ]


def test_a_parquet_file_reads_as_the_same_loans_as_the_csv(tmp_path: Path) -> None:
    as_csv = SHIPPED / "lendingclub_delinquent.csv"
    as_parquet = tmp_path / "loans.parquet"
    pl.read_csv(as_csv).write_parquet(as_parquet)

    assert list(intake.check(as_parquet, None, TODAY).loans()) == list(intake.check(as_csv, None, TODAY).loans())


def test_rows_beyond_the_first_chunk_keep_their_lines_and_are_checked_alike(tmp_path: Path) -> None:
    rows = [GOOD.format(id=f"L{n}") for n in range(60_000)]
    rows[55_000] = GOOD.format(id="L7")

    report = own(tmp_path, *rows)

    assert [error.line for error in report.errors] == [9, 55_002]
    assert sum(1 for _ in report.loans()) == 59_998
    last = list(report.loans())[-1]
    assert (last.line, last.loan_id) == (60_001, "L59999")


@pytest.mark.parametrize("band_rows", [1, 3, 4, 100])
def test_loans_come_by_priority_then_by_line_however_many_fit_in_memory(tmp_path: Path, band_rows: int) -> None:
    priorities = [0, 5, -3, 5, 0, 0, 0, 9, 5, -3, 2]
    rows = [f"L{at},es,ES,EUR,1000,2026-11-01,{priority}" for at, priority in enumerate(priorities)]
    header = "loan_id,language,country,currency,amount_due_minor,due_date,priority"
    file = written(tmp_path, "\n".join([header, *rows, "L 99,es,ES,EUR,1000,2026-11-01,9"]))

    report = intake.check(file, None, date(2026, 11, 23))

    expected = sorted(report.loans(), key=lambda loan: (-loan.priority, loan.line))
    assert len(expected) == len(priorities)
    assert list(report.loans_by_priority(band_rows)) == expected


def test_a_file_changed_after_its_check_gives_no_loans(tmp_path: Path) -> None:
    report = own(tmp_path, GOOD.format(id="L1"))
    written(tmp_path, OWN + GOOD.format(id="L1") + GOOD.format(id="L2"))

    with pytest.raises(PortfolioError, match="has changed"):
        list(report.loans())


def test_strict_gives_no_loan_of_a_file_with_a_bad_row(tmp_path: Path) -> None:
    report = own(tmp_path, GOOD.format(id="L1"), GOOD.format(id="L 2"))

    with pytest.raises(PortfolioError, match="1 bad row"):
        report.loans(strict=True)
    assert [loan.loan_id for loan in report.loans()] == ["L1"]


def test_the_summary_adds_up_the_good_rows(tmp_path: Path) -> None:
    plain = "{id},,,es,CL,America/Santiago,CLP,{amount},{due},\n"
    report = own(
        tmp_path,
        GOOD.format(id="L1"),
        plain.format(id="L2", amount=5, due="2026-11-23"),
        plain.format(id="L3", amount=7, due="2026-11-22"),
        plain.format(id="L4", amount=9, due="2026-08-25"),
        plain.format(id="L5", amount=0, due="2026-11-22"),
    )

    summary = report.summary()

    assert (summary.rows, summary.good, summary.bad) == (5, 4, 1)
    assert [(t.currency, t.loans, t.amount_minor) for t in summary.amounts] == [
        ("CLP", 3, 21),
        ("EUR", 1, 1000),
    ]
    assert summary.days_past_due == {
        "not yet due": 1,
        "1-30": 1,
        "31-60": 1,
        "61-90": 1,
        "91-180": 0,
        "over 180": 0,
    }
    assert (summary.with_phone, summary.with_email, summary.with_timezone) == (1, 1, 4)
    assert report.warnings == ["3 good rows have neither telephone nor e-mail"]


PLACED = "loan_id,language,country,region,city,timezone,currency,amount_due_minor,due_date,phone\n"


def test_zones_that_contradict_the_place_and_cities_that_may_be_misspelt_are_told(tmp_path: Path) -> None:
    rows = [
        "L1,es,ES,CN,,Europe/Madrid,EUR,1000,2026-10-01,+34612345678",
        "L2,es,ES,,,America/Bogota,EUR,1000,2026-10-01,+34612345679",
        "L3,es,ES,MD,,,EUR,1000,2026-10-01,+34612345670",
        "L4,es,ES,,,,EUR,1000,2026-10-01,+34612345671",
        "L5,en,US,NY,Brooklin,America/New_York,USD,1000,2026-10-01,+12125550110",
        "L6,en,US,NY,Brooklin,US/Eastern,USD,1000,2026-10-01,+12125550111",
        "L7,en,US,NY,Brooklyn,,USD,1000,2026-10-01,+12125550112",
        "L8,es,ES,CT,Barcelna,Europe/Madrid,EUR,1000,2026-10-01,+34612345673",
        "L9,en,FR,,Paris,Europe/Paris,EUR,1000,2026-10-01,+34612345674",
        "L10,en,US,NY,Bronx NY 10451,America/New_York,USD,1000,2026-10-01,+12125550113",
        "L11,es,ES,CT,S/N,Europe/Madrid,EUR,1000,2026-10-01,+34612345675",
        "L12,es,ES,MD,S/N,Europe/Madrid,EUR,1000,2026-10-01,+34612345676",
    ]

    report = intake.check(written(tmp_path, PLACED + "\n".join(rows) + "\n"), "recobro", TODAY)

    assert report.bad_rows == 0
    summary = report.summary()
    assert (summary.with_timezone, summary.zones_at_odds) == (9, 2)
    assert [(each.city, each.perhaps, each.rows) for each in summary.cities_in_doubt] == [
        ("Brooklin", "Brooklyn", 2),
        ("Barcelna", "Barcelona", 1),
        ("S/N", None, 1),
        ("Bronx NY 10451", "Bronx", 1),
    ]
    assert report.warnings == [
        "1 good rows are in a place whose contact rules are not known, so that nobody there will be contacted: "
        "FR, a country without rules (1)",
        "3 good rows have no time zone: no contact with them will be allowed",
        "2 good rows have a time zone that contradicts their region or country: only what is lawful by both clocks will"
        " be allowed",
        "4 good rows name a city that may be a misspelt one with rules of its own, and count as of any city of the "
        "region: Brooklin (Brooklyn?), Barcelna (Barcelona?), Bronx NY 10451 (Bronx?)",
        "1 good rows name no city as theirs, in a region where some have rules of their own, and count as of any city"
        " of it",
    ]


def test_places_where_nobody_will_be_contacted_are_told_with_their_codes(tmp_path: Path) -> None:
    """Given a file with a region code that the rules do not know, an empty region where they need one, and a country
    without rules, when it is checked, then each such place is named with how many loans it has, and others are not."""
    rows = [
        "L1,es,ES,M,,Europe/Madrid,EUR,1000,2026-10-01,+34612345678",
        "L2,es,ES,M,,Europe/Madrid,EUR,1000,2026-10-01,+34612345679",
        "L3,en,GB,LND,,Europe/London,GBP,1000,2026-10-01,+447400123456",
        "L4,pt,BR,,,America/Sao_Paulo,BRL,1000,2026-10-01,+5511961234567",
        "L5,en,FR,,Paris,Europe/Paris,EUR,1000,2026-10-01,+34612345674",
        "L6,es,ES,MD,,Europe/Madrid,EUR,1000,2026-10-01,+34612345671",
        "L7,es,ES,,,Europe/Madrid,EUR,1000,2026-10-01,+34612345672",
        "L8,pt,BR,SP,,America/Sao_Paulo,BRL,1000,2026-10-01,+5511961234568",
    ]

    report = intake.check(written(tmp_path, PLACED + "\n".join(rows) + "\n"), "recobro", TODAY)

    assert report.bad_rows == 0
    assert [(each.country, each.region, each.known_country, each.rows) for each in report.summary().unruled_places] == [
        ("ES", "M", True, 2),
        ("BR", None, True, 1),
        ("FR", None, False, 1),
        ("GB", "LND", True, 1),
    ]
    [told] = [each for each in report.warnings if "contact rules are not known" in each]
    assert told == (
        "5 good rows are in a place whose contact rules are not known, so that nobody there will be contacted: ES-M, "
        "not a code of its rules (2), BR without a region (1), FR, a country without rules (1), GB-LND, not a code of "
        "its rules (1)"
    )


def test_a_country_that_only_ones_own_packs_know_is_no_place_without_rules(tmp_path: Path) -> None:
    """Given a folder of packs with one for a country that no shipped pack is about, when a file is checked against it,
    then that country is not told as one where nobody is contacted, and one that the folder lacks is."""
    own_packs = tmp_path / "rules"
    own_packs.mkdir()
    pack = (JURISDICTIONS / "CO.yaml").read_text(encoding="utf-8")
    for ours, theirs in {"country: CO": "country: FR", "CO.": "FR.", "America/Bogota": "Europe/Paris"}.items():
        pack = pack.replace(ours, theirs)
    (own_packs / "FR.yaml").write_text(pack, encoding="utf-8")
    rows = [
        "L1,en,FR,,Paris,Europe/Paris,EUR,1000,2026-10-01,+34612345674",
        "L2,es,ES,MD,,Europe/Madrid,EUR,1000,2026-10-01,+34612345671",
    ]
    file = written(tmp_path, PLACED + "\n".join(rows) + "\n")

    report = intake.check(file, "recobro", TODAY, rules=own_packs)

    assert [each.country for each in report.summary().unruled_places] == ["ES"]


def test_packs_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "ES.yaml").write_text("country: ES\n", encoding="utf-8")
    file = written(tmp_path, PLACED + "L2,es,ES,MD,,Europe/Madrid,EUR,1000,2026-10-01,+34612345671\n")

    with pytest.raises(PortfolioError, match=r"^the contact rules cannot be used: .*ES\.yaml"):
        intake.check(file, "recobro", TODAY, rules=tmp_path)


def test_what_rules_say_of_a_place_is_gathered_once_however_many_cities_a_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a file of many cities in two states, when it is checked, then each state's cities are looked up once."""
    asked: list[str | None] = []

    def told(pack: Pack, region: str | None) -> dict[str, str]:
        asked.append(region)
        return named_cities(pack, region)

    monkeypatch.setattr(whereabouts, "named_cities", told)
    whereabouts._cities.cache_clear()
    whereabouts._judged.cache_clear()
    rows = [
        f"L{n},en,US,{'NY' if n % 2 else 'FL'},Quiet Springs {n},America/New_York,USD,1000,2026-10-01,+12125550110"
        for n in range(60)
    ]

    report = intake.check(written(tmp_path, PLACED + "\n".join(rows) + "\n"), "recobro", TODAY)

    assert report.good_rows == 60
    assert sorted(asked, key=str) == ["FL", "NY"]


def test_an_empty_constant_leaves_the_field_empty(tmp_path: Path) -> None:
    mapping = written(
        tmp_path,
        MAJOR_MAPPING.format(numbers="point", rounding="")
        + """\
  region: {columns: state}
  timezone:
    lookup:
      by: state
      table: {CN: "", MD: Europe/Madrid}
""",
        "zones.yaml",
    )
    file = written(tmp_path, "id,amount,currency,due,state\nL1,10,EUR,2026-10-01,CN\nL2,10,EUR,2026-10-01,MD\n")

    zones = [loan.timezone for loan in intake.check(file, mapping, TODAY).loans()]

    assert zones == [None, "Europe/Madrid"]


def test_errors_are_a_sequence_that_can_be_sliced(tmp_path: Path) -> None:
    errors = own(tmp_path, *(GOOD.format(id=f"L {n}") for n in range(30))).errors

    assert len(errors) == 30
    assert [error.line for error in errors[:3]] == [2, 3, 4]
    assert isinstance(errors[0], CellError)


def test_a_loan_written_out_in_our_own_columns_reads_back_as_itself(tmp_path: Path) -> None:
    loan = PortfolioLoan(
        line=2,
        loan_id="L-1",
        person_id="C.9",
        name="Ana, \u201cla\u201d Ruiz",
        phone="+34612345678",
        email="ana@correo.es",
        language="es",
        country="ES",
        region="MD",
        city="Getafe",
        authorised_channels=(Channel.EMAIL, Channel.SMS),
        timezone="Europe/Madrid",
        currency="EUR",
        amount_due_minor=12345,
        due_date=date(2026, 10, 1),
        bank_consent="c-1",
        bank_account="ES91 2100 0418 4502 0005 1332",
        consent_valid_until=date(2027, 1, 1),
        mandate_reference="M-1",
        mandate_iban="ES9121000418450200051332",
        mandate_signed_on=date(2026, 3, 14),
        mandate_holder="Luis Ruiz",
        mandate_scheme=MandateScheme.CORE,
        mandate_sequence=SequenceType.RCUR,
        grade="B",
        priority=-3,
    )
    out = io.StringIO()
    rows = csv.DictWriter(out, list(PortfolioLoan.model_fields))
    rows.writeheader()
    rows.writerow(loan.model_dump(mode="json") | {"authorised_channels": "SMS; e-mail"})

    report = intake.check(written(tmp_path, out.getvalue()), None, TODAY)

    assert report.mapping == "recobro"
    assert list(report.loans()) == [loan]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n  \n", "is empty"),
        ("a.csv", b"\xef\xbb\xbf", "is empty"),
        ("a.csv", OWN.encode(), "a header and no rows"),
        ("a.csv", b"a,b\n1,2\n", "no mapping fits .* recobro misses 'loan_id'"),
        ("a.csv", b"\x00\x01\x02" * 100, "is no text"),
        ("a.csv", b"\x7fELF\x02\x01\x01\x00\x00\x00\x00", "is no text"),
        ("a.csv", b"\x1f\x8b\x08\x00abc", "gzip"),
        ("a.pdf", b"%PDF-1.7\n", "is a PDF"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or protected Excel"),
        ("a.xlsx", b"PK\x03\x04 not really", "cannot be read as XLSX"),
        ("a.xlsx", OWN.encode(), "not what its name says"),
        ("a.parquet", b"PAR1 not really", "cannot be read as Parquet"),
        ("a.csv", b"x" * 2_000_000, "longer than"),
    ],
)
def test_files_that_cannot_be_used_say_why_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(PortfolioError, match=message) as raised:
        intake.check(written(tmp_path, content, name), None, TODAY)

    assert "\n" not in str(raised.value)


def test_missing_files_and_folders_say_so(tmp_path: Path) -> None:
    with pytest.raises(PortfolioError, match="No such file"):
        intake.check(tmp_path / "none.csv", None, TODAY)
    with pytest.raises(PortfolioError, match="no regular file"):
        intake.check(tmp_path, None, TODAY)


def test_a_loan_without_a_language_gets_what_is_spoken_in_its_country(tmp_path: Path) -> None:
    rows = "loan_id,language,country,currency,amount_due_minor,due_date\n" + "".join(
        f"L{country},{said},{country},{currency},1000,2026-11-01\n"
        for country, said, currency in (
            ("BR", "", "BRL"), ("MX", "", "MXN"), ("US", "", "USD"), ("US", "pt-BR", "USD"), ("FR", "", "EUR"),
        )
    ).replace("LUS,pt-BR", "LUS2,pt-BR")  # fmt: skip
    file = tmp_path / "loans.csv"
    file.write_text(rows)

    checked = intake.check(file, "recobro", TODAY)

    assert {loan.loan_id: loan.language for loan in checked.loans()} == {
        "LBR": "pt", "LMX": "es", "LUS": "en", "LUS2": "pt",
    }  # fmt: skip
    assert [(e.column, e.reason) for e in checked.errors] == [("language", "empty, but language is required")]
