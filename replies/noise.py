"""How people spoil what they type: copies of the training messages as they come in by telephone."""

from __future__ import annotations

import random
import re
import unicodedata

_SHORTER = (
    (r"\bque\b", "q"), (r"\bporque\b", "xq"), (r"\bpor\b", "x"), (r"\btambién\b", "tmb"), (r"\bpara\b", "pa"),
    (r"\bestoy\b", "toy"), (r"\bmensajes\b", "msjs"), (r"\bgracias\b", "grax"), (r"\bquiero\b", "kiero"),
    (r"\bvoy\b", "boy"), (r"\baquí\b", "aki"), (r"\bqu(?=[ei])", "k"), (r"\bhoy\b", "oy"), (r"\bhice\b", "ise"),
    (r"ll", "y"), (r"\bh(?=[aeo])", ""), (r"v", "b"), (r"z", "s"), (r"\bvocê\b", "vc"), (r"\bnão\b", "n"),
    (r"\bhoje\b", "hj"), (r"\byou\b", "u"), (r"\bplease\b", "pls"), (r"'", ""), (r"\btambém\b", "tbm"), (r"ción\b", "sion"),
)  # fmt: skip
_NEIGHBOURS = {
    "a": "sq", "e": "wr", "i": "uo", "o": "ip", "u": "yi", "s": "ad", "d": "sf", "r": "et", "t": "ry", "n": "bm",
    "m": "n", "l": "k", "c": "xv", "p": "o", "g": "fh",
}  # fmt: skip


def spoiled(text: str, chance: random.Random) -> str:
    """`text` as somebody in a hurry would have typed or dictated it."""
    if chance.random() < 0.8:
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if chance.random() < 0.7:
        text = text.lower()
    elif chance.random() < 0.15:
        text = text.upper()
    if chance.random() < 0.5:
        text = re.sub(r"[.,;:!?¿¡]+(?=\s|$)|[¿¡]", "", text)
    for pattern, short in _SHORTER:
        if chance.random() < 0.2:
            text = re.sub(pattern, short, text)
    if chance.random() < 0.6:
        text = " ".join(_slipped(word, chance) for word in text.split(" "))
    return text


def _slipped(word: str, chance: random.Random) -> str:
    if len(word) < 4 or not word.isalpha() or chance.random() > 0.1:
        return word
    at = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 2:
        return word[: at + 1] + word[at:]
    return word[:at] + chance.choice(_NEIGHBOURS.get(word[at].lower(), word[at])) + word[at + 1 :]
