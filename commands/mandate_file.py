"""A CSV file of mandates: every bad line told, or all of them read."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from commands.console import Refused
from commands.mandate import checked_reference, read_day, read_iban
from domain.direct_debit import MandateScheme, SequenceType

_NEEDED = ("loan_id", "reference", "iban", "signed")
_KNOWN = (*_NEEDED, "holder", "sequence", "scheme")


@dataclass(frozen=True)
class MandateRow:
    line: int
    loan_id: str
    reference: str
    iban: str
    bic: str | None
    signed_on: date
    holder: str | None
    sequence: SequenceType
    scheme: MandateScheme | None


def read_mandates(file: Path) -> list[MandateRow]:
    """The rows of the file. Raises Refused with every line that cannot be read, and no account number."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise Refused(f"{file.name}: expected a CSV file in UTF-8") from None
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    names = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise Refused(f"{file.name}: line 1: no column {', '.join(missing)}: expected {', '.join(_KNOWN)}")
    reader.fieldnames = names
    rows: list[MandateRow] = []
    wrong: list[str] = []
    for cells in reader:
        try:
            rows.append(_row(reader.line_num, {key: (value or "").strip() for key, value in cells.items() if key}))
        except Refused as error:
            wrong.append(f"line {reader.line_num}: {error}")
    if wrong:
        more = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise Refused(f"{file.name}: nothing was kept: {'; '.join(wrong[:10])}{more}")
    if not rows:
        raise Refused(f"{file.name}: no mandates in it")
    return rows


def _row(line: int, cells: dict[str, str]) -> MandateRow:
    account, bic = read_iban(cells["iban"])
    sequence = cells.get("sequence") or SequenceType.FRST.value
    if sequence not in set(SequenceType):
        raise Refused(f"sequence: expected one of {', '.join(SequenceType)}")
    scheme = cells.get("scheme") or None
    if scheme is not None and scheme not in set(MandateScheme):
        raise Refused(f"scheme: expected one of {', '.join(MandateScheme)}")
    return MandateRow(
        line=line,
        loan_id=cells["loan_id"],
        reference=checked_reference(cells["reference"]),
        iban=account,
        bic=bic,
        signed_on=read_day(cells["signed"], "signed"),
        holder=cells.get("holder") or None,
        sequence=SequenceType(sequence),
        scheme=None if scheme is None else MandateScheme(scheme),
    )
