"""Which part of a message speaks of paying and which of something else: days and amounts are weighed by it."""

from __future__ import annotations

import re

_BREAKS = re.compile(
    r"[.!?;\n]+(?!\d)|,(?!\d)| (?=(?:y )?(?:the (?:other|rest)|l[oa]s otr[oa]s|os outr[oa]s|el resto|o resto|lo (?:demas|que falta|restante)|l[oa]s \d[\d.,]* (?:que|q) (?:falta|resta|queda))\b)| pero | mas (?=vou|pago|eu|na|no|dia)| but | porque | xq | pq | because | since | aunque | "
    r"ya que | es que | (?=no (?:se|te|os) (?:apur|preocup|afan|estres))| (?=(?:yo )?pens(?:e|aba) que )| sino que | y (?!media|medio|uno|un )| e (?=(?:o resto|vou|pago|ai|me|eu|na|no|amanha|dia|depois)\b)| and | por lo que | asi que | entonces | entao | so que | solo que | nomas que | so (?=i)"
)
_PAYS = re.compile(
    r"\b(?:pag(?:o|ar|are|amos|aremos|arles?|arte|arlo|arla|aria|ando|uito|arei|arles)|le? ?pago|deposit(?:o|ar|are|arles?|arte|arlo|arei|amos|ando)|"
    r"transf(?:iero|erir|iero|iro|erire|erirei|erencia|iriendo)?|abon(?:o|ar|are|arles?|arte|amos|ito)|cancel(?:o|ar|are|arles?|amos|arlo)|"
    r"liquid(?:o|ar|are|arlo|arles)|consign(?:o|ar|are|arles|amos)|yape(?:o|ar|are|arles)|plin(?:eo)?|quit(?:o|ar|arei)|acert(?:o|ar|arei)|"
    r"mand(?:o|ar|are|arles|arei|amos)|envi(?:o|ar|are|arles|arei)|les? doy|te doy|les? paso|te paso|te tiro|te alcanzo|te acerco|le aviento|le arrimo|entreg(?:o|ar|are)|meto|met[eo]re|ponle|ponme|faco|doing|put(?:ting)?|quedan|pode por|van|vai|vao|va(?! a )|vas|caen|comes?|coming|goes|tienes|recib(?:es|en|iras?|iran|iras|em)|recebem|recebe|efectu(?:o|ar|are)|realiz(?:o|ar|are)|asegur(?:o|ar|are)|proced(?:o|ere)|sac(?:o|amos)|lleg(?:a|an|ara|aran)|entra en tu|sai|boto|gir(?:o|ar|are)|cubr(?:o|ir|ire)|"
    r"pong(?:o|amos) al dia|ponerme al dia|pongo|hag(?:o|amos)|hare|hacer(?:les|te|lo)?|fa[cz](?:o|er)|farei|sald(?:o|ar|are)|salgo|cumpl(?:o|ir|ire)|"
    r"prometo|comprometo|cuent(?:en|e|a) con|queda|quedo|arregl(?:o|ar|amos)|vou|voy|vamos|"
    r"i'?ll|i will|will|gonna|going to|pay(?:ing|ment)?|send(?:ing)?|transfer(?:ring)?|settle|clear it|sort it|can do|do it|have it|you'?ll have|"
    r"deixo|dejo|tengan|tienen|tendran|sin falta|sem falta|mismo|(?:bizum|pix|yape|spei|transferencia|deposito) de|puedo dar|te puedo|les puedo|posso dar|consigo|(?:le|les|te|os|se|se l[oa]s?) (?:tengo|suelto|tiro|pongo|meto|arrimo|llevo|ingreso|bajo|giro|completo|alcanzo|dejo)|caigo|cae|ingreso|completo|hoy si|ahi si|pode contar|"
    r"ahi (?:pago|quedamos|deposito|te|le)|recien|apenas)\b"
)
_DONE = re.compile(
    r"\b[a-z]{2,}[oei]'|\b[a-z]{3,}(?:aron|ieron|aram|eram|iram)\b|\b(?!(?:sei|lei|rei|oi)\b)[a-z]{2,}(?<!r)ei\b|\b(?:went|roubaram|morreu|died|broke|charged|bounced)\b|\b(?!(?:vou|sou|estou|dou|you|thou|acordou|sextou)\b)[a-z]{2,}(?:ou|iu)\b|\b(?:foi|foram|fueron|never|nunca|jamas|i'?ve|pague|pagamos ya|deposite|transferi|abone|consigne|cancele|mande|envie|hice|realice|quede|dij[eo]|told|habia|era|fue|"
    r"venci(?:o|a)|vence|vencimiento|llam(?:aron|o|an)|escribieron|mandaron|cobraron|me cobran|descontaron|recibi|me llego|me llega (?:un|el|su|este|otro) (?:mensaje|correo|aviso|recibo|sms)|"
    r"tenia que|debia|haber sido|tinha que|was supposed|vino|vinieron|did|paguei|depositei|mandei|fiz|ligaram|venceu|cobraram|paid|sent|made|called|was due|due|received|texted|was|"
    r"(?:ya )?(?:(?:le|les|te|os|se l[oa]s?) )?(?:pase|di|puse|mande|deje|lleve|hice|gire|tire)|ya (?:pague|deposite|hice|quedo|kedo|cayo|esta|fue|les? (?:di|hice|mande|puse))|me (?:despidieron|operaron|robaron|corrieron|echaron|botaron)|perdi|perdeu|lost|entre|comence|"
    r"empiezo|empece|naci|murio|fallecio|faleceu|died|pedi|saque|firme|compre|llevo|viajo|estoy de viaje|vuelvo|regreso|volto|"
    r"debo|devo|owe|deuda|saldo es|sale|aparece|dice|cobrando|cobran|de los|out of the|gano|ganho|earn)\b"
)
_CANNOT = re.compile(
    r"\b(?:no (?:puedo|pude|podre|voy a poder|alcanzo|alcance|me alcanza|tengo|llego|creo|va a|sera|es|hay|consegui|se puede|cuento|"
    r"va|me da|me dan|me han)|nao (?:posso|consigo|vou|tenho|da|deu|consegui)|n (?:posso|consigo|vou|tenho|da)|can'?t|cannot|won'?t|couldn'?t|"
    r"not able|don'?t have|didn'?t|imposible|impossible|ni (?:hoy|manana)|ni (?:l[oa]s? |le |les |se |os )*(?:reconozco|pago|pienso|puedo|voy|tengo)|wont|cant|no)\b"
)
_CANNOT_PT = re.compile(_CANNOT.pattern.replace("|wont|cant|no)", "|wont|cant)"))
"""Portuguese `no` is `in the`."""
_DENIED_AFTER = re.compile(r" ?(?:no|nao|not|n|tampoco|menos|nada|nem|ni)\b(?! (?:mas|se|te|os|me)\b| ?\?)")
_DENIED_AFTER_PT = re.compile(r" ?(?:nao|not|n|nem|nada)\b(?! (?:mas|se|te|me)\b)")
_HOLIDAY = re.compile(
    r"\b(?:feriado|festivo|holiday|closed|cerrad[oa]s?|no hay banco|no hay bancos|descanso|inventario|descanzo|bloque\w*|cumpleanos|liberam|llego de)\b"
)
_THEREFORE = re.compile(
    r"\b(?:so|(?:ou seja|o sea)(?: que)?(?: es| e)?|entonces|asi que|por lo que|entao|then|mejor|ponle|dejemoslo|fica|queda|sino|es|mas e|pero es|doing another|ya)[,:]? (?:el |on |the |na |no |para |pra |mejor |ya )*$"
)
_INCOME = re.compile(
    r"\b(?:me (?:pagan|depositan|cae|caen|llega|ingresan|abonan|entra|entran|liquidan|consignan|dan|sale)|"
    r"cobro|cobrar|cobrare|cae (?:la|el|mi)|entra (?:la|el|mi)|recibo|recebo|cai (?:o|meu)|pagan (?:la|el|mi)|nomina|sueldo|salario|"
    r"receb\w+|get paid|i'?m paid|payday|paycheck|paid on|wages|my check|i get my|benefit|nos pagan|me pagam|meu pagamento|pagamento cai|"
    r"aguinaldo|pension|jubilacion|finiquito|comision)\b"
)
_NO_DENIAL = re.compile(
    r"\b(?:no later than|no mas tarde|no mas tardar|no (?:se|te|os|s) preocup\w+|no hay (?:problema|drama|falla)|no (?:worries|problem)|"
    r"no (?:me|nos) (?:mand|escrib|llam|marq|molest|cobr|insist|fall|cort|bloque|demand|report|embarg|presion|vay|meta|dej|manej|olvid|env)\w*|"
    r"(?:don'?t|dont|do not|please don'?t) (?:cut|call|block|shut|send|sue|report|charge|forget|text|turn|be|bother|drop|ghost)\w*|nao (?:me )?(?:lig|bloque|cort|mand|cobr|precis|esque|se preocup|ha necessidade)\w*|"
    r"no (?:hay|tengo|tenemos) (?:senal|internet|luz|sistema|datos|saldo|bateria|wifi|banco|bancos|duda|dudas)|no (?:cap|joke|lie|excuses?|doubt|matter|longer|kidding|es broma|es (?:una )?inocentada)|no (?:se|te|os|le|les) (?:lo )?(?:alter|enoj|desesp|enfad|fall|cre[ae]|pong|preoc|angust|agob|asust|afl)\w*|"
    r"(?:pa|para|por) no (?:quedar|fall|atras|deb|perd|olvid|segu)\w*|ni un(?:a|o)? (?:dia|peso|centavo|euro)?|ni mas ni menos|no (?:mas|menos|antes|despues)|no,(?= (?:el |mejor |digo )?(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|manana|dia|[$\d]))|si no\b|sino|"
    r"no es que no\b[^,.]*|no piense que no\b[^,.]*|no pasa (?:de|del)|no (?:valor|dia|banco|app|pix|boleto|cartao|seu|meu|final|comeco|caixa|fim|mes|prazo|sabado|domingo|total)\b|no (?:se )?me (?:olvid\w+|pasa|he olvidado)|no ?\?|no (?:se|te|os) (?:apur|afan|estres)\w+|don'?t worry|not ignoring)\b"
)
_ELSE_BEFORE = re.compile(
    r"\b(?:(?:salgo|saio|salimos)(?: (?:de|del|da|do)(?: \w+){1,3})?|vuelvo|volvemos|regreso|me voy|nos vamos|viajo|ahi es|cae en|"
    r"van en|venc\w*|me (?:operan?|corrieron|internan?)|me operar|pas(?:ar|en|e|emos|ando)(?: bien)?|\d del?|trabajo|entrego) "
    r"(?:el |la |los |las |on |no |na |hasta )*$"
)
_ELSE_AFTER = re.compile(
    r" ?,? ?(?:ya |nomas |nada mas |mismo )?(?:(?:es|e|is) (?:el |la |o |a )?(?:dia d|puente|fiesta|san |santo|mi |el cumple|cumple)|es \d|"
    r"me (?:voy|toca|operan?|internan?|los? tom[oe])\b|(?:vuelvo|regreso|viajo|trabajo|entrego|desfila|cierran?|descanso|acabo de)\b|"
    r"hay (?:paro|feria|misa|fiesta)|todo el mundo|esta (?:todo )?cerrad)"
)
"""What else happens on a day: they leave, come back, work, something falls due."""
_BETWEEN = re.compile(r"\bentre (?:el |los dias )?$")
_A_SUM = re.compile(r"\d(?: ?(?:€|euros|pesos|soles|reais|mil|lucas))? $")
"""`40 del sábado` were paid on Saturday."""
_GOES_ON = re.compile(r" (?:y|e|and) $")
_A_DAY = re.compile(
    r"\d|\b(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|hoy|manana|pasado|quincena|segunda|terca|quarta|quinta|sexta|"
    r"amanha|hoje|\w+day|tomorrow|fin de|fim d)\b"
)
_NOT_BUT = re.compile(r"\b(?:no|nao|not|ni|nem) (?:es |sera |el |la |para el |on |no |na |dia |for )*$")
_ON_THE = re.compile(
    r"no (?:fim|final|comeco|dia|proximo|ultimo|primeiro|segundo|terceiro|quarto|quinto|natal|mes|sabado|domingo)\b"
)
"""Portuguese `no` is no denial: it says on which day."""


def without_empty_denials(text: str, language: str) -> str:
    """Plain text without the `no` that denies nothing: `no later than`, `no se preocupe`, and `in the` in Portuguese."""
    emptied = _NO_DENIAL.sub(" ", text)
    return _IN_THE.sub("em", emptied) if language == "pt" else emptied


_IN_THE = re.compile(r"\bno\b")
_NEAR = 12
"""Words on either side that are looked at: what is dictated has no punctuation."""


class Clauses:
    """A plain text cut where one statement ends and another begins."""

    def __init__(self, text: str, language: str = "es") -> None:
        self._text = text
        self._denies = _CANNOT_PT if language == "pt" else _CANNOT
        self._denied_after = _DENIED_AFTER_PT if language == "pt" else _DENIED_AFTER
        self._cuts = [0, *(match.end() for match in _BREAKS.finditer(text)), len(text) + 1]

    def of_income(self, start: int, end: int) -> bool:
        """Whether the statement around `start`..`end` says when money comes in."""
        return _INCOME.search(self._around(start, end)) is not None

    def _around(self, start: int, end: int) -> str:
        begin = max(cut for cut in self._cuts if cut <= start)
        return self._text[begin : min(cut for cut in self._cuts if cut >= end)]

    def _then_pays(self, finish: int) -> bool:
        """`el sábado bajo al centro y le deposito`: the next statement pays, and names no day of its own."""
        if not _GOES_ON.search(self._text[max(0, finish - 5) : finish]):
            return False
        following = self._text[finish : min((cut for cut in self._cuts if cut > finish), default=len(self._text))]
        return _PAYS.search(following) is not None and _A_DAY.search(following) is None

    def points(self, start: int, end: int) -> float:
        """How much the statement around `start`..`end` speaks of paying: the highest is what is promised."""
        begin = max(cut for cut in self._cuts if cut <= start)
        finish = min(cut for cut in self._cuts if cut >= end)
        clause = self._text[begin:finish]
        points = 0.0
        denied = _NOT_BUT.search(self._text[max(0, start - 20) : start])
        if denied and not _ON_THE.match(self._text, max(0, start - 20) + denied.start()):
            points -= 3.0
        near = (
            " ".join(self._text[begin:start].split(" ")[-_NEAR:]),
            " ".join(self._text[end:finish].split(" ")[:_NEAR]),
        )
        rest = _NO_DENIAL.sub(" ", f"{near[0]} . {near[1]}")
        if _PAYS.search(rest) or self._then_pays(finish):
            points += 1.0
        elif len(clause.split()) <= 7:
            points += 0.6
        denial = self._denies.search(rest)
        if denial or self._denied_after.match(_NO_DENIAL.sub(" ", near[1])):
            points -= 2.5 if denial is None or denial.group() != "no" else 1.4
        if _ELSE_BEFORE.search(near[0]) or _ELSE_AFTER.match(near[1] and f" {near[1].lstrip()}"):
            points -= 1.2
        if self._text.startswith("del ", start) and _A_SUM.search(near[0]):
            points -= 1.6
        if _HOLIDAY.search(clause):
            points -= 1.0
        if _THEREFORE.search(self._text[max(0, start - 24) : start]):
            points += 0.9
        if _DONE.search(f"{_BETWEEN.sub('', near[0])} . {near[1]}"):
            points -= 1.6
        if _INCOME.search(rest):
            points -= 0.7
        return points
