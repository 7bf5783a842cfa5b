"""`audit`: who did what, and whether the trail is still the one that was written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, iso, operator_app, print_json, table, terminal
from commands.person_data import WHO, check_kept

if TYPE_CHECKING:
    from domain.audit_chain import Head

app = operator_app("The audit trail: who did what, and whether it was tampered with.")
_MOST_FAULTS = 100


@app.callback()
def audit() -> None:
    """The audit trail: who did what, and whether it was tampered with."""


@app.command("list")
def list_command(
    loan: Annotated[str | None, typer.Option(help="Of this loan.")] = None,
    lender: Annotated[str | None, typer.Option(help="Of this lender.")] = None,
    actor: Annotated[str | None, typer.Option(help="Done by this actor.")] = None,
    action: Annotated[str | None, typer.Option(help="Of this action.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List entries of the audit trail, the oldest first.

    Example: starter.py audit list --loan L-1042
    """
    from records import audit

    with configuration.records(configuration.settings()).reading() as session:
        rows = audit.latest(session, limit, lender=lender, loan_id=loan, actor=actor, action=action)
    told: list[dict[str, Any]] = [
        {
            "id": row.id,
            "at": iso(row.at),
            "actor": row.actor,
            "action": row.action,
            "lender": row.lender,
            "loan_id": row.loan_id,
            "details": row.details,
            "hash": row.hash,
        }
        for row in rows
    ]
    if as_json:
        print_json({"entries": told})
        return
    if not told:
        typer.echo("no such entry")
        return
    shown = table("id", "at", "actor", "action", "loan", "details")
    for each in told:
        details = ", ".join(f"{name} {value}" for name, value in each["details"].items())
        of = "/".join(part for part in (each["lender"], each["loan_id"]) if part)
        shown.add_row(str(each["id"]), each["at"], each["actor"], each["action"], of, details)
    terminal().print(shown, markup=False)


@app.command()
def seen(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="As `doctor` names it (`shown_to_a_person`).")],
    up_to: Annotated[int, typer.Option("--up-to", min=1, help="The last row that was looked at, as `doctor` says.")],
    by: Annotated[str, typer.Option("--by", help="Who has looked, for the audit trail.")],
    as_json: JsonOption = False,
) -> None:
    """Say that somebody has looked at what was left to a person: `doctor` names it no more.

    Example: starter.py audit seen payment:paid_again --up-to 812 --by marta
    """
    from records import shown

    check_kept(WHO, by)
    with configuration.records(configuration.settings()).writing() as session:
        try:
            shown.note_seen(session, kind, up_to, by=by, at=datetime.now(UTC))
        except shown.NothingShown as error:
            raise Refused(f"refused: {error}") from None
    if as_json:
        print_json({"kind": kind, "up_to": up_to})
    else:
        typer.echo(f"{kind}: seen up to row {up_to}")


@app.command()
def head(as_json: JsonOption = False) -> None:
    """Tell where the trail ends: how many rows, the last one's id and hash. Keep it where nobody here can write.

    Example: starter.py audit head --json > audit-head-2026-11-28.json
    """
    from records import audit

    with configuration.records(configuration.settings()).reading() as session:
        found = audit.head_of(session)
    if found is None:
        raise Refused("the audit trail has no head: see `starter.py audit verify`")
    if as_json:
        print_json({"rows": found.rows, "last_id": found.last_id, "hash": found.hash})
    else:
        typer.echo(f"{found.rows:,} rows, the last is {found.last_id}, hash {found.hash}")


@app.command()
def verify(
    head: Annotated[
        Path | None, typer.Option(help="A file that `audit head --json` wrote earlier: all up to it must be the same.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find every row of the audit trail that was changed, removed or inserted. Exit code 1 if there is one.

    Without --head, a trail that was written anew from some row to its end is not found out.

    Example: starter.py audit verify --head audit-head-2026-11-28.json
    """
    from records import audit

    kept = None if head is None else _kept_head(head)
    with configuration.records(configuration.settings()).reading() as session:
        rows, faults = audit.check(session, kept)
    if as_json:
        told = [{"kind": fault.kind.value, "row": fault.row, "text": fault.text} for fault in faults[:_MOST_FAULTS]]
        print_json({"whole": not faults, "rows": rows, "faults_total": len(faults), "faults": told})
    elif not faults:
        typer.echo(f"{rows:,} rows, none changed, removed or inserted")
    else:
        for fault in faults[:_MOST_FAULTS]:
            typer.echo(fault.text)
        if len(faults) > _MOST_FAULTS:
            typer.echo(f"and {len(faults) - _MOST_FAULTS:,} more")
    if faults:
        raise typer.Exit(1)


def _kept_head(path: Path) -> Head:
    from domain.audit_chain import Head

    expected = f"{path.name}: expected what `audit head --json` wrote"
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        return Head(rows=int(found["rows"]), last_id=int(found["last_id"]), hash=str(found["hash"]))
    except OSError as error:
        raise Refused(f"{path.name} cannot be read: {error.strerror or type(error).__name__}") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise Refused(expected) from None
