"""The name a payment carries through other people's books, so that the money is known wherever it turns up."""

from __future__ import annotations

import hashlib
import re

_SPREAD = re.compile(r"r[\W_]*c[\W_]*b(?:[\W_]*[0-9a-f]){32}", re.IGNORECASE)
_GAP = re.compile(r"[\W_]+")
_MOST_PIECES = 4
"""Banks cut a text every so many letters: a reference may stand in so many pieces."""


def reference_of(key: str) -> str:
    """The reference of one way to pay: 35 letters and digits, as SEPA's end-to-end identification takes at most.

    `key` names the loan, its entry, purpose, amount and number, so the same intention has the same reference.
    """
    return f"rcb{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def find_reference(text: str) -> str | None:
    """The first of our references within a text such as a statement's remittance information, as `reference_of` has it.

    Banks write capitals and cut lines: it is found in either case, whole or in up to four neighbouring pieces.
    """
    for found in _SPREAD.finditer(text):
        pieces = _GAP.split(found.group())
        if len(pieces) <= _MOST_PIECES:
            return "".join(pieces).lower()
    return None
