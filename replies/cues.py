"""Phrases that say much: each is a feature of its own, and the model learns how far to trust it."""

from __future__ import annotations

import re

_CUES: dict[str, str] = {}


def cues_in(words: list[str]) -> list[str]:
    """Names of the phrases that occur in the words of `features.words_of`."""
    text = " ".join(words)
    return [name for name, pattern in _COMPILED if pattern.search(text)]


_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _CUES.items())
