"""The amount a borrower promises, by rules: figures, words and what money is called in each country."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.replies.clauses import Clauses
from domain.replies.day_words import MONTHS, WEEKDAYS, either, respelt
from domain.replies.money_words import UNIT, UNITS, plain_numbers, with_cents
from domain.replies.text import language_of, with_figures, with_past_marked

_FIGURE = r"\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,3}(?: \d{3})+(?!\d)|\d+(?:[.,]\d{1,2})?(?!\d)|\d+"
_SMALL = {
    "medio": "0.5", "media": "0.5", "meio": "0.5", "meia": "0.5", "half a": "0.5", "un par de": "2", "unas": "1",
    "un": "1", "una": "1", "um": "1", "uma": "1", "a": "1", "one": "1", "dos": "2", "dois": "2", "duas": "2", "two": "2",
    "tres": "3", "three": "3", "cuatro": "4", "quatro": "4", "cinco": "5", "a couple of": "2", "a couple": "2",
}  # fmt: skip
_MONEY = re.compile(
    rf"(?P<sign>us\$|r\$|s/\.?|\$|€|£|\b(?:mxn|cop|clp|ars|eur|usd|rs)\b) ?(?P<signed>{_FIGURE})"
    rf"(?: ?(?P<signed_unit>{UNIT}))?(?P<signed_half> y medi[ao]\b| e mei[ao]\b)?(?: de {UNIT})?"
    rf"|(?<![\w.,/:#-])(?P<figure>{_FIGURE}) ?(?P<unit>{UNIT})(?P<half> y medi[ao]\b| e mei[ao]\b| and a half\b)?(?: (?:de )?(?:{UNIT}))?"
    rf"|\b(?P<small>{either(dict.fromkeys(_SMALL, 1))}) (?P<small_unit>{UNIT})(?P<small_half> y medi[ao]\b| e mei[ao]\b| and a half\b)?"
    rf"(?: (?:de )?(?:{UNIT}))?"
    r"|\b(?P<alone>mil|thousand|luca|millon)\b(?P<alone_half> y medi[ao]\b)?"
    rf"|(?<![\w.,/:#*+-])(?P<bare>{_FIGURE})(?![\w/:%ªº°]|[.,:]\d|-\d| ?%)"
)
_NO_MONEY_BEFORE = re.compile(
    r"(?:\b(?:dia|el|el mero|mero|los dias|a las|de las|tipo|numero|no\.|nro|num|folio|contrato|prestamo|credito n|referencia|ref|ticket|caso|cuenta|"
    r"operacion|pedido|cel|tel|whatsapp|dni|cpf|curp|rfc|rut|cedula|cc|edad|tengo \d+ hijos|the|at|on|by|by the|room|piso|calle|cuota|"
    r"parcela|cuotas|dentro de|hace|faz|ha|desde|al|del|entre el|hasta el|para el|ano|"
    r"quincena del|antes del|y el|o el|ate o dia|ate dia|entre|en|em|in|page|line|clave|pin|codigo|chave|son las|opcion|option|opcao|"
    r"version|articulo|ley|art|lei|extension|ext\.?|tel\. ext\.|terminacion|interno|anexo|lote|apto|depto|before|after|around) ?|#|n[º°] ?|\bid ?)$"
)
_NO_MONEY_AFTER = re.compile(
    r"^ ?(?:%|(?:yr|yrs|y/?o|business|working|more|de cada|feira|st|o de)\b|por ?ciento|porciento|percent|pct|o \d+ dias|a \d+ dias|cuotas?|parcelas?|pagos?|partes|vezes|veces|vez|times?|dias?(?! ?\d)|days?|d\b|semanas?|weeks?|"
    r"mes(?:es)?|months?|anos?|anitos|years?|horas?|hours?|hrs?|hs|h\b|am\b|pm\b|a\.? ?m\b|p\.? ?m\b|min(?:utos|utes|s)?\b|de la (?:manana|tarde|noche)|"
    r"da (?:manha|tarde|noite)|y media|e meia|hijos|ninos|filhos|kids|children|personas|pessoas|people|llamadas|calls|mensajes|messages|mensagens|"
    rf"quincenas?|creditos|prestamos|deudas|emprestimos|cartoes|tarjetas|bancos|payments|installments|instalments|de (?:{either(MONTHS)[3:]}\b|"
    rf"(?:{either(MONTHS)[3:]}\b|st\b|nd\b|rd\b|th\b|grados|km|kilos|puntos|bits|cosas|opciones|gatos|perros|años|o \d+ de)"
)
_TOTAL = re.compile(
    r"\b(?:era|eran|eram|told (?:\S+)|dije|falei|con mora|debo|devo|owe|deuda (?:es|total|de)|divida (?:e|de)|saldo|adeudo|total es|sale en|aparecen?|dice(?:n)?|cobran|cobrando|"
    r"por ?que (?:son|es|me salen?|salen?|me cobran)|saque|si yo (?:saque|debia|pedi)|prestaron|pedi|emprestaram|borrowed|me queda[n]?|gano|ganho|sueldo de|earn|de es[oa]s|mora de|gastos de|comision de|out of (?:the )?|off the|prestamo de|credito de|emprestimo de|loan of|"
    r"en vez de|instead of|em vez de|ao inves de|no (?:son )?los|interes(?:es)? de|multa de|recargo de|cuesta|vale|me cobran|"
    r"alquiler|renta|aluguel|rent|quitaron|robaron|descontaron|cobraron)(?: (?:de|los|por|como|es|son|unos|the|casi|mas de|about|around|over))* ?$"
)
_SPENT = re.compile(
    r"\b(?:gast(?:e'?|ei|o'?)|vend(?:i|eu|io'?)(?: \w+){0,3} (?:por|en|a)|sold(?: \w+){0,3} for|spent|limite?(?: \w+){0,3}|perdi|costo'?|rob\w+|cobro'?|multa(?: \w+)?|tinha|error|deducible) $"
)
_THIS_DAY = re.compile(r"\beste (?:[12]\d|3[01]|[1-9])$|\b(?:hasta|ate) (?:las|as) \d{1,2}$")
_COUNTED = re.compile(r" (?:recibos?|facturas?|boletos?|letras|mensualidades)\b")
"""`este 22` is a day, `hasta las 9` an hour, `los 2 recibos` no sum."""
_OF_THE = re.compile(r"\b(?:de los|de las|dos|das) $")
_RATE = re.compile(
    r" ?(?:diarios?|perdid[oa]s|en mercancia|de (?:luz|gas|multa|mora|recargo|comision|interes\w*)|al dia|al mes|mensual(?:es)?|semanal(?:es)?|por (?:dia|mes|semana|hora)|a (?:day|week|month)|an hour|ao mes|a la semana)\b"
)
_REMAINS_BEFORE = re.compile(
    r"\b(?:otr[oa]s|outr[oa]s|other|remaining|demas|restantes?|rest of|resto(?: de|,| son| sao)?|diferencia de|faltan(?: los)?|faltam(?: os)?|falta(?: los)?) ?(?:the |los |las |os |[$€£]|s/\.?|r\$)?$"
)
_STAYS_OWED = re.compile(r"\b(?:quedan|faltan|faltarian|restan|faltam|ficam) (?:los |las |os |as )?[$€]?$")
"""`75 y quedan 150`: what is still owed after the promise."""
_OF_A_DAY = re.compile(
    r" ?(?:€|euros|pesos|soles)? ?(?:del (?:lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b)"
)
"""`40 del sábado` were paid on Saturday."""
_OF_A_TOTAL = re.compile(
    r"(?<=\d) de l[oa]s [$€]?\d[\d.,]* (?:que|q) (?:dice|pide|sale|aparece|debo|marca|piden|dicen|salen)\b[^,.;]*"
)
"""`500 de los 1500 que dice el recibo`: the second is no sum of theirs, and what it says denies nothing."""
_REMAINS_AFTER = re.compile(
    r" ?(?:que |q )?(?:me |le |les |nos )?(?:falta[nm]?|resta[nm]?|quedan?|restantes?|pendientes?|remaining|left|ficaram|sobram)\b"
)
_DONE = re.compile(
    r"\b(?:pague|deposite|transferi|abone|consigne|cancele|mande|envie|hice|di|les di|(?:ya )?(?:quedo|kedo|cayo) (?:el|la|lo)|paguei|depositei|mandei|fiz|paid|sent|transferred|"
    r"made|gave|llevo pagad[oa]s?|ya (?:van|pague|deposite)|ayer|ontem|yesterday|la semana pasada|last week|el mes pasado)\b[^.;\n]{0,40}$"
)
_PROMISE_BETWEEN = re.compile(
    r"\b(?:y|e|and|pero|but|mas|,) ?(?:el |la |o |a |on |the |le |les |te |i'?ll |vou |manana |dia |l[oa]s (?!que )|os |as )|, ?(?:el|la|los|las|os|as|the|y|on|manana|amanha|tomorrow|hoy|dia) |\b(?:pago|deposito|pagar|abono|transfiero|vou pagar|"
    r"i'?ll|will|resto|rest|falta)\b"
)
_NOT_BUT = re.compile(
    r"\b(?:no|nao|not|n)(?: (?:son|seran|sao|los|the|os|puedo|posso|de|pagar|pago|tengo|todo|llego a|alcanzo|junte))* ?$"
)
_FOREIGN = re.compile(r"us\$|usd|dolar|dollar|buck|verdes|eur|€|£|pound|quid|r\$|real|reais")
_THOUSANDS_ONLY = {"CO": 1000, "CL": 1000, "PY": 1000, "AR": 1000}


_ARTICLE = re.compile(r"\b(?:the|el|del) $")
_NOT_THIS = re.compile(
    r"\b(?:ni|nem|nor|cuota|parcela|(?:cuotas?|parcelas?|meses) \d{1,2} (?:y|a|e)|he's|she's|aged|das|feriado|final|terminada en|termina en|error|en la) $"
)
_DAY_BEFORE_VERB = re.compile(
    r"\d{1,2},? (?:pago|fijo|sin falta|seguro|(?:agora )?eu (?:pago|mando|deposito|quito)|les?|te|os|i|i'?ll|es feriado|e feriado|halloween|sao joao)\b"
)
_RANGE_OF_DAYS = re.compile(
    r"\b(?:n?tre|entre|between|del) (?:el |o |l |the |dia )*\d{1,2}(?:st|nd|rd|th)? (?:y|e|and|al|a) (?:el |o |l |the |dia )*$|\b\d{1,2} (?:o|u|ou|or) $|\bentre (?:o |el |l )?(?:dia )?$|\bn?tre l? ?$"
)
_HOLDS_MONEY = re.compile(r"\bcuenta $")
_WEEKDAY_BEFORE = re.compile(rf"\b(?P<wd>{either(WEEKDAYS)}|[2-6]a|que es),? (?P<dia>dia )?$")
_DAY_ALONE = re.compile(r"\d{1,2} (?:eu|yo|i|i'?ll|vou|voy|les?|te|os)\b.*\d")
"""`18 eu mando 260`: the first figure is the day."""


@dataclass(frozen=True)
class _Money:
    start: int
    end: int
    value: Decimal
    sure: bool
    """A sign or a unit says that it is money; otherwise it is a bare figure."""
    thousands: bool
    """Its unit is a thousand: lucas, mil, barras."""


def promised_amount(text: str, country: str, sent_on: date | None = None) -> Decimal | None:
    """The figure promised in a message that promises to pay, in major units with two decimals, or None.

    `sent_on`, the borrower's local day where it is known, tells `hoy 20` that names the day from `hoy 20` of money.
    Of several payments the first counts. A small bare figure in a country whose money has no such amounts is read as
    thousands.
    """
    language = language_of(text, country)
    folded = _OF_A_TOTAL.sub("", figured(respelt(with_past_marked(text)), language))
    if sent_on is not None:
        folded = _without_day_itself(folded, sent_on)
    clauses = Clauses(folded, language)
    best: _Money | None = None
    best_points = 0.0
    all_found = _found(folded, country.upper())
    for money in all_found:
        points = clauses.points(money.start, money.end) + (0.8 if money.sure else 0.0)
        before, after = folded[max(0, money.start - 60) : money.start], folded[money.end : money.end + 40]
        if _TOTAL.search(before):
            points -= 2.0
        elif _OF_THE.search(before):
            points -= 1.0
        if _RATE.match(after):
            points -= 2.0
        done = _DONE.search(before)
        remains = _REMAINS_BEFORE.search(before) or _REMAINS_AFTER.match(after)
        if done is not None and not remains and not _PROMISE_BETWEEN.search(before[done.start() + 2 :]):
            points -= 2.5
        if _OF_A_DAY.match(after):
            points -= 2.5
        if done is None and len(all_found) > 1 and _STAYS_OWED.search(before):
            points -= 1.0
        if _NOT_BUT.search(before):
            points -= 3.0
        if not money.sure and money.value < 10 and len(all_found) > 1:
            points -= 0.7
        if _SPENT.search(before):
            points -= 1.5
        if not money.sure and (_THIS_DAY.search(before + folded[money.start : money.end]) or _COUNTED.match(after)):
            points -= 3.0
        if points > (-1.0 if len(all_found) > 1 else -1.7) and (best is None or points > best_points + 0.2):
            best, best_points = money, points
    if best is None:
        return None
    # `le pasé 20 lucas, las otras 20 el lunes`: what is said once holds for the figures beside it.
    unsaid = (
        country.upper() in {"AR", "UY"}
        and not best.sure
        and best.value < 1000
        and any(each.thousands for each in all_found)
    )
    return (best.value * 1000 if unsaid else best.value).quantize(Decimal("0.01"))


_DAY_ITSELF = re.compile(
    r"\b(hoy|manana|hoje|amanha|today|tomorrow),? (?:dia )?(\d{1,2})\b(?! ?(?:[$€%.,:/]\d|[$€]|" + UNIT + "))"
)


def _without_day_itself(text: str, sent_on: date) -> str:
    """`hoy 20` on the 20th, `mañana 21`: the figure is the day's."""
    days = {"hoy": 0, "hoje": 0, "today": 0}
    return _DAY_ITSELF.sub(
        lambda found: found[1] if int(found[2]) == (sent_on + timedelta(days=days.get(found[1], 1))).day else found[0],
        text,
    )


def figured(folded: str, language: str) -> str:
    """Plain text with its numbers as figures, those said in parts as one."""
    folded = plain_numbers(_EURO.sub("€", _HALF_MILLION.sub("500000", folded)))
    folded = _DAY_AND_SUM.sub(r"\1 \2, ", folded)
    return with_cents(_added(with_figures(_THOUSAND_ALONE.sub(r"1\1", folded), language)))


_DAY_AND_SUM = re.compile(
    r"\b(el|dia|al|the) (\d{1,2}) (?=(?:\d{3}|mil|cien\w*|dosc\w+|tresc\w+|cuatroc\w+|quin[ih]\w+|seisc\w+|setec\w+|ochoc\w+|novec\w+|duz\w+|trez\w+)\b)"
)
_THOUSAND_ALONE = re.compile(r"(?:(?<=^)|(?<=[a-z] ))mil (\d{3})\b(?![.,]?\d)")
_EURO = re.compile(r"(?<=\d)e(?=$|[\s.,;!?])")
_HALF_MILLION = re.compile(r"\bmedio millon\b|\bmeio milhao\b|\bhalf a million\b")
_MILLION_AND = re.compile(
    r"\b(\d{1,3}) ?(?:millon(?:es)?|palos?|milhao|milhoes) (?:y |e )?(\d{1,3})(?: ?mil\b|(?=\D|$))(?![.,]?\d)"
)
_THOUSAND_AND = re.compile(r"\b(\d{1,3}) ?mil (?:e )?(\d{3})\b(?![.,]?\d)")
_MILLION_ODD = re.compile(r"\b([1-9]\d{0,2})000(\d{3})\b")


def _added(text: str) -> str:
    """`2 mil 500` is 2500, and `un millón doscientos` 1 200 000: nobody promises two hundred beside a million."""
    text = _MILLION_AND.sub(lambda found: str(int(found[1]) * 1_000_000 + int(found[2]) * 1_000), text)
    text = _THOUSAND_AND.sub(lambda found: str(int(found[1]) * 1_000 + int(found[2])), text)
    return _MILLION_ODD.sub(lambda found: f"{found[1]}{found[2]}000", text)


def money_in(text: str, country: str) -> list[tuple[int, int, bool]]:
    """Where plain text with numbers as figures speaks of money: start, end, whether a sign or a unit says so."""
    return [(each.start, each.end, each.sure) for each in _found(text, country)]


def _found(text: str, country: str) -> list[_Money]:
    found: list[_Money] = []
    for match in _MONEY.finditer(text):
        value = _value(match, country)
        sure = match.lastgroup != "bare" and match.group("bare") is None
        before, after = text[: match.start()], text[match.end() :]
        if value is None or not 0 < value < _NO_SUM:
            continue
        bare = match.group("bare")
        if bare is not None and not _may_be_money(bare, before, after):
            continue
        if match.group("alone") and re.match(
            r" (?:gracias|disculpas|perdones|veces|cosas|desculpas|thanks|apolog)", after
        ):
            continue
        unit = match.group("unit") or match.group("signed_unit") or match.group("small_unit")
        found.append(
            _Money(match.start(), match.end(), value, sure, unit is not None and _unit_of(unit, country) == 1000)
        )
    return found


_NO_SUM = Decimal(10**13)
"""Nobody promises so much: it is the number of an account."""
_SEEN_BEFORE = 100
"""Characters before a figure that tell what it counts."""


def _may_be_money(figure: str, before: str, after: str) -> bool:
    if not before.strip() and _DAY_ALONE.match(before + figure + after):
        return False
    before = before[-_SEEN_BEFORE:]
    if len(re.sub(r"\D", "", figure)) > 7 or (figure.startswith("0") and not figure.startswith(("0.", "0,"))):
        return False
    if _NO_MONEY_AFTER.match(after) or re.match(r" ?(?:al|a|o|y|e|u) \d{1,2} de ", after):
        return False
    grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d\d)?|\d+[.,]\d\d", figure) is not None
    said = _NO_MONEY_BEFORE.search(before[-24:])
    if (
        said
        and not (grouped and _HOLDS_MONEY.search(before))
        and not (_ARTICLE.search(before) and _value_of(figure) > 31)
    ):
        return False
    if _NOT_THIS.search(before) or (
        _value_of(figure) <= 31 and (_DAY_BEFORE_VERB.match(figure + after) or _RANGE_OF_DAYS.search(before))
    ):
        return False
    if re.fullmatch(r"20[23]\d", figure) and re.search(r"\b(?:de|del|" + either(MONTHS)[3:-1] + r")\.? $", before):
        return False
    after_month = re.search(r"(\d{1,2} (?:de )?|)\b" + either(MONTHS) + r"\.? $", before)
    if after_month and len(figure) <= 2 and not after_month[1]:
        return False
    if _value_of(figure) <= 31 and re.match(r" (?:(?:de )?" + either(MONTHS) + r"|de \d{1,2})\b", after):
        return False
    after_weekday = _WEEKDAY_BEFORE.search(before)
    return not (
        after_weekday and figure.isdigit() and 0 < int(figure) <= 31 and (after_weekday["dia"] or len(figure) <= 2)
    )


def _value_of(figure: str) -> int:
    return int(figure) if figure.isdigit() else 1_000


def _value(match: re.Match[str], country: str) -> Decimal | None:
    given = match.groupdict()
    if given["alone"]:
        base = Decimal(_unit_of(given["alone"], country))
        return base + base / 2 if given["alone_half"] else base
    if given["small"]:
        unit = _unit_of(given["small_unit"], country)
        small = Decimal(_SMALL[given["small"]])
        if unit == 1 and small <= 1:  # nobody promises one peso: it is said of the last one
            return None
        return small * unit + (Decimal(unit) / 2 if given["small_half"] else 0)
    figure = given["signed"] or given["figure"] or given["bare"]
    word = given["signed_unit"] or given["unit"]
    factor = 1 if word is None else _unit_of(word, country)
    number = _number(figure, country, scaled=factor > 1)
    if number is None:
        return None
    if given["half"] or given["signed_half"]:
        number += Decimal("0.5")
    value = number * factor
    foreign = f"{given['sign'] or ''} {word or ''}"
    if country == "AR" and foreign.strip():
        return value
    if factor == 1 and value < 1000 and country in _THOUSANDS_ONLY and not _FOREIGN.search(foreign):
        return value * _THOUSANDS_ONLY[country]
    return value


def _unit_of(word: str, country: str) -> int:
    if country == "PE" and word.startswith(("luca", "luka", "luqu")):
        return 1
    if word == "m":
        return 1000 if country in {"CO", "CL", "AR"} else 1_000_000
    if word == "mill":
        return 1000
    return UNITS[word]


def _number(figure: str, country: str, scaled: bool) -> Decimal | None:
    """A figure with whatever groups its thousands and parts its decimals."""
    text = figure.replace(" ", "").replace("'", "")
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return Decimal(text)
    whole, mark, rest = text[:last], text[last], text[last + 1 :]
    several = text.count(mark) > 1
    both = "." in text and "," in text
    if both or (len(rest) != 3 and not several):
        return Decimal(f"{re.sub(r'[.,]', '', whole)}.{rest or '0'}")
    if scaled and not several and len(rest) == 3:
        # 1.500 mil is said by nobody; 1.500 lucas groups thousands all the same.
        return Decimal(re.sub(r"[.,]", "", text))
    return Decimal(re.sub(r"[.,]", "", text))
