"""What a bank's files tell, in our own words: entries of an account, statuses of debits we asked for, returns.

Names, account numbers and texts are left out of `repr`, so that no log line or assertion can carry them.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

_NO_REFERENCE = frozenset(
    {"", "NONE", "NONREF", "NOREF", "NOREFERENCE", "NOTAVAILABLE", "NOTPROVIDED", "SINREFERENCIA"}
)
"""ISO 20022 wants NOTPROVIDED, MT940 NONREF; the others stand in banks' own exports."""
_BETWEEN_LETTERS = re.compile(r"[\W_]+")


class FileKind(StrEnum):
    PAIN_002 = "pain.002"
    CAMT_052 = "camt.052"
    CAMT_053 = "camt.053"
    CAMT_054 = "camt.054"
    PACS_004 = "pacs.004"
    MT940 = "mt940"
    CSV = "csv"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class BankEntry(_Value):
    """One movement on our account. `amount_minor` is positive; `credit` says whether it came in.

    `line` is where it stands in its file, for whoever looks for it there. `end_to_end_id` is the payer's or our own
    reference, `bank_reference` the bank's, `batch_id` that of a batch booked in one sum. `return_reason` is set when
    this takes back an earlier movement, `reversal` when the bank says so without a reason.
    """

    line: int
    amount_minor: int = Field(gt=0)
    currency: str
    credit: bool
    booked_on: date
    value_on: date
    end_to_end_id: str | None = None
    bank_reference: str | None = None
    batch_id: str | None = None
    mandate_reference: str | None = None
    return_reason: str | None = None
    reversal: bool = False
    other_name: str | None = Field(None, repr=False)
    other_iban: str | None = Field(None, repr=False)
    text: str = Field("", repr=False)


class Statement(_Value):
    """Entries of one account. `account` is its IBAN, or whatever the bank calls it."""

    kind: FileKind
    message_id: str
    account: str = Field(repr=False)
    currency: str
    entries: tuple[BankEntry, ...]


def names_nothing(reference: str | None) -> bool:
    """Whether a reference is none: not said, zeros, or the words that banks write where a payer gave none."""
    plain = _BETWEEN_LETTERS.sub("", reference or "").upper()
    return plain.strip("0") == "" or plain in _NO_REFERENCE


class DebitStatus(_Value):
    """One debit's status: `accepted`, or refused for `reason` before any money moved.

    `unknown_status`: the bank's word where it is none we know. It refuses nothing: a person has to ask the bank.
    """

    end_to_end_id: str
    accepted: bool
    reason: str | None = None
    unknown_status: str | None = None


class BatchRefusal(_Value):
    """A batch (PmtInf) of a file that the bank refused, `reason` as its code."""

    batch_id: str
    reason: str | None = None


class StatusReport(_Value):
    """The bank's answer to a file. `file_reason` is set when it refused the file as a whole.

    Of a batch in `batches_refused` every debit is refused that `debits` does not name.
    """

    kind: FileKind = FileKind.PAIN_002
    message_id: str
    original_message_id: str
    file_refused: bool = False
    file_reason: str | None = None
    debits: tuple[DebitStatus, ...] = ()
    batches_refused: tuple[BatchRefusal, ...] = ()


class DebitReturn(_Value):
    """Money of a collected debit that goes back on `returned_on`."""

    end_to_end_id: str
    reason: str
    amount_minor: int
    currency: str
    returned_on: date


class ReturnNotice(_Value):
    kind: FileKind = FileKind.PACS_004
    message_id: str
    returns: tuple[DebitReturn, ...]


BankFile = Statement | StatusReport | ReturnNotice


class FileUnreadable(ValueError):
    """A bank's file cannot be read; the text says where and what was expected, never what stood there."""
