"""What words of many countries have in common: `plata`, `lana` and `guita` are one thing to the model, `deposito` and
`consigno` another. A few thousand messages cannot teach each country's word; `replies/data/concepts.txt` does.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "concepts.txt"


def _read(file: Path) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Words and beginnings of words with the concept each stands for."""
    whole: dict[str, str] = {}
    starts: dict[str, str] = {}
    name = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            name, _, line = line.partition(":")
        for word in line.split():
            (starts if word.endswith("*") else whole)[word.rstrip("*")] = f"~{name}"
    return whole, tuple(sorted(starts.items(), key=lambda each: -len(each[0])))


_WHOLE, _STARTS = _read(_FILE)


@lru_cache(maxsize=50_000)
def concept_of(word: str) -> str:
    """`~` and the concept the word stands for, or the word itself where it stands for none.

    Words are those of `features.words_of`: lower case, no accents, abbreviations written out.
    """
    known = _WHOLE.get(word)
    if known is not None:
        return known
    for start, concept in _STARTS:
        if word.startswith(start):
            return concept
    return word
