"""What names a day in a message, as regular expressions over plain text: docs/replies.md says how each is read."""

from __future__ import annotations

import re

from domain.replies.day_words import COUNTS, DAY_WORDS, MONTHS, WEEKDAYS, either
from domain.replies.money_words import UNIT
from domain.replies.named_days import MOVABLE_DAYS, NAMED_DAYS

_WEEKDAY = either({name: day for name, day in WEEKDAYS.items() if name not in {"mon", "wed", "vie"}})
SHORT_WEEKDAYS: dict[str, int] = {
    "mon": 0, "wed": 2, "vie": 4, "sat": 5, "sun": 6, "mie": 2, "mier": 2, "jue": 3, "lun": 0, "sab": 5, "dom": 6, "seg": 0,
    "qua": 2, "qui": 3, "sex": 4, "vier": 4,
}  # fmt: skip
"""Weekdays cut short, Monday is 0: too short to be told from other words without those around them."""
_SHORT_WEEKDAY = either(SHORT_WEEKDAYS)
_MONTH = either(MONTHS)
_LONG_MONTH = either({name: m for name, m in MONTHS.items() if len(name) > 3 or name in {"dic", "ene", "dez", "nov"}})
_DAY_WORD = either(DAY_WORDS)
_COUNT = r"(?:\d{1,3}|" + either(COUNTS)[3:]
_DAY_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])"
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
    ("past", rf"\b(?:el |la |los |este |no |na |last )?{_WEEKDAY} (?:pasado|passad[oa]|anterior|retrasado)\b|\blast {_WEEKDAY}\b"),
    ("past", r"\b(?:ayer|anteayer|antier|antes de ayer|anoche|ontem|anteontem|yesterday|last (?:week|month|night|year))\b"),
    ("past", rf"\bpasado (?:dia )?{_DAY_NUMBER} de {_MONTH}\b"),
    ("past", rf"\b(?:era|foi|fue|was) (?:na |no |el |on |para el )?{_WEEKDAY}\b"),
    ("none", rf"\b(?:es|e|it's|its) {_WEEKDAY}\b(?= (?:y|e|and|a las|son)\b)"),
    ("none", rf"\b(?:merry|happy|feliz|felices|en vez de|instead of|em vez de) (?:el |o |dia de |dia dos )?(?:{NAMED_DAYS})\b"),
    ("none", r"\bdia d[oa]s (?=[a-z]{4,})(?!mil)"),
    ("past", r"\b(?:semana|mes|quincena|ano) (?:pasad[oa]|passad[oa]|anterior)\b"),
    ("past", rf"\b(?:desde|since|hace|faz|ha) (?:el |la |o |a |the )?(?:{_DAY_NUMBER} de {_MONTH}|{_WEEKDAY}|{_COUNT} (?:dias?|semanas?|"
             r"mes(?:es)?|days?|weeks?|months?|anos?))\b"),
    ("past", rf"\b{_COUNT} (?:days?|weeks?|months?) ago\b"),
    ("plus2", r"^pasado[.!]*$"),
    ("vague", r"\b(?:en|in|em|a) \d{1,2} (?:mes|meses|months?|cuotas|partes|pagos)\b(?=[^.]*\?)|\b(?:part|divid|reparti|hac|fraccion|parcel)\w* (?:\w+ )?(?:en|in|em) (?:\d{1,2}|dos|tres|cuatro|seis|three|two) (?:mes|meses|months?)\b"),
    ("day", rf"\b(?:n?tre|between) (?:el |l |o |the |dia |los dias |o dia )*{_DAY_NUMBER}(?:st|nd|rd|th)? (?:y|e|and) (?:el |l |o |the |dia |o dia )*(?P<d>{_DAY_NUMBER})(?:st|nd|rd|th)?\b(?! de)"),
    ("day", rf"\bentre (?:el |l |o )?(?:dia )?{_DAY_NUMBER} (?:y|e) (?:el |l |o )?(?:dia )?(?P<d>{_DAY_NUMBER})\b(?! (?:de|mil|pesos|lucas))"),
    ("day_month", rf"\b(?P<d>1)[o°º]? de (?P<mon>{_MONTH})\b"),
    ("today_weak", r"\bthis (?:second|minute)\b|\bas i type\b|\bat ya\b|\b(?:gerando|fazendo|abrindo) (?:o pix|o app|isso|agora)\b|\b(?:na|en la) fila\b|\bapp do banco, fazendo\b|\bde noite\b|\bahi (?:te|le|les|os) (?:paso|mando|hago|tiro|giro|deposito|transfiero)\b"),
    ("plus1", r"\bin the morning\b(?=[.!]?$)"),
    ("day", rf"(?:^|(?<=[.,;:?!] )|(?<=entonces )|(?<=entao )|(?<=senal casi\. ))(?P<d>{_DAY_NUMBER})(?=,? (?:pago|fijo|sin falta|seguro|(?:agora )?eu (?:pago|mando|deposito|quito)|es feriado|halloween|sao joao)\b)"),
    ("none", rf"\b(?:vence|vencia|venceu|vencimento|due|era|eram) (?:el |dia |on |the |o |em )*{_DAY_NUMBER}\b"),
    ("named", r"\b(?:black friday|viernes negro)\b"),
    ("vague", rf"\b(?:despues|luego|pasado|pasando|depois|after|a partir|desde|starting|(?<!week )from) (?:de |del |do |the |el |dia |o |d )*"
              rf"(?:dia )?(?:{_DAY_NUMBER}(?:st|nd|rd|th)?|{_DAY_WORD}|{_WEEKDAY})\b(?! (?:por la|en la|a la|de manha)? ?(?:manana|tarde))"
              r"(?! (?:si|se) )"),
    ("vague", rf"\b(?:despues|luego|pasando|pasad[oa]s?|pas[ae]n?|pase|tras|depois|after|passand?o|passar) (?:de |del |do |da |the |el |la |las |los |o |a )*(?:{NAMED_DAYS})\b"),
    ("first_of_month", r"\b(?:on )?(?:the )?(?:first|1st) of (?:the |next )?month\b|\b(?:el|dia|al) (?:primero|uno|1ro) (?:de|del) mes\b|\bdia primeiro do mes\b"),
    ("vague", r"\b(?:a |en |la |las )?(?:primer[oa]s?|principios|inicios|mediados|comienzos|inicio|comeco|meados|early|mid|"
              r"beginning|start|middle) (?:dias )?(?:de |del |do |da |of |the )+(?:mes|month|semana|week|ano|year|proximo|otro|"
              r"next|que)\b[\w ]{0,12}"),
    ("vague", r"\bfin(?:es|al|ales)? de (?:esta |la )?semana\b|\bfindes?\b|\bfim de semana\b|\bfinal de semana\b|\bweekend\b|"
              r"\bfindi\b"),
    ("none", rf"\b(?:el |dia |o )?(?:{_DAY_NUMBER}|{_DAY_WORD}) (?:de|do) cada\b"),
    ("weekday", rf"\b(?:cada|todos los|todas las|every|toda|todo) (?P<w>{_WEEKDAY})s?\b(?=.*\b(?:empezando|empiezo|comenzando|arrancando|iniciando|a partir|desde|starting|"
                r"from|comecando|comeco)\b)"),
    ("none", r"\b(?:cada|todos los|todas las|every|todo dia|all) (?:dia |mes |el |dias )?(?:\d{1,2}\b|" + _WEEKDAY + r"|quincena|"
             r"fin de mes)?"),
    ("none", r"\b(?:extra|paga|aguinaldo|bono|bonus|prima|regalos?|cena|canasta|gastos|compras|gratificacion|grati|decimo) (?:de |del |da |do |por )+(?:la )?(?:navidad|natal|julio|diciembre|dezembro|reyes|fin de ano|verano)\b"),
    ("none", r"\b(?:por|en|de|toda|a) (?:la|las) mananas?\b|\besta manana\b(?= (?:me|los|las|recibi|llam|pague|hice|ya|fui|"
             r"deposite|transferi))"),
    ("none", rf"\b(?:cuota|pago|parcela|recibo|factura|boleto|letra|installment) (?:del?|do|of) (?:{_MONTH}|(?:el |dia )?{_DAY_NUMBER} de {_MONTH})\b"),
    ("none", rf"\b(?:cuota|recibo|factura|letra|mensualidad|boleto|parcela|vencimiento) del? (?:dia )?{_DAY_NUMBER}\b(?! de )(?=.*\b(?:el|dia|manana|hoy|al|amanha) )"),
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
    ("weekday_other", rf"\b(?:este |esta |el |essa |nessa |na |this )(?P<w>{_WEEKDAY})(?: que viene| proximo)? (?:no|nao)\b(?! (?:mas|me|le|les|te|se)\b)[^,.;\d]{{0,25}}[,.;]? ?"
                      rf"(?:pero |sino |mas |mejor |y )?(?:para |hasta |na |a )?(?:(?:el |la |del )(?:otro|otra|siguiente|proximo|que (?:viene|sigue|entra))|outra)\b"
                      rf"(?! (?:{_WEEKDAY}|dia|\d))(?: {_WEEKDAY})?"),
    ("weekday_other", rf"\b(?:no|nao) (?:el |para el )?(?:este|esse|essa|esta) (?P<w>{_WEEKDAY}),? (?:sino |mas |pero |y )?(?:el |la |del |o |a |na |no )?(?:otro|otra|outro|outra|siguiente|que (?:viene|sigue|entra|vem))\b"
                      rf"(?! (?:{_WEEKDAY}|dia|\d))"),
    ("weekday_other", rf"\bnot this (?P<w>{_WEEKDAY}),? (?:but )?(?:the )?(?:next|one after|following)(?: one)?\b"),
    ("week_from_wd", rf"\b(?:de |el |este |del |da |a )*(?P<w1>{_WEEKDAY}) en (?:ocho|8)\b|\b(?:a )?week (?:on|from|this) (?P<w2>{_WEEKDAY})\b|"
                     rf"\b(?P<w3>{_WEEKDAY}) week\b|\b(?:de )?(?P<w4>{_WEEKDAY}) a oito\b"),
    ("today_wd", rf"\b(?:hoy|hoje|today)(?: mismo)?,? (?:dia |es |mesmo |que es |e )?(?P<w>{_WEEKDAY})\b"),
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
    ("day", rf"\b(?:quincena|quinsena|15na|qna) (?:de |del )+(?P<d>{_DAY_NUMBER})\b"),
    ("today", r"\b(?:half|part of it|la mitad|una parte|metade|uma parte) (?:now|ahora|ahorita|agora)\b"),
    ("today", r"\ben (?:un par de|unas|pocas|algunas) horas\b"),
    ("payday", r"\b(?:quinsena|quincena|quincen|15na|qna|kincena)\b"),
    ("day_month", rf"\b(?:el |dia |o |the |para |al )*(?P<d>{_DAY_NUMBER})(?:st|nd|rd|th|º|°|ro|ero)?(?:,)? ?(?:de |d |of |del |do |/|-)? ?"
                  rf"(?P<mon>{_MONTH})\b(?:(?: de| del|,)? ?(?P<y>20\d\d))?"),
    ("day_month", rf"\b(?P<mon>{_MONTH})\.? (?:the )?(?P<d>{_DAY_NUMBER})(?:st|nd|rd|th)?\b(?!:| ?(?:am|pm|mil|hs|%))(?:,? (?P<y>20\d\d))?"),
    ("day_month", rf"\b(?:el |dia |the )?(?P<dw>{_DAY_WORD}) (?:de |of )(?P<mon>{_MONTH})\b"),
    ("day_month", rf"\b(?P<mon>{_LONG_MONTH}) (?:the )?(?P<dw>{_DAY_WORD})\b"),
    ("iso", r"\b(?P<iy>20\d\d)-(?P<im>0\d|1[0-2])-(?P<id>[0-3]\d)\b"),
    ("figures", rf"(?<![\d.,/$-])(?P<a>{_DAY_NUMBER})(?P<sep>[/.-])(?P<b>{_DAY_NUMBER})(?:(?P=sep)(?P<y>20\d\d|\d\d))?(?![\d/%]|[.,]\d)"),
    ("day_next_month", rf"\b(?:el |dia |the |o |al |para )+(?P<d>{_DAY_NUMBER}|{_DAY_WORD})(?:st|nd|rd|th|ro)? ?(?:{_NEXT_MONTH})"),
    ("in_days", rf"\b(?:en|dentro de|de aqui a|em|in|within|daqui a|daqui|a mas tardar en|maximo|en maximo|en los|nos|in the|"
                rf"faltan|dame|deme|denme|dentro de unos)(?: proximos| siguientes| next| unos| about| like| como)? (?P<n>{_COUNT})"
                rf"(?: ?(?:o|a|ou|or|to|-|y|u) ?(?P<n2>{_COUNT}))? (?P<unit>dias?|d|semanas?|sem|days?|weeks?|mes|meses|months?)\b"
                r"(?: (?P<work>habiles|laborables|laborales|uteis))?"),
    ("in_days", rf"\b(?P<n>{_COUNT}) (?P<unit>days?|weeks?|months?) from (?:now|today)\b"),
    ("nth_weekday", rf"\b(?P<nth>primer|segundo|tercer|cuarto|ultimo|first|second|third|fourth|last) (?P<w>{_WEEKDAY}) (?:de |del |of )*(?:the |este |this |cada |each |every )?(?:mes|month)\b|"
                    rf"\b(?:the|on the|el) (?P<nth2>first|second|third|fourth|1st|2nd|3rd|4th|tercer|cuarto|primer) (?P<w2>{_WEEKDAY})\b"),
    ("weekday_next", rf"\b(?:el |la |este |para el |no |na |on |o |a )*(?P<w>{_WEEKDAY}),? (?:\(?no (?:manana|este|hoy|el de esta),? )?(?:sino |pero )?(?:el )?(?:{_NEXT_WEEK})"),
    ("weekday_next", rf"\b(?:{_NEXT_WEEK}),? (?:el |la |para el |na |no |on |dia |mas tardar el |, )*(?P<w>{_WEEKDAY})\b"),
    ("weekday_number", rf"\b(?P<w>{_WEEKDAY}|{_SHORT_WEEKDAY}) (?:el |dia |the |o )*(?P<d>{_DAY_NUMBER})(?:st|nd|rd|th)?\b"
                       rf"(?! ?(?:{UNIT}))"
                       r"(?!:\d| ?(?:hs|hrs|horas|am\b|pm\b|a\.? ?m|p\.? ?m|de la|da (?:manha|tarde)|mil|k\b|lucas|pesos|euros|soles|reais|"
                       r"dolares|bolivianos|cuotas|%|€|\$)|[.,]\d)"),
    ("weekday", rf"\b(?:el |este |on |this |next |proxim[oa] |by |para |del |na |no |al )*(?P<w>{_WEEKDAY})\b"
                r"(?: (?:que viene|q viene|que vem|q vem|proxim[oa]|entrante|siguiente|que entra))?"),
    ("weekday", r"\b(?:el|este|para el|on|by|next|this|na|hasta el|al) (?P<w>" + _SHORT_WEEKDAY + r")\b(?!\w)"),
    ("weekday", rf"(?:(?<=^)|(?<=\d )|(?<=[.,;!?\n] )|(?<=\bok )|(?<=\bsi )|(?<=\bor )|(?<=\bou ))(?P<w>{_SHORT_WEEKDAY}|mar(?=[. ]+\d)|ter(?=[. ]+\d))\b\.?(?! (?:d[eo]s?|e|es|da)\b)"),
    ("weekday", rf"\b(?P<w>{_SHORT_WEEKDAY})\b(?=$|\.? ?[$€£\d]|[.,!;])"),
    ("day", rf"^(?P<d>{_DAY_NUMBER})(?= (?:eu|yo|i|i'?ll|vou|voy|les?|te|os)\b)"),
    ("day", rf"\b(?:el dia|dia|no dia|the|on the|by the|el|los dias|para el|al|del|hasta el|ate (?:o )?dia|o dia|ate o|este|"
            rf"antes del|el mero|el mismo|antes do dia|before the|tipo|ate dia|dia do|ate)(?: dia)? (?P<d>{_DAY_NUMBER})"
            r"(?:st|nd|rd|th|ro|ero|º|°)?(?![\d:/%]|[.,]\d| ?(?:mil|k\b|lucas|pesos|euros|eur\b|soles|reais|dolares|usd|cuotas|"
            r"parcelas|por ?ciento|porciento|pct|%|€|horas|hrs|hs\b|am\b|pm\b|a\.? ?m\b|p\.? ?m\b|de la (?:manana|tarde|noche)|"
            r"palos|gambas|varos|mangos|pavos|barras|pounds|quid|dollars|bucks|meses|dias|anos|vezes|veces|minutos|min\b))"),
    ("day", rf"\b(?:the )?(?P<d>{_DAY_NUMBER})(?:st|nd|rd|th)\b(?! (?:of|time|payment|installment|call|message|month))"),
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
DAY_EXPRESSIONS = tuple((kind, re.compile(pattern)) for kind, pattern in _RULES)
"""The kind of each and its pattern, in the order in which they take their words; day_resolution reads a kind's groups."""

ANY_WEEKDAY, ANY_MONTH = re.compile(f"{_WEEKDAY}|{_SHORT_WEEKDAY}|mar|ter"), re.compile(_MONTH)
WITH_WEEKDAY = frozenset(
    {"week_from_wd", "weekday", "weekday_next", "weekday_number", "weekday_other", "nth_weekday", "today_wd"}
)
WITH_MONTH = frozenset({"day_month", "last_of_month"})
"""Kinds that match nothing where no weekday, or no month, is named at all."""
ANY_FIGURE, WITH_FIGURE = re.compile(r"\d"), f"(?P<d>{_DAY_NUMBER})"
"""A pattern that holds `WITH_FIGURE` matches nothing where there is no figure."""
