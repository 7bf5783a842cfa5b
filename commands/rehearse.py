"""`rehearse`: a whole campaign on skipped time, against a pretend world, with the outcome checked from outside."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from commands.rehearsal import Plan, Progress, Rehearsal
    from commands.results import Results
    from domain.portfolio import PortfolioLoan
    from domain.strategy import Strategy

REHEARSALS = Path("var/rehearsals")


def app_command(
    file: Annotated[Path, typer.Argument(help="A portfolio: CSV, XLSX or Parquet.")],
    strategy: Annotated[str, typer.Option(help="Strategy by name, name@version or file.")] = "us-consumer",
    days: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="How far the clocks go; by default until every loan can have ended."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and the same luck.")] = 1,
    mapping: Annotated[str | None, typer.Option(help="Column mapping by name or file.")] = None,
    begin: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The campaign's first day, still to come; tomorrow by default."),
    ] = None,
    loans: Annotated[int | None, typer.Option(min=1, help="Only the first so many loans.")] = None,
    preset: Annotated[str, typer.Option(help="How the pretend borrowers behave: prime or micro.")] = "prime",
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="End with one JSON object (docs/rehearsals.md).")] = False,
) -> None:
    """Rehearse a campaign: real Temporal, real workers, pretend borrowers, skipped time.

    A rehearsal has a server, databases and a world of its own: nothing of it can reach a real provider or a
    real loan. It ends with exit code 1 when the world's own log shows anything against the rules.

    Example: starter.py rehearse portfolios/microprestamos_es.csv --strategy es-microloan --seed 7 --json
    """
    from commands.rehearsal import BeginsInThePast, begin_of, check_begin

    if report is not None:
        _check_writable(report)
    first_day = begin.date() if begin else (datetime.now(UTC) + timedelta(days=1)).date()
    try:
        check_begin(begin_of(first_day))
    except BeginsInThePast as past:
        raise typer.BadParameter(str(past), param_hint="--begin") from None
    chosen, rows = read_inputs(file, mapping, strategy, first_day)
    plan = make_plan(
        rows[:loans] if loans else rows,
        chosen,
        seed=seed,
        begins=begin_of(first_day),
        days=days,
        preset=preset,
        folder=REHEARSALS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{seed}",
        workers=workers,
        source=file.name,
    )

    unwritten: list[OSError] = []

    async def after(rehearsal: Rehearsal, results: Results) -> None:
        if report is not None:
            from commands.report import write_report

            try:
                write_report(results, rehearsal, report)
            except OSError as error:
                unwritten.append(error)

    results = run(plan, after, quiet=json_output)
    if json_output:
        typer.echo(json.dumps(results.model_dump(mode="json"), ensure_ascii=False))
    else:
        from commands.rehearsal_display import show_results

        show_results(results)
        written = f"; report: {report}" if report and not unwritten else ""
        typer.echo(f"Everything of this rehearsal is in {plan.folder}{written}")
    for error in unwritten:
        typer.echo(f"{report} cannot be written: {error.strerror or type(error).__name__}", err=True)
    if results.violations:
        raise typer.Exit(1)
    if unwritten:
        raise typer.Exit(2)


def _check_writable(report: Path) -> None:
    """Known before minutes are spent. Raises typer.BadParameter."""
    there = report.exists()
    try:
        report.parent.mkdir(parents=True, exist_ok=True)
        with report.open("a"):
            pass
        if not there:
            report.unlink()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise typer.BadParameter(f"{report} cannot be written: {why}", param_hint="--report") from None


def read_inputs(
    file: Path, mapping: str | None, strategy: str, day: date
) -> tuple[Strategy, tuple[PortfolioLoan, ...]]:
    """The strategy and the good rows of the portfolio; bad rows are told on standard error.

    Raises PortfolioError, StrategyError.
    """
    import intake
    from config.strategies import find_strategy

    chosen = find_strategy(strategy)
    checked = intake.check(file, mapping, day)
    if checked.bad_rows:
        typer.echo(
            f"{file}: {checked.bad_rows} rows are bad and left out; see them with `starter.py portfolio check {file}`",
            err=True,
        )
    rows = tuple(checked.loans())
    if not rows:
        raise intake.PortfolioError(f"{file}: no row can be used")
    return chosen, rows


def make_plan(
    loans: tuple[PortfolioLoan, ...],
    strategy: Strategy,
    *,
    seed: int,
    begins: datetime,
    days: int | None,
    preset: str,
    folder: Path,
    workers: int,
    source: str,
) -> Plan:
    from commands.rehearsal import Plan
    from commands.verdict import AFTER_THE_CAMPAIGN

    if preset not in ("prime", "micro"):
        raise typer.BadParameter(f"{preset!r}: expected prime or micro", param_hint="--preset")
    return Plan(
        loans=loans,
        strategy=strategy,
        seed=seed,
        begins=begins,
        days=days or strategy.ends.after_days + AFTER_THE_CAMPAIGN.days,
        preset=preset,
        folder=folder.resolve(),
        workers=workers,
        source=source,
        words=strategy.conversation is not None,
    )


def run(plan: Plan, after: Callable[[Rehearsal, Results], object], *, quiet: bool, stay: bool = False) -> Results:
    """Run a plan with live progress on standard error, collect and check the results, then call `after`.

    `stay`: keep the stack standing until Ctrl-C. Ctrl-C and SIGTERM end everything at once.
    """
    try:
        return asyncio.run(_run(plan, after, quiet=quiet, stay=stay))
    except asyncio.CancelledError:
        typer.echo("ended by SIGTERM before it was done", err=True)
        raise typer.Exit(143) from None


async def _run(plan: Plan, after: Callable[[Rehearsal, Results], object], *, quiet: bool, stay: bool) -> Results:
    from commands.rehearsal import Progress, rehearse
    from commands.rehearsal_display import LiveProgress
    from commands.results import collect

    main = asyncio.current_task()
    assert main is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
    progress: Progress = Progress()
    display = LiveProgress(progress, plan, quiet=quiet)
    with display:
        async with rehearse(plan, progress, display.changed) as rehearsal:
            progress.phase = "checking the world's log against the rules"
            display.changed()
            results = await asyncio.to_thread(collect, rehearsal)
            display.stop()
            outcome = after(rehearsal, results)
            if asyncio.iscoroutine(outcome):
                await outcome
            if stay:
                await _until_interrupted()
    # The SDK's threads need a moment, or the interpreter may abort while it exits (sdk-python#300).
    await asyncio.sleep(0.05)
    return results


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await stop.wait()
    sys.stderr.write("\nEnding Temporal, the worker, the web app and the sandbox ...\n")
