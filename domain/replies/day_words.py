"""The words that name days in Spanish, Portuguese and English, as regular expressions over plain text."""

from __future__ import annotations

import re

_SLIPS: tuple[tuple[str, str], ...] = (
    (r"mnn?a|mnana|ma[;~]+ana|manyana|maniyana|mananaa+|mamana|manama|manaba|mannana", "manana"),
    (r"pas(?:do|aado|adp|saado|ado+)(?= ?m\S{0,3}n\S{0,3}a)", "pasado"),
    (r"lune[zc]|lunnes|luens|luness+", "lunes"),
    (r"marets|martess+|amrtes", "martes"),
    (r"miercols|mircoles|mierco?les?s|miyercoles|myercoles", "miercoles"),
    (r"juebe[sz]|guebes|jueevs|juevess+", "jueves"),
    (r"bierne[sz]?|viernses|viernees+|viennes|viernesss+", "viernes"),
    (r"savad[oa]|sabao|zabado|sabadoo+|sadado", "sabado"),
    (r"domigo|domingoo+|dmg", "domingo"),
    (r"nochesita|nochezita", "nochecita"),
    (r"kinsena|quinsena|kincena", "quincena"),
    (r"lunes(?:it|c?it)o|lunecito", "lunes"),
    (r"martes(?:it|c?it)o|martecito", "martes"),
    (r"miercolesito|miercolito", "miercoles"),
    (r"juevesito|juevecito", "jueves"),
    (r"viernesit?o|viernecito|viernesin", "viernes"),
    (r"sabadit[oa]|sabadinho|sabadao", "sabado"),
    (r"doming(?:u?it|uinh|a)o", "domingo"),
    (r"segundinha|segundona", "segunda"),
    (r"tercinha", "terca"),
    (r"quartinha", "quarta"),
    (r"quintinha", "quinta"),
    (r"sextinha|sextou|sextona", "sexta"),
    (r"quincenita|quinzena", "quincena"),
    (r"juev", "jueves"),
    (r"vier", "viernes"),
    (r"mierc|mierco?c?le?s?|mircls|mierc?ls", "miercoles"),
    (r"sab[a4]d?2?(?= \d| ?$|2)|saba", "sabado"),
    (r"lu(?=\.? \d)", "lunes"),
    (r"ma(?=\.? \d)|el mar(?= ?$|[.,;!])", "el martes"),
    (r"mi(?=\.? \d\d)", "miercoles"),
    (r"ju(?=\.? \d)", "jueves"),
    (r"vi(?=\.? \d)", "viernes"),
    (r"2[ao]?(?: |-)?feira", "segunda feira"),
    (r"3[ao]?(?: |-)?feira", "terca feira"),
    (r"4[ao]?(?: |-)?feira", "quarta feira"),
    (r"5[ao]?(?: |-)?feira", "quinta feira"),
    (r"6[ao]?(?: |-)?feira", "sexta feira"),
    (r"pasadito", "pasado"),
    (r"agr|agra|agorita", "agora"),
    (r"pa'? ?l(?= (?:\d|lun|mar|mie|jue|vie|sab|dom|dia|fin|mes|primero|quin))", "para el"),
    (r"(?<=para )l(?= \d)", "el"),
    (r"tomo?r+ow?|tmrrw|2mrw|2mro|tomro", "tomorrow"),
    (r"thrusday|thursady|thirsday|thurday", "thursday"),
    (r"wendsday|wensday|wednsday|wendesday", "wednesday"),
    (r"tuesd?ay|tusday", "tuesday"),
    (r"fridya|friady|fryday", "friday"),
    (r"saterday|satruday|satuday", "saturday"),
)
_SLIP = re.compile(r"\b(?:" + "|".join(f"({slips})" for slips, _ in _SLIPS) + r")(?![a-z])")
_DAY_THEN_THOUSAND = re.compile(r"\b(el|dia|no dia|para el) (\d{1,2}) (?=mil(?: |$))")
"""`el 30 mil euros` gives a thousand on the 30th; thirty thousand would be `los 30 mil`."""


_FOR_THE = re.compile(r"\bp/ ?(?=el|o |la|a |dia|\d)")
_ENTAI = re.compile(
    r"\b((?:tre|cuar|cincu|ses|set|och|nov)(?:en|in)ta)[iy](?=un|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
)


def respelt(folded: str) -> str:
    """Plain text with the day words that a hurried thumb or an ear misspelt as they are written."""
    folded = _ENTAI.sub(r"\1 y ", _FOR_THE.sub("para ", folded))
    folded = _SLIP.sub(lambda found: _SLIPS[(found.lastindex or 1) - 1][1], folded)
    return _DAY_THEN_THOUSAND.sub(r"\1 \2, ", folded)


WEEKDAYS: dict[str, int] = {
    **dict.fromkeys(("lunes", "luneees", "lune", "lns", "segunda", "segunda-feira", "segunda feira", "monday", "mon"), 0),
    **dict.fromkeys(("martes", "marte", "martez", "terca", "terca-feira", "terca feira", "tuesday", "tues", "tue"), 1),
    **dict.fromkeys(
        ("miercoles", "miercole", "mierkoles", "miercolez", "mircoles", "miercoels", "quarta", "quarta-feira",
         "quarta feira", "wednesday", "wensday", "wednsday", "weds", "wed"), 2),
    **dict.fromkeys(
        ("jueves", "juevez", "jueve", "jeuves", "quinta", "quinta-feira", "quinta feira", "thursday", "thurs", "thur",
         "thu"), 3),
    **dict.fromkeys(
        ("viernes", "viernez", "vierne", "biernes", "vienres", "veirnes", "virnes", "vierns", "vie", "sexta",
         "sexta-feira", "sexta feira", "friday", "firday", "fri"), 4),
    **dict.fromkeys(("sabado", "savado", "sabdo", "saturday"), 5),
    **dict.fromkeys(("domingo", "dmingo", "sunday"), 6),
}  # fmt: skip

MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "enero ene janeiro january jan",
            "febrero feb fevereiro february",
            "marzo mzo marco march mar",
            "abril abr april apr",
            "mayo may maio",
            "junio jun junho june",
            "julio jul julho july",
            "agosto ago august aug",
            "septiembre setiembre sep sept set setembro september",
            "octubre oct outubro october out",
            "noviembre nov novembro november",
            "diciembre dic dez dezembro december dec",
        ),
        1,
    )
    for name in names.split()
}

DAY_WORDS: dict[str, int] = {
    word: number
    for number, words in {
        1: "primero uno um primeiro first",
        2: "dos dois",
        3: "tres third",
        4: "cuatro quatro fourth",
        5: "cinco fifth",
        6: "seis sixth",
        7: "siete sete seventh",
        8: "ocho oito eighth",
        9: "nueve nove ninth",
        10: "diez dez tenth",
        11: "once onze eleventh",
        12: "doce doze twelfth",
        13: "trece treze thirteenth",
        14: "catorce quatorze catorze fourteenth",
        15: "quince quinze fifteenth",
        16: "dieciseis dezesseis dezasseis sixteenth",
        17: "diecisiete dezessete seventeenth",
        18: "dieciocho dezoito eighteenth",
        19: "diecinueve dezenove nineteenth",
        20: "veinte vinte twentieth",
        21: "veintiuno veintiun",
        22: "veintidos",
        23: "veintitres",
        24: "veinticuatro",
        25: "veinticinco",
        26: "veintiseis",
        27: "veintisiete",
        28: "veintiocho",
        29: "veintinueve",
        30: "treinta trinta thirtieth",
    }.items()
    for word in words.split()
} | {
    phrase: number
    for number, phrases in {
        21: ("vinte e um", "twenty first", "twenty-first"),
        22: ("vinte e dois", "twenty second", "twenty-second"),
        23: ("vinte e tres", "twenty third", "twenty-third"),
        24: ("vinte e quatro", "twenty fourth", "twenty-fourth"),
        25: ("vinte e cinco", "twenty fifth", "twenty-fifth"),
        26: ("vinte e seis", "twenty sixth", "twenty-sixth"),
        27: ("vinte e sete", "twenty seventh", "twenty-seventh"),
        28: ("vinte e oito", "twenty eighth", "twenty-eighth"),
        29: ("vinte e nove", "twenty ninth", "twenty-ninth"),
        31: ("treinta y uno", "treinta y un", "trinta e um", "thirty first", "thirty-first"),
    }.items()
    for phrase in phrases
}

COUNTS: dict[str, int] = {
    "un par de": 2, "um par de": 2, "a couple of": 2, "couple of": 2,
    "un": 1, "una": 1, "uno": 1, "um": 1, "uma": 1, "one": 1, "a": 1, "an": 1,
    "dos": 2, "dois": 2, "duas": 2, "two": 2, "tres": 3, "three": 3, "cuatro": 4, "quatro": 4, "four": 4,
    "cinco": 5, "five": 5, "seis": 6, "six": 6, "siete": 7, "sete": 7, "seven": 7, "ocho": 8, "oito": 8, "eight": 8,
    "nueve": 9, "nove": 9, "nine": 9, "diez": 10, "dez": 10, "ten": 10, "doce": 12, "doze": 12, "twelve": 12,
    "quince": 15, "quinze": 15, "fifteen": 15, "veinte": 20, "vinte": 20, "twenty": 20, "treinta": 30, "trinta": 30,
    "thirty": 30,
}  # fmt: skip


def either(words: dict[str, int]) -> str:
    """A group that matches any of them, the longest first."""
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)).replace("-", r"\-") + ")"
