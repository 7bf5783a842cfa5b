"""Phrases that a rule looks for, written as data and found in every spelling.

`orden judicial`        these words, one after the other
`embarg*`               a word that begins so (at least three letters before the star)
`09##*`                 `#` is a digit
`(al|con el) gestor`    either of them
`publicar* ... nombre`  up to four words between, within one sentence
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from domain.content_rules.folding import BREAK, fold, readings

_GAP = "..."
_LONGEST_GAP = 4
_PART = re.compile(r"\([^()]*\)|[^\s()]+")
_WORD = re.compile(r"[a-z0-9#]+\*?")


@dataclass(frozen=True, eq=False)
class Phrases:
    """Many phrases as one; `excused` are longer ones in which a hit means nothing ("sin embargo")."""

    wanted: re.Pattern[str]
    excused: re.Pattern[str] | None
    across: re.Pattern[str] | None
    """The phrases without a gap: these are found across the end of a sentence as well ("orden. judicial")."""

    def find(self, text: str) -> str | None:
        """The first hit in any reading of `text`, as plain lower-case words, or None."""
        return self.find_in(readings(text))

    def find_in(self, found_readings: Iterable[str]) -> str | None:
        """As `find`, for a text whose readings are known already."""
        return next((hit for reading in found_readings if (hit := _found(self, reading)) is not None), None)

    def first_in(self, reading: str) -> str | None:
        hit = self._hit(self.wanted, reading)
        if hit is None and self.across is not None and BREAK in reading:
            hit = self._hit(self.across, " ".join(reading.replace(BREAK, " ").split()))
        return hit

    def _hit(self, pattern: re.Pattern[str], reading: str) -> str | None:
        for match in pattern.finditer(reading):
            start, end = match.span()
            excused = () if self.excused is None else (each.span() for each in self.excused.finditer(reading))
            if not any(first <= start and end <= last for first, last in excused):
                return match.group()
        return None


@lru_cache(maxsize=16_384)
def _found(phrases: Phrases, reading: str) -> str | None:
    """The same texts are looked through again and again: senders' names, subjects, messages over equal amounts."""
    return phrases.first_in(reading)


def compile_phrases(wanted: Iterable[str], excused: Iterable[str] = ()) -> Phrases:
    """Raises ValueError, which quotes the phrase that cannot be read."""
    phrases = list(wanted)
    if not phrases:
        raise ValueError("expected at least one phrase")
    gapless = [phrase for phrase in phrases if _GAP not in phrase]
    excuses = list(excused)
    return Phrases(
        wanted=_any(phrases),
        excused=_any(excuses) if excuses else None,
        across=_any(gapless) if gapless else None,
    )


def _any(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(pattern_of(phrase) for phrase in phrases)})(?!\w)")


def pattern_of(phrase: str) -> str:
    """One phrase as a regular expression over plain words. Raises ValueError."""
    folded = fold(phrase)
    parts = _PART.findall(folded)
    if "".join(parts) != re.sub(r"\s+", "", folded) and "(" not in folded:
        raise ValueError(f"{phrase!r} cannot be read")
    if not parts or parts[0] == _GAP or parts[-1] == _GAP:
        raise ValueError(f"{phrase!r} begins or ends with a gap, or is empty")
    if folded.count("(") != folded.count(")") or len(re.findall(r"\([^()]*\)", folded)) != folded.count("("):
        raise ValueError(f"{phrase!r} has a bracket without its partner, or one inside another")
    pattern = ""
    for number, part in enumerate(parts):
        if part == _GAP:
            pattern += rf"(?:\w+ ){{0,{_LONGEST_GAP}}}"
            continue
        pattern += _either(part, phrase) if part.startswith("(") else _word(part, phrase)
        if number < len(parts) - 1:
            pattern += " "
    return pattern


def _either(part: str, phrase: str) -> str:
    choices = [choice.split() for choice in part[1:-1].split("|")]
    if not all(choices):
        raise ValueError(f"{phrase!r} has an empty choice")
    return f"(?:{'|'.join(' '.join(_word(word, phrase) for word in choice) for choice in choices)})"


def _word(word: str, phrase: str) -> str:
    if not _WORD.fullmatch(word) or (word.endswith("*") and len(word) < 4):
        raise ValueError(f"{phrase!r}: {word!r} is no word: expected letters and digits, a star only at its end")
    return word.replace("#", r"\d").replace("*", r"\w*")
