"""How WhatsApp writes telephone numbers, and how the same may stand in the records."""

from __future__ import annotations

_ONCE_MOBILE = frozenset("6789")
"""With what mobiles of eight digits began in Brazil, before each got a 9 in front."""


def spellings(digits: str) -> tuple[str, ...]:
    """The E.164 numbers that WhatsApp may mean by its own digits, the likeliest first.

    It keeps Mexico's old mobile prefix (521...), and the 9 of Argentine mobiles (549...), which files leave out; of
    Brazilian mobiles older ones without the ninth digit: eight digits from 6 to 9 on. Lower ones are landlines, and
    nobody's mobile ever was.
    """
    if len(digits) == 13 and digits.startswith("521"):
        return f"+52{digits[3:]}", f"+{digits}"
    if len(digits) == 13 and digits.startswith("549"):
        return f"+{digits}", f"+54{digits[3:]}"
    if digits.startswith("55") and len(digits) == 12 and digits[4] in _ONCE_MOBILE:
        return f"+{digits[:4]}9{digits[4:]}", f"+{digits}"
    if digits.startswith("55") and len(digits) == 13 and digits[5] in _ONCE_MOBILE:
        return f"+{digits}", f"+{digits[:4]}{digits[5:]}"
    return (f"+{digits}",)
