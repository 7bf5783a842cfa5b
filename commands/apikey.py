"""`apikey`: keys of services that call the web app."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, iso, operator_app, print_json, table, terminal
from domain.access import Scope

app = operator_app("Keys of services that call the web app: make, list, revoke.")
BY = "cli"


@app.callback()
def apikey() -> None:
    """Keys of services that call the web app: make, list, revoke."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Which service gets it, for whoever reads the list.")],
    scope: Annotated[list[Scope], typer.Option(help="What it is good for; may be given more than once.")],
    lender: Annotated[str | None, typer.Option(help="Bind it to this lender's loans.")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="It ends after so many days. Default: never.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, this once: only its hash is kept.

    Example: starter.py apikey create core-banking --scope payments:write --lender acme --days 365
    """
    from records import api_keys

    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise Refused("NAME: expected 1 to 80 printable characters")
    if lender is not None and Scope.PAYLOADS_DECODE in scope:
        raise Refused("payloads:decode does not go with --lender: payloads do not say whose they are; make two keys")
    now = datetime.now(UTC)
    ends = None if days is None else now + timedelta(days=days)
    with configuration.records(configuration.settings()).writing() as session:
        key = api_keys.create(session, name=name, scopes=scope, lender=lender, expires_at=ends, at=now, by=BY)
    if as_json:
        print_json(
            {
                "key": key,
                "prefix": key.split("_")[1],
                "name": name,
                "scopes": sorted({each.value for each in scope}),
                "lender": lender,
                "expires_at": iso(ends) if ends else None,
            }
        )
        return
    typer.echo(key)
    typer.echo("This is the only time it is shown. Send it as `Authorization: Bearer <key>`.", err=True)


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List keys by their beginning, with what they may and when they were last used.

    Example: starter.py apikey list
    """
    from records import api_keys

    now = datetime.now(UTC)
    with configuration.records(configuration.settings()).reading() as session:
        rows = api_keys.listing(session)
    told: list[dict[str, Any]] = [
        {
            "prefix": row.prefix,
            "name": row.name,
            "scopes": row.scopes,
            "lender": row.lender,
            "created_at": iso(row.created_at),
            "expires_at": iso(row.expires_at) if row.expires_at else None,
            "revoked_at": iso(row.revoked_at) if row.revoked_at else None,
            "last_used_at": iso(row.last_used_at) if row.last_used_at else None,
            "state": "revoked" if row.revoked_at else "expired" if row.expires_at and row.expires_at <= now else "live",
        }
        for row in rows
    ]
    if as_json:
        print_json({"keys": told})
        return
    if not told:
        typer.echo("no key yet: starter.py apikey create NAME --scope payments:write")
        return
    shown = table("key", "name", "scopes", "lender", "state", "last used", "ends")
    for each in told:
        scopes = " ".join(each["scopes"])
        cells = (each["name"], scopes, each["lender"], each["state"], each["last_used_at"], each["expires_at"])
        shown.add_row(f"rcb_{each['prefix']}…", *("" if cell is None else str(cell) for cell in cells))
    terminal().print(shown)


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The key's beginning as `apikey list` shows it: rcb_1a2b3c4d")],
    as_json: JsonOption = False,
) -> None:
    """Close a key from this moment on. It cannot be opened again: make another.

    Example: starter.py apikey revoke rcb_1a2b3c4d
    """
    from records import api_keys

    bare = prefix.removeprefix("rcb_").split("_")[0].rstrip("…")
    with configuration.records(configuration.settings()).writing() as session:
        try:
            new = api_keys.revoke(session, bare, at=datetime.now(UTC), by=BY)
        except api_keys.UnknownKey:
            raise Refused(f"no key begins with rcb_{bare[:16]}: see `starter.py apikey list`") from None
    detail = "revoked" if new else "it was revoked before"
    if as_json:
        print_json({"prefix": bare, "accepted": True, "detail": detail})
    else:
        typer.echo(f"rcb_{bare}: {detail}")
