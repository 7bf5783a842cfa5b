"""Whether somebody says that we write to the wrong person; Spanish, English and Portuguese.

Only plain statements are taken: the address is then closed and somebody looks for the right one. Anything
else is for a person to read.
"""

from __future__ import annotations

import re
import unicodedata

_STATEMENTS = re.compile(
    r"""\b(?:
        wrong\ (?:number|person|phone|guy|lady|address|e?mail)
      | (?:you\ (?:have|ve|got)|this\ is)\ the\ wrong\ \w+
      | not\ (?:his|her|their)\ (?:number|phone)
      | (?:i\ (?:do\ not|don\ ?t)\ know|never\ heard\ of)\ (?:this|that|him|her|them|any)\b
      | (?:numero|telefono|persona|correo)\ (?:equivocad[oa]|erronea?|erroneo|incorrect[oa])
      | (?:se\ ha|se|te\ has|te|os)\ (?:equivocado|equivoco|equivocaste)(?:\ de\ (?:numero|persona|telefono))?
      | (?:se\ equivoca|estan?\ equivocad[oa]s?)\ de\ (?:numero|persona|telefono)
      | (?:yo\ )?no\ soy\ (?:esa|esta|la)\ persona
      | no\ (?:conozco|se\ quien\ es)\ (?:a\ )?(?:esa|ese|esta|este|quien|nadie)
      | (?:este|el)\ (?:numero|telefono)\ (?:ya\ )?no\ es\ (?:de|suyo)
      | aqui\ no\ (?:vive|es)\b
      | numero\ errado | pessoa\ errada | foi\ engano | nao\ (?:sou|conheco)\ (?:essa|esta|esse|este)
    )""",
    re.VERBOSE,
)
_WHOLE = frozenset({"equivocado", "equivocada", "wrong", "engano", "numero equivocado"})
_DENIED = re.compile(
    r"\b(?:not|isn ?t|no es|no esta) (?:the |a |el |un |una |la )?(?:wrong|numero equivocado|equivocad)"
)


def says_wrong_person(text: str) -> bool:
    """Whether `text`, whatever its case, accents and punctuation, says that it reached somebody else."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = " ".join(re.findall(r"[a-z0-9]+", plain))
    if _DENIED.search(words):
        return False
    return words in _WHOLE or _STATEMENTS.search(words) is not None
