"""Whether a wish to be left alone is about some hours, days, places, persons or ways alone.

In Spanish, Portuguese or English. Patterns are over the clauses of `opt_out_words.clauses_of`.
"""

from __future__ import annotations

import re

from domain.opt_out_phrases import END

_END = re.escape(END)
_WEEKDAY = (
    r"(?:lunes|martes|miercoles|jueves|viernes|sabados?|domingos?|segundas?|tercas?|quartas?|quintas?|sextas?|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?)"
)
_HOUR = r"(?:\d+|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|sete|oito|nove|dez)"
_TIME = re.compile(
    r"\b(?:(?:en|por|de|a|na|pela|durante) (?:la |las |a )?(?:noches?|noite|madrugada)|at night|"
    r"por las (?:mananas|tardes)|"
    rf"(?:los|aos|nos|on) (?:{_WEEKDAY}|findes?|fin(?:es|s)? de semana)|(?:en|el|no) (?:finde|fi[nm] de semana)|"
    r"fin(?:es|s) de semana|weekends?|"
    rf"(?:hasta|ate) (?:(?:el|la|las|los|as|o|a) )?(?:{_WEEKDAY}|\d|dia|fin|final|quincena|manana|amanha|pasado|"
    r"proxim[oa]|nuevo aviso|semana|mes|que(?! (?:me muera|se cansen)))\b|(?:hasta|ate) (?:el|la|o|a) \d|"
    r"(?:until|till|til)\b|"
    rf"(?:despues|antes) de (?:las? {_HOUR}|mi\b|medio ?dia|el (?:{_WEEKDAY}|\d)|que (?:pague|cobre|salga|me paguen))|"
    rf"(?:depois|antes) d[aeo]s? (?:{_HOUR}|meio dia|{_WEEKDAY})|(?:before|after) (?:the )?(?:\d|noon|work|my|i\b)|"
    r"tan (?:temprano|tarde|de manana|noche)|tao (?:cedo|tarde)|(?:so|too|this) (?:early|late)|"
    r"mientras|enquanto|while (?:i|im|at)|during|en (?:mis? )?(?:horas?|horarios?)|fuera de (?:hora|horario)|"
    r"cuando (?:estoy|estamos|ando|trabajo|duermo|este)|when i|quando (?:estou|eu)|"
    r"por (?:ahora|el momento|enquanto)|de momento|for now|right now)\b"
)
_FORBIDDEN = (
    r"(?:llam|marc|marqu|timbr|escrib|mand|envi|contact|communicat|molest|busqu|text|call|messag|lig|escrev|contat|"
    r"\w*sape|mensaj|habl|bother|"
    r"writ|email|procur|incomod)\w*"
)
_NEXT = (
    r"(?: (?:me|us|mas|mais|ya|nunca|por favor|please|anymore|mensajes?|mensage(?:m|ns)|messages?|texts?|llamadas?|"
    r"ligacoes|nada))*"
)
_OTHERS = (
    r"(?:(?:al?|para|pr[oa]|con|com|to|with)(?: (?:mis?|el|l[ao]s?|o|a|os|as|meus?|minhas?|nuestr[oa]s?|my|our|ex))* |"
    r"(?:my|our|meus?|minhas?) )"
    r"(?:mama|papa|madre|padre|padres|papas|viej[oa]s?|hij[oa]s?|espos[oa]|marido|mujer|pareja|herman[oa]s?|"
    r"abuel[oa]s?|"
    r"suegr[oa]s?|sobrin[oa]s?|prim[oa]s?|ti[oa]s?|mae|pai|pais|filh[oa]s?|irma|irmaos?|namorad[oa]|novi[oa]|ex|"
    r"famili\w+|vecin\w+|vizinh\w+|jef[ea]s?|patron\w*|chefe|referencias?|contactos|contatos|amig[oa]s?|"
    r"companer[oa]s?|colegas?|aval|fiador\w*|conocid[oa]s?|parientes?|parentes|terceros|"
    r"mum|mom|dad|parents?|sons?|daughters?|kids|wife|husband|partner|brother|sister|mother|father|family|boss|"
    r"employer|neighbou?rs?|friends?|coworkers?|colleagues?|references|relatives)"
)
_OTHER_PERSONS = re.compile(rf"\b{_FORBIDDEN}{_NEXT} {_OTHERS}\b")
_OWN_SELF = re.compile(rf"\b(?:me|nos|us|mim)\b|\w(?:arme|irme|arnos|irnos)\b|\ba mi(?: {_END}| tampoco| ni| y|$)")
_PLACE = (
    r"(?:al?|en|no|na|ao|at|to)(?: (?:mi|el|la|su|meu|minha|my|the|o|a))? "
    r"(?:trabajo|chamba|oficina|empresa|jale|laburo|pega|curro|casa|domicilio|trampo|trabalho|servico|escritorio|"
    r"escuela|"
    r"work|job|office|workplace|home|house)"
)
_ON_A_DAY = (
    r"(?:hoy|manana|ahorita|ahora|hoje|amanha|agora|today|tonight|tomorrow|now|"
    rf"el (?:{_WEEKDAY}|\d+)|no (?:sabado|domingo)|na {_WEEKDAY}|on {_WEEKDAY}|"
    r"(?:esta|essa|this) (?:semana|noche|noite|tarde|manana|week|month|morning|evening))"
)
_HOW_OFTEN = (
    r"(?:tant[oa]s?|tan (?:seguido|a menudo)|a (?:cada rato|toda hora|todas horas|diario)|cada (?:rato|dia|hora)|"
    r"tod[oa]s? (?:(?:los|os|o|el) )?(?:dias?|horas?)|so (?:much|often|many)|every ?(?:day|hour)|all day|constantly)"
)
_THERE_OR_THEN = re.compile(rf"\b{_FORBIDDEN}{_NEXT} (?:{_PLACE}|{_ON_A_DAY}|{_HOW_OFTEN})\b")
_WAY = r"(?:medios?|formas?|maneras?|vias?|canal(?:es)?|modos?|meios?|jeitos?|ways?|means|channels?|method)"
_OTHER_WAY = re.compile(
    rf"\b(?:otr[oa]s?|outr[oa]s?|other) {_WAY}\b|\b(?:mail|letters?|writing) only\b|"
    r"\bonly (?:by|in|via|through) (?:mail|post|letters?|writing)\b"
)
_HERE = (
    rf"(?:(?:por|via|en|a|por el|pelo) )?(?:aqui|aca|"
    rf"est[ea] (?:mism[oa] )?(?:{_WAY}|numero|chat|wh?ats\w*(?: app)?|wasap|wsp|sms|correo|mail)|here|"
    rf"this (?:{_WAY}|number|chat|one))"
)
_THIS_WAY_STAYS = re.compile(
    rf"(?:^|{_END} |\b(?:y|e|pero|sino|and|but|prefiero|prefiro|prefer|{_WAY}|telefono|telefone|(?:llamen|"
    rf"liguem)(?: mas| mais)?) )"
    r"(?:(?:es|que) )?(?:solo|solamente|unicamente|so|apenas|only|just|nada mas|sino|excepto|salvo|menos|except) "
    rf"{_HERE}\b|"
    rf"\bque no sea (?:por )?(?:est[ea]|aqui)\b|\bque nao seja (?:por )?(?:est[ea]|aqui)\b|"
    r"\bother than (?:this|here)\b|"
    rf"(?:^|{_END} |\b(?:y|e|pero|and|but) ){_HERE} "
    rf"(?:(?:si|sim|yes)(?= (?:{_END}|pueden?|podem?|contesto|respondo)|$)|esta bien|is fine|ok\b|pode|"
    rf"(?:nomas|no mas|nada mas|solamente|only|instead)(?= (?:{_END}|please|por favor|gracias)|$))|"
    rf"(?:^|{_END} |\b(?:y|e|pero|sino|and|but|just|only|can|may) )(?:please |por favor )?"
    r"(?:(?:text|write|message|contact|reach)(?: to)?(?: me| us)?(?: only| just)?|"
    r"(?:escrib[ae]n?me|mand[ea]n?me|contact[ea]n?me|me (?:escriban?|contacten|mandem?|escrevam?)|(?:mandem?|"
    r"escrevam?))(?: solo| so)?) "
    rf"{_HERE}(?! at\b)"
)

_A_WAY = (
    r"(?:sms|text(?: messages?)?|texts|texting|textos?|mensajes? de texto|what?s ?app|whats|"
    r"wasap|wsp|wpp|zap|e ?mails?|correos?)"
)
_POLITELY = r"(?: (?:please|por favor|porfa|pls|thanks|thank you|gracias|obrigad[oa]))*"
WELCOME = re.compile(
    rf"\b(?:only|just|solo|solamente|unicamente|so|apenas|nada mas) "
    rf"(?:(?:by|via|through|use|send|por|pelo|el|un|me|contact|reach|write|message|communicate|with) ){{0,5}}"
    rf"{_A_WAY}(?: me)?(?: here)?(?={_POLITELY} *(?:{_END}|$))|"
    rf"(?<!\bno )(?<!\bor )(?<!\band )(?<!\bni )(?<!\bnem )(?<!\bstop )\b{_A_WAY} "
    r"(?:(?:me )?(?:here )?(?:only|instead)|(?:is|s|are|works?|would be) (?:fine|ok|okay|better|good|best)|works|si|"
    r"sim|solamente|"
    rf"nada mas|nomas|esta bien)(?={_POLITELY} *(?:{_END}|$))|"
    rf"\b(?:prefer|prefiero|preferimos|prefiro|mejor|melhor) (?:(?:by|via|por|pelo|el|un|los) )*{_A_WAY}\b|"
    rf"(?:^|{_END} |\b(?:and|just|only|instead) )(?:please )?(?:text|e ?mail|what?s ?app) me\b(?! (?:again|"
    rf"any ?more|ever)\b)|"
    rf"\bkeep (?:it|this|everything) (?:to|in|on|by) {_A_WAY}\b|"
    rf"\b(?:can|may) (?:only )?(?:text|e ?mail|what?s ?app) me\b"
)
"""The ways that are welcome, named beside what is not: "text is fine", "solo por whatsapp", "just email me"."""


_CALL_OR_WAY = rf"(?:calls?|calling|llamadas?|ligac(?:ao|oes)|{_A_WAY})"
REFUSES = re.compile(
    r"(?<!\bhave )(?<!\bgot )(?<!\bget )(?<!\bgetting )"
    r"(?<!\breceived )(?<!\btengo )(?<!\bhay )(?<!\brecibi )(?<!\brecibo )(?<!\brecebi )"
    r"(?<!\btenho )(?<!\bwith )(?<!\bcon )(?<!\bwere )"
    rf"\b(?:(?:no|ni|nem|nor|nada de)(?: (?:more|mas|mais|de))* {_CALL_OR_WAY}\b"
    r"(?! (?:received|yet|came|come|arrived|so far|recibid\w+|lleg\w+|cheg\w+|address|account)\b)|"
    rf"(?:sin|sem) {_CALL_OR_WAY}(?={_POLITELY} *(?:{_END}|(?:ni|nem|y|e|ou|o) |$))|"
    rf"(?:do not|don t|dont|never) (?:call|text|e ?mail)(?: (?:or|and|nor) (?:call|text|"
    rf"e ?mail))*(?={_POLITELY} *(?:{_END}|$))|"
    rf"(?:nao|n) (?:me )?(?:liga|manda)(?: (?:e|nem|ou) (?:me )?(?:liga|"
    rf"manda))?(?: {_A_WAY})?(?={_POLITELY} *(?:{_END}|$)))"
)
"""Calls or ways of writing refused, in words that beside a welcome one mean nothing else: "no calls, text only"."""


_THEY_DO = (
    r"(?:(?<!\bno )(?<!\bnao )(?<!\bni )(?<!\bnem )(?<!\bsi )(?<!\bse )(?<!\bcuando )(?<!\bquando )(?<!\bque )"
    r"(?:(?:me|nos) )?(?:(?:estan?|estao|siguen?|andan?|han|ficam) (?:a )?)?"
    r"(?:llama(?:n|s|ron|ndo|do)|marca(?:n|ron|ndo|do)|escrib(?:en|ieron|iendo)|molesta(?:n|ndo)|manda(?:n|m|ron|"
    r"ram|ndo)|"
    r"envia(?:n|m|ron|ram|ndo)|liga(?:m|ram|ndo)|escreve(?:m|ram|ndo))\b|"
    r"(?<!\bif )(?<!\bwhen )(?<!\bwant )(?<!\bdon t )(?<!\bdont )(?<!\bnot )(?<!\buntil )(?<!\bcan )(?<!\bcould )"
    r"\byou (?:(?:guys|people|all|keep|always|only|just|are|re|have|ve|been) )*"
    r"(?:call|text|messag|email|contact|bother|harass|wrote|writ|ring|rang|phon)\w*|"
    r"\b(?:hart[oa]s?|cansad[oa]s?|fart[oa]s?|chei[oa]|sick|tired|fed up) (?:de|of|with)\b(?: (?:que|your?|all|the))*|"
    r"\b(?:i|we) (?:have |already )*(?:told|asked|said)\b|"
    r"\b(?:ya |eu |ja )?(?:(?:les?|se l[oa]s?|os|te|lhes?) )?(?:dije|dijimos|pedi|disse|falei|avise|avisei)\b)"
)
_COMPLAINT = re.compile(
    rf"{_THEY_DO}(?: (?!(?:no|nao|ni|nem|n|dej\w+|deix\w+|par(?:en|em|e|ad?)|ces(?:en|sem)|stop|quit|cease|don|dont|"
    r"do|never|nunca|jamas|jamais|please|y|e|and|but|pero|mas|que|so)\b)\w+)*"
)


def without_complaints(clauses: str) -> str:
    """Without what they tell of us, and of what they said before: "me llaman de noche" names no hour that is asked."""
    return _COMPLAINT.sub(f" {END} ", clauses)


def names_another_way(clauses: str) -> bool:
    """Whether all ways but one are named together: "any other way"."""
    return _OTHER_WAY.search(clauses) is not None


def names_a_part(clauses: str) -> bool:
    """Whether hours, days, places, persons or ways are named that may be all that is unwanted."""
    return any(part.search(clauses) for part in (_TIME, _THERE_OR_THEN, _OTHER_PERSONS, _OTHER_WAY, _THIS_WAY_STAYS))


def is_about_others(clauses: str) -> bool:
    """Whether other persons alone are to be left in peace, not who writes."""
    return _OTHER_PERSONS.search(clauses) is not None and _OWN_SELF.search(clauses) is None


def without_the_way_that_stays(clauses: str) -> str:
    """Without what says that the way it came by is to stay."""
    return _THIS_WAY_STAYS.sub(f" {END} ", clauses)


def keeps_this_way(clauses: str) -> bool:
    """Whether the way it came by is to stay: "only here"."""
    return _THIS_WAY_STAYS.search(clauses) is not None


def welcomes_one_way_alone(clauses: str) -> bool:
    """Whether one way is welcome and others are refused beside it: "no calls or emails, text only"."""
    rest = WELCOME.sub(f" {END} ", without_the_way_that_stays(clauses))
    return rest != clauses and REFUSES.search(rest) is not None
