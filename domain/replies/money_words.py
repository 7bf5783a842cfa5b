"""What money is called in Spanish, Portuguese and English, and numbers said big or small."""

from __future__ import annotations

import re

from domain.replies.day_words import either

UNITS: dict[str, int] = {
    **dict.fromkeys(
        "mil miles milito k luca lucas luka lukas luquita luquitas luks barra barras grand thousand mill barao baroes milao".split(),
        1000,
    ),
    **dict.fromkeys("gamba gambas c-note c-notes hundred hundo hundos benjamin benjamins".split(), 100),
    **dict.fromkeys(
        "palo palos palito milloncito millon millones milhao milhoes melon melones million m".split(), 1_000_000
    ),
    **dict.fromkeys(
        "euro euros eur eurillos euritos leuros pavo pavos pavitos varo varos baro baros mango mangos manguitos sol soles "
        "solcitos conto contos pila pilas quid buck bucks pound pounds dollar dollars usd dolares dolar dolaritos peso "
        "pesos pesitos mxn cop clp ars pen brl reais real reaizinhos gbp bolivianos guaranies verdes cocos sole "
        "lempiras quetzales colones pts € £ $".split(),
        1,
    ),
}
UNIT = either({unit: 1 for unit in UNITS if unit not in {"$"}}) + r"(?![a-z]|\.[a-z])|\$(?!\d)"
"""A unit after a figure, in plain text."""

_STEMS: dict[str, str] = {
    "veint": "veinte", "vint": "vinte", "treint": "treinta", "trint": "trinta", "cuarent": "cuarenta",
    "quarent": "quarenta", "cincuent": "cincuenta", "cinquent": "cinquenta", "sesent": "sesenta", "sessent": "sessenta",
    "setent": "setenta", "ochent": "ochenta", "oitent": "oitenta", "novent": "noventa", "cent": "cien", "cenz": "cem",
    "cient": "cien", "duzent": "duzentos", "doscient": "doscientos", "trezent": "trezentos", "trescient": "trescientos",
    "quatrocent": "quatrocentos", "cuatrocient": "cuatrocientos", "quinhent": "quinhentos", "quinient": "quinientos",
    "seiscent": "seiscentos", "seiscient": "seiscientos", "setecent": "setecentos", "setecient": "setecientos",
    "oitocent": "oitocentos", "ochocient": "ochocientos", "novecent": "novecentos", "novecient": "novecientos",
    "milz": "mil", "milec": "mil", "dezz": "dez", "diec": "diez",
}  # fmt: skip
_SAID_BIG_OR_SMALL = re.compile(
    rf"\b({'|'.join(sorted(_STEMS, key=len, reverse=True))})(?:inh[oa]s?|[oa]o|oes|it[oa]s?|on|ones|azos?)\b"
)
_FIGURE_SMALL = re.compile(r"\b(\d{1,3})(?:tinh[ao]|inh[ao]|ta[oa]|it[oa]s?)\b")
_HUNDREDS = {
    "dois": 2, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "uno": 1,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
_TENS = {
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80,
    "noventa": 90, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_ONES = {name: number for name, number in _HUNDREDS.items() if number}
_DIGIT_BY_DIGIT = re.compile(
    rf"\b({'|'.join(_HUNDREDS)}) ({'|'.join(_TENS)})(?:(?:-| y | )({'|'.join(_ONES)}))?\b(?! (?:mil|thousand|grand|lucas)\b)"
)
"""`two twenty`, `dos setenta`: hundreds said without the hundred."""
_FEMININE = re.compile(
    r"\b(dosc|tresc|cuatroc|quin|seisc|setec|ochoc|novec|duz|trez|quatroc|quinh|oitoc)(ie)?(nt|n)as\b"
)
_AND_CENTS = re.compile(
    r"\b(\d{1,3}(?:[.,]\d{3})*|\d+) (?:con|com|point|coma|virgula) (\d{1,2})(?!\d|[.,:/]\d|%)(?! ?(?:dias?|cuotas?|pagos?|veces)\b)"
)


_CENTS_SAID = re.compile(
    r"\b(\d{1,3}(?:[.,]\d{3})*|\d+) (pesos|euros|soles|reais|dolares|dollars) (?:con|com|y|e|and) (\d{1,2}) "
    r"(?:(?:centavos?|centimos?|cents)\b|1/100)"
)


def plain_numbers(folded: str) -> str:
    """`setentinha` and `quinhentão` as the numbers they are of, `two twenty` as 220."""
    folded = _FIGURE_SMALL.sub(r"\1", _SAID_BIG_OR_SMALL.sub(lambda found: _STEMS[found[1]], folded))
    folded = _DIGIT_BY_DIGIT.sub(
        lambda it: str(_HUNDREDS[it[1]] * 100 + _TENS[it[2]] + (_ONES[it[3]] if it[3] else 0)), folded
    )
    return _FEMININE.sub(lambda it: f"{it[1]}{it[2] or ''}{it[3]}os", folded)


def with_cents(figured: str) -> str:
    """`95 con 50` is 95.50, and so is `95 pesos con 50 centavos`."""
    figured = _CENTS_SAID.sub(lambda found: f"{re.sub('[.,]', '', found[1])}.{found[3]:0>2} {found[2]}", figured)
    return _AND_CENTS.sub(lambda found: f"{re.sub('[.,]', '', found[1])}.{found[2]:0>2}", figured)
