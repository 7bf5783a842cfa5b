"""Whether a message asks to pay on another day than the one agreed, and on which: Spanish, Portuguese, English."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from domain.replies.dates import promised_day
from domain.replies.text import plain

LONGEST = 1_000
"""Characters that are read of a message; who asks for another day says so in fewer."""
_THING = (
    r"(?:fechas?|dia|cuot(?:a|as|ita)|pagos?|vencimiento|letra|recibo|mensualidad|abono|parcialidad|promesa|"
    r"compromiso|data|parcela|vencimento|pagamento|boleto|promessa|date|day|payment|instal+ment|due)"
)
_MOVING = (
    r"(?:cambi(?:ar|e|en|a|o|amos)|muev(?:e|a|an|en)|muda[rm]?|mud(?:em|e)|mov(?:er|emos|e|ed)|corr(?:er|an|a|e|"
    r"emos)|pas(?:ar|e|en|a|emos|ad)|passa[rm]?|pass(?:e|em)|aplaz(?:ar|o|ad)|aplac(?:e|en)|pospon(?:er|ga|gan|"
    r"ed)|posterg(?:ar|ue|uen|a|uem)|retras(?:ar|e|en)|atras(?:ar|e|en)|demor(?:ar|e|en)|prorrog(?:ar|ue|uen|a|"
    r"uem)|pate(?:ar|e|en|an)|recorr(?:er|a|an)|traslad(?:ar|e|en)|difer(?:ir)|adi(?:ar|e|em|a|am)|jog(?:ar|ue|"
    r"uem|a)|empurr(?:ar|e|em|a)|alter(?:ar|e|em|a)|troc(?:ar|a)|remarc(?:ar|a)|move|change|push|postpone|delay|"
    r"defer|extend|reschedule|shift)(?:me|nos|la|lo|le|mela|melo|nosla|noslo|rme|ing|d)?"
)
_PLACE = r"(?:para el|para|al|hasta el|hasta|pro|pra|para o|ate|to|until|till|back)"
_ASKS = re.compile(
    rf"\b{_MOVING}\b(?: \S+){{0,5}}? (?:{_THING}\b|{_PLACE} (?:el |la |o |the )?(?:dia )?(?:\d|lunes|martes|"
    rf"miercoles|jueves|"
    r"viernes|sabado|domingo|segunda|terca|quarta|quinta|sexta|monday|tuesday|wednesday|thursday|friday|mes|"
    r"semana))|\b(?:aplazar\w*|aplacen\w*|posponer\w*|postergar\w*|prorrogar\w*|adiar|postpone|reschedule|"
    r"otra fecha|otro dia|fecha distinta|mas plazo|mas tiempo|mas dias|dias mas|diitas mas|dias de plazo|prorroga|"
    r"mas adelante|(?:me|nos) (?:esperan?|aguantan?|aguantas|esperas|esperais)|espere(?:n|me|nme)|(?:me )?(?:da|"
    r"dan|das|dais|dame|deme|denme|dadme) (?:plazo |chance |tiempo |margen )?hasta|en (?:vez|lugar) de|"
    r"mejor (?:el|para el) |outra data|outro dia|mais prazo|mais tempo|mais (?:uns |alguns )?dias|dias a mais|"
    r"prorrogacao|em (?:vez|lugar) d[eoa]|ao inves d|me esperam?|podem esperar|pode esperar|another (?:day|date)|"
    r"different (?:day|date)|more time|(?:more|extra) days|extension|instead of|give me (?:until|till)|"
    r"wait (?:until|till))"
)
_ANEW = re.compile(
    r"\b(?:refinanci|renegoci|reestructur|reparcel|refinanc|restructur|parcelar|fraccion|dividir|fracion)\w*|"
    r"\b(?:mas|menos|mais|more|fewer|\d+|dos|tres|cuatro|cinco|seis|doce|duas|quatro) (?:cuotas|partes|pagos|"
    r"plazos|parcelas|vezes|veces|abonos|instal+ments|payments)\b|\b(?:la mitad|metade|half|(?:en|a|por|"
    r"em) (?:plazos|cuotas|partes|abonos|parcelas)|quita|descuento|desconto|discount)\b|\b(?:cada mes|"
    r"todos los meses|todo mes|todos os meses|every month|each month|de ahora en adelante|de agora em diante|"
    r"from now on|siempre|sempre)\b"
)
"""Another plan, or another day for good: more than moving the next payment."""
_INSTEAD = re.compile(
    r"\b(?:en (?:vez|lugar) del?|em (?:vez|lugar) d[eoa]|ao inves d[eoa]|instead of|rather than)(?: (?:el|la|los|"
    r"o|a|the|on|dia|do|no|pagar|pagarl[oa]|que|paying))* \S+(?: de [a-z]+)?"
)
_A_DAY = (
    r"(?:(?:el|este|esta|la|dia|no|na|o|on|the|pasado) )*(?:\d{1,2}(?: de [a-z]+)?|hoy|manana|lunes|martes|"
    r"miercoles|jueves|viernes|sabado|domingo|hoje|amanha|segunda|terca|quarta|quinta|sexta|today|tomorrow|(?:mon|"
    r"tues|wednes|thurs|fri)day)"
)
_CANNOT = re.compile(
    rf"(?:\b(?P<before>{_A_DAY}) (?:yo |eu |i )?)?"
    r"\b(?:no (?:puedo|podre|voy a poder|alcanzo|me alcanza|llego|llegare|me da|me viene bien|me va bien|podria)|"
    r"nao (?:consigo|posso|vou (?:conseguir|poder)|da)|n (?:consigo|posso|vou conseguir)|can'?t|cannot|"
    r"won'?t (?:be able|make)|not able)\b(?P<what>.*?)(?=[,.;?!\n]|\b(?:pero|mas|but|mejor|puedo|podria|posso|"
    r"poderia|consigo|can|could|hasta|sino|me pueden|pueden|se puede|paseme|pasenme|pasame|cambien|melhor|so|"
    r"until|(?:lo|la|te|le|les|os|yo|eu) pago)\b|$)"
)


class AnotherDay(NamedTuple):
    """`asks`: the words ask for another day; `day`: the local date they name for paying, None for none."""

    asks: bool
    day: date | None


def another_day(text: str, sent_on: date, country: str) -> AnotherDay:
    """What a message says of the day its writer wants to pay on. `sent_on` is their local day.

    A day that they say they cannot keep, or name as the one to be replaced, is not the one they ask for.
    """
    words = plain(text[:LONGEST])
    if _ANEW.search(words):
        return AnotherDay(False, None)
    cannot = any(_names_a_day(match, sent_on, country) for match in _CANNOT.finditer(words))
    wanted = _CANNOT.sub(" ", _INSTEAD.sub(" ", words))
    return AnotherDay(cannot or _ASKS.search(words) is not None, promised_day(wanted, sent_on, country))


def _names_a_day(match: re.Match[str], sent_on: date, country: str) -> bool:
    """Whether what somebody cannot do is said of a day: `no puedo el 1`, `mañana no puedo`, `a esa fecha no llego`."""
    said = match["what"]
    that_day = re.search(r"\b(?:es[ae] (?:fecha|dia)|ess[ae] (?:data|dia)|nessa data|that (?:day|date))\b", said)
    return bool(match["before"] or that_day) or promised_day(said, sent_on, country) is not None
