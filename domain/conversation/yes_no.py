"""Whether a short message says yes or no to what was asked, in Spanish, Portuguese or English."""

from __future__ import annotations

import re
from typing import Literal

from domain.replies.text import plain

YES = (
    r"(?:si+|s|sip|sii+|que si|claro|claro que si|de acuerdo|estoy de acuerdo|de acordo|estou de acordo|ok(?:ay|ey)?|"
    r"okas|vale|dale|listo|perfecto|correcto|exacto|asi es|es correcto|es asi|es exacto|confirmo|confirmado|"
    r"lo confirmo|esta bien|esta ok|bueno|va|sale|ya|hecho|de una|hagale|sin problemas?|"
    r"cabal|sim|certo|esta certo|ta certo|combinado|pode ser|isso|isso mesmo|isso ai|beleza|blz|fechado|tudo bem|"
    r"tudo certo|ta bom|ta bem|sem problemas?|yes|yep|yeah|sure|confirmed?|i confirm|correct|"
    r"that'?s (?:right|correct|fine)|agreed|i agree|i accept|deal|fine|(?:lo )?acepto|aceptado|aceptamos|"
    r"me parece(?: bien)?|por supuesto|seguro|afirmativo|aceito|aceitamos|👍|✅|👌)"
)
_NO = (
    r"(?:no+|nop|nel|negativo|para nada|no puedo|no es correcto|incorrecto|asi no|nao|negativo|nao posso|not|nope|"
    r"no acepto|no me sirve|no me conviene|no aceito|"
    r"that'?s not right|wrong|no thanks|no gracias|mejor no|ese dia no(?: puedo)?|esa fecha no(?: puedo)?|❌|👎)"
)
_FILLER = re.compile(
    r"\b(?:gracias|muchas gracias|saludos|buen dia|buenos dias|buenas tardes|buenas noches|buenas|hola|"
    r"por favor|senor(?:ita|a)?|obrigad[oa]|thanks|thank you|please|che|pues|po|entonces|"
    r"ahi quedamos|quedamos asi|muy bien|"
    r"(?:con )?(?:el plan|ese plan|la propuesta|el acuerdo|la oferta)(?: de pagos?)?|"
    r"o plano|o acordo|a proposta|the plan|the offer)\b"
)
_CONDITION = re.compile(r"\b(?:acepto|aceptamos|confirmo|de acuerdo|me parece(?: bien)?) si (?=\w)")
"""`acepto si es correcto`: there it may be an if."""
_ASKS = re.compile("[?¿؟⸮❓❔‽]")
LONGEST = 60
"""Characters: whoever writes more says more than yes or no."""


def read_yes_no(text: str) -> Literal["yes", "no"] | None:
    """Only where nothing else is said: `si pero el martes` is neither, and a question, `¿seguro?`, is no answer."""
    return None if asks(text) else word_for_yes_or_no(text)


def word_for_yes_or_no(text: str) -> Literal["yes", "no"] | None:
    """The word alone, also where it is asked."""
    words = plain(text)
    if len(words) > LONGEST:
        return None
    rest = re.sub(r"[^\w\s'👍✅👌❌👎]+", " ", _FILLER.sub(" ", words))
    parts = " ".join(rest.split())
    if re.fullmatch(rf"{YES}(?: {YES})*", parts) and not _CONDITION.search(words):
        return "yes"
    if re.fullmatch(rf"{_NO}(?: {_NO})*", parts):
        return "no"
    return None


def asks(text: str) -> bool:
    """Whether there is a question mark of any kind in it."""
    return _ASKS.search(plain(text)) is not None
