"""Master keys: make one, and move the records from one to the next."""

from __future__ import annotations

import typer

from commands.console import JsonOption, operator_app, print_json

app = operator_app("Master keys of encryption: make one, change to another.")


@app.callback()
def keys() -> None:
    """Master keys of encryption: make one, change to another."""


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
