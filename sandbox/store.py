"""What the world keeps on disk: its state in SQLite, its log in SQLite and in a file of JSON lines.

A change of state and the log entries that tell of it are one transaction, so a killed process leaves
neither without the other; the log file is brought level with the database at the next start.
synchronous=OFF is enough: the world must survive its own death, not the machine's.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TextIO

from .clock import Moment, iso, wall

Json = dict[str, Any]  # bodies of other people's formats: open-ended by nature


class Store:
    def __init__(self, log_path: Path) -> None:
        self.log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(str(log_path) + ".db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS docs(kind TEXT, key TEXT, body TEXT NOT NULL,"
            " PRIMARY KEY(kind, key)) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS log(seq INTEGER PRIMARY KEY, line TEXT NOT NULL)")
        self._dirty: dict[tuple[str, str], str | None] = {}
        self._lines: list[tuple[int, str]] = []
        row = self._db.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
        self.seq: int = row[0]
        self._file: TextIO = self._level_file()

    def _level_file(self) -> TextIO:
        """Rewrites the file if a crash left it behind the database or cut its last line."""
        written = self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""
        lines = written.count("\n")
        if lines != self.seq or not (written == "" or written.endswith("\n")):
            with self.log_path.open("w", encoding="utf-8") as out:
                for (line,) in self._db.execute("SELECT line FROM log ORDER BY seq"):
                    out.write(line + "\n")
        return self.log_path.open("a", encoding="utf-8")

    def load(self, kind: str) -> Iterator[tuple[str, Json]]:
        for key, body in self._db.execute("SELECT key, body FROM docs WHERE kind = ?", (kind,)):
            yield key, json.loads(body)

    def put(self, kind: str, key: str, value: object) -> None:
        body = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        self._dirty[kind, key] = json.dumps(body, separators=(",", ":"))

    def drop(self, kind: str, key: str) -> None:
        self._dirty[kind, key] = None

    def log(self, kind: str, at: Moment, loan_id: str | None = None, **fields: object) -> None:
        """One entry: `at` is the loan's clock, `wall` the machine's."""
        self.seq += 1
        entry = {"seq": self.seq, "kind": kind, "wall": iso(wall()), "at": iso(at), "loan_id": loan_id}
        self._lines.append((self.seq, json.dumps(entry | fields, separators=(",", ":"), ensure_ascii=False)))

    def commit(self) -> None:
        if not self._dirty and not self._lines:
            return
        self._db.execute("BEGIN")
        for (kind, key), body in self._dirty.items():
            if body is None:
                self._db.execute("DELETE FROM docs WHERE kind = ? AND key = ?", (kind, key))
            else:
                self._db.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, ?)", (kind, key, body))
        if self._lines:
            self._db.executemany("INSERT INTO log VALUES (?, ?)", self._lines)
        self._db.execute("COMMIT")
        if self._lines:
            self._file.write("".join(line + "\n" for _, line in self._lines))
            self._file.flush()
        self._dirty.clear()
        self._lines.clear()

    def entries_since(self, seq: int, limit: int = 100_000) -> list[Json]:
        """Entries with a number greater than `seq`, oldest first."""
        rows = self._db.execute("SELECT line FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [json.loads(line) for (line,) in rows]

    def close(self) -> None:
        self.commit()
        self._file.close()
        self._db.close()
