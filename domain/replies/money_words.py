"""What money is called in Spanish, Portuguese and English, and numbers said big or small."""

from __future__ import annotations

import re

from domain.replies.day_words import either

UNITS: dict[str, int] = {
    **dict.fromkeys(
        "mil miles milito k luca lucas luka lukas luquita luquitas luks barra barras grand thousand mill".split(), 1000
    ),
    **dict.fromkeys("gamba gambas hundred".split(), 100),
    **dict.fromkeys("palo palos palito millon millones milhao milhoes melon melones million m".split(), 1_000_000),
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

_STEMS: dict[str, int] = {
    "veint": 20, "vint": 20, "treint": 30, "trint": 30, "cuarent": 40, "quarent": 40, "cincuent": 50, "cinquent": 50,
    "sesent": 60, "sessent": 60, "setent": 70, "ochent": 80, "oitent": 80, "novent": 90, "cent": 100, "cenz": 100,
    "cient": 100, "duzent": 200, "doscient": 200, "trezent": 300, "trescient": 300, "quatrocent": 400, "cuatrocient": 400,
    "quinhent": 500, "quinient": 500, "seiscent": 600, "seiscient": 600, "setecent": 700, "setecient": 700,
    "oitocent": 800, "ochocient": 800, "novecent": 900, "novecient": 900, "milz": 1000, "milec": 1000, "dezz": 10,
    "diec": 10,
}  # fmt: skip
_SAID_BIG_OR_SMALL = re.compile(
    rf"\b({'|'.join(sorted(_STEMS, key=len, reverse=True))})(?:inh[oa]s?|[oa]o|oes|it[oa]s?|on|ones|azos?)\b"
)
_AND_CENTS = re.compile(
    r"\b(\d{1,3}(?:[.,]\d{3})*|\d+) (?:con|com|point|coma|virgula) (\d{1,2})(?!\d|[.,:/]\d|%)(?! ?(?:dias?|cuotas?|pagos?|veces)\b)"
)


def plain_numbers(folded: str) -> str:
    """`setentinha` and `quinhentão` as figures."""
    return _SAID_BIG_OR_SMALL.sub(lambda found: str(_STEMS[found[1]]), folded)


def with_cents(figured: str) -> str:
    """`95 con 50` is 95.50."""
    return _AND_CENTS.sub(lambda found: f"{re.sub('[.,]', '', found[1])}.{found[2]:0>2}", figured)
