"""What Recobro asks of the bank it collects through: take a file, say whether it has it, give its messages."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

DUPLICATES = frozenset({"DUPL", "AM05", "DU01", "DU02", "DU03", "DU04", "DU05"})
"""The bank received the file before. ISO 20022 external codes: AM05 a duplicate collection, DU01 to DU05 a duplicate
message, batch, transaction or reference; DUPL is some banks' own."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutgoingFile(_Value):
    """A pain.008 as it goes out. `message_id` is unique for ever; `body` holds names and accounts."""

    message_id: str
    sha256: str
    debits: int
    amount_minor: int
    body: bytes = Field(repr=False)


class Submission(_Value):
    """The bank has the file (`accepted`), or refused it whole for `code`. Single debits are told by a pain.002."""

    accepted: bool
    code: str | None = None


class BankMessage(_Value):
    """A file the bank sent. `name` tells it from the bank's others."""

    name: str
    body: bytes = Field(repr=False)


class DebitBank(Protocol):
    """Every call may raise `providers.errors.ProviderError`."""

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        """Hand the file over. After an error with effect UNKNOWN, `look_up` says whether it arrived."""
        ...

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        """What became of a file; None when the bank never had it."""
        ...

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        """Everything the bank has sent and still holds, oldest first; taking them in twice is harmless."""
        ...

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        """The message stands in the records."""
        ...
