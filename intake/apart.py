"""Checking a portfolio file in a process of its own, whose memory ends with it.

What reads tables takes as much memory as everything else `campaign start` needs. The process hands back what it found
and the good loans, ready to be entered, through a temporary file that has no name: it is gone when it is closed,
however this process ends.
"""

from __future__ import annotations

import os
import subprocess  # nosec B404 # our own module, started without a shell
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from domain.portfolio import PortfolioLoan
from intake.errors import PortfolioError
from intake.findings import Findings

UNUSABLE, OUT_OF_ROOM = 2, 3
"""Exit codes of the process: the file or its mapping cannot be used; no memory, or no room for what it writes. Why is
the last line of its standard error, where a library may have written too."""
_ROOT = Path(__file__).resolve().parent.parent
_TOLD, _TRACE = 200, 4_000


class CheckEnded(RuntimeError):
    """The process that checked the file could not come to its end: no memory, no disk. One line to show."""


class CheckFault(RuntimeError):
    """The check has a fault. The text says where it was, and quotes nothing of the file."""


@dataclass(frozen=True)
class CheckedPortfolio:
    """A checked file: what was found, and its good loans as they were when it was checked."""

    findings: Findings
    _loans: IO[bytes]
    _begin: int

    def loans_by_priority(self) -> Iterator[PortfolioLoan]:
        """Highest priority first, then by line, one in memory at a time. One reader at a time."""
        self._loans.seek(self._begin)
        for line in self._loans:
            yield PortfolioLoan.model_validate_json(line)


@contextmanager
def checked_apart(
    file: Path, mapping: str | Path | None, as_of: date, errors_kept: int, rules: Path | None = None
) -> Iterator[CheckedPortfolio]:
    """As `intake.check`, with the first `errors_kept` bad cells; `rules` None: the shipped packs. Loans can be read
    until the block is left.

    Raises PortfolioError, with one line to show, when the file or the mapping cannot be used; CheckEnded; CheckFault.
    """
    command = [sys.executable, "-P", "-m", "intake.check_process", str(errors_kept), as_of.isoformat()]
    command += ["" if rules is None else str(rules), str(file)]
    command += [] if mapping is None else [str(mapping)]
    with _temporary_file(file) as kept:
        # Standard input is left to it: it may be the file (/dev/stdin).
        done = subprocess.run(  # nosec B603 # no shell; the words are a number, a day, paths and a name
            command,
            stdout=kept,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.getenv("PYTHONPATH"))))},
            check=False,
        )
        if done.returncode:
            raise _refusal(file, done)
        kept.seek(0)
        findings = TypeAdapter(Findings).validate_json(kept.readline())
        yield CheckedPortfolio(replace(findings, path=str(file)), kept, kept.tell())


def _temporary_file(file: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise CheckEnded(f"{file} was not checked: {error.strerror or error}") from None


def _refusal(file: Path, done: subprocess.CompletedProcess[bytes]) -> Exception:
    told = done.stderr.decode(errors="replace").strip()
    why = told.splitlines()[-1][:_TOLD] if told else ""
    if done.returncode == UNUSABLE:
        return PortfolioError(told.splitlines()[-1])
    if done.returncode < 0:
        why = f"signal {-done.returncode} ended it"
    elif done.returncode != OUT_OF_ROOM:
        return CheckFault(told[-_TRACE:])
    return CheckEnded(f"the check of {file} did not come to its end ({why}): is there memory, and room in TMPDIR?")
