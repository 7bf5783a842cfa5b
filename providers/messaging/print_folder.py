"""Letters into a folder that a printer empties: a PDF each, and one manifest that says what has to be posted to whom.

The manifest is the truth: a letter is in it once, whatever happened in between. A table beside it says the same, a line
for each letter. Every file is replaced whole, so whoever reads the folder never sees half of one.
"""

from __future__ import annotations

import asyncio
import csv
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from domain.contact import Channel
from domain.what_next import WhatNext
from providers.errors import refusal
from providers.ports import DeliveryReport, OutgoingMessage, Sent

PROVIDER: Final = "print"
MANIFEST: Final = "manifest.json"
TABLE: Final = "manifest.csv"
COLUMNS: Final = ("file", "pages", "recipient", "registered", "sha256", "lender", "loan", "address", "made_at")
"""`recipient` is the letter's own reference, as `id` in the manifest."""
_LOCK: Final = ".lock"


class Printed(NamedTuple):
    pdf: bytes
    pages: int


class PrintFolder:
    """`Messenger` for letters; `typeset` makes the PDF of one.

    One manifest a day (UTC) lies beside its letters: `<folder>/2026-11-24/manifest.json`.
    """

    def __init__(self, folder: Path, typeset: Callable[[OutgoingMessage], Printed]) -> None:
        self._folder = folder
        self._typeset = typeset

    @property
    def can_look_up(self) -> bool:
        return True

    async def send(self, message: OutgoingMessage) -> Sent:
        """Lay the letter into the folder, once however often it is asked for."""
        if message.channel is not Channel.POST:
            raise refusal(PROVIDER, "not_a_letter", WhatNext.SWITCH_CHANNEL, "only letters are printed here")
        try:
            return await asyncio.to_thread(self._lay, message)
        except OSError as error:
            why = f"the print folder cannot be written: {error.strerror or type(error).__name__}"
            raise refusal(PROVIDER, "folder", WhatNext.STOP_SENDER, why) from None

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        """The letter as the manifest of its day has it. A day later it would be printed twice: both days are read."""
        for day in dict.fromkeys((_day(message.at), _day(since), _day(at))):
            for entry in await asyncio.to_thread(_entries, self._folder / day):
                if entry.get("id") == message.message_id:
                    return _sent(entry)
        return None

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise refusal(PROVIDER, "cannot_look_up", WhatNext.TERMINAL, "nobody tells whether a letter arrived")

    def _lay(self, message: OutgoingMessage) -> Sent:
        folder = self._folder / _day(message.at)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            entries = _entries(folder)
            known = next((entry for entry in entries if entry.get("id") == message.message_id), None)
            if known is not None:
                # A crash after the manifest may have left the table behind it.
                _replace(folder / TABLE, _table(entries).encode())
                return _sent(known)
            letter = self._typeset(message)
            name = f"{hashlib.sha256(message.message_id.encode()).hexdigest()[:32]}.pdf"
            _replace(folder / name, letter.pdf)
            entry: dict[str, Any] = {
                "id": message.message_id,
                "file": name,
                "sha256": hashlib.sha256(letter.pdf).hexdigest(),
                "pages": letter.pages,
                "address": message.to.split("\n"),
                "lender": message.lender,
                "loan": message.loan_id,
                "registered": message.registered,
                "made_at": message.at.astimezone(UTC).isoformat(),
            }
            manifest = json.dumps({"letters": [*entries, entry]}, ensure_ascii=False, indent=1)
            _replace(folder / MANIFEST, manifest.encode())
            _replace(folder / TABLE, _table([*entries, entry]).encode())
        return _sent(entry)


def _table(entries: list[dict[str, Any]]) -> str:
    """A line for each letter (RFC 4180). What a spreadsheet would take for a formula is written as text."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    for entry in entries:
        address = " | ".join(str(line) for line in entry.get("address", []))
        cells = [
            entry.get("file", ""),
            entry.get("pages", ""),
            entry.get("id", ""),
            "yes" if entry.get("registered") else "no",
            entry.get("sha256", ""),
            entry.get("lender", ""),
            entry.get("loan", ""),
            address,
            entry.get("made_at", ""),
        ]
        lines.writerow([f"'{cell}" if str(cell).startswith(("=", "+", "-", "@", "\t")) else cell for cell in cells])
    return out.getvalue()


def _sent(entry: dict[str, Any]) -> Sent:
    sheets = -(-int(entry["pages"]) // 2)
    return Sent(provider=PROVIDER, provider_message_id=str(entry["id"]), sheets=sheets)


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def _entries(folder: Path) -> list[dict[str, Any]]:
    """What the manifest lists; none where there is no manifest. Raises OSError for one that cannot be read."""
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return []
    except ValueError:
        raise OSError(0, "its manifest is broken") from None
    letters = told.get("letters") if isinstance(told, dict) else None
    if not isinstance(letters, list):
        raise OSError(0, "its manifest is broken")
    return [entry for entry in letters if isinstance(entry, dict)]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time writes a day's manifest; the lock goes with the process that holds it."""
    with (folder / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: bytes) -> None:
    """Write the whole file or none of it, on disk before it has its name."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
