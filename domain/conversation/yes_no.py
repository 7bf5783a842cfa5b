"""Whether a short message says yes or no to what was asked, in Spanish, Portuguese or English."""

from __future__ import annotations

import re
from typing import Literal

from domain.replies.text import plain

_YES = re.compile(
    r"(?:si+|s|sip|sii+|claro|claro que si|de acuerdo|de acordo|ok(?:ay|ey)?|okas|vale|dale|listo|perfecto|correcto|"
    r"exacto|asi es|confirmo|confirmado|lo confirmo|esta bien|esta ok|bueno|va|sale|ya|hecho|de una|"
    r"cabal|sim|certo|combinado|pode ser|isso|beleza|blz|fechado|yes|yep|yeah|sure|confirmed?|correct|"
    r"that'?s right|agreed|deal|fine|acepto|aceptado|me parece(?: bien)?|por supuesto|seguro|afirmativo|"
    r"aceito|👍|✅|👌)"
)
_NO = re.compile(
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
LONGEST = 60
"""Characters: whoever writes more says more than yes or no."""


def read_yes_no(text: str) -> Literal["yes", "no"] | None:
    """Only where nothing else is said: `si pero el martes` is neither."""
    words = plain(text)
    if len(words) > LONGEST:
        return None
    rest = re.sub(r"[^\w\s'👍✅👌❌👎]+", " ", _FILLER.sub(" ", words))
    parts = " ".join(rest.split())
    if re.fullmatch(rf"(?:{_YES.pattern})(?: (?:{_YES.pattern}))*", parts):
        return "yes"
    if re.fullmatch(rf"(?:{_NO.pattern})(?: (?:{_NO.pattern}))*", parts):
        return "no"
    return None
