"""`report agreements`: what was agreed on, by kind, how much of it was kept and what came of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, amount, iso, period_of, print_json, table, terminal

_DAYS = 90


def agreements(
    since: Annotated[str | None, typer.Option(help=f"A day or moment. Default: {_DAYS} days ago.")] = None,
    until: Annotated[str | None, typer.Option(help="A day or moment, exclusive. Default: now.")] = None,
    lender: Annotated[str | None, typer.Option(help="Of this lender only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What was agreed on in that time, as it stands now: in force, kept, broken, and the money of it.

    By kind and currency. The share kept is of those kept, partly kept or broken: what is still open, called off or
    replaced says nothing yet.

    Examples:

      starter.py report agreements

      starter.py report agreements --since 2026-11-01 --json
    """
    from records.agreement_figures import agreement_figures

    begins, ends = period_of(since, until, _DAYS)
    with configuration.records(configuration.settings()).reading() as session:
        found = agreement_figures(session, begins, ends, lender)
    rows: list[dict[str, Any]] = [
        {
            "kind": kind.value,
            "currency": currency,
            "made": sum(each.states.values()),
            "states": [{"state": state.value, "agreements": number} for state, number in each.states.most_common()],
            "via": [{"via": via.value, "agreements": number} for via, number in each.via.most_common()],
            "in_force": each.in_force,
            "kept": each.kept,
            "judged": each.judged,
            "agreed_minor": each.agreed_minor,
            "received_minor": each.received_minor,
            "forgiven_minor": each.forgiven_minor,
        }
        for (kind, currency), each in found.items()
    ]
    if as_json:
        print_json({"since": iso(begins), "until": iso(ends), "lender": lender, "agreements": rows})
        return
    if not rows:
        typer.echo(f"nothing was agreed on between {iso(begins)} and {iso(ends)}")
        return
    shown = table("kind", "made", "in force", "kept", "agreed", "received", "forgiven")
    for row in rows:
        percent = f" ({row['kept'] / row['judged']:.0%})" if row["judged"] else ""
        share = f"{row['kept']:,} of {row['judged']:,}{percent}"
        money = (amount(row[key], row["currency"]) for key in ("agreed_minor", "received_minor", "forgiven_minor"))
        shown.add_row(row["kind"], f"{row['made']:,}", f"{row['in_force']:,}", share, *money)
    terminal().print(shown)
    for row in rows:
        told = ", ".join(f"{each['state'].replace('_', ' ')} {each['agreements']:,}" for each in row["states"])
        typer.echo(f"{row['kind']} {row['currency']}: {told}")
