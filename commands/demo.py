"""`demo`: the main job before one's eyes, over real delinquent loans."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from commands.console import Refused

if TYPE_CHECKING:
    from commands.rehearsal import Rehearsal
    from commands.results import Results

PORTFOLIO = Path("portfolios/lendingclub_delinquent.csv")
FOLDER = Path("var/demo")
T = TypeVar("T")


def app_command(
    loans: Annotated[str, typer.Option(help="How many of the portfolio's 178 loans, or all.")] = "60",
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and the same luck.")] = 7,
    stay: Annotated[
        bool | None, typer.Option("--stay/--no-stay", help="Stay up until Ctrl-C; by default in a terminal only.")
    ] = None,
) -> None:
    """Collect a real portfolio before your eyes: a 90-day campaign in a minute or two.

    Starts a Temporal server with its Web UI, a worker, the web app and a pretend world, runs the campaign
    over real delinquent loans (invented people) on skipped time, and ends with a table, a report and three
    loans worth opening in the Web UI.

    Example: starter.py demo --loans all
    """
    from commands.processes import ROOT
    from commands.rehearsal import begin_of
    from commands.rehearsal_display import show_results
    from commands.rehearse import make_plan, read_inputs, run

    first_day = (datetime.now(UTC) + timedelta(days=1)).date()
    strategy, rows = read_inputs(ROOT / PORTFOLIO, "lendingclub", "us-consumer", first_day)
    number = _number(loans, len(rows))
    folder = (ROOT / FOLDER).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror or type(error).__name__}") from None
    plan = make_plan(
        _across(rows, number),
        strategy,
        seed=seed,
        begins=begin_of(first_day),
        days=None,
        preset="prime",
        folder=folder,
        workers=1,
        source=PORTFOLIO.name,
    )
    stays = sys.stdout.isatty() if stay is None else stay
    report = folder / "report.html"
    unwritten: list[OSError] = []

    def after(rehearsal: Rehearsal, results: Results) -> None:
        from commands.report import three_worth_opening, write_report

        show_results(results)
        try:
            write_report(results, rehearsal, report)
            typer.echo(f"\nReport: {report}")
        except OSError as error:
            unwritten.append(error)
            typer.echo(f"{report} cannot be written: {error.strerror or type(error).__name__}", err=True)
        for label, loan_id, url in three_worth_opening(rehearsal):
            typer.echo(f"{label}: loan {loan_id}\n  {url}" if url else f"{label}: {loan_id}")
        if stays:
            typer.echo(f"\nTemporal Web UI: {rehearsal.stack.addresses.temporal_ui}   (Ctrl-C ends everything)")

    results = run(plan, after, quiet=False, stay=stays)
    if results.violations:
        raise typer.Exit(1)
    if unwritten:
        raise typer.Exit(2)


def _number(text: str, most: int) -> int:
    if text == "all":
        return most
    if not text.isdigit() or int(text) == 0:
        raise typer.BadParameter(f"{text!r}: expected a number such as 60, or all", param_hint="--loans")
    return min(int(text), most)


def _across(rows: tuple[T, ...], number: int) -> tuple[T, ...]:
    """So many rows spread evenly over the file, so that a part is like the whole."""
    return tuple(rows[index * len(rows) // number] for index in range(number))
