"""A bank reached by files in folders, as EBICS clients and transfer agents use them.

`out/<message id>.xml` appears whole beside its manifest `<message id>.json`; what the bank answers is put into `in/` by
the transfer agent and moved to `in/done/` once it stands in the records.
"""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Final

from domain.what_next import WhatNext
from providers.debit_bank import BankMessage, OutgoingFile, Submission
from providers.errors import ProviderError, refusal

PROVIDER: Final = "debit-folder"
_MOST_BYTES = 64 * 1024 * 1024


class FolderDebitBank:
    """`DebitBank` on a folder; the transfer agent may take files out of `out/` into `sent/` beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        return await asyncio.to_thread(self._put, file, at)

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        found = await asyncio.to_thread(self._find, message_id)
        return Submission(accepted=True) if found is not None else None

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        return await asyncio.to_thread(self._waiting)

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        await asyncio.to_thread(self._move, message)

    def _put(self, file: OutgoingFile, at: datetime) -> Submission:
        if (there := self._find(file.message_id)) is not None:
            if there.read_bytes() == file.body:
                return Submission(accepted=True)
            raise refusal(PROVIDER, "exists", WhatNext.STOP_SENDER, f"{there.name} is there with another content")
        try:
            out = self._folder / "out"
            out.mkdir(parents=True, exist_ok=True)
            manifest = {
                "message_id": file.message_id,
                "file": f"{file.message_id}.xml",
                "sha256": file.sha256,
                "bytes": len(file.body),
                "debits": file.debits,
                "amount_minor": file.amount_minor,
                "made_at": at.isoformat(),
            }
            # The manifest first: whoever sees the file finds what it must be.
            _write(out / f"{file.message_id}.json", json.dumps(manifest, indent=2).encode())
            _write(out / f"{file.message_id}.xml", file.body)
        except OSError as error:
            raise _unusable(error) from None
        return Submission(accepted=True)

    def _find(self, message_id: str) -> Path | None:
        places = (self._folder / place / f"{message_id}.xml" for place in ("out", "sent"))
        return next((place for place in places if place.is_file()), None)

    def _waiting(self) -> tuple[BankMessage, ...]:
        try:
            inbox = self._folder / "in"
            inbox.mkdir(parents=True, exist_ok=True)
            files = sorted(
                (one for one in inbox.iterdir() if one.is_file() and not one.name.startswith(".")),
                key=lambda one: (one.stat().st_mtime_ns, one.name),
            )
            if any(one.stat().st_size > _MOST_BYTES for one in files):
                raise refusal(PROVIDER, "too_large", WhatNext.STOP_SENDER, "a file over 64 MiB lies in the folder")
            return tuple(BankMessage(name=one.name, body=one.read_bytes()) for one in files)
        except OSError as error:
            raise _unusable(error) from None

    def _move(self, message: BankMessage) -> None:
        try:
            done = self._folder / "in" / "done"
            done.mkdir(exist_ok=True)
            os.replace(self._folder / "in" / message.name, done / message.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(error) from None


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, for the owner's eyes alone."""
    part = path.with_suffix(path.suffix + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _unusable(error: OSError) -> ProviderError:
    why = f"the folder cannot be used: {error.strerror or type(error).__name__}"
    return refusal(PROVIDER, "folder", WhatNext.STOP_SENDER, why)
