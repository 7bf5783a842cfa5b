"""Letters as PDF (typst): one layout, and everything that is said as data, so that nobody's text is markup."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import typst

from config.lender_settings import Lender
from config.qr import LONGEST, qr_svg

_LAYOUT = Path(__file__).parent / "documents" / "letter.typ"
_LINK = re.compile(r"https?://[!-~]+")
# The Americas print on Letter, but Argentina, Chile's offices and Brazil on A4.
_LETTER_PAPER = frozenset({"US", "MX", "CO", "CL"})


@dataclass(frozen=True)
class Letter:
    """What goes on paper. `text`: paragraphs with an empty line between; the first is the heading.

    `recipient` are the lines in the envelope's window. An address to pay at within the text is also drawn as a QR code.
    """

    text: str
    recipient: tuple[str, ...]
    reference: str
    language: str
    country: str
    date: str


@dataclass(frozen=True)
class Typeset:
    pdf: bytes
    pages: int


def typeset(letter: Letter, lender: Lender, made_at: datetime) -> Typeset:
    """The PDF, the same bytes for the same letter. Raises ValueError for a letter without a word in it."""
    heading, *paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", letter.text) if part.strip()] or [
        ""
    ]
    if not heading:
        raise ValueError("there is nothing to print")
    found = _LINK.search(letter.text)
    link = found.group().rstrip(".,;") if found is not None and len(found.group()) <= LONGEST else None
    sender = [lender.agency or lender.name, lender.address or "", lender.phone]
    told = {
        "heading": heading,
        "paragraphs": paragraphs,
        "sender": [line for line in sender if line],
        "recipient": list(letter.recipient),
        "date": letter.date,
        "reference": letter.reference,
        "language": letter.language,
        "paper": "us-letter" if letter.country in _LETTER_PAPER else "a4",
        "qr": qr_svg(link) if link is not None else None,
        "link": link,
    }
    inputs = {"letter": json.dumps(told, ensure_ascii=False)}
    pdf = typst.compile(
        _layout(),
        format="pdf",
        sys_inputs=inputs,
        timestamp=int(made_at.timestamp()),
        ignore_system_fonts=True,
    )
    pages = int(json.loads(typst.query(_layout(), "<pages>", field="value", one=True, sys_inputs=inputs)))
    return Typeset(pdf, pages)


@lru_cache(maxsize=1)
def _layout() -> bytes:
    return _LAYOUT.read_bytes()
