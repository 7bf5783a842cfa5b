"""`database`: the tables of the records."""

from __future__ import annotations

import typer

from commands import configuration
from commands.console import JsonOption, operator_app, print_json

app = operator_app("The records' database: bring its tables to this version.")


@app.callback()
def database() -> None:
    """The records' database: bring its tables to this version."""


@app.command()
def migrate(as_json: JsonOption = False) -> None:
    """Bring the tables of RECOBRO_DATABASE_URL to this version; several may do it at once.

    SQLite does this by itself; PostgreSQL waits for this command.

    Example: RECOBRO_DATABASE_URL=postgresql://recobro@db/recobro starter.py database migrate
    """
    records = configuration.records(configuration.settings())
    records.migrate()
    records.check()
    if as_json:
        print_json({"up_to_date": True, "embedded": records.embedded})
    else:
        typer.echo("the database is up to date")
