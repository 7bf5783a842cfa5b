"""The process that `apart` starts: checks a file and writes what it found, then its good loans, a JSON text a line.

Its words are the file, the mapping ("" for the one that fits), the day that days past due count from, and how many bad
cells to keep. Exit code: 0 done, 2 the file or the mapping cannot be used, 1 it could not be done; why is on standard
error, without anything that stands in the file.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

import intake
from intake.apart import UNUSABLE
from intake.findings import Findings


def main(words: Sequence[str], out: IO[bytes]) -> int:
    file, mapping, as_of, errors_kept = words
    try:
        _write(Path(file), mapping or None, date.fromisoformat(as_of), int(errors_kept), out)
        out.flush()
    except intake.PortfolioError as unusable:
        sys.stderr.write(f"{unusable}\n")
        return UNUSABLE
    except Exception as fault:  # whatever it is, its text may quote the file
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else type(fault).__name__
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


def _write(file: Path, mapping: str | None, as_of: date, errors_kept: int, out: IO[bytes]) -> None:
    report = intake.check(file, mapping, as_of)
    # Who started this knows the path; one that is no proper text could not be written as JSON.
    findings = replace(report.findings(errors_kept), path="")
    out.write(TypeAdapter(Findings).dump_json(findings) + b"\n")
    for loan in report.loans_by_priority():
        out.write(loan.model_dump_json(exclude_defaults=True).encode() + b"\n")


if __name__ == "__main__":
    # Ctrl-C reaches this process too; who started it says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:], sys.stdout.buffer))
