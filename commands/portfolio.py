"""`portfolio`: look at a lender's file before any loan of it is started."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import intake
from commands import configuration
from commands.portfolio_report import print_report, report_as_json
from intake import CellError, PortfolioError

if TYPE_CHECKING:
    from intake import PortfolioReport

app = typer.Typer(no_args_is_help=True, help="Files of overdue loans: check them before a campaign.")

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
        typer.Option(
            formats=["%Y-%m-%d"], help="Day that days past due count from. Without it today, by this machine's clock."
        ),
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
    from config.jurisdictions import SHIPPED

    day = as_of.date() if as_of else datetime.now().astimezone().date()
    try:
        report = intake.check(file, mapping, day, rules=configuration.settings().jurisdictions or SHIPPED)
        if errors_to is not None:
            _write_errors(report, errors_to, file)
    except PortfolioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    findings = report.findings(limit)
    if as_json:
        typer.echo(json.dumps(report_as_json(findings, strict, errors_to), ensure_ascii=False))
    else:
        print_report(findings, strict, errors_to)
    raise typer.Exit(1 if findings.totals.bad else 0)


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
