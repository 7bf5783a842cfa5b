"""`account`: people who sign in to the web app."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, iso, operator_app, print_json, table, terminal
from domain.access import Role
from domain.sign_in import LOGIN

app = operator_app("People who sign in to the web app: roles, passwords, closing.")
BY = "cli"
_Login = Annotated[str, typer.Argument(help="The name they sign in by.")]
_FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Take the password from the first line of standard input.")
]


@app.callback()
def account() -> None:
    """People who sign in to the web app: roles, passwords, closing."""


@app.command()
def add(
    login: _Login,
    role: Annotated[Role, typer.Option(help="What they do here.")],
    password_stdin: _FromStdin = False,
    as_json: JsonOption = False,
) -> None:
    """Give a person an account. The password is asked for, twice, and never shown.

    Example: starter.py account add marta --role supervisor
    """
    import re

    from records import accounts

    if not re.fullmatch(LOGIN, login.casefold()):
        raise Refused(f"{login[:80]!r}: expected 2 to 64 letters, digits or . _ @ + -")
    hashed = _password(login, password_stdin)
    with configuration.records(configuration.settings()).writing() as session:
        try:
            accounts.create(session, login=login, role=role, password_hash=hashed, at=datetime.now(UTC), by=BY)
        except accounts.AccountExists as error:
            raise Refused(str(error)) from None
    _told(as_json, login, f"{login.casefold()} may sign in as {role.value}")


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List who may sign in.

    Example: starter.py account list --json
    """
    from records import accounts

    with configuration.records(configuration.settings()).reading() as session:
        rows = accounts.listing(session)
    told: list[dict[str, Any]] = [
        {
            "login": row.login,
            "role": row.role.value,
            "signs_in_by": "password" if row.issuer is None else "provider",
            "created_at": iso(row.created_at),
            "last_signed_in_at": iso(row.last_signed_in_at) if row.last_signed_in_at else None,
            "disabled_at": iso(row.disabled_at) if row.disabled_at else None,
        }
        for row in rows
    ]
    if as_json:
        print_json({"accounts": told})
        return
    if not told:
        typer.echo("nobody may sign in yet: starter.py account add NAME --role supervisor")
        return
    shown = table("name", "role", "signs in by", "last signed in", "closed")
    for each in told:
        names = ("login", "role", "signs_in_by", "last_signed_in_at", "disabled_at")
        shown.add_row(*("" if each[name] is None else str(each[name]) for name in names))
    terminal().print(shown)


@app.command()
def role(
    login: _Login, role: Annotated[Role, typer.Argument(help="The new role.")], as_json: JsonOption = False
) -> None:
    """Give a person another role, from their next request on.

    Example: starter.py account role marta auditor
    """
    from records import accounts

    with configuration.records(configuration.settings()).writing() as session:
        accounts.set_role(session, _found(session, login), role, at=datetime.now(UTC), by=BY)
    _told(as_json, login, f"{login.casefold()} is {role.value} now")


@app.command()
def password(login: _Login, password_stdin: _FromStdin = False, as_json: JsonOption = False) -> None:
    """Set a person's password anew; all their sessions end.

    Example: starter.py account password marta
    """
    from records import accounts

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        if _found(session, login).issuer is not None:
            raise Refused(f"{login} signs in through the provider and has no password here")
    hashed = _password(login, password_stdin)
    with database.writing() as session:
        accounts.set_password(session, _found(session, login), hashed, at=datetime.now(UTC), by=BY)
    _told(as_json, login, f"the password of {login.casefold()} is changed; their sessions are over")


@app.command()
def disable(login: _Login, as_json: JsonOption = False) -> None:
    """Close an account and end its sessions. `account enable` opens it again.

    Example: starter.py account disable marta
    """
    _set(login, True)
    _told(as_json, login, f"{login.casefold()} can sign in no more; their sessions are over")


@app.command()
def enable(login: _Login, as_json: JsonOption = False) -> None:
    """Open a closed account again.

    Example: starter.py account enable marta
    """
    _set(login, False)
    _told(as_json, login, f"{login.casefold()} may sign in again")


def _set(login: str, disabled: bool) -> None:
    from records import accounts

    with configuration.records(configuration.settings()).writing() as session:
        accounts.set_disabled(session, _found(session, login), disabled, at=datetime.now(UTC), by=BY)


def _found(session: Any, login: str) -> Any:
    from records import accounts

    try:
        return accounts.get(session, login)
    except accounts.UnknownAccount as error:
        raise Refused(str(error)) from None


def _password(login: str, from_stdin: bool) -> str:
    from domain.sign_in import why_no_password
    from web.passwords import hash_password

    if from_stdin:
        given = sys.stdin.readline().rstrip("\n")
    elif sys.stdin.isatty():
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise Refused("without a terminal the password comes by --password-stdin")
    why = why_no_password(given, login)
    if why is not None:
        raise Refused(why)
    return hash_password(given)


def _told(as_json: bool, login: str, detail: str) -> None:
    if as_json:
        print_json({"login": login.casefold(), "accepted": True, "detail": detail})
    else:
        typer.echo(detail)
