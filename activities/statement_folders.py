"""Statements that arrive as files in folders: each taken in once, then out of the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from activities.bank_files import BankDesk, TakenIn
from config.bank_file_settings import StatementFolder as Given
from config.settings import Settings
from config.statement_mapping import MappingError, StatementMapping, load_statement_mapping
from domain.bank_news import FileUnreadable
from providers.bankfiles.any_file import MOST_BYTES, read_any
from providers.bankfiles.iso20022 import looks_like_xml
from providers.bankfiles.mt940_file import looks_like_mt940
from providers.bankfiles.statement_folder import FolderUnusable, StatementFolder
from records.database import Database

_CSV = (".csv", ".txt", ".tsv")
_NOT_THE_FILES = (InterfaceError, OperationalError, PoolTimeout)
"""What the records raise when they cannot be reached: the whole is tried again."""


@dataclass
class FromFolders:
    """`refused`: by name, files that cannot be read and folders that cannot be used, and why."""

    taken: list[TakenIn] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Entries that wait for a person."""
        return sum(one.counts["waiting"] for one in self.taken)

    def told(self) -> str:
        counts: Counter[str] = sum((one.counts for one in self.taken), Counter())
        said = f"{len(self.taken)} files taken in"
        for state, number in sorted(counts.items()):
            said += f", {number} {state.replace('_', ' ')}"
        if self.refused:
            said += "; refused: " + ", ".join(f"{name} ({why})" for name, why in sorted(self.refused.items()))
        return said[:1000]


class StatementFolders:
    """Safe to run twice at once and to break off anywhere: the records know each file by its bytes."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._desk = BankDesk(database, settings)
        self._folders = settings.statements

    def take_in(self, now: datetime) -> FromFolders:
        """Everything that lies still in the folders. What is wrong with one file or folder holds no other up."""
        found = FromFolders()
        for given in self._folders:
            try:
                mapping = None if given.mapping is None else load_statement_mapping(given.mapping)
                self._folder(given, StatementFolder(given.folder), mapping, now, found)
            except (FolderUnusable, MappingError) as why:
                found.refused[str(given.folder.name)] = "; ".join(str(why).splitlines())
        return found

    def _folder(
        self,
        given: Given,
        folder: StatementFolder,
        mapping: StatementMapping | None,
        now: datetime,
        found: FromFolders,
    ) -> None:
        for name in folder.names():
            body = folder.read(name).body
            if body is None:
                why = f"larger than {MOST_BYTES // 1024 // 1024} MiB"
                found.refused[name] = why
                folder.refused(name, why)
                continue
            if self._desk.knows(body):
                folder.done(name)
                continue
            try:
                taken = self._file(given, mapping, name, body, now)
            except FileUnreadable as unreadable:
                found.refused[name] = str(unreadable)
                folder.refused(name, str(unreadable))
                continue
            except _NOT_THE_FILES:
                raise
            except Exception as unexpected:  # whatever it is, the other files and folders are not to wait for it
                found.refused[name] = f"an error that was not expected, {type(unexpected).__name__}: left where it is"
                continue
            if not taken.known:
                found.taken.append(taken)
            folder.done(name)

    def _file(self, given: Given, mapping: StatementMapping | None, name: str, body: bytes, now: datetime) -> TakenIn:
        """Raises FileUnreadable, and then nothing of it was taken in."""
        is_csv = Path(name).suffix.lower() in _CSV and not (looks_like_xml(body) or looks_like_mt940(body))
        try:
            parts = read_any(body, mapping if is_csv else None)
        except FileUnreadable:
            if is_csv and mapping is None:
                raise FileUnreadable("a CSV file, and no mapping is set for the folder") from None
            raise
        return self._desk.take_in(parts, body, name, now, given.lender)
