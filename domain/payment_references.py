"""The name a payment carries through other people's books, so that the money is known wherever it turns up."""

from __future__ import annotations

import hashlib
import re

_REFERENCE = re.compile(r"rcb[0-9a-f]{32}")


def reference_of(key: str) -> str:
    """The reference of one way to pay: 35 letters and digits, as SEPA's end-to-end identification takes at most.

    `key` names the loan, its entry, purpose, amount and number, so the same intention has the same reference.
    """
    return f"rcb{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def find_reference(text: str) -> str | None:
    """The first of our references within a text such as a statement's remittance information."""
    found = _REFERENCE.search(text)
    return found.group() if found else None
