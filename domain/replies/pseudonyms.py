"""A message without what says whose it is: names, numbers and addresses become words of their kind."""

from __future__ import annotations

import re
from collections.abc import Iterable

_EMAIL = re.compile(r"\S+@\S+\.\w+")
_LINK = re.compile(r"https?://\S+|www\.\S+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,8}\b")
_CODE = re.compile(r"\b(?=\w*\d\w*\d\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]{6,}\b")
_LONG_NUMBER = re.compile(r"\+?\d[\d .-]{5,}\d|\b\d{6,}\b")
_MONEY_BEFORE = re.compile(r"(?:[$€£]|S/|R\$)\s?$")
_SAYS_NAME = re.compile(
    r"(?i:\b(?:soy|me llamo|mi nombre es|habla|le habla|saluda|atentamente|atte|att|saludos|un saludo|gracias|"
    r"meu nome é|sou|aqui é|my name is|this is|i am|i'm|regards|thanks)[,.:]?\s+)"
    r"((?:[A-ZÁÉÍÓÚÑÇÃÕÂÊ][a-záéíóúñçãõâêü]+\s?){1,4})"
)
_STREET = re.compile(
    r"(?i:\b(?:calle|avenida|av\.|carrera|cra\.?|cl\.|jirón|jr\.|rua|street|pasaje|colonia|barrio)\s+)[\w.#°º-]+(?:\s+[\w#°º-]*\d[\w-]*){0,3}"
)


def without_personal_data(text: str, names: Iterable[str] = ()) -> str:
    """`text` without e-mail addresses, links, account and telephone numbers, streets and names.

    `names` are those known to belong to the writer; others are found where somebody says their name. Sums stay.
    """
    for pattern, word in ((_EMAIL, "[correo]"), (_LINK, "[enlace]"), (_IBAN, "[cuenta]"), (_STREET, "[dirección]")):
        text = pattern.sub(word, text)
    text = _CODE.sub("[código]", text)
    text = _LONG_NUMBER.sub(lambda found: found.group() if _is_sum(text, found) else "[número]", text)
    text = _SAYS_NAME.sub(lambda found: found.group().replace(found.group(1).strip(), "[nombre]"), text)
    for name in names:
        for part in name.split():
            if len(part) > 2:
                text = re.sub(rf"\b{re.escape(part)}\b", "[nombre]", text, flags=re.IGNORECASE)
    return " ".join(re.sub(r"(?:\[nombre\]\s*){2,}", "[nombre] ", text).split(" ")).strip()


def _is_sum(text: str, found: re.Match[str]) -> bool:
    """Money is written with a sign before it, or in groups of three digits that end in three or two."""
    if _MONEY_BEFORE.search(text[: found.start()]):
        return True
    return re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{2})?", found.group().strip()) is not None
