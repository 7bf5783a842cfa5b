"""`up`: everything for local work on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from commands import local_stack
from commands.console import OperatorGroup, Refused

if TYPE_CHECKING:
    from commands.processes import Processes
    from commands.stack import Stack

app = typer.Typer(cls=OperatorGroup, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def up(
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes; one uses one core.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the sandbox's borrowers.")] = 1,
    preset: Annotated[str, typer.Option(help="Which borrowers the sandbox invents: prime or micro.")] = "micro",
    encrypt: Annotated[
        bool | None, typer.Option(help="Encrypt what Temporal keeps; unset, as RECOBRO_ENCRYPTION__* say.")
    ] = None,
) -> None:
    """Run everything for local work on the live clock: Temporal with its Web UI, sandbox, web app, workers.

    It keeps its state in var/local, so the next `up` goes on where this one stopped. Other commands in this checkout
    find it by themselves unless you configured something else. Nothing of it reaches a real provider.

    Example: starter.py up --workers 2
    """
    from commands.processes import Processes
    from commands.stack import Stack
    from config.settings import load_settings
    from workflows.connection import DEFAULT_PORT

    if preset not in ("prime", "micro"):
        raise Refused(f"--preset: {preset[:40]!r}: expected prime or micro")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with local_stack.only_one(), Processes(local_stack.FOLDER / "logs") as processes:
            if encrypt is None:
                encrypt = load_settings().encryption.encrypts_payloads
            stack = Stack(
                processes,
                local_stack.FOLDER,
                skipping=False,
                seed=seed,
                preset=preset,
                workers=workers,
                temporal_port=DEFAULT_PORT,
                encrypt=encrypt,
            )
            _start(stack, stop)
            if not stop.is_set():
                path = local_stack.write_variables(stack.environment)
                _tell(stack, str(path))
                _stay(processes, stop)
            typer.echo("ending everything ...")
    except local_stack.RunsAlready:
        where = local_stack.variables().get("TEMPORAL_ADDRESS", "it is still starting")
        raise Refused(f"`up` runs already in this checkout (Temporal at {where}): end that one first") from None
    typer.echo("all processes have ended")


def _start(stack: Stack, stop: threading.Event) -> None:
    typer.echo("starting Temporal, sandbox, web app and workers ...")
    stack.start()
    if stop.is_set():
        return


def _tell(stack: Stack, path: str) -> None:
    to = stack.addresses
    rows = (
        ("Temporal", to.temporal),
        ("Temporal Web UI", to.temporal_ui),
        ("web app (webhooks)", to.web),
        ("sandbox: bank, gateway, carrier", to.sandbox),
        ("sandbox: mail to read", f"{to.sandbox}/_world/mail.html"),
        *((f"metrics: {name}", f"http://127.0.0.1:{port}/metrics") for name, port in stack.metrics_ports.items()),
        ("logs", str(local_stack.FOLDER / "logs")),
    )
    for name, where in rows:
        typer.echo(f"  {name:<32} {where}")
    typer.echo(
        "\nOther commands in this checkout find it by themselves. For a shell, the Temporal CLI or another program:\n"
    )
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "RECOBRO_DATABASE_URL"):
        typer.echo(f"  export {name}={stack.environment[name]}")
    typer.echo(f"\n(all variables: `. {path}`)\n\nCtrl-C ends everything.")


def _stay(processes: Processes, stop: threading.Event) -> None:
    """Wait for Ctrl-C or SIGTERM. Raises Refused when a part of the stack ends by itself."""
    while not stop.wait(0.5):
        if (ended := processes.ended()) is not None:
            raise Refused(
                f"{ended.name} ended by itself with code {ended.process.returncode}; its last lines:\n"
                f"{ended.last_lines()}"
            )
