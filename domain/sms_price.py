"""Which characters make a text message dearer than it need be, and how to write them for less."""

from __future__ import annotations

import re
import unicodedata

from pydantic import BaseModel, ConfigDict

from domain.sms_segments import SmsSize, outside_gsm7, sms_size

# What has an equal in the GSM alphabet that reads the same.
_EQUALS = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-",
    "…": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ", "ª": "a", "º": "o", "°": "o", "´": "'",
    "`": "'", "₲": "Gs.", "₡": "CRC", "×": "x", "·": ".", "•": "-", "→": "->", "✓": "", "®": "", "™": "", "©": "",
}  # fmt: skip
_ESCAPED = {"[": "(", "]": ")", "{": "(", "}": ")", "~": "-", "|": "/", "^": "", "\\": "/", "€": "EUR"}

_LINK = re.compile(r"https?://[!-~]+")


class DearCharacter(BaseModel):
    """One character, its Unicode name, and the cheaper spelling; an empty one means: leave it out."""

    model_config = ConfigDict(frozen=True)

    character: str
    name: str
    cheaper: str


class PriceAdvice(BaseModel):
    """The message takes `size.segments`; without `characters` it takes `cheaper.segments`, which are fewer."""

    model_config = ConfigDict(frozen=True)

    size: SmsSize
    cheaper: SmsSize
    characters: tuple[DearCharacter, ...]

    def __str__(self) -> str:
        told = ", ".join(
            f"{one.character!r} ({one.name.lower()}) {'as ' + repr(one.cheaper) if one.cheaper else 'left out'}"
            for one in self.characters
        )
        return f"{self.size.segments} SMS where {self.cheaper.segments} would do: write {told}"


def price_advice(text: str) -> PriceAdvice | None:
    """The characters that make `text` take more segments, or None when nothing is to be saved by spelling."""
    size = sms_size(text)
    foreign = outside_gsm7(text)
    dear = foreign or tuple(dict.fromkeys(char for char in text if char in _ESCAPED))
    spelled = {char: _ESCAPED[char] if not foreign else cheaper_spelling(char) for char in dear}
    cheaper = sms_size("".join(spelled.get(char, char) for char in text))
    if cheaper.segments >= size.segments:
        return None
    named = (
        DearCharacter(character=char, name=unicodedata.name(char, f"character U+{ord(char):04X}"), cheaper=instead)
        for char, instead in spelled.items()
    )
    return PriceAdvice(size=size, cheaper=cheaper, characters=tuple(named))


def spelled_for_less(text: str) -> str:
    """`text` in the GSM alphabet where that takes fewer segments, else `text` itself.

    Links stay letter by letter, and a text in another script stays as it is: a name is never left out.
    """
    foreign = outside_gsm7(text)
    spelled = {char: cheaper_spelling(char) for char in foreign} if foreign else dict(_ESCAPED)
    if any(not instead and unicodedata.category(char).startswith("L") for char, instead in spelled.items()):
        return text
    parts, end = [], 0
    for link in _LINK.finditer(text):
        parts += [_respelled(text[end : link.start()], spelled), link.group()]
        end = link.end()
    cheaper = "".join((*parts, _respelled(text[end:], spelled)))
    return cheaper if sms_size(cheaper).segments < sms_size(text).segments else text


def _respelled(text: str, spelled: dict[str, str]) -> str:
    return "".join(spelled.get(char, char) for char in text)


def cheaper_spelling(char: str) -> str:
    """A spelling in the GSM alphabet: an equal sign, the letter without its accent, or nothing."""
    if char in _EQUALS:
        return _EQUALS[char]
    bare = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return "" if outside_gsm7(bare) else bare
