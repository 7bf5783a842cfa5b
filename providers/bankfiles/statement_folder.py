"""A folder in which a bank's statements appear: files that lie still are read, then moved to `done/` or `refused/`.

A file moves only when what it says stands in the records, or when it is sure that it cannot be read; what is moved
keeps its name, or gets another where that name is taken. Beside a refused file stands the reason, `<name>.reason.txt`,
which names the line or the element and never what stood there.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from providers.bankfiles.any_file import MOST_BYTES

STILL_FOR_SECONDS = 10.0
"""A file that was written to so lately may still be on its way."""
_ON_THEIR_WAY = (".part", ".tmp", ".filepart", ".crdownload")


class FolderUnusable(Exception):
    """The folder cannot be read or written; the text says why."""


@dataclass(frozen=True)
class FolderFile:
    """`body` is None where the file is larger than is read."""

    name: str
    body: bytes | None = field(repr=False)


class StatementFolder:
    """Every method raises FolderUnusable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """Files to be read, oldest first: a movement told of twice counts as the older file says it."""
        try:
            files = [
                (one.stat().st_mtime, one.name)
                for one in self._folder.iterdir()
                if not one.name.startswith(".")
                and not one.name.lower().endswith(_ON_THEIR_WAY)
                and one.is_file()
                and not one.is_symlink()
            ]
        except OSError as error:
            raise _unusable(error) from None
        latest = time.time() - STILL_FOR_SECONDS
        return tuple(name for changed, name in sorted(files) if changed <= latest)

    def read(self, name: str) -> FolderFile:
        try:
            path = self._folder / name
            return FolderFile(name, path.read_bytes() if path.stat().st_size <= MOST_BYTES else None)
        except OSError as error:
            raise _unusable(error) from None

    def done(self, name: str) -> None:
        """What it says stands in the records."""
        self._move(name, "done")

    def refused(self, name: str, why: str) -> None:
        """It cannot be read. The reason is written first: no file lies there without one."""
        try:
            place = self._place(name, "refused")
            place.with_name(f"{place.name}.reason.txt").write_text(f"{why}\n", encoding="utf-8")
            os.replace(self._folder / name, place)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(error) from None

    def _move(self, name: str, to: str) -> None:
        try:
            os.replace(self._folder / name, self._place(name, to))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(error) from None

    def _place(self, name: str, to: str) -> Path:
        """Where a file of this name finds room without taking another's."""
        folder = self._folder / to
        folder.mkdir(mode=0o700, exist_ok=True)
        place, number = folder / name, 1
        while place.exists():
            number += 1
            place = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        return place


def _unusable(error: OSError) -> FolderUnusable:
    return FolderUnusable(f"the folder cannot be used: {error.strerror or type(error).__name__}")
