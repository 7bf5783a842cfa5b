"""Text as rules read it: letters without case, accents and tricks, in the readings a borrower might make of it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

BREAK = "|"
"""Stands between two sentences: no phrase reaches across it."""

# Cyrillic and Greek letters that print like Latin ones.
_LOOK_ALIKES = str.maketrans("аесорхуіјѕԁһӏкмтвнгαβεικορτυνχωηµ", "aecopxyijsdhlkmtbhraBeikoptuvxwnu".lower())
_LEET = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "€": "e"}
_ONES = frozenset("1!|")
_SPELLED_AT_LEAST = 4
_SPELLED_AT_MOST = 60
_WRAPPING = "\"'()[]{}<>«»“”‘’¿¡*_,:-–—"
_STOPS = ".!?;…"


def fold(text: str) -> str:
    """Lower-case Latin letters without accents; invisible characters are gone, everything else is kept."""
    return "".join(_folded(char) for char in text)


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    decomposed = unicodedata.normalize("NFKD", char.casefold())
    kept = (part for part in decomposed if not unicodedata.combining(part) and unicodedata.category(part) != "Cf")
    return unicodedata.normalize("NFKD", "".join(kept).translate(_LOOK_ALIKES))


def plain_words(text: str) -> str:
    """Words and numbers with single spaces between; sentences are parted by BREAK."""
    parted = re.sub(r"[!?;…]+|\.(?=\s|$)|\n[ \t\r]*\n", f" {BREAK} ", fold(text).replace(BREAK, " "))
    return _spaced(parted)


def words_only(text: str) -> str:
    """As `plain_words`, without the places where sentences end."""
    return " ".join(plain_words(text).replace(BREAK, " ").split())


# What is sent is made of few templates: most words, and all names and subjects, come again.
@lru_cache(maxsize=1024)
def readings(text: str) -> tuple[str, ...]:
    """The plain reading first; then, where they differ, those that undo disguises.

    Undone are digits and symbols for letters (c4rcel), marks inside a word (emb-argo), letters spelled out
    (e m b a r g o), letters repeated (embaaargo) and a star for one vowel (emb*rgo).
    """
    found = dict.fromkeys((plain_words(text),))
    folded = fold(text)
    starred = re.search(r"\w\*+\w", text) is not None
    for one in "il":
        for star in "aeiou" if starred else "*":
            found.setdefault(_undisguised(folded, one, star))
    return tuple(found)


def _undisguised(folded: str, one: str, star: str) -> str:
    words: list[str] = []
    for line in folded.split("\n"):
        if not line.strip():
            words.append(BREAK)
        for chunk in line.split():
            core = chunk.strip(_WRAPPING + _STOPS)
            if core:
                words.append(_letters(core, one, star))
            if chunk[-1] in _STOPS:
                words.append(BREAK)
    return _spaced(" ".join(_spelled_out(words)))


@lru_cache(maxsize=16_384)
def _letters(core: str, one: str, star: str) -> str:
    """One word without what hides its letters. Numbers stay numbers."""
    if not any(char.isalpha() for char in core):
        return core
    decoded = "".join(one if char in _ONES else star if char == "*" else _LEET.get(char, char) for char in core)
    # A web or mail address is no word in disguise, and joined words of a list are two words.
    if "/" in core:
        return decoded
    joined = "".join(char for char in decoded if char.isalnum())
    return re.sub(r"([a-z])\1{2,}", r"\1", joined)


def _spelled_out(words: list[str]) -> list[str]:
    """Runs of single letters become words; a lone a, o or y beside them may belong to the sentence."""
    result: list[str] = []
    run: list[str] = []
    for word in [*words, BREAK]:
        if len(word) == 1 and word.isalpha():
            run.append(word)
            continue
        if len(run) >= _SPELLED_AT_LEAST:
            whole = "".join(run)
            result += [BREAK, whole, BREAK, whole[1:-1], BREAK]
            # Where one word ends and the next begins is not seen, so every place is tried.
            for end in range(1, min(len(whole), _SPELLED_AT_MOST)):
                result += [whole[:end], whole[end:], BREAK]
        else:
            result += run
        run = []
        result.append(word)
    return result[:-1]


def _spaced(text: str) -> str:
    spaced = " ".join(re.sub(r"[^\w|]+|_", " ", text).split())
    return re.sub(r"(?:\| ?)+", f"{BREAK} ", spaced).strip(f" {BREAK}")
