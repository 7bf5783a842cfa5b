"""What is said of a checked portfolio file: a table to read, or one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from babel.numbers import format_currency
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.money import Money
from intake.findings import Findings

_VALUE_SHOWN = 40


def report_as_json(findings: Findings, strict: bool, errors_to: Path | None) -> dict[str, Any]:
    # Any: a JSON object of mixed values
    summary = findings.totals
    return {
        "file": findings.path,
        "mapping": findings.mapping,
        "read_as": findings.read_as,
        "as_of": findings.as_of.isoformat(),
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
        "zones_at_odds": summary.zones_at_odds,
        "cities_in_doubt": [asdict(each) for each in summary.cities_in_doubt],
        "unruled_places": [asdict(each) for each in summary.unruled_places],
        "unused_columns": findings.unused_columns,
        "warnings": findings.warnings,
        "errors_total": findings.errors_total,
        "errors": [error._asdict() for error in findings.errors],
        "errors_file": str(errors_to) if errors_to else None,
    }


def print_report(findings: Findings, strict: bool, errors_to: Path | None) -> None:
    console = Console()
    summary = findings.totals
    if findings.errors:
        console.print(_error_table(findings))
        left = findings.errors_total - len(findings.errors)
        if left > 0:
            more = "see them in " + str(errors_to) if errors_to else "all of them with --errors-to FILE.csv"
            console.print(Text(f"{left:,} more bad cells: {more}"))
    console.print(_summary_table(findings))
    for warning in findings.warnings:
        console.print(Text(f"note: {warning}", style="yellow"))
    if not summary.bad:
        console.print(Text(f"All {summary.rows:,} rows are good.", style="green"))
    elif strict:
        console.print(Text(f"{summary.bad:,} of {summary.rows:,} rows are bad; --strict accepts none.", style="red"))
    else:
        told = f"{summary.bad:,} of {summary.rows:,} rows are bad; the other {summary.good:,} can be used."
        console.print(Text(told, style="red"))


def _error_table(findings: Findings) -> Table:
    table = Table(title="Bad cells", title_justify="left")
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("column")
    table.add_column("value")
    table.add_column("reason")
    for error in findings.errors:
        value = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in error.value)
        shown = value if len(value) <= _VALUE_SHOWN else value[: _VALUE_SHOWN - 1] + "…"
        table.add_row(str(error.line), Text(error.column), Text(shown), Text(error.reason))
    return table


def _summary_table(findings: Findings) -> Table:
    summary = findings.totals
    table = Table(title=Text(f"{findings.path} as of {findings.as_of}"), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_row("mapping", Text(findings.mapping))
    table.add_row("read as", Text(findings.read_as))
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
