"""`portfolio`: look at a lender's file before any loan of it is started."""

import csv
import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from babel.numbers import format_currency
from rich.console import Console
from rich.table import Table
from rich.text import Text

import intake
from domain.money import Money
from intake import CellError, PortfolioError, PortfolioReport

app = typer.Typer(no_args_is_help=True, help="Files of overdue loans: check them before a campaign.")

_VALUE_SHOWN = 40
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@app.callback()
def portfolio() -> None:
    """Files of overdue loans: check them before a campaign."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet file of overdue loans.")],
    mapping: Annotated[
        str | None,
        typer.Option(help="Name of a mapping in config/intake, or the path of one. Without it, the one that fits."),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day that days past due count from. Today without it."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Accept nothing if any row is bad.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    errors_to: Annotated[
        Path | None, typer.Option(help="Write every bad cell to this CSV file. May hold personal data.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many bad cells to print.")] = 20,
) -> None:
    """Report every bad cell of FILE by line, column, value and reason, and what the good rows add up to.

    Exit code: 0 all rows good, 1 some rows bad, 2 the file or the mapping cannot be used.

    Examples:

      starter.py portfolio check portfolios/lendingclub_delinquent.csv

      starter.py portfolio check export.xlsx --mapping microlender_es --as-of 2026-11-23 --errors-to bad.csv
    """
    day = as_of.date() if as_of else datetime.now().astimezone().date()
    try:
        report = intake.check(file, mapping, day)
        if errors_to is not None:
            _write_errors(report, errors_to, file)
    except PortfolioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report_as_json(report, strict, limit, errors_to), ensure_ascii=False))
    else:
        print_report(report, strict, limit, errors_to)
    raise typer.Exit(1 if report.bad_rows else 0)


def _write_errors(report: PortfolioReport, to: Path, source: Path) -> None:
    if to.exists() and source.exists() and to.samefile(source):
        raise PortfolioError(f"{to} is the portfolio itself: give another file for the errors")
    try:
        with to.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(CellError._fields)
            writer.writerows(
                (error.line, _inert(error.column), _inert(error.value), error.reason) for error in report.errors
            )
    except OSError as error:
        raise PortfolioError(f"{to} cannot be written: {error.strerror or error}") from None


def _inert(text: str) -> str:
    """A cell that a spreadsheet will show and not run; a telephone number's + stays as it is."""
    if text.startswith(_FORMULA_STARTS) and not text.lstrip("+-").replace(" ", "").isdigit():
        return "'" + text
    return text


def report_as_json(report: PortfolioReport, strict: bool, limit: int, errors_to: Path | None) -> dict[str, Any]:
    # Any: a JSON object of mixed values
    summary = report.summary()
    return {
        "file": report.path,
        "mapping": report.mapping,
        "read_as": report.read_as,
        "as_of": report.as_of.isoformat(),
        "rows": summary.rows,
        "good": summary.good,
        "bad": summary.bad,
        "accepted": 0 if strict and summary.bad else summary.good,
        "people": summary.people,
        "amount_due": [
            {"currency": total.currency, "loans": total.loans, "amount_minor": total.amount_minor}
            for total in summary.amounts
        ],
        "days_past_due": summary.days_past_due,
        "with_phone": summary.with_phone,
        "with_email": summary.with_email,
        "with_consent": summary.with_consent,
        "with_timezone": summary.with_timezone,
        "unused_columns": report.unused_columns,
        "warnings": report.warnings,
        "errors_total": len(report.errors),
        "errors": [error._asdict() for error in islice(report.errors, limit)],
        "errors_file": str(errors_to) if errors_to else None,
    }


def print_report(report: PortfolioReport, strict: bool, limit: int, errors_to: Path | None) -> None:
    console = Console()
    summary = report.summary()
    if len(report.errors) and limit:
        console.print(_error_table(report, limit))
        left = len(report.errors) - limit
        if left > 0:
            more = "see them in " + str(errors_to) if errors_to else "all of them with --errors-to FILE.csv"
            console.print(Text(f"{left:,} more bad cells: {more}"))
    console.print(_summary_table(report))
    for warning in report.warnings:
        console.print(Text(f"note: {warning}", style="yellow"))
    if not summary.bad:
        console.print(Text(f"All {summary.rows:,} rows are good.", style="green"))
    elif strict:
        console.print(Text(f"{summary.bad:,} of {summary.rows:,} rows are bad; --strict accepts none.", style="red"))
    else:
        told = f"{summary.bad:,} of {summary.rows:,} rows are bad; the other {summary.good:,} can be used."
        console.print(Text(told, style="red"))


def _error_table(report: PortfolioReport, limit: int) -> Table:
    table = Table(title="Bad cells", title_justify="left")
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("column")
    table.add_column("value")
    table.add_column("reason")
    for error in islice(report.errors, limit):
        value = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in error.value)
        shown = value if len(value) <= _VALUE_SHOWN else value[: _VALUE_SHOWN - 1] + "…"
        table.add_row(str(error.line), Text(error.column), Text(shown), Text(error.reason))
    return table


def _summary_table(report: PortfolioReport) -> Table:
    summary = report.summary()
    table = Table(title=Text(f"{report.path} as of {report.as_of}"), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_row("mapping", Text(report.mapping))
    table.add_row("read as", Text(report.read_as))
    table.add_row("rows", f"{summary.rows:,}")
    table.add_row("good", f"{summary.good:,}")
    table.add_row("bad", f"{summary.bad:,}")
    table.add_row("people", f"{summary.people:,}")
    for total in summary.amounts:
        major = Money(amount_minor=total.amount_minor, currency=total.currency).major
        shown = format_currency(major, total.currency, "¤¤ #,##0.00", locale="en", currency_digits=True)
        table.add_row(f"amount due, {total.loans:,} loans", shown)
    for bucket, count in summary.days_past_due.items():
        table.add_row(f"days past due {bucket}" if bucket[0].isdigit() else bucket, f"{count:,}")
    table.add_row("with telephone", f"{summary.with_phone:,}")
    table.add_row("with e-mail", f"{summary.with_email:,}")
    table.add_row("with bank consent", f"{summary.with_consent:,}")
    table.add_row("with time zone", f"{summary.with_timezone:,}")
    return table
