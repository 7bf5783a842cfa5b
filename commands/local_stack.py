"""The stack that `up` runs in this checkout, and how other commands find it."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from commands.processes import ROOT

FOLDER = ROOT / "var" / "local"
DECIDING = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "RECOBRO_DATABASE_URL")
"""Whoever sets one of these has said where to work; the local stack is then left alone."""
_REACHES_OUT = re.compile(r"(_URL|_HOST|_PORT|_SECURITY|FOLDER|STATEMENTS)$")
"""Variables that say where something is: sandbox loans must not meet a real provider, whatever a shell has set."""


class RunsAlready(Exception):
    """Another `up` runs in this checkout."""


@contextmanager
def only_one(folder: Path | None = None) -> Iterator[None]:
    """Be the one `up` of a folder; the lock ends with the process, however it dies. Raises RunsAlready."""
    folder = folder or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunsAlready from None
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                (folder / "env").unlink()


def runs(folder: Path | None = None) -> bool:
    """Whether an `up` holds the folder now."""
    folder = folder or FOLDER
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_variables(variables: Mapping[str, str], folder: Path | None = None) -> Path:
    """Keep the variables for other commands and for shells (`. var/local/env`)."""
    folder = folder or FOLDER
    path = folder / "env"
    beside = folder / "env.new"
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    beside.write_text("".join(lines), encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(path)
    return path


def variables(folder: Path | None = None) -> dict[str, str]:
    """What a running `up` wrote; empty when none runs."""
    folder = folder or FOLDER
    if not runs(folder):
        return {}
    try:
        words = shlex.split((folder / "env").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def use_if_nothing_else_is_configured(folder: Path | None = None) -> None:
    """Point this process at the running local stack, unless its environment or `.env` says where to work.

    What else the environment sets wins, but for addresses of providers: those are the sandbox's. `up` may have been
    started where more or less was configured: what stands in for the rest is reckoned from what is configured here.
    """
    from commands.stand_ins import ONLY_WHERE_CONFIGURED, stand_ins
    from config.settings import BadSettings

    if any(os.environ.get(name) for name in DECIDING) or _dotenv_decides():
        return
    found = variables(folder)
    of_the_rest = tuple(f"RECOBRO_{section}__" for section in ONLY_WHERE_CONFIGURED)
    for name, value in found.items():
        if name.startswith(of_the_rest):
            continue
        if _REACHES_OUT.search(name):
            os.environ[name] = value
        else:
            os.environ.setdefault(name, value)
    if (sandbox := found.get("RECOBRO_BANK__BASE_URL")) is not None:
        # A command that needs the settings says itself what is wrong with them.
        with suppress(BadSettings):
            os.environ.update(stand_ins(sandbox, folder or FOLDER, [Path(".env")]))


def _dotenv_decides() -> bool:
    from dotenv import dotenv_values

    return Path(".env").is_file() and any(dotenv_values(".env").get(name) for name in DECIDING)
