"""Labelled messages in text files: a heading with the labels, then a message a line.

    == promise_to_pay hardship / job_loss
    me quedé sin trabajo pero {el viernes|mañana} {te|les} deposito {@sum}
    == opt_out / - / person
    borren todos mis datos

After the intents, the primary first, may stand a reason (`-`: none) and `person` where somebody must look although
the intents alone do not ask for it. `{a|b}` stands for one of several wordings, `{@name}` for a list from a line
`@name = a|b|c` in any file of the folder; `⏎` is a line end. `#` begins a comment line.

Promises with their day and amount stand in `*.jsonl` beside them, as `starter.py replies classify` takes messages:
`{"text", "sent_at", "country", "promise_date", "promise_amount"}`, the last two null where none is named.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from domain.replies.labels import Intent, Reason

HERE = Path(__file__).parent / "data"
TRAINING, KEPT = HERE / "training", HERE / "kept"
_MOST_WORDINGS = 10
_INNER = re.compile(r"\{([^{}]*)\}")


class BadData(ValueError):
    """A line that cannot be read; the text names file and line."""


@dataclass(frozen=True)
class Example:
    text: str
    intents: tuple[Intent, ...]
    reason: Reason | None
    person: bool
    line: str
    """File and line: wordings of one line belong together."""


@dataclass(frozen=True)
class PromiseRead:
    """A message that promises, and what a person reads in it: the borrower's own day, major units."""

    text: str
    sent_at: datetime
    country: str
    day: date | None
    amount: Decimal | None


@dataclass(frozen=True)
class _Heading:
    intents: tuple[Intent, ...]
    reason: Reason | None
    person: bool


def read_folder(folder: Path, seed: int = 7) -> list[Example]:
    """Every message of every `*.txt` there, wordings drawn by `seed`. Raises BadData, OSError."""
    files = sorted(folder.glob("*.txt"))
    lists = {name: values for file in files for name, values in _lists(file)}
    return [example for file in files for example in _read(file, lists, seed)]


def read_promises(folder: Path) -> list[PromiseRead]:
    """Every promise of every `*.jsonl` there. Raises BadData, OSError."""
    return [
        _promise(line, f"{file.name}:{number}")
        for file in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    ]


def _promise(line: str, where: str) -> PromiseRead:
    try:
        read = json.loads(line)
        return PromiseRead(
            text=read["text"],
            sent_at=datetime.fromisoformat(read["sent_at"]),
            country=read["country"],
            day=date.fromisoformat(read["promise_date"]) if read["promise_date"] else None,
            amount=Decimal(read["promise_amount"]) if read["promise_amount"] else None,
        )
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise BadData(f"{where}: expected text, sent_at, country, promise_date and promise_amount") from None


def _lists(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            name, _, values = line[1:].partition("=")
            yield name.strip(), values.strip()


def _read(file: Path, lists: Mapping[str, str], seed: int) -> Iterator[Example]:
    heading: _Heading | None = None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        text, where = line.strip(), f"{file.name}:{number}"
        if not text or text.startswith(("#", "@")):
            continue
        if text.startswith("=="):
            heading = _heading(text[2:], where)
        elif heading is None:
            raise BadData(f"{where}: a message before the first heading")
        else:
            for wording in wordings(text, lists, random.Random(f"{seed}:{where}"), where):  # nosec B311 # seeded draws
                yield Example(wording, heading.intents, heading.reason, heading.person, where)


def _heading(text: str, where: str) -> _Heading:
    parts = [part.strip() for part in text.split("/")]
    try:
        intents = tuple(Intent(name) for name in parts[0].split())
        reason = Reason(parts[1]) if len(parts) > 1 and parts[1] not in {"", "-"} else None
    except ValueError as error:
        raise BadData(f"{where}: {error}") from None
    if not intents or (len(parts) > 2 and parts[2] != "person") or len(parts) > 3:
        raise BadData(f"{where}: expected '== intents / reason / person'")
    return _Heading(intents, reason, len(parts) > 2)


def wordings(text: str, lists: Mapping[str, str], chance: random.Random, where: str) -> list[str]:
    """The text itself, or up to ten of the wordings it stands for."""
    if "{" not in text:
        return [text.replace("⏎", "\n")]
    found: dict[str, None] = {}
    for _ in range(_MOST_WORDINGS * 2):
        drawn = text
        for _ in range(200):
            match = _INNER.search(drawn)
            if match is None:
                break
            chosen = chance.choice(match.group(1).split("|"))
            if chosen.startswith("@"):
                if chosen[1:] not in lists:
                    raise BadData(f"{where}: there is no list {chosen}")
                chosen = "{" + lists[chosen[1:]] + "}"
            drawn = drawn[: match.start()] + chosen + drawn[match.end() :]
        found[" ".join(drawn.replace("⏎", " \n ").split(" ")).replace("  ", " ").strip()] = None
        if len(found) >= _MOST_WORDINGS:
            break
    return list(found)


def read_file(file: Path) -> list[Example]:
    """The labelled messages of one file. Raises BadData, OSError."""
    return list(_read(file, dict(_lists(file)), 0))


def line_of(text: str, intents: tuple[Intent, ...], reason: Reason | None, person: bool) -> str:
    """A heading and a message as `read_file` reads them; what has a meaning there loses it."""
    heading = " / ".join([" ".join(intents), reason or "-", *(["person"] if person else [])])
    plain = text.replace("{", "(").replace("}", ")").replace("\r", "").replace("\n", "⏎").strip()
    return f"== {heading}\n{plain.lstrip('=@# ') or '?'}"
