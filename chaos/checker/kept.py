"""What the product keeps in the clear where nothing personal may stand: a search for every person of a campaign."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

_SHORTEST = 5
_LONG = 8
"""Four letters in a row are in megabytes of anything, read as base64, by chance."""
_TOKEN = re.compile(rb"[0-9A-Za-z+/_-]{20,}")
_WRITES_ITSELF = frozenset({"sandbox.log"})
"""The outside world's own log: there people are called by their names."""


@dataclass(frozen=True)
class Kept:
    """A place that was searched, how many bytes it held, and what of the people was found there."""

    place: str
    size: int
    found: frozenset[str] = field(default=frozenset(), repr=False)


def spellings(datum: str) -> set[str]:
    """How a name, number, address or sentence may stand: as it is, in a URL, in JSON's or Python's ASCII
    letters, without its plus sign."""
    written = {datum, quote(datum, safe=""), datum.lstrip("+"), json.dumps(datum)[1:-1], ascii(datum)[1:-1]}
    return {one for one in written if len(one) >= _SHORTEST and "\n" not in one}


def search(
    folder: Path, pages: Mapping[str, bytes], wanted: Iterable[str], *, server: Path | None = None
) -> tuple[Kept, ...]:
    """Every file of Temporal's database, of the records beside it and of the logs in a campaign's folder, and `pages`.

    `server`: a database server's folder, its data, write-ahead log and own log. What stands in them as base64 is looked
    through, too. Raises OSError, subprocess.CalledProcessError.
    """
    files = [*folder.glob("temporal.db*"), *folder.glob("recobro.db*"), *folder.glob("logs/*")]
    kept = {file.name: file.read_bytes() for file in files if file.name not in _WRITES_ITSELF}
    if server is not None:
        kept |= {"postgresql": b"\n".join(file.read_bytes() for file in server.rglob("*") if file.is_file())}
    written = {one for datum in wanted for one in spellings(datum)}
    long = {one for one in written if len(one) >= _LONG}
    return tuple(
        Kept(place, len(content), _found(content, written) | _found(_unfolded(content), long))
        for place, content in sorted((kept | dict(pages)).items())
    )


def _unfolded(content: bytes) -> bytes:
    """What stands there in base64, from whichever letter on it is read, each on a line."""
    tokens = set(_TOKEN.findall(content))
    return b"\n".join(_decoded(token[start:]) for token in tokens for start in range(4))


def _decoded(token: bytes) -> bytes:
    whole = token[: len(token) // 4 * 4]
    return base64.b64decode(whole.replace(b"-", b"+").replace(b"_", b"/"))


def _found(content: bytes, wanted: set[str]) -> frozenset[str]:
    """Those of `wanted` that stand in `content`: a thousand at once, for which Python has no search."""
    if not wanted:
        return frozenset()
    with tempfile.NamedTemporaryFile(prefix="recobro-searched-") as list_of_them:
        list_of_them.write("\n".join(sorted(wanted)).encode())
        list_of_them.flush()
        grep = ["grep", "--text", "--only-matching", "--fixed-strings", "--file", list_of_them.name]
        done = subprocess.run(grep, input=content, capture_output=True, env=os.environ | {"LC_ALL": "C"}, check=False)
    if done.returncode > 1:
        raise subprocess.CalledProcessError(done.returncode, grep, stderr=done.stderr)
    return frozenset(line.decode(errors="replace") for line in set(done.stdout.splitlines()))
