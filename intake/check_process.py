"""The process that `apart` starts: checks a file and writes what it found, then its good loans, a JSON text a line.

Its words are how many bad cells to keep, the day that days past due count from, the folder of the contact rules' packs
(empty: the shipped ones), the file, and the mapping if one is named. Exit code: 0 done, 2 the file, the mapping or a
pack cannot be used, 3 no memory or no room to write, 1 a fault; why is on standard error, and quotes nothing of the
file but what a PortfolioError says.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

import intake
from config.jurisdictions import SHIPPED
from intake.apart import OUT_OF_ROOM, UNUSABLE
from intake.findings import Findings


def main(words: Sequence[str], out: IO[bytes]) -> int:
    errors_kept, as_of, rules, file, *mapping = words
    try:
        report = intake.check(
            Path(file),
            mapping[0] if mapping else None,
            date.fromisoformat(as_of),
            rules=Path(rules) if rules else SHIPPED,
        )
        _write(report, int(errors_kept), out)
        out.flush()
    except intake.PortfolioError as unusable:
        return _told(str(unusable), UNUSABLE)
    except (OSError, MemoryError) as error:
        return _told(getattr(error, "strerror", None) or type(error).__name__, OUT_OF_ROOM)
    except Exception as fault:  # whatever it is, its text may quote the file
        frames = "".join(traceback.format_tb(fault.__traceback__))
        return _told(f"{frames}{type(fault).__name__}", 1)
    return 0


def _told(why: str, code: int) -> int:
    sys.stderr.write(f"{why}\n")
    return code


def _write(report: intake.PortfolioReport, errors_kept: int, out: IO[bytes]) -> None:
    # Who started this knows the path; one that is no proper text could not be written as JSON.
    findings = replace(report.findings(errors_kept), path="")
    out.write(TypeAdapter(Findings).dump_json(findings) + b"\n")
    for loan in report.loans_by_priority():
        out.write(loan.model_dump_json(exclude_defaults=True).encode() + b"\n")


if __name__ == "__main__":
    # Ctrl-C reaches this process too; who started it says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:], sys.stdout.buffer))
