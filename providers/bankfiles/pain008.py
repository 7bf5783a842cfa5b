"""A file of direct debits, ISO 20022 pain.008.001.08, checked against the schema before anybody sees it.

The same collections give the same bytes: an answer that was lost is looked for, never asked for with another file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Any, Final
from xml.etree import ElementTree as ET  # nosec B405 # writes only; what banks send is read by defusedxml

from pydantic import BaseModel, ConfigDict, Field

from domain.direct_debit import SequenceType
from domain.money import Money

SCHEMA: Final = "pain.008.001.08"
_NAMESPACE: Final = f"urn:iso:std:iso:20022:tech:xsd:{SCHEMA}"
_LATIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
"""What every bank in SEPA takes (EPC217-08, SEPA Requirements for an Extended Character Set)."""


class Creditor(BaseModel):
    """Who collects: `creditor_id` is the SEPA creditor identifier, `iban` the account the money comes to."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=70)
    creditor_id: str = Field(min_length=8, max_length=35)
    iban: str
    bic: str | None = None
    instrument: str = "CORE"


class Collection(BaseModel):
    """One debit of one debtor."""

    model_config = ConfigDict(frozen=True)

    reference: str = Field(max_length=35)
    amount: Money
    collect_on: date
    sequence: SequenceType
    mandate: str = Field(max_length=35)
    signed_on: date
    debtor_name: str = Field(repr=False)
    debtor_iban: str = Field(repr=False)
    debtor_bic: str | None = None
    text: str = Field(max_length=140)


class UnfitFile(ValueError):
    """The schema does not take what was to be written; the text names the place, never the value."""


def write(
    message_id: str, creditor: Creditor, collections: Sequence[Collection], made_at: datetime
) -> tuple[bytes, dict[str, str]]:
    """The file as UTF-8 bytes, and each collection's batch by its reference. Raises UnfitFile.

    Collections of one day and sequence form one batch.
    """
    if not collections:
        raise UnfitFile("a file without collections is none")
    if any(one.amount.currency != "EUR" for one in collections):
        raise UnfitFile("SEPA direct debits are in EUR")
    document = ET.Element("Document", {"xmlns": _NAMESPACE})
    root = ET.SubElement(document, "CstmrDrctDbtInitn")
    header = ET.SubElement(root, "GrpHdr")
    _text(header, "MsgId", message_id)
    _text(header, "CreDtTm", made_at.strftime("%Y-%m-%dT%H:%M:%S"))
    _sums(header, collections)
    _text(ET.SubElement(header, "InitgPty"), "Nm", latin(creditor.name, 70))
    ordered = sorted(collections, key=lambda one: (one.collect_on, one.sequence, one.reference))
    batches: dict[str, str] = {}
    for number, (_, group) in enumerate(groupby(ordered, key=lambda one: (one.collect_on, one.sequence)), 1):
        batch = list(group)
        _batch(root, f"{message_id}-{number}", creditor, batch)
        batches.update((one.reference, f"{message_id}-{number}") for one in batch)
    body: bytes = b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(document, "utf-8")
    check(body)
    return body, batches


def check(body: bytes) -> None:
    """Raises UnfitFile unless the published schema takes the file."""
    from xmlschema import XMLSchemaValidationError

    try:
        _schema().validate(body.decode())
    except XMLSchemaValidationError as wrong:
        raise UnfitFile(f"{SCHEMA} does not take {wrong.path or 'a value'}") from None


@lru_cache(maxsize=1)
def _schema() -> Any:
    """The published schema, as the library sepaxml carries it; reading it takes longer than checking a file."""
    from xmlschema import XMLSchema

    return XMLSchema(str(files("sepaxml") / "schemas" / f"{SCHEMA}.xsd"))


def latin(text: str, longest: int) -> str:
    """`text` in the letters every bank takes: accents fall off, anything else becomes a full stop."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if c in _LATIN else "." for c in plain)[:longest].strip() or "NOTPROVIDED"


def _batch(root: ET.Element, batch_id: str, creditor: Creditor, collections: list[Collection]) -> None:
    batch = ET.SubElement(root, "PmtInf")
    _text(batch, "PmtInfId", batch_id)
    _text(batch, "PmtMtd", "DD")
    _text(batch, "BtchBookg", "false")  # one entry for each debit on the statement, so that each finds its loan
    _sums(batch, collections)
    kind = ET.SubElement(batch, "PmtTpInf")
    _text(ET.SubElement(kind, "SvcLvl"), "Cd", "SEPA")
    _text(ET.SubElement(kind, "LclInstrm"), "Cd", creditor.instrument)
    _text(kind, "SeqTp", collections[0].sequence)
    _text(batch, "ReqdColltnDt", collections[0].collect_on.isoformat())
    _text(ET.SubElement(batch, "Cdtr"), "Nm", latin(creditor.name, 70))
    _text(_under(batch, "CdtrAcct", "Id"), "IBAN", creditor.iban)
    _agent(batch, "CdtrAgt", creditor.bic)
    _text(batch, "ChrgBr", "SLEV")
    scheme = _under(batch, "CdtrSchmeId", "Id", "PrvtId", "Othr")
    _text(scheme, "Id", creditor.creditor_id)
    _text(ET.SubElement(scheme, "SchmeNm"), "Prtry", "SEPA")
    for one in collections:
        _collection(batch, one)


def _collection(batch: ET.Element, one: Collection) -> None:
    debit = ET.SubElement(batch, "DrctDbtTxInf")
    _text(ET.SubElement(debit, "PmtId"), "EndToEndId", one.reference)
    amount = _text(debit, "InstdAmt", _major(one.amount.amount_minor))
    amount.set("Ccy", one.amount.currency)
    mandate = _under(debit, "DrctDbtTx", "MndtRltdInf")
    _text(mandate, "MndtId", one.mandate)
    _text(mandate, "DtOfSgntr", one.signed_on.isoformat())
    _agent(debit, "DbtrAgt", one.debtor_bic)
    _text(ET.SubElement(debit, "Dbtr"), "Nm", latin(one.debtor_name, 70))
    _text(_under(debit, "DbtrAcct", "Id"), "IBAN", one.debtor_iban)
    _text(ET.SubElement(debit, "RmtInf"), "Ustrd", latin(one.text, 140))


def _sums(parent: ET.Element, collections: Sequence[Collection]) -> None:
    _text(parent, "NbOfTxs", str(len(collections)))
    _text(parent, "CtrlSum", _major(sum(one.amount.amount_minor for one in collections)))


def _agent(parent: ET.Element, name: str, bic: str | None) -> None:
    institution = _under(parent, name, "FinInstnId")
    if bic is not None:
        _text(institution, "BICFI", bic)
    else:
        _text(ET.SubElement(institution, "Othr"), "Id", "NOTPROVIDED")


def _under(parent: ET.Element, *names: str) -> ET.Element:
    for name in names:
        parent = ET.SubElement(parent, name)
    return parent


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = text
    return child


def _major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
