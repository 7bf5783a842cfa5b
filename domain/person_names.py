"""Whether names are one person's, as two systems of a lender write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

_BESIDE_THE_NAME = frozenset(
    "de del la las los da do das dos e y i d da dna don dona sr sra srta dr dra mr mrs ms".split()
)
"""Particles and titles, folded: one system writes them, another does not."""
_MOST_TRIED = 10
_CONTRACTED = re.compile(r"[^aeiou\W\d_]{2}")


def one_person(names: Collection[str]) -> bool:
    """Whether all of them can be one person's: the words of each stand in one of them, which is the fullest.

    Case, accents, punctuation, the order of words, particles and titles count for nothing. A word also stands for
    another by its first one or two letters ("A.", "Mª") or contracted ("Fco", "Rguez"). Names of no word are passed
    over.
    """
    found = {words for name in names if (words := _words(name))}
    if len(found) < 2:
        return True
    fullest = max(map(len, found))
    tried = sorted(words for words in found if len(words) == fullest)[:_MOST_TRIED]
    longest_first = sorted(found, key=lambda words: (-sum(map(len, words)), words))
    return any(_all_stand_in(whole, longest_first) for whole in tried)


def _words(name: str) -> tuple[str, ...]:
    bare = unicodedata.normalize("NFKD", re.sub(r"['’`´]|\.(?=[ªº])", "", name).casefold())
    plain = "".join(letter for letter in bare if not unicodedata.combining(letter))
    every = re.findall(r"\w+", plain)
    return tuple(word for word in every if word not in _BESIDE_THE_NAME) or tuple(every)


def _all_stand_in(whole: tuple[str, ...], names: Iterable[tuple[str, ...]]) -> bool:
    meant: tuple[str, ...] | None = whole
    for words in names:
        if meant is None:
            return False
        meant = _spelt_out(meant, words)
    return meant is not None


def _spelt_out(whole: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...] | None:
    """The whole name with those of its words that `words` have in full; None where these do not stand in it."""
    if "".join(words) == "".join(whole):
        return whole
    left = list(whole)
    others = []
    for word in words:
        if word in left:
            left.remove(word)
        else:
            others.append(word)
    spelt_out = list(whole)
    for word in others:
        meant = next((one for one in left if _short_for(word, one) or _short_for(one, word)), None)
        if meant is None:
            return None
        left.remove(meant)
        spelt_out[spelt_out.index(meant)] = max(meant, word, key=len)
    return tuple(spelt_out)


def _short_for(short: str, word: str) -> bool:
    if len(short) >= len(word):
        return False
    if len(short) <= 2:
        return word.startswith(short)
    letters = iter(word)
    return (
        _CONTRACTED.match(short) is not None
        and (short[0], short[-1]) == (word[0], word[-1])
        and all(letter in letters for letter in short)
    )
