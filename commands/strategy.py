"""`starter.py strategy`: check a strategy file, read a strategy as a timeline, list what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands import configuration
from commands.console import OperatorGroup
from commands.strategy_migration import migrate
from commands.strategy_words import day_words, loans_words, shift_words, step_words, watch_words
from config.message_context import sample_context
from config.strategies import (
    STRATEGIES_FOLDER,
    StrategyError,
    StrategyFile,
    find_strategy_file,
    list_strategies,
    read_strategy_file,
)
from config.templates import TemplateError, as_one_way, opt_out_hint, render
from domain.contact import Channel
from domain.sms_segments import sms_size
from domain.strategy import StepKind
from domain.strategy_timeline import MigrationPreview, TimelineEntry, timeline

app = typer.Typer(
    cls=OperatorGroup,
    help="Strategies as data: check a file, read one as a timeline, list them, move loans to another.",
    no_args_is_help=True,
)
app.command("migrate")(migrate)

_Folder = Annotated[Path, typer.Option(help="Folder with strategy files.", show_default=False)]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]
_WIDTH_WITHOUT_TERMINAL = 140


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A strategy file (YAML).")],
    as_json: _Json = False,
) -> None:
    """Check a strategy FILE: one line for each problem; exit code 0 when it can be used, else 2.

    Example: starter.py strategy check config/strategies/es-microloan.yaml
    """
    try:
        found = read_strategy_file(file)
    except StrategyError as error:
        if as_json:
            problems = [problem.model_dump() for problem in error.problems]
            typer.echo(json.dumps({"ok": False, "strategy": None, "problems": problems}, ensure_ascii=False))
        else:
            for problem in error.problems:
                typer.echo(str(problem))
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"ok": True, "strategy": found.strategy.key, "problems": []}))
    else:
        strategy = found.strategy
        typer.echo(
            f"{file}: {strategy.key} is good: {len(strategy.steps)} steps, "
            f"templates checked in {', '.join(found.languages)}"
        )


@app.command("list")
def list_command(folder: _Folder = STRATEGIES_FOLDER, as_json: _Json = False) -> None:
    """List the strategies there are, current versions first.

    Example: starter.py strategy list --json
    """
    try:
        found = list_strategies(folder)
    except StrategyError as error:
        raise _refused(error) from None
    if as_json:
        rows = [
            {
                "name": each.strategy.name,
                "version": each.strategy.version,
                "current": "@" not in each.path.name,
                "title": each.strategy.title,
                "currency": each.strategy.currency,
                "languages": list(each.languages),
                "steps": len(each.strategy.steps),
                "ends_after_days": each.strategy.ends.after_days,
            }
            for each in found
        ]
        typer.echo(json.dumps({"strategies": rows}, ensure_ascii=False))
        return
    table = Table("Strategy", "Title", "Currency", "Languages", "Steps", "Days", box=None, header_style="bold")
    for each in found:
        strategy = each.strategy
        current = "" if "@" not in each.path.name else " (older)"
        table.add_row(
            Text(strategy.key + current),
            Text(strategy.title),
            strategy.currency or "any",
            ", ".join(each.languages),
            str(len(strategy.steps)),
            str(strategy.ends.after_days),
        )
    _console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name, name@version, or a file.")],
    language: Annotated[
        str | None, typer.Option(help="Language of the previews (default: the strategy's first).")
    ] = None,
    entry_dpd: Annotated[
        int | None, typer.Option(help="Show it for a loan that enters so many days past due.", min=-60, max=3650)
    ] = None,
    folder: _Folder = STRATEGIES_FOLDER,
    as_json: _Json = False,
) -> None:
    """Show a strategy as a timeline to read: day, time, what, by which channel, and the words.

    Example: starter.py strategy show es-microloan --language en --entry-dpd 8
    """
    try:
        found = find_strategy_file(name, folder=folder)
    except StrategyError as error:
        raise _refused(error) from None
    spoken = language or found.languages[0]
    if spoken not in found.languages:
        typer.echo(
            f"{found.strategy.key} has no messages in {spoken!r}: expected one of {', '.join(found.languages)}",
            err=True,
        )
        raise typer.Exit(2)
    entries = timeline(found.strategy, entry_dpd)
    if as_json:
        typer.echo(json.dumps(_as_json(found, entries, spoken), ensure_ascii=False))
    else:
        _print_strategy(found, entries, spoken)


def show_migration(preview: MigrationPreview, *, console: Console | None = None) -> None:
    """Print what a migration would change, the loans first."""
    console = console or _console()
    console.print(Text(f"{preview.old_key} → {preview.new_key}: {loans_words(preview.loans)}", style="bold"))
    console.print(f"Unchanged: {loans_words(preview.unchanged)}", highlight=False)
    if preview.changes:
        table = Table("Loans", "Next step now", "Next step then", "When", box=None, header_style="bold")
        for change in preview.changes:
            table.add_row(
                str(change.loans),
                Text(change.old_step_id or "none left"),
                Text(change.new_step_id or "none left"),
                Text(shift_words(change.days_later, change.at_changes)),
            )
        console.print(table)
    if preview.due_today:
        console.print(Text(f"Next step due on the day of the move: {loans_words(preview.due_today)}", style="yellow"))
    if preview.would_end:
        shown = ", ".join(preview.would_end[:10])
        more = f" and {len(preview.would_end) - 10} more" if len(preview.would_end) > 10 else ""
        console.print(Text(f"Would end: {loans_words(len(preview.would_end))}: {shown}{more}", style="yellow"))
    for words, names in (
        ("Steps added", preview.steps_added),
        ("Steps removed", preview.steps_removed),
        ("Steps changed", preview.steps_changed),
        ("Also different", preview.parts_changed),
    ):
        if names:
            console.print(Text(f"{words}: {', '.join(names)}"))


def _refused(error: StrategyError) -> typer.Exit:
    for problem in error.problems:
        typer.echo(str(problem), err=True)
    return typer.Exit(2)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL)


def _print_strategy(found: StrategyFile, entries: tuple[TimelineEntry, ...], language: str) -> None:
    strategy, console = found.strategy, _console()
    console.print(Text(f"{strategy.key}  {strategy.title}", style="bold"))
    starts = ", ".join(f"{start.stage} from {start.dpd:+d}" for start in strategy.stages)
    console.print(Text(f"Currency {strategy.currency or 'any'}; stages by days past due: {starts}"))
    table = Table("Day", "Time", "Step", "Channels", f"Message ({language})", header_style="bold", show_lines=True)
    for entry in entries:
        table.add_row(
            Text(day_words(entry), style="dim" if entry.before_entry else ""),
            entry.at.strftime("%H:%M"),
            Text(step_words(entry, strategy.currency)),
            " › ".join(entry.channels) or "—",
            Text(_preview(found, entry, language) or "—"),
        )
    console.print(table)
    console.print(Text(watch_words(strategy.watch, strategy.currency)))
    for name, queue in strategy.queues.items():
        then = f"then to {queue.then}" if queue.then else "then the sequence goes on and the case stays open"
        console.print(Text(f"Queue {name}: a decision within {queue.sla_hours} hours, {then}."))
    if strategy.receipt:
        console.print(
            Text(f"Receipt on payment in full: {strategy.receipt.template} by {' › '.join(strategy.receipt.channels)}.")
        )
    console.print(Text(f"Ends as not cured {strategy.ends.after_days} days after the loan entered."))


def _preview(found: StrategyFile, entry: TimelineEntry, language: str) -> str | None:
    """The message by the step's first channel, with sample values; for SMS also its price in segments."""
    if entry.template is None:
        return None
    channel = entry.channels[0]
    days = entry.dpd if entry.dpd is not None else 30
    try:
        context = sample_context(
            language,
            currency=found.strategy.currency or "EUR",
            days_past_due=days,
            link=entry.kind is StepKind.OFFER_LINK,
            debit=entry.kind is StepKind.DEBIT,
            opt_out_hint=_hint(channel, language),
        )
        if _is_one_way(channel, context.country):
            context = as_one_way(context, channel, language)
        message = render(entry.template, channel, language, context)
    except TemplateError as error:
        return str(error)
    if channel is Channel.SMS:
        size = sms_size(message.text)
        return f"{message.text}\n({size.segments} SMS, {size.units} units, {size.encoding})"
    first = next((line for line in message.text.splitlines()[1:] if line.strip()), message.text)
    return f"{message.subject}\n{first}" if message.subject else first


def _is_one_way(channel: Channel, country: str) -> bool:
    # Here, because what it stands on is slow to import.
    from activities.message_writing import is_one_way

    return channel is Channel.SMS and is_one_way(configuration.settings(), channel, country)


def _hint(channel: Channel, language: str) -> str | None:
    try:
        return opt_out_hint(channel, language)
    except TemplateError:
        return None


def _as_json(found: StrategyFile, entries: tuple[TimelineEntry, ...], language: str) -> dict[str, object]:
    steps = [{**entry.model_dump(mode="json"), "preview": _preview(found, entry, language)} for entry in entries]
    strategy = found.strategy.model_dump(mode="json")
    return {
        "key": found.strategy.key,
        "languages": list(found.languages),
        "language": language,
        "timeline": steps,
        **{name: strategy[name] for name in ("name", "version", "title", "currency", "stages")},
        **{name: strategy[name] for name in ("watch", "receipt", "queues", "ends")},
    }
