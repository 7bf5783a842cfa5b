"""Master keys: make one, and move the records from one to the next."""

from __future__ import annotations

import typer

from commands import configuration
from commands.console import JsonOption, operator_app, print_json

app = operator_app("Keys of encryption: make a master key, change to another, destroy keys whose time is over.")


@app.callback()
def keys() -> None:
    """Keys of encryption: make a master key, change to another, destroy keys whose time is over."""


@app.command()
def generate(as_json: JsonOption = False) -> None:
    """Make a master key and print how to set it. Nothing is kept: store it where you store secrets.

    Example: starter.py keys generate
    """
    from config.master_keys import new_key

    key_id, key = new_key()
    if as_json:
        print_json({"key_id": key_id, "key": key})
        return
    typer.echo(f'RECOBRO_ENCRYPTION__KEYS=\'{{"{key_id}": "{key}"}}\'\nRECOBRO_ENCRYPTION__ACTIVE_KEY={key_id}')
    typer.echo(
        "\nThe first key: set both for workers, the web app and commands. Another key: add it to the ones there, "
        "start everything\nagain, then make it the active one. Whoever loses all keys has lost what they encrypt.",
        err=True,
    )


@app.command()
def rotate(as_json: JsonOption = False) -> None:
    """Wrap every person's key under the active master key; nothing else is written again. May be repeated.

    With configured keys: add the new key to RECOBRO_ENCRYPTION__KEYS everywhere, restart, make it the active one, then
    run this and `schedule create`. With a key file beside an SQLite database: it makes the new key itself.

    Example: starter.py keys rotate
    """
    from config.master_keys import add_to_key_file

    settings = configuration.settings()
    database = configuration.records(settings)
    database.check()
    if database.keys.master.file is not None and set(database.keys.counts()) == {database.keys.master.active}:
        database.keys.use_master(add_to_key_file(database.keys.master))
    moved = database.keys.rewrap()
    wraps = database.keys.counts()
    active = database.keys.master.active
    idle = sorted(set(database.keys.master.keys) - set(wraps) - {active})
    if as_json:
        print_json({"active_key": active, "moved": moved, "idle_keys": idle})
        return
    typer.echo(f"{moved} keys of people moved under {active}")
    for key_id in idle:
        typer.echo(
            f"{key_id} wraps nothing any more: it may go once no Temporal history, nor the daily run's schedule, is "
            "encrypted under it"
        )
    if settings.encryption.encrypts_payloads:
        typer.echo(
            "where the daily run is on a schedule, `schedule create`, without more, writes it anew under this key"
        )


@app.command()
def spent(as_json: JsonOption = False) -> None:
    """Destroy the keys of days and months whose time is over, and empty what they sealed. May be repeated.

    The last job of the daily run, for whoever does the day's work by a timer of their own (docs/privacy.md). Exit code
    0 also where keys past their time are needed still: the webhooks and entries that need them are findings of doctor.

    Example: starter.py keys spent
    """
    from datetime import UTC, datetime

    from config.retention import longest_years
    from records.spent_keys import destroy_spent

    database = configuration.records(configuration.settings())
    database.check()
    done = destroy_spent(database, datetime.now(UTC), longest_years())
    if as_json:
        print_json({"days": done.days, "months": done.months, "waiting": list(done.waiting)})
        return
    typer.echo(done.told())
