"""What `campaign start` answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from commands.campaign_entry import Held, Order
from commands.console import iso
from intake.findings import Findings
from records.portfolio_loans import RefusedLoan

_MOST_SHOWN = 20
_FIRST_FEW = 5


def start_as_json(
    order: Order,
    strategy: str,
    findings: Findings,
    held: Held | None,
    running: bool,
    refused: Sequence[RefusedLoan],
) -> dict[str, Any]:
    """Keys are documented in docs/cli.md. Any: a JSON object of mixed values."""
    return {
        "campaign_id": order.campaign_id,
        "name": order.name,
        "lender": order.lender,
        "strategy": strategy,
        "workflow_id": f"campaign-{order.campaign_id}",
        "running": running,
        "resumed": held.resumed if held else False,
        "state": held.state.value if held else None,
        "rows": findings.totals.rows,
        "bad_rows": findings.totals.bad,
        "held": held.held if held else 0,
        "waiting": held.waiting if held else 0,
        "started": held.started if held else 0,
        "refused": _rows(refused),
        "changed": _rows(held.changed if held else ()),
        "ended": _rows(held.ended if held else ()),
        "channels_at_odds": [
            {
                "loan_id": one.loan_id,
                "line": one.line,
                "in_file": one.in_file,
                "noted": one.noted,
                "noted_at": iso(one.noted_at) if one.noted_at else None,
                "holding": one.holding,
            }
            for one in (held.channels_at_odds if held else ())
        ],
        "errors_total": findings.errors_total,
        "errors": [error._asdict() for error in findings.errors],
    }


def _rows(rows: Sequence[RefusedLoan]) -> list[dict[str, Any]]:
    return [{"loan_id": one.loan_id, "line": one.line, "reason": one.reason} for one in rows]


def print_start(told: dict[str, Any], refused: Sequence[RefusedLoan]) -> None:
    for one in refused:
        typer.echo(f"loan {one.loan_id} (line {one.line}): {one.reason}")
    _warn_of_channels(told["channels_at_odds"])
    _print_rows(
        told["changed"],
        "rows say another amount, currency or due date than their loans were entered with, and change nothing: once a "
        "loan has ended, hand it over under another --id",
    )
    _print_rows(told["ended"], "rows are of loans that have ended: to collect them again use another --id")
    name = told["campaign_id"]
    if told["state"] is None:
        typer.echo(f"no loan could be taken: campaign {name} was not started", err=True)
        return
    if told["resumed"]:
        typer.echo(
            f"campaign {name} is known: {told['started']:,} of its {told['held']:,} loans were started before, "
            f"{told['waiting']:,} wait; no loan starts twice"
        )
        if told["state"] == "paused":
            typer.echo(f"it is paused: `starter.py campaign resume {name}` lets it go on")
        elif not told["running"]:
            typer.echo(
                "every loan of it was started and has ended: nothing was started; a new file needs another --id",
                err=True,
            )
    else:
        typer.echo(f"campaign {name} starts {told['held']:,} loans under {told['strategy']}")
    typer.echo(f"see `starter.py campaign status {name}`, or workflow {told['workflow_id']} in Temporal's Web UI")


def _print_rows(rows: Sequence[dict[str, Any]], what: str) -> None:
    if rows:
        typer.echo(f"{len(rows):,} {what}", err=True)
    for one in rows[:_FIRST_FEW]:
        typer.echo(f"  loan {one['loan_id']} (line {one['line']}): {one['reason']}", err=True)
    if (more := len(rows) - _FIRST_FEW) > 0:
        typer.echo(f"  and {more:,} more: --json names all", err=True)


def _warn_of_channels(at_odds: Sequence[dict[str, Any]]) -> None:
    for one in at_odds[:_MOST_SHOWN]:
        in_file, noted, holding = (", ".join(one[key]) or "none" for key in ("in_file", "noted", "holding"))
        typer.echo(
            f"warning: loan {one['loan_id']} (line {one['line']}): the person agreed to {noted} by their own word of "
            f"{one['noted_at']}, to {in_file} by the file; kept: {holding}. `starter.py person authorise` changes it",
            err=True,
        )
    if (more := len(at_odds) - _MOST_SHOWN) > 0:
        typer.echo(f"warning: {more:,} more people's channels are not as the file has them: --json names all", err=True)
