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
        "refused": [{"loan_id": one.loan_id, "line": one.line, "reason": one.reason} for one in refused],
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


def print_start(told: dict[str, Any], refused: Sequence[RefusedLoan]) -> None:
    for one in refused:
        typer.echo(f"loan {one.loan_id} (line {one.line}): {one.reason}")
    _warn_of_channels(told["channels_at_odds"])
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
            typer.echo("every loan of it was started and has ended")
    else:
        typer.echo(f"campaign {name} starts {told['held']:,} loans under {told['strategy']}")
    typer.echo(f"see `starter.py campaign status {name}`, or workflow {told['workflow_id']} in Temporal's Web UI")


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
