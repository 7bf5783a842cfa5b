"""Command groups that are imported when they are used: `--help` and completion of the first word stay quick."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from commands.console import flowing


class LazyGroup(TyperGroup):
    """Stands for the Typer application or command function `target` ("module:name") in the list of commands."""

    def __init__(self, name: str, help: str, target: str) -> None:
        super().__init__(name=name, help=help)
        self._target = target

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the real command, so that the stand-in is never asked anything else."""
        module, name = self._target.split(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(pretty_exceptions_enable=False)
            alone.command(self.name)(found)
            found = alone
        # Completion is installed for the whole program, not for a group of it.
        found._add_completion = False
        command = typer.main.get_command(found)
        command.name = self.name
        command.help = flowing(command.help)
        return command.make_context(info_name, args, parent=parent, **extra)
