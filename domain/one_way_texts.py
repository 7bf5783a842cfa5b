"""Text messages from a name, which nobody can answer: whether one asks for an answer all the same."""

from __future__ import annotations

import re

# "Responde", "contesta" and "escribe" are also what a person of ours does: they ask only where a sentence or part of
# one begins with them, or a word to answer with follows.
_LED = r"(?:^|[:;,(] ?|\b(?:o|ou) )(?:{verbs})\b"
_FOLLOWED = r"\b(?:{verbs})(?: [\"'«“]| (?-i:[A-Z]{{2,}}))"
_ASKS = {
    "es": (
        r"\b(?:responda|respóndenos|respondenos|conteste|contéstanos|contestanos|escriba|escríbenos|escribenos)\b",
        r"\b(?:dinos|díganos|diganos|dime)\b",
        *(each.format(verbs="responde|contesta|escribe|envía|envia|manda") for each in (_LED, _FOLLOWED)),
    ),
    "pt": (
        r"\b(?:responda|escreva|diga|diga-nos|conte-nos|avise-nos|envie)\b",
        *(each.format(verbs="responde|escreve|manda") for each in (_LED, _FOLLOWED)),
    ),
    "en": (r"\b(?:reply|text us|write to us|tell us|let us know|answer (?:with|yes|this))\b",),
}
_ASKED = {language: re.compile("|".join(patterns), re.IGNORECASE) for language, patterns in _ASKS.items()}
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=\S)")


def answer_asked_for(text: str, language: str, phone: str) -> str | None:
    """The word by which a message asks for an answer that cannot come; None: it asks for none.

    A sentence that holds the telephone `phone` says where to answer. Only languages that templates are shipped in are
    read; of others it is not known.
    """
    asked = _ASKED.get(language)
    if asked is None:
        return None
    # The number may itself hold what looks like the end of a sentence.
    marked = text.replace(phone, "\0")
    for sentence in _SENTENCE.split(marked):
        if "\0" not in sentence and (found := asked.search(sentence)) is not None:
            return found.group().strip(" :;,(")
    return None
