"""What a rehearsal shows in a terminal: live progress, and the table at its end."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from commands.channel_costs import print_costs
from domain.money import Money

if TYPE_CHECKING:
    from commands.rehearsal import Plan, Progress
    from commands.results import Results

_LINE_EVERY_SECONDS = 10.0


class LiveProgress:
    """Bars in a terminal; without one a line now and then, so that a log shows that it moves."""

    def __init__(self, progress: Progress, plan: Plan, *, quiet: bool) -> None:
        self._progress = progress
        self._plan = plan
        self._console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=False,
            disable=quiet or not self._console.is_terminal,
        )
        self._lines = not quiet and not self._console.is_terminal
        self._last_line = 0.0
        self._last_phase = ""
        self._days = self._bars.add_task("Days lived", total=plan.days * len(plan.loans), note="")
        self._ends = self._bars.add_task("Loans ended", total=len(plan.loans), note="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._bars.stop()

    def changed(self) -> None:
        """Show where the rehearsal stands now."""
        progress, plan = self._progress, self._plan
        lived = sum(
            min(max((at - plan.begins) / timedelta(days=1), 0), plan.days)
            for loan, at in progress.reached.items()
            if loan not in progress.ended
        ) + plan.days * len(progress.ended)
        self._bars.update(self._days, completed=lived, note=progress.phase)
        self._bars.update(self._ends, completed=len(progress.ended), note=f"of {len(plan.loans)}")
        if self._lines and self._due():
            percent = 100 * lived / max(plan.days * len(plan.loans), 1)
            sys.stderr.write(
                f"{progress.phase}: {percent:.0f} % of the days, "
                f"{len(progress.ended)} of {len(plan.loans)} loans ended\n"
            )
            sys.stderr.flush()

    def _due(self) -> bool:
        now = time.monotonic()
        if self._progress.phase == self._last_phase and now - self._last_line < _LINE_EVERY_SECONDS:
            return False
        self._last_phase, self._last_line = self._progress.phase, now
        return True


def show_results(results: Results, console: Console | None = None) -> None:
    """The result table; amounts in major units, with their denominators."""
    console = console or Console()
    table = Table(
        title=f"{results.loans} loans, strategy {results.strategy}, {results.days} days", title_justify="left"
    )
    table.add_column("what")
    table.add_column("figure", justify="right")
    for kind, number in sorted(results.ends.items(), key=lambda pair: -pair[1]):
        table.add_row(f"ended as {kind}", f"{number} of {results.loans}")
    table.add_row("ended by an agent's decision", str(results.decided_by_agent))
    for channel, number in sorted(results.contacts_by_channel.items()):
        table.add_row(f"contacts by {channel}", str(number))
    table.add_row("refused contacts (asked again later, or never)", str(sum(results.refused_by_rule.values())))
    talked = results.conversation
    if talked.messages:
        table.add_row("messages from borrowers", str(talked.messages))
        share = f"{talked.answered_alone} of {talked.messages}"
        minutes = f", median {talked.minutes:g} min" if talked.minutes is not None else ""
        table.add_row("answered without a person", share + minutes)
    for what, agreed in (("promises", talked.promises), ("plans", talked.plans), ("settlements", talked.settlements)):
        if agreed.made:
            kept = f"{agreed.made}: {agreed.kept} kept, {agreed.partly_kept} partly, {agreed.broken} broken"
            table.add_row(f"{what} made", kept + (f", {agreed.open} open" if agreed.open else ""))
    table.add_row("balance reads", str(results.balance_reads))
    for currency, due in results.due_minor.items():
        recovered = results.recovered_minor.get(currency, 0)
        share = f"{100 * recovered / due:.1f} %" if due else "-"
        table.add_row(f"due, {currency}", f"{Money(amount_minor=due, currency=currency).major:,}")
        table.add_row(
            f"recovered, {currency}",
            f"{Money(amount_minor=recovered, currency=currency).major:,} ({share} of what was due)",
        )
    table.add_row("seconds", f"{results.seconds:.0f}")
    console.print(table)
    console.print("By channel: what it reached, cost, and brought of the money")
    print_costs(results.costs)
    if results.violations:
        console.print(f"[bold red]{len(results.violations)} violations:[/]")
        for violation in results.violations[:20]:
            console.print(f"  {violation}", markup=False)
    else:
        console.print("[green]Every check against the world's own log held.[/]")
