"""Whether a message speaks of paying, in Spanish, Portuguese or English.

Somebody else at the number seldom does: who says that we are mistaken about an instalment may be the borrower.
"""

from __future__ import annotations

import re

from domain.replies.text import plain

_PAYING = re.compile(
    r"\b(?:pag(?:o|os|ue|ues|ar|are|aste|aron|ado|aba|an|uei|amos|amento)|deposit(?:o|e|ar|are|ado|ei)|abon(?:o|e|ar|are|ado)|"
    r"transfer(?:i|ir|ire|encia)|consign(?:o|e|ar|are)|cuotas?|parcelas?|mensualidad(?:es)?|plazos?|importe|monto|"
    r"comprobante|recibo|boleto|pix|clabe|paid|pay(?:ing|ment|ments)?|instal?lments?|receipt)\b"
)


def names_paying(text: str) -> bool:
    """Whether `text` names a payment, an instalment or its sum, whatever its case and accents."""
    return _PAYING.search(plain(text)) is not None
