"""The audit trail as a hash chain: what an entry's hash covers, and what is wrong with a trail.

Each entry's hash covers the hash before it and its own content, so whoever changes, removes or inserts an entry
must write anew all that follow. The head (how many, which is the last, its hash) tells of a tail that was cut off;
a head kept elsewhere tells of a trail that was written anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

BEGINNING: Final = "0" * 64
"""Stands before the first entry."""


@dataclass(frozen=True)
class Entry:
    """One line of the trail; `details` is JSON."""

    id: int
    at: datetime
    actor: str
    action: str
    lender: str | None
    loan_id: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """Where a trail ends: how many entries, the id of the last, its hash."""

    rows: int
    last_id: int
    hash: str


EMPTY: Final = Head(rows=0, last_id=0, hash=BEGINNING)


def entry_hash(previous: str, entry: Entry) -> str:
    """SHA-256, in hex, over the hash before it and the entry as JSON with sorted keys and UTC microseconds."""
    content = [
        previous,
        entry.id,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.lender,
        entry.loan_id,
        entry.details,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class FaultKind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    HEAD = "head"
    KEPT_HEAD = "kept_head"


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written; `row` is the id where it shows, None if it is the head itself."""

    kind: FaultKind
    row: int | None
    text: str


@dataclass
class ChainCheck:
    """Looks at a trail from its first entry to its last, then at its head; holds one entry at a time.

    `kept` is a head that was kept elsewhere: everything up to it must still be the same.
    """

    head: Head | None
    kept: Head | None = None
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)
    _last_id: int = 0
    _hash: str = BEGINNING
    _kept_seen: bool = False

    def entry(self, entry: Entry, kept_hash: str) -> None:
        """The next entry by id, and the hash that stands beside it."""
        if entry.id < 1 or (self.head is not None and entry.id > self.head.last_id):
            where = "before the beginning" if entry.id < 1 else "behind the end"
            self._found(FaultKind.INSERTED, entry.id, f"row {entry.id} was inserted {where}")
            return
        self.rows += 1
        if kept_hash != entry_hash(self._hash, entry):
            missing = _rows(self._last_id + 1, entry.id - 1)
            if missing is not None:
                self._found(FaultKind.REMOVED, self._last_id + 1, f"{missing} before row {entry.id}")
            else:
                before = f"row {self._last_id}" if self._last_id else "the beginning"
                text = f"row {entry.id} is not what was written, or does not follow {before}, which was"
                self._found(FaultKind.CHANGED, entry.id, text)
        self._last_id, self._hash = entry.id, kept_hash
        if self.kept is not None and entry.id == self.kept.last_id:
            self._kept_seen = True
            if (self.rows, kept_hash) != (self.kept.rows, self.kept.hash):
                text = f"the trail up to row {entry.id} is not the one whose head was kept"
                self._found(FaultKind.KEPT_HEAD, entry.id, text)

    def end(self) -> list[Fault]:
        """All that is wrong, once every entry was seen."""
        if self.head is None:
            self._found(FaultKind.HEAD, None, "the head is missing: whether rows at the end are cannot be told")
        elif self._last_id != self.head.last_id:
            first, missing = self._last_id + 1, _rows(self._last_id + 1, self.head.last_id)
            self._found(FaultKind.REMOVED, first, f"{missing} at the end")
        elif self._hash != self.head.hash:
            text = f"the head does not fit row {self._last_id}: one of them was changed"
            self._found(FaultKind.HEAD, self._last_id or None, text)
        elif self.rows != self.head.rows and not self.faults:
            text = f"the head tells of {self.head.rows:,} rows, there are {self.rows:,}"
            self._found(FaultKind.HEAD, None, text)
        if self.kept is not None and self.kept.rows and not self._kept_seen:
            text = f"row {self.kept.last_id}, the last when the head was kept, is not there"
            self._found(FaultKind.KEPT_HEAD, self.kept.last_id, text)
        return self.faults

    def _found(self, kind: FaultKind, row: int | None, text: str) -> None:
        self.faults.append(Fault(kind, row, text))


def _rows(first: int, last: int) -> str | None:
    if first > last:
        return None
    return f"row {first} was removed" if first == last else f"rows {first} to {last} were removed"
