"""The day a borrower promises to pay, by rules: docs/replies.md says how each way of saying it is read."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain.replies.clauses import Clauses
from domain.replies.day_words import COUNTS, DAY_WORDS, MONTHS, WEEKDAYS, either, respelt
from domain.replies.money_words import UNIT
from domain.replies.named_days import MOVABLE_DAYS, NAMED_DAYS, named_day
from domain.replies.text import language_of, with_past_marked

_WD = either({name: day for name, day in WEEKDAYS.items() if name not in {"mon", "wed", "vie"}})
_SHORT = {
    "mon": 0, "wed": 2, "vie": 4, "sat": 5, "sun": 6, "mie": 2, "mier": 2, "jue": 3, "lun": 0, "sab": 5, "dom": 6, "seg": 0,
    "qua": 2, "qui": 3, "sex": 4, "vier": 4,
}  # fmt: skip
_SHORT_WD = either(_SHORT)
_MONTH = either(MONTHS)
_LONG_MONTH = either({name: m for name, m in MONTHS.items() if len(name) > 3 or name in {"dic", "ene", "dez", "nov"}})
_DAY_WORD = either(DAY_WORDS)
_COUNT = r"(?:\d{1,3}|" + either(COUNTS)[3:]
_D = r"(?:0?[1-9]|[12]\d|3[01])"
_NEXT_WEEK = (
    r"(?:de |da |of |en |na )?(?:la |a |the )?(?:otra semana|proxima semana|(?:otra|proxima)(?= *(?:$|[,.;]))|semana (?:que viene|proxima|entrante|siguiente|"
    r"que entra|que vem|que entra)|outra semana|prox semana|sem q viene|semana q viene|semana q vem|week after|next week|"
    r"following week)"
)
_NEXT_MONTH = (
    r"(?:de |del |do |of |en |el |no )*(?:el |the )?(?:otro mes|proximo mes|mes (?:que viene|q viene|proximo|entrante|"
    r"siguiente|que entra|que vem|q vem)|mes que vem|outro mes|next month|following month)"
)

_RULES: tuple[tuple[str, str], ...] = (
    ("eve", rf"\b(?:the )?(?:day before|eve of|(?:un|el) dia antes del?|(?:la )?vispera del?|(?:um|o) dia antes d[aeo]|vespera d[aeo]) (?:el |la |los |o |a )?(?P<eve>{NAMED_DAYS})\b"),
    ("named", rf"\b(?:{MOVABLE_DAYS})\b"),
    ("past", rf"\b(?:el |la |los |este |no |na |last )?{_WD} (?:pasado|passad[oa]|anterior|retrasado)\b|\blast {_WD}\b"),
    ("past", r"\b(?:ayer|anteayer|antier|antes de ayer|anoche|ontem|anteontem|yesterday|last (?:week|month|night|year))\b"),
    ("past", rf"\bpasado (?:dia )?{_D} de {_MONTH}\b"),
    ("past", rf"\b(?:era|foi|fue|was) (?:na |no |el |on |para el )?{_WD}\b"),
    ("none", rf"\b(?:es|e|it's|its) {_WD}\b(?= (?:y|e|and|a las|son)\b)"),
    ("none", rf"\b(?:merry|happy|feliz|felices|en vez de|instead of|em vez de) (?:el |o |dia de |dia dos )?(?:{NAMED_DAYS})\b"),
    ("none", r"\bdia d[oa]s (?=[a-z]{4,})(?!mil)"),
    ("past", r"\b(?:semana|mes|quincena|ano) (?:pasad[oa]|passad[oa]|anterior)\b"),
    ("past", rf"\b(?:desde|since|hace|faz|ha) (?:el |la |o |a |the )?(?:{_D} de {_MONTH}|{_WD}|{_COUNT} (?:dias?|semanas?|"
             r"mes(?:es)?|days?|weeks?|months?|anos?))\b"),
    ("past", rf"\b{_COUNT} (?:days?|weeks?|months?) ago\b"),
    ("plus2", r"^pasado[.!]*$"),
    ("vague", r"\b(?:en|in|em|a) \d{1,2} (?:mes|meses|months?|cuotas|partes|pagos)\b(?=[^.]*\?)|\b(?:part|divid|reparti|hac|fraccion|parcel)\w* (?:\w+ )?(?:en|in|em) (?:\d{1,2}|dos|tres|cuatro|seis|three|two) (?:mes|meses|months?)\b"),
    ("day", rf"\b(?:n?tre|between) (?:el |l |o |the |dia |los dias |o dia )*{_D}(?:st|nd|rd|th)? (?:y|e|and) (?:el |l |o |the |dia |o dia )*(?P<d>{_D})(?:st|nd|rd|th)?\b(?! de)"),
    ("day", rf"\bentre (?:el |l |o )?(?:dia )?{_D} (?:y|e) (?:el |l |o )?(?:dia )?(?P<d>{_D})\b(?! (?:de|mil|pesos|lucas))"),
    ("day_month", rf"\b(?P<d>1)[o°º]? de (?P<mon>{_MONTH})\b"),
    ("today_weak", r"\bthis (?:second|minute)\b|\bas i type\b|\bat ya\b|\b(?:gerando|fazendo|abrindo) (?:o pix|o app|isso|agora)\b|\b(?:na|en la) fila\b|\bapp do banco, fazendo\b|\bde noite\b|\bahi (?:te|le|les|os) (?:paso|mando|hago|tiro|giro|deposito|transfiero)\b"),
    ("plus1", r"\bin the morning\b(?=[.!]?$)"),
    ("day", rf"(?:^|(?<=[.,;:?!] )|(?<=entonces )|(?<=entao )|(?<=senal casi\. ))(?P<d>{_D})(?=,? (?:pago|fijo|sin falta|seguro|(?:agora )?eu (?:pago|mando|deposito|quito)|es feriado|halloween|sao joao)\b)"),
    ("none", rf"\b(?:vence|vencia|venceu|vencimento|due|era|eram) (?:el |dia |on |the |o |em )*{_D}\b"),
    ("named", r"\b(?:black friday|viernes negro)\b"),
    ("vague", rf"\b(?:despues|luego|pasado|pasando|depois|after|a partir|desde|starting|(?<!week )from) (?:de |del |do |the |el |dia |o |d )*"
              rf"(?:dia )?(?:{_D}(?:st|nd|rd|th)?|{_DAY_WORD}|{_WD})\b(?! (?:por la|en la|a la|de manha)? ?(?:manana|tarde))"
              r"(?! (?:si|se) )"),
    ("vague", rf"\b(?:despues|luego|pasando|pasad[oa]s?|pas[ae]n?|pase|tras|depois|after|passand?o|passar) (?:de |del |do |da |the |el |la |las |los |o |a )*(?:{NAMED_DAYS})\b"),
    ("first_of_month", r"\b(?:on )?(?:the )?(?:first|1st) of (?:the |next )?month\b|\b(?:el|dia|al) (?:primero|uno|1ro) (?:de|del) mes\b|\bdia primeiro do mes\b"),
    ("vague", r"\b(?:a |en |la |las )?(?:primer[oa]s?|principios|inicios|mediados|comienzos|inicio|comeco|meados|early|mid|"
              r"beginning|start|middle) (?:dias )?(?:de |del |do |da |of |the )+(?:mes|month|semana|week|ano|year|proximo|otro|"
              r"next|que)\b[\w ]{0,12}"),
    ("vague", r"\bfin(?:es|al|ales)? de (?:esta |la )?semana\b|\bfindes?\b|\bfim de semana\b|\bfinal de semana\b|\bweekend\b|"
              r"\bfindi\b"),
    ("none", rf"\b(?:el |dia |o )?(?:{_D}|{_DAY_WORD}) (?:de|do) cada\b"),
    ("weekday", rf"\b(?:cada|todos los|todas las|every|toda|todo) (?P<w>{_WD})s?\b(?=.*\b(?:empezando|empiezo|comenzando|arrancando|iniciando|a partir|desde|starting|"
                r"from|comecando|comeco)\b)"),
    ("none", r"\b(?:cada|todos los|todas las|every|todo dia|all) (?:dia |mes |el |dias )?(?:\d{1,2}\b|" + _WD + r"|quincena|"
             r"fin de mes)?"),
    ("none", r"\b(?:extra|paga|aguinaldo|bono|bonus|prima|regalos?|cena|canasta|gastos|compras|gratificacion|grati|decimo) (?:de |del |da |do |por )+(?:la )?(?:navidad|natal|julio|diciembre|dezembro|reyes|fin de ano|verano)\b"),
    ("none", r"\b(?:por|en|de|toda|a) (?:la|las) mananas?\b|\besta manana\b(?= (?:me|los|las|recibi|llam|pague|hice|ya|fui|"
             r"deposite|transferi))"),
    ("none", rf"\b(?:cuota|pago|parcela|recibo|factura|boleto|letra|installment) (?:del?|do|of) (?:{_MONTH}|(?:el |dia )?{_D} de {_MONTH})\b"),
    ("none", rf"\b(?:cuota|recibo|factura|letra|mensualidad|boleto|parcela|vencimiento) del? (?:dia )?{_D}\b(?! de )(?=.*\b(?:el|dia|manana|hoy|al|amanha) )"),
    ("none", r"\b(?:segunda|quinta|quarta|terca|sexta) (?:parte|metade|mitad|via|parcela|vez|cuota|opcion|prestacao|opcao|y ultima|e ultima)\b"),
    ("none", r"\b(?:hasta|por|de) (?:ahora|el momento|agora)\b|\bahora (?:que|si que|mismo no)\b|\bate agora\b|"
             r"\bright now i (?:can|don|do n|am not|cannot)|\bde ahora en adelante\b|\bhoy en dia\b|\bhoje em dia\b|\bnow that\b|"
             r"\bde hoy no pasa\b(?=.{0,3}(?:manana))|\bfor now\b|\bpor enquanto\b"),
    ("plus2", r"\bpasado(?= (?:te|le|les|se|os|lo|la|pago|deposito|transfiero|consigno|yapeo|sin falta|temprano)\b)"),
    ("plus2", r"\bmanana o pasado\b|\bamanha ou depois\b"),
    ("next_after", r"\b(?:al|el) (?:otro dia|dia siguiente|dia sig)\b|\b(?:the )?(?:next day|day after)\b(?! (?:tomorrow|tmrw|tmr|tmw)\b)|\bno (?:outro dia|dia seguinte)\b|(?<!ni )\bun dia despues\b"),
    ("plus2", r"\bpasado ?ma[nñ]?ana\b|\bpasao manana\b|\bpsd manana\b|\bdepois de amanha\b|\b(?:the )?day after (?:tomorrow|tmrw|tmr|tmw)\b|"
              r"\bovermorrow\b|\bpasadomanana\b|\bpasado mnn\b|\bmanana no(?: puedo)?,? (?:sino |mejor )?pasado\b"),
    ("plus8", r"\bde manana en (?:ocho|8)(?: dias)?\b"),
    ("weekday_other", rf"\b(?:este |esta |el |essa |nessa |na |this )(?P<w>{_WD})(?: que viene| proximo)? (?:no|nao)\b(?! (?:mas|me|le|les|te|se)\b)[^,.;\d]{{0,25}}[,.;]? ?"
                      rf"(?:pero |sino |mas |mejor |y )?(?:para |hasta |na |a )?(?:(?:el |la |del )(?:otro|otra|siguiente|proximo|que (?:viene|sigue|entra))|outra)\b"
                      rf"(?! (?:{_WD}|dia|\d))(?: {_WD})?"),
    ("weekday_other", rf"\b(?:no|nao) (?:el |para el )?(?:este|esse|essa|esta) (?P<w>{_WD}),? (?:sino |mas |pero |y )?(?:el |la |del |o |a |na |no )?(?:otro|otra|outro|outra|siguiente|que (?:viene|sigue|entra|vem))\b"
                      rf"(?! (?:{_WD}|dia|\d))"),
    ("weekday_other", rf"\bnot this (?P<w>{_WD}),? (?:but )?(?:the )?(?:next|one after|following)(?: one)?\b"),
    ("week_from_wd", rf"\b(?:de |el |este |del |da |a )*(?P<w1>{_WD}) en (?:ocho|8)\b|\b(?:a )?week (?:on|from|this) (?P<w2>{_WD})\b|"
                     rf"\b(?P<w3>{_WD}) week\b|\b(?:de )?(?P<w4>{_WD}) a oito\b"),
    ("today_wd", rf"\b(?:hoy|hoje|today)(?: mismo)?,? (?:dia |es |mesmo |que es |e )?(?P<w>{_WD})\b"),
    ("plus7", r"\b(?:de |d )?(?:hoy|hoje|aqui|aca) (?:en|em|a) (?:ocho|8|oito)(?: dias)?\b|\b(?:en|dentro de|d aqui a|a|em|daqui a) "
              r"(?:ocho|oito) dias\b|\b(?:a )?week (?:from )?today\b|\ben (?:ocho|8)(?= |$|[.,!])(?! (?:cuotas|pagos|partes|meses|horas|dias))"),
    ("plus14", r"\b(?:de hoy |de hoje )?(?:en|dentro de|de aqui a|a|em|daqui a|daqui) (?:quince|quinze)(?: dias)?\b(?! (?:cuotas|"
               r"pagos|mil|minutos|min))|\b(?:in )?a fortnight\b|\ben una quincena\b"),
    ("hours", r"\b(?:en|dentro de|in|em|within|antes de|maximo|daqui a) (?:las |los |the |next |proximas |unas )*"
              r"(?P<h>24|48|72|96) ?(?:hs|hrs?|horas|hours|h)\b"),
    ("last_of_month", r"\b(?:a |al |para |en |el |hasta |los |no |ate o |ate |by |at |the )*(?:fin(?:es|al|ales)?|ultimos?|cierre|fim|"
                      rf"final|end|close|fech\w+)(?: dias?)?(?: |-)(?:de |del |d |do |of |the )*(?P<m>{_LONG_MONTH})\b"),
    ("last_of_next", r"\b(?:fin(?:es|al|ales)?|ultimo|fim|final|end)(?: dia)? (?:de |del |do |of |the )*" + _NEXT_MONTH),
    ("last_of_this", r"\b(?:fin(?:es|al|ales)?|cierre|fim|final|end|close)(?: |-)?(?:de |del |d |do |of |the |este |this |esse )*"
                     r"(?:mes|month)\b|\bantes (?:de )?que (?:se )?(?:acabe|termine|cierre) (?:el|este) mes\b|\bantes do mes acabar\b|\bultimo dia(?: del| de| do)?(?: mes| este mes)?\b|\bdia ultimo\b|\bel ultimo (?:del?|de este) mes\b|"
                     r"\b(?:el|para el|al) ultimo\b(?= *(?:$|[.,;!]| (?:me|nos) (?:pagan|cae|depositan)| cobro))|\bmonth end\b|\beom\b|\bfinde mes\b|\bfindemes\b|"
                     r"\bultimo dia util\b|\b(?:a )?fn de mes\b|\blast day of (?:the|this) month\b"),
    ("end_of_year", r"\b(?:fin(?:es|al|ales)?|fim|final|end) (?:de |del |do |of |the )*(?:ano|year)\b"),
    ("working_day", r"\b(?P<u>\d{1,2}|primer|segundo|tercer|cuarto|quinto|primeiro|terceiro|quarto)[ºo°]? dias? (?:util|habil)\b"),
    ("half_month", r"\b(?P<which>primera|1ra|1a|segunda|2da|2a) (?:quincena|15na|qna)(?: (?:de|del) (?:" + _NEXT_MONTH
                   + rf"|(?P<qm>{_MONTH})))?"),
    ("day", rf"\b(?:quincena|quinsena|15na|qna) (?:de |del )+(?P<d>{_D})\b"),
    ("today", r"\b(?:half|part of it|la mitad|una parte|metade|uma parte) (?:now|ahora|ahorita|agora)\b"),
    ("today", r"\ben (?:un par de|unas|pocas|algunas) horas\b"),
    ("payday", r"\b(?:quinsena|quincena|quincen|15na|qna|kincena)\b"),
    ("day_month", rf"\b(?:el |dia |o |the |para |al )*(?P<d>{_D})(?:st|nd|rd|th|º|°|ro|ero)?(?:,)? ?(?:de |d |of |del |do |/|-)? ?"
                  rf"(?P<mon>{_MONTH})\b(?:(?: de| del|,)? ?(?P<y>20\d\d))?"),
    ("day_month", rf"\b(?P<mon>{_MONTH})\.? (?:the )?(?P<d>{_D})(?:st|nd|rd|th)?\b(?!:| ?(?:am|pm|mil|hs|%))(?:,? (?P<y>20\d\d))?"),
    ("day_month", rf"\b(?:el |dia |the )?(?P<dw>{_DAY_WORD}) (?:de |of )(?P<mon>{_MONTH})\b"),
    ("day_month", rf"\b(?P<mon>{_LONG_MONTH}) (?:the )?(?P<dw>{_DAY_WORD})\b"),
    ("iso", r"\b(?P<iy>20\d\d)-(?P<im>0\d|1[0-2])-(?P<id>[0-3]\d)\b"),
    ("figures", rf"(?<![\d.,/$-])(?P<a>{_D})(?P<sep>[/.-])(?P<b>{_D})(?:(?P=sep)(?P<y>20\d\d|\d\d))?(?![\d/%]|[.,]\d)"),
    ("day_next_month", rf"\b(?:el |dia |the |o |al |para )+(?P<d>{_D}|{_DAY_WORD})(?:st|nd|rd|th|ro)? ?(?:{_NEXT_MONTH})"),
    ("in_days", rf"\b(?:en|dentro de|de aqui a|em|in|within|daqui a|daqui|a mas tardar en|maximo|en maximo|en los|nos|in the|"
                rf"faltan|dame|deme|denme|dentro de unos)(?: proximos| siguientes| next| unos| about| like| como)? (?P<n>{_COUNT})"
                rf"(?: ?(?:o|a|ou|or|to|-|y|u) ?(?P<n2>{_COUNT}))? (?P<unit>dias?|d|semanas?|sem|days?|weeks?|mes|meses|months?)\b"
                r"(?: (?P<work>habiles|laborables|laborales|uteis))?"),
    ("in_days", rf"\b(?P<n>{_COUNT}) (?P<unit>days?|weeks?|months?) from (?:now|today)\b"),
    ("nth_weekday", rf"\b(?P<nth>primer|segundo|tercer|cuarto|ultimo|first|second|third|fourth|last) (?P<w>{_WD}) (?:de |del |of )*(?:the |este |this |cada |each |every )?(?:mes|month)\b|"
                    rf"\b(?:the|on the|el) (?P<nth2>first|second|third|fourth|1st|2nd|3rd|4th|tercer|cuarto|primer) (?P<w2>{_WD})\b"),
    ("weekday_next", rf"\b(?:el |la |este |para el |no |na |on |o |a )*(?P<w>{_WD}),? (?:\(?no (?:manana|este|hoy|el de esta),? )?(?:sino |pero )?(?:el )?(?:{_NEXT_WEEK})"),
    ("weekday_next", rf"\b(?:{_NEXT_WEEK}),? (?:el |la |para el |na |no |on |dia |mas tardar el |, )*(?P<w>{_WD})\b"),
    ("weekday_number", rf"\b(?P<w>{_WD}|{_SHORT_WD}) (?:el |dia |the |o )*(?P<d>{_D})(?:st|nd|rd|th)?\b"
                       rf"(?! ?(?:{UNIT}))"
                       r"(?!:\d| ?(?:hs|hrs|horas|am\b|pm\b|a\.? ?m|p\.? ?m|de la|da (?:manha|tarde)|mil|k\b|lucas|pesos|euros|soles|reais|"
                       r"dolares|bolivianos|cuotas|%|€|\$)|[.,]\d)"),
    ("weekday", rf"\b(?:el |este |on |this |next |proxim[oa] |by |para |del |na |no |al )*(?P<w>{_WD})\b"
                r"(?: (?:que viene|q viene|que vem|q vem|proxim[oa]|entrante|siguiente|que entra))?"),
    ("weekday", r"\b(?:el|este|para el|on|by|next|this|na|hasta el|al) (?P<w>" + _SHORT_WD + r")\b(?!\w)"),
    ("weekday", rf"(?:(?<=^)|(?<=\d )|(?<=[.,;!?\n] )|(?<=\bok )|(?<=\bsi )|(?<=\bor )|(?<=\bou ))(?P<w>{_SHORT_WD}|mar(?=[. ]+\d)|ter(?=[. ]+\d))\b\.?(?! (?:d[eo]s?|e|es|da)\b)"),
    ("weekday", rf"\b(?P<w>{_SHORT_WD})\b(?=$|\.? ?[$€£\d]|[.,!;])"),
    ("day", rf"^(?P<d>{_D})(?= (?:eu|yo|i|i'?ll|vou|voy|les?|te|os)\b)"),
    ("day", rf"\b(?:el dia|dia|no dia|the|on the|by the|el|los dias|para el|al|del|hasta el|ate (?:o )?dia|o dia|ate o|este|"
            rf"antes del|el mero|el mismo|antes do dia|before the|tipo|ate dia|dia do|ate)(?: dia)? (?P<d>{_D})"
            r"(?:st|nd|rd|th|ro|ero|º|°)?(?![\d:/%]|[.,]\d| ?(?:mil|k\b|lucas|pesos|euros|eur\b|soles|reais|dolares|usd|cuotas|"
            r"parcelas|por ?ciento|porciento|pct|%|€|horas|hrs|hs\b|am\b|pm\b|a\.? ?m\b|p\.? ?m\b|de la (?:manana|tarde|noche)|"
            r"palos|gambas|varos|mangos|pavos|barras|pounds|quid|dollars|bucks|meses|dias|anos|vezes|veces|minutos|min\b))"),
    ("day", rf"\b(?:the )?(?P<d>{_D})(?:st|nd|rd|th)\b(?! (?:of|time|payment|installment|call|message|month))"),
    ("day", rf"\b(?:el dia|dia|no dia|el|para el|al|del|hasta el|ate o dia|the|on the|by the|este) (?P<dw>{_DAY_WORD})\b"
            r"(?! (?:mil|por|cuotas|pesos|euros|dias|que (?!me |nos |cae|cobr|llega|pagan|entra|deposit|es )|de (?:los|las|ustedes|nosotros|cada|todos)|lucas|soles|reais|cientos|"
            r"payment|of|one|time|call|message|thing|piso|contacto|y el|paso|aviso))"),
    ("named", rf"\b(?:{NAMED_DAYS})\b"),
    ("plus1", r"\b(?<!\bla )(?<!\blas )(?<!\bcada )(?:ma[nñ]?ana|maniana|manan|manna|manaa?na|mnn|mna|mñn|manaan|amanha|amanh|tomorrow|tommorow|tommorrow|"
              r"tomorow|tmrw|tmr|tmw|2morrow|tomoz|mañ)\b"),
    ("today", r"\b(?:hoy|oy|hoi|hoje|hj|today|2day|tonight|tonite|2nite|(?:esta|este|hoje a|essa) (?:misma )?(?:noche|tarde|tardecita|"
              r"nochecita|mediodia|noite)|esta manana|al rato|mas rato|ahorita|ahoritica|orita|horita|"
              r"al raton|ahoritita|ahora mismo|ya mismo|ahora mismito|right now|rn|right away|straight away|in a (?:bit|minute|moment|sec)|"
              r"in (?:like |about |maybe |half )*(?:an? )?(?:half )?(?:an )?hour|in (?:like |about )?\d{1,2} min\w*|this (?:afternoon|evening|morning|arvo)|later on|en (?:un|una|unas|unos|media|\d{1,2}) "
              r"(?:rato|ratito|momento|momentito|minuto|minutos|min|hora|horas|hrs?)|en seguida|enseguida|mas tarde(?! del?\b| que)|mas tardecito|mas ratito|"
              r"mais tarde|daqui a pouco|daqui (?:uma|\d|meia) horas?|agorinha|agora mesmo|ja ja(?= (?:sai|faco|mando|pago|cai|vai|te|lhe|deposito|transfiro|fa))|em (?:instantes|breve momento)|"
              r"en este (?:momento|instante)|neste momento|inmediatamente|immediately|at once|by end of day|eod|"
              r"antes de (?:la )?medianoche|antes de (?:las )?\d{1,2} de la noche|lueguito|al ratito)\b"),
    ("at_once", r"\b(?:altiro|al tiro|al toque|de una(?: vez)?|na hora|right then)\b"),
    ("there", r"\b(?:ahi mismo|ahi nomas|ahi no mas)\b"),
    ("today_weak", r"\b(?:en|por|a) la (?:noche|nochecita|tarde|tardecita)\b|\bantes de las? (?:\d{1,2}|seis|cinco|siete|ocho|nueve|diez)\b|\b(?:al|antes del) (?:medio ?dia|anochecer)\b|\ba noite\b|\b(?:a|na) tarde\b|"
                   r"\b(?:las )?(?:seis|siete|ocho|nueve|diez|\d{1,2}) (?:de|en) la (?:noche|tarde)\b|\bahora que (?:salga|llegue|termine|pueda|abra|vaya|baje)\b|"
                   r"\b(?:le|les|te|os|lo|la|se lo|se los) (?:mando|paso|hago|tiro|giro|doy|deposito|transfiero|pago) ya\b|"
                   r"\b(?:metiendo|ingresando|poniendo) (?:la plata|el dinero|la lana|la tarjeta|los datos|el monto)\b|"
                   r"\bestoy (?:ya )?(?:en|entrando a|metid[oa] en) (?:la|el|mi) (?:app|aplicacion|pagina|portal|computador|computadora|compu|caja|ventanilla|oxxo|efecty|baloto|agente)\b"),
    ("today_weak", r"\b(?:ahora|agora|now|ya)\b(?= (?:te |le |les |lo |la |se lo |se los |i'?m |i |vou |mando |sim |si |pago |hago )?"
                   r"(?!(?:pagu|deposit|transfer|abon|cancel|envi|mand|consign|liquid|hici?|paid|sent|fiz)(?:[eéi]'?|ei|o'|aron|aram)\b'?(?: |$))(?:pag|deposit|transf|abon|cancel|envi|mand|yape|consign|liquid|faz|fa[cç]o|send|pay|hago|depos|paso|doing|making|going))|"
                   r"\b(?:ahora|agora|now)\b|\ba las \d{1,2}(?: ?(?:am|pm|hs|hrs|y media|de la tarde|de la noche|en punto))?\b|"
                   r"\b(?:te|le|les|se) lo (?:hago|mando|paso) ya\b|\b(?:pagand|transfiriend|transferind|depositand|mandand|enviand|abonand|consignand|girand|ingresand|yapeand|plineand|quitand)o\w{0,3}\b|\bas we speak\b|\b(?:gimme|give me|dame|deme|denme|me da|me de) (?:like )?(?:un|una|unos|a|an|\d{1,2}|media|uns) (?:min\w*|hora|horas|hour|hours|rat\w+|moment\w*|sec\w*|segund\w*|minutinh\w*)\b|\b(?:indo|saindo|abrindo|entrando|going through) (?:agora|o app|el|no|na|as we)\b|\b(?:te|le|les|os) (?:hago|mando|paso|pongo|meto) (?:\w+ ){1,3}ya\b|\b(?:a punto de|acabo de poner a|te estoy|les estoy|le estoy|lo estoy|los estoy|la estoy) (?:\w+)\b|\b(?:haciendo|realizando|fazendo) (?:el|la|o|un|una|a) (?:pago|transferencia|deposito|pix|giro|yape|pagamento|bizum)\b|"
                   r"\b(?:voy|estoy|ando|vou|estou|to) (?:saliendo|camino|yendo|en camino|en el (?:banco|cajero|oxxo)|en la (?:fila|cola)|"
                   r"no banco|a caminho|indo|entrando)\b|\b(?:i'?m|i am|im) (?:paying|doing it|sending|transferring|making the payment|at the bank)\b|"
                   r"\bon my way to\b|\bvoy al (?:banco|oxxo|cajero)\b"),
)  # fmt: skip
_NAMES = tuple(f"r{number}" for number in range(len(_RULES)))
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _RULES)
_ANY_WEEKDAY, _ANY_MONTH = re.compile(f"{_WD}|{_SHORT_WD}|mar|ter"), re.compile(_MONTH)
_WITH_WEEKDAY = frozenset(
    {"week_from_wd", "weekday", "weekday_next", "weekday_number", "weekday_other", "nth_weekday", "today_wd"}
)
_ANY_FIGURE, _FIGURED = re.compile(r"\d"), f"(?P<d>{_D})"
_WITH_MONTH = frozenset({"day_month", "last_of_month"})
_RANGE = re.compile(
    r"^[\s,]*(?:o|u|ou|or|al|a|hasta(?: el)?|ate|to|till|until|through|/|-|o a mas tardar|o a lo mucho|a mas tardar|o maximo|maximo|"
    r"como maximo|o si no|si no|sino|o sino|ou no maximo|no maximo|latest|at the latest|or at the latest|o a mas tardar hasta|"
    r"o por tarde|o a lo mas|a lo mas|ou senao|or else|o tal vez|o quizas?|o por (?:ahi|ai|hay)(?: el)?|ou por ai(?: n[oa])?|or maybe|ou talvez|o cuando mucho|o mas tardar|o el|o para el|"
    r"ou ate|y si no|e o|o incluso)?[\s,]*(?:el|la|dia|o|the|no|na|para el|hasta el|on)?[\s,]*$"
)
_BETWEEN = re.compile(r"\b(?:entre|between|del|from)(?: el| o| the| dia| los dias)?[\s,]*$")
_AND = re.compile(r"^\s*(?:y|e|and|al)\s*(?:el|la|o|the|dia)?\s*$")
_RATHER = re.compile(
    r"\b(?:mejor|mejor dicho|digo|perdon|quise decir|no no|i mean|sorry|rather|ou melhor|quero dizer|desculpa|corrijo|actually|"
    r"me equivoque|errata)\b"
)
_NO_THE_OTHER = re.compile(r"[.,;\s](?:no|nao|nope|digo|minto), ?$")
_ON_THE_EVE = re.compile(r"\b(?:antes|vispera|vespera|day before|eve of|before) (?:de |del |do |da |the )*$")
_IS_THE = re.compile(
    r"(?:\b(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|hoy|manana|hoje|amanha|today|tomorrow|ahi)|\d) (?:es|e|is) (?:el |o )?$"
)
"""`mañana es 20 de julio`, `el lunes 2 es día de muertos`: a holiday that falls on the day, no day of paying."""
_REPEATED, _HARDLY = 0.25, -3.2
_HARDLY_A_DAY = frozenset({"past", "none", "vague", "today", "today_weak", "at_once", "there"})
_LOOSE_DAY = re.compile(rf"^(?:{_D})(?:st|nd|rd|th)?\b")


_MAY_BE_OVER = frozenset({"day_month", "figures", "last_of_month", "half_month"})
_JUST_OVER = 100
"""Days since a day of a month that is named without its year, within which it is taken for one that is over."""
_AT_ONCE = frozenset(
    {"altiro", "al tiro", "al toque", "de una", "de una vez", "ahi mismo", "ahi nomas", "na hora", "right then"}
)
"""Said beside a day, it is that day."""
_NAMES_OF_A_DAY = frozenset({"day", "day_month", "figures", "weekday_number"})


@dataclass(frozen=True)
class Mention:
    """Words that name a day; `day` is None where they name none that can be told, as in "after the 15th"."""

    start: int
    end: int
    kind: str
    day: date | None


def promised_day(text: str, sent_on: date, country: str) -> date | None:
    """The day named for paying in a message that promises it, or None.

    `sent_on` is the borrower's local day; the answer is never before it. Of several payments the first counts, of a
    range or a deadline the last day named.
    """
    folded = respelt(with_past_marked(text))
    clauses = Clauses(folded, language_of(text, country))
    mentions = _merged(folded, _after_each(folded, mentions_in(folded, sent_on, country.upper()), clauses, sent_on))
    best: Mention | None = None
    best_points = 0.0
    for mention in mentions:
        if mention.kind in {"past", "none"}:
            continue
        points = clauses.points(mention.start, mention.end)
        points -= 1.5 if mention.kind == "today_weak" else 0.0
        points -= (
            0.4
            if mention.kind in {"today", "at_once", "there"} and folded[mention.start : mention.end] in _AT_ONCE
            else 0.0
        )
        points -= 0.6 if mention.kind == "vague" else 0.0
        points -= 1.8 if mention.kind in {"named", "day_month"} and _IS_THE.search(folded[: mention.start]) else 0.0
        points -= 0.7 if mention.kind == "named" and _ON_THE_EVE.search(folded[: mention.start]) else 0.0
        points -= _beside_the_point(folded, mention, mentions)
        points += _REPEATED if any(each.day == mention.day for each in mentions if each.end <= mention.start) else 0.0
        corrected = (
            best is not None
            and (
                _RATHER.search(folded[best.end : mention.start])
                or _NO_THE_OTHER.search(folded[best.end : mention.start])
            )
            is not None
        )
        if points > -2.0 and (best is None or points > best_points or (corrected and points >= best_points - 1.5)):
            best, best_points = mention, points
    named = [
        each
        for each in mentions
        if each.day is not None and each.kind not in _HARDLY_A_DAY and not _beside_the_point(folded, each, mentions)
    ]
    if best is None and len(named) == 1 and clauses.points(named[0].start, named[0].end) > _HARDLY:
        best = named[0]  # nothing else can be meant
    if best is None or best.day is None or best.day < sent_on:
        return None
    return _after_payday(best, mentions, clauses) if best.kind == "weekday" else best.day


_TODAY_IS = re.compile(r"\b(?:hoy|hoje|today),? (?:ya )?(?:es|e|is) (?:la |dia de )?$")
_HOW_IT_IS = re.compile(
    r" (?:todo se va|estoy (?:en cero|sin|corto|corta|seco|seca|mal|desemplead[oa]|parad[oa]|quebrad[oa]|pelad[oa])|"
    r"ando (?:sin|corto|corta|mal|seco|seca))\b"
)
_ASKED = re.compile(r"\bcuanto (?:esta|es|sale|debo|va|queda)\b[^.,;\n]{0,25}$")
_THE_REST = re.compile(r"\b(?:el resto|o resto|lo demas|the rest|lo que falta|o que falta)\b[^.;\n]{0,30}$")


def _beside_the_point(text: str, mention: Mention, mentions: list[Mention]) -> float:
    """What a day loses of which something else is said: `hoy es quincena`, `ahorita estoy sin nada`, `cuánto es hoy`, the
    hour in `hoy, tipo 7`, and the day of the rest where the first payment has one."""
    before = text[: mention.start]
    if mention.kind in {"today", "today_weak"}:
        return 3.2 if _HOW_IT_IS.match(text, mention.end) or _ASKED.search(before) else 0.0
    if mention.kind == "payday" and _TODAY_IS.search(before):
        return 3.0
    earlier = [each for each in mentions if each.end <= mention.start and each.day is not None and each.kind != "past"]
    if text.startswith("tipo ", mention.start) and any(each.kind == "today" for each in earlier):
        return 3.0
    return 1.2 if earlier and _THE_REST.search(before) else 0.0


def _after_each(text: str, mentions: list[Mention], clauses: Clauses, sent_on: date) -> list[Mention]:
    """`cobro el 30 y al otro día pago`: the day after the one named before, or after the message; `al toque` and `ahí
    les mando`: the day the money comes in, or else today."""
    result: list[Mention] = []
    for mention in mentions:
        if mention.kind == "next_after":
            before = next((each.day for each in reversed(result) if each.day is not None), sent_on)
            mention = replace(mention, day=before + timedelta(days=1))
        elif mention.kind in {"at_once", "there"} or text.startswith("ahi ", mention.start):
            named = [
                each for each in result if each.day is not None and each.kind not in {"past", "today", "today_weak"}
            ]
            earned = [each for each in named if mention.kind == "there" or clauses.of_income(each.start, each.end)]
            mention = replace(mention, day=earned[-1].day, kind="there") if earned else mention
        result.append(mention)
    return result


def _after_payday(chosen: Mention, mentions: list[Mention], clauses: Clauses) -> date | None:
    """`me pagan el viernes y el sábado deposito`: that Saturday follows that Friday."""
    for earlier in mentions:
        if earlier.end <= chosen.start and earlier.day is not None and chosen.day is not None:
            if earlier.day > chosen.day and clauses.of_income(earlier.start, earlier.end):
                return chosen.day + timedelta(days=7)
    return chosen.day


def mentions_in(text: str, sent_on: date, country: str) -> list[Mention]:
    """What names a day in plain text, from left to right; rules that stand first take their words from those that follow."""
    taken: list[Mention] = []
    figure = _ANY_FIGURE.search(text)
    weekday, month = _ANY_WEEKDAY.search(text), _ANY_MONTH.search(text)
    for kind, rule in _COMPILED:
        if (
            (weekday is None and kind in _WITH_WEEKDAY)
            or (month is None and kind in _WITH_MONTH)
            or (figure is None and _FIGURED in rule.pattern)
        ):
            continue  # most messages name none, and looking for each way to name one costs
        for match in rule.finditer(text):
            start, end = match.span()
            if start == end or any(start < other.end and other.start < end for other in taken):
                continue
            known = _resolve(kind, match, sent_on, country)
            kind_here = "past" if known is None and kind in _MAY_BE_OVER else kind
            if known is not _NOT_A_DAY:
                taken.append(Mention(start, end, kind_here, known if isinstance(known, date) else None))
    return sorted(taken, key=lambda mention: mention.start)


def _merged(text: str, mentions: list[Mention]) -> list[Mention]:
    """Ranges and deadlines become one mention with their last day."""
    result: list[Mention] = []
    for mention in mentions:
        before = result[-1] if result else None
        if before is not None and before.day and mention.day and before.kind != "past" and mention.kind != "past":
            gap = text[before.end : mention.start]
            lead = text[: before.start]
            opened = _BETWEEN.search(lead) or text[before.start : before.end].startswith(("del ", "entre "))
            named = text[mention.start : mention.end]
            goes_on = not gap.strip() and named.startswith(("al ", "hasta ", "ate "))
            either_day = not gap.strip() and named.startswith("o ") and before.kind in _NAMES_OF_A_DAY
            weak = mention.kind == "today_weak" or before.kind == "today_weak"
            if not weak and (either_day or _joins(gap) or (opened and (goes_on or _AND.match(gap)))):
                later = max(before.day, mention.day)
                if before.kind == mention.kind == "day" and mention.day.day > before.day.day:
                    later = mention.day  # `entre el 26 y el 28`, said on the 26th
                if mention.kind == "weekday" and mention.day < before.day:
                    later = mention.day + timedelta(days=7)
                result[-1] = Mention(before.start, mention.end, "range", later)
                continue
            if _apposition(gap, before, mention):
                relative = before.kind not in {"weekday", "next_after"} and mention.kind == "weekday"
                result[-1] = Mention(before.start, mention.end, mention.kind, before.day if relative else mention.day)
                continue
        result.append(mention)
    return result


def _joins(gap: str) -> bool:
    return bool(gap.strip(" ,")) and _RANGE.match(gap) is not None


def _apposition(gap: str, before: Mention, after: Mention) -> bool:
    """`mañana viernes`, `mañana 28`, `el viernes 28 de noviembre`: two names of one day."""
    return gap.strip(" ,()") in {"", "dia", "el dia", "o sea", "es decir", "que es", "que es el"} and (
        (before.kind in {"plus1", "plus2", "today", "next_after"} and after.kind in _NAMES_OF_A_DAY | {"weekday"})
        or (before.kind == "weekday" and after.kind in _NAMES_OF_A_DAY)
    )


class _NotADay:
    pass


_NOT_A_DAY = _NotADay()


def _resolve(kind: str, match: re.Match[str], sent: date, country: str) -> date | _NotADay | None:
    given = match.groupdict()
    if kind in {"past", "vague", "none", "next_after"}:
        return None
    if kind in {"at_once", "there"}:
        return sent
    if kind in {"today", "today_weak", "today_wd"}:
        return sent
    plus = {"plus1": 1, "plus2": 2, "plus8": 8, "plus7": 7, "plus14": 14}.get(kind)
    if plus is not None:
        return sent + timedelta(days=plus)
    if kind == "hours":
        return sent + timedelta(days=int(given["h"]) // 24)
    if kind == "week_from_wd":
        word = next(value for value in given.values() if value)
        return _next_weekday(sent, WEEKDAYS[word]) + timedelta(days=7)
    if kind == "weekday":
        word = given["w"]
        if _is_ordinal_not_day(word, match):
            return _NOT_A_DAY
        return _next_weekday(sent, WEEKDAYS.get(word, _SHORT.get(word, 0)))
    if kind == "first_of_month":
        return _month_after(sent)
    if kind == "nth_weekday":
        return _nth_weekday(sent, given["nth"] or given["nth2"] or "", WEEKDAYS[given["w"] or given["w2"] or ""])
    if kind == "weekday_other":
        return _next_weekday(sent, WEEKDAYS[given["w"]]) + timedelta(days=7)
    if kind == "weekday_next":
        if _is_ordinal_not_day(given["w"], match):
            return _NOT_A_DAY
        monday = sent - timedelta(days=sent.weekday()) + timedelta(days=7)
        return monday + timedelta(days=WEEKDAYS[given["w"]])
    if kind in {"day", "weekday_number"}:
        return _next_day_number(sent, _day_number(given))
    if kind == "day_next_month":
        return _in_month(_month_after(sent), _day_number(given))
    if kind == "day_month":
        return _day_of_month(sent, _day_number(given), MONTHS[given["mon"]], given.get("y"))
    if kind == "figures":
        return _in_figures(given, sent, country, match)
    if kind == "iso":
        try:
            return date(int(given["iy"]), int(given["im"]), int(given["id"]))
        except ValueError:
            return _NOT_A_DAY
    if kind == "in_days":
        return _in_days(given, sent)
    if kind == "working_day":
        return _working_day(sent, given["u"])
    if kind == "half_month":
        return _half_month(sent, given["which"], given.get("qm"), match.group(), country)
    if kind == "payday":
        return _payday(sent, country)
    if kind == "last_of_this":
        return _in_month(sent, 31)
    if kind == "last_of_next":
        return _in_month(_month_after(sent), 31)
    if kind == "last_of_month":
        return _day_of_month(sent, 31, MONTHS[given["m"]], None)
    if kind == "eve":
        feast = named_day(given["eve"] or "", sent + timedelta(days=1), country)
        return None if feast is None else feast - timedelta(days=1)
    if kind == "end_of_year":
        return date(sent.year, 12, 31)
    return named_day(match.group(), sent, country)


def _is_ordinal_not_day(word: str, match: re.Match[str]) -> bool:
    """`segunda` to `sexta` are weekdays only where Portuguese is written; "la segunda" is an ordinal."""
    if word not in {"segunda", "terca", "quarta", "quinta", "sexta"}:
        return False
    before = match.string[: match.start("w")]
    return re.search(r"\b(?:la|una|(?<!pode )por|mi|su|y|de la) $", before) is not None


def _day_number(given: dict[str, str | None]) -> int:
    figure = given.get("d") or ""
    if figure.isdigit():
        return int(figure)
    return DAY_WORDS[given.get("dw") or figure]


def _next_weekday(sent: date, weekday: int) -> date:
    return sent + timedelta(days=(weekday - sent.weekday() - 1) % 7 + 1)


def _nth_weekday(sent: date, which: str, weekday: int) -> date:
    """The third Wednesday of this month, or of the next where it has passed."""
    numbers = {"first": 1, "1st": 1, "primer": 1, "second": 2, "2nd": 2, "segundo": 2, "third": 3, "3rd": 3, "tercer": 3, "fourth": 4, "4th": 4, "cuarto": 4}  # fmt: skip
    for month in (sent.replace(day=1), _month_after(sent)):
        days = [
            month.replace(day=number)
            for number in range(1, monthrange(month.year, month.month)[1] + 1)
            if month.replace(day=number).weekday() == weekday
        ]
        day = days[-1] if which not in numbers else days[numbers[which] - 1]
        if day > sent:
            return day
    return day


def _in_month(month: date, day: int) -> date:
    """That day of the month, or its last day where it is shorter."""
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _next_day_number(sent: date, number: int) -> date:
    this = _in_month(sent, number)
    return this if this > sent else _in_month(_month_after(sent), number)


def _day_of_month(sent: date, number: int, month: int, year: str | None) -> date | None:
    chosen = int(year) + (2000 if len(year) == 2 else 0) if year else sent.year
    day = _in_month(date(chosen, month, 1), number)
    if year or day >= sent:
        return day
    # `the invoice of 28/09`, said in October: what is just over is not meant for next year.
    return None if (sent - day).days <= _JUST_OVER else _in_month(date(chosen + 1, month, 1), number)


def _in_figures(given: dict[str, str | None], sent: date, country: str, match: re.Match[str]) -> date | _NotADay | None:
    first, second = int(given["a"] or 0), int(given["b"] or 0)
    day, month = (second, first) if country == "US" else (first, second)
    if month > 12 >= day:
        day, month = month, day
    if month > 12:
        return _NOT_A_DAY
    if given["sep"] != "/" and not given.get("y"):
        # 10.12 and 10-12 are dates only where something says so: they may be amounts or ranges of days.
        before = match.string[: match.start()]
        if re.search(r"\b(?:el|dia|on|para el|al|ate|hasta el) $", before) is None:
            return _NOT_A_DAY
    return _day_of_month(sent, day, month, given.get("y"))


def _in_days(given: dict[str, str | None], sent: date) -> date | None:
    word = given.get("n2") or given["n"] or ""
    number = int(word) if word.isdigit() else COUNTS[word]
    unit = given["unit"] or ""
    if given.get("work"):
        day = sent
        while number > 0:
            day += timedelta(days=1)
            number -= day.weekday() < 5
        return day
    if unit.startswith(("sem", "week")):
        return sent + timedelta(days=7 * number)
    if unit.startswith(("mes", "month")):
        month = sent
        for _ in range(min(number, 24)):
            month = _month_after(month)
        return _in_month(month, sent.day) if number <= 24 else None
    return sent + timedelta(days=number)


def _working_day(sent: date, word: str) -> date:
    numbers = {
        "primer": 1,
        "primeiro": 1,
        "segundo": 2,
        "tercer": 3,
        "terceiro": 3,
        "cuarto": 4,
        "quarto": 4,
        "quinto": 5,
    }
    wanted = int(word) if word.isdigit() else numbers[word]
    for month in (sent, _month_after(sent)):
        day, count = month.replace(day=1) - timedelta(days=1), 0
        while count < min(wanted, 20):
            day += timedelta(days=1)
            count += day.weekday() < 5
        if day > sent:
            return day
    return day


def _payday(sent: date, country: str) -> date:
    """The next 15th or last day of a month; where people are not paid twice a month, the next 15th."""
    fifteenth, last = _in_month(sent, 15), _in_month(sent, 31)
    if fifteenth > sent:
        return fifteenth
    if country in {"CL", "PE"}:
        return _in_month(_month_after(sent), 15)
    return last if last > sent else _in_month(_month_after(sent), 15)


def _half_month(sent: date, which: str, month: str | None, words: str, country: str) -> date | None:
    number = 15 if which in {"primera", "1ra", "1a"} else 31
    if month:
        return _day_of_month(sent, number, MONTHS[month], None)
    if "del" in words or "de " in words:
        return _in_month(_month_after(sent), number)
    return _next_day_number(sent, number)
