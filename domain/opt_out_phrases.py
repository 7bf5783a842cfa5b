"""The phrases of a wish to be left alone, and what only looks like one, as regular expressions over plain text.

Plain text is lower case without accents and punctuation. In the text that NO_STOP and ENDS_HERE are for, END stands
where a clause ends: "no, dejen de escribirme" and "no dejen de escribirme" are opposites.
"""

from __future__ import annotations

import re

END = "|"

# Whoever asks not to be written to asks just that; whoever asks us not to charge or send may mean interest, a link or a
# credit bureau.
_CONTACT = (
    r"(?:escrib\w*|llam\w*|marc(?:ar|ando)\w*|timbr\w*|contact\w*|molest\w*|fregar|frieg\w*|fastidi\w*|mensaje\w*|acos\w*|"
    r"hostig\w*|insist\w*|jod\w*)"
)
_SEND, _CHARGE = r"(?:mand|envi)\w*", r"cobr\w*"
# Only forms that ask: "no me mandaron el link" and "no me llamo Juan" ask for nothing of the kind.
_MANY_ASKED = (
    r"(?:escriban|llamen|contacten|molesten|frieguen|fastidien|acosen|hostiguen|insistan|jodan|marquen|timbren|escribais|llameis|"
    r"contacteis|molesteis|acoseis|insistais|jodais|texteen|mensajeen|wh?ats?app?een|[wg]u?asapeen)"
)
_MANY_SEND, _MANY_CHARGE = r"(?:manden|envien|mandeis|envieis)", r"(?:cobren|cobreis)"
_ONE_ASKED = (
    r"(?:marque|marques|escriba|escribas|llame|llames|contacte|contactes|moleste|molestes|friegues|fastidie|fastidies|acose|acoses|"
    r"hostigue|hostigues|insista|insistas|jodas)"
)
_ONE_SEND, _ONE_CHARGE = r"(?:mande|mandes|envie|envies)", r"(?:cobre|cobres)"
_PT_ASKED = r"(?:liguem?|ligues|escrevam?|contatem?|chamem?|incomodem?|perturbem?|procurem?|encham?)"
_PT_SEND, _PT_CHARGE = r"(?:mandem?|enviem?)", r"cobrem?"
_PT_CONTACT = r"(?:ligar|escrever|contatar|chamar|incomodar|perturbar|encher|procurar)"
_PT_FORBIDDEN = rf"(?:{_PT_ASKED}|{_PT_CONTACT}(?:em)?)"
_PRONOUN = r"(?:me|nos|le|les)"

_MESSAGES = (
    r"(?:mensajes?|mensajitos?|m[ea]n?s+ajes?|msjs?|msgs?|sms|textos?|correos?|e ?mails?|suscripcion|"
    r"notificacion(?:es)?|avisos?|recordatorios?|llamadas?|what?s ?app?s?|whats|wasaps?|wsp)"
)
_DETERMINER = (
    r"(?:los |las |la |el |mis |mi |estos |estas |esta |este |esos |esas |ese |esa |sus |tus |todos |todas |de |"
    r"mas |a )*"
)
_PT_MESSAGES = (
    r"(?:mensage(?:m|ns)|sms|e ?mails?|ligac(?:ao|oes)|notificac(?:ao|oes)|contatos?|inscricao|cadastro|assinatura|"
    r"envios?|avisos?|cobrancas?)"
)
_PT_DETERMINER = (
    r"(?:o |a |os |as |de |meu |minha |meus |minhas |este |esta |estes |estas |esse |essa |essas |suas |mais )*"
)
_WHOSE = (
    r"(?:los |las |la |el |mis |mi |est[aeo]s? |es[ao]s? |ese |sus |tus |tod[ao]s |de |mas |o |a |os |as |meus? |"
    r"minhas? |estes |ess[ae]s? |suas |mais )*"
)

_SENT = (
    rf"(?:{_MESSAGES}|{_PT_MESSAGES}|recados?|cobros?|cobranzas?|cartas?|alertas?|audios?|grabacion(?:es)?|publicidad|"
    r"propagandas?|spam|promocion(?:es)?|ofertas?|informacion(?:es)?|zap)"
)
_HOW_MANY = r" (?:un[ao]?|uma?|sol[ao]s?|unic[ao]s?|so|otr[ao]s?|outr[ao]s?|(?:tipo|clase) de|\d+)"
_RUBBISH = (
    r"(?:cosas?|tonterias?|pendejadas?|estupideces|huevadas?|boludeces|pavadas?|porquerias?|basuras?|mierdas?|"
    r"gilipolleces|besteiras?|lo mismo|o mesmo|esto|eso|isto|isso|"
    r"nada(?! (?:todavia|aun|hasta|ainda|ate|a casa|a mi casa|al trabajo)))"
)
_COURTESY = (
    r"(?:por favor|porfavor|porfa|please|x favor|pls|gracias|obrigad[oa]|ya|nunca|jamas|senor(?:es|a|ita)?|amig[oa])"
)
_CHARGED_OR_SENT_ELSE = (
    r"(?:(?:los |las |la |el |o |a |os |as |de )*(?:interes\w*|recarg\w*|moras?|comision\w*|juros|multas?|tarifas?|"
    r"gastos?|cargos?|seguros?|cuotas?|parcelas?|boletos?|links?|enlaces?|pix|plata|dinero|dinheiro|iva)|"
    r"un[ao]?|uma?|otr[ao]|outr[ao]|dos|duas|doble|caro|que (?:lo|la|el|o|a|\d)|de (?:lo|la|mi|\d)|del|do|da|al|ao|"
    r"pro|pra|a(?! (?:este|esta|ese|esa|mi) ))\b|\d"
)
_NO_MORE = (
    rf"(?: {_COURTESY})* {re.escape(END)}|(?: {_COURTESY})* (?:mas|mais)\b(?! (?:{_CHARGED_OR_SENT_ELSE}))|"
    rf"(?: {_COURTESY}| ningun[ao]?| ni un[ao]?| nenhuma?| tant[oa]s?(?! recado)|{_HOW_MANY})* "
    rf"{_WHOSE}{_SENT}\b|"
    r" (?:mas |mais )?(?:a|en|por|via|n) ?(?:este|esta|ese|esa|esse|essa) (?:mismo )?(?:num(?:ero)?|correo|mail|"
    r"telefono|celular|linea|medio|via|conducto|whatsapp|telefone|meio)\b|"
    rf" (?:por|via|no|pelo) (?:aqui|aca|telefono|telefone|zap|{_MESSAGES})(?! (?:el|la|los|las|o|a|os|as|una?|uma?)\b)"
)
"""After a word for charging: what makes it a wish for no more messages."""
_NOTHING_MORE = rf"{_NO_MORE}|(?: {_COURTESY}| mas| mais)* {_DETERMINER}{_RUBBISH}\b"
"""The same after a word for sending."""

ENDS_HERE = re.compile(rf"\b((?:{_SEND}|{_CHARGE})(?: {_COURTESY})*) (?:{re.escape(END)} ?)+")
"""Where a clause ends with a word for charging or sending, nothing said after it is its object."""


FORBIDS = (
    r"(?:prohib(?:o|imos)|proib(?:o|imos)|no (?:les |le |os )?(?:autoriz(?:o|amos)|permit(?:o|imos)))"
    r"(?: (?:terminantemente|les|le|os|a|ustedes|usted|voces|voce|que|de|me|nos|ya|mas|mais|vuelvan))*"
)
"""Whoever forbids, of whatever is named behind it."""


def _asked(contact: str, send: str, charge: str) -> str:
    """A group for a word for contacting, or for one of sending or charging that is about messages."""
    return rf"(?:{contact}\b|{send}\b(?:{_NOTHING_MORE})|{charge}\b(?:{_NO_MORE}))"


_ANY_CONTACT = _asked(_CONTACT, _SEND, _CHARGE)
_MANY = _asked(_MANY_ASKED, _MANY_SEND, _MANY_CHARGE)
_ONE_OR_MANY = rf"(?:{_MANY}|{_asked(_ONE_ASKED, _ONE_SEND, _ONE_CHARGE)})"
_GIVE = (
    r"(?:dar|den|deis|dame|denme|dadme|dennos|denos|deme|darme|darte|darse|darnos|darle|doy|dese|(?:me|nos|se|le) de)"
)
_WANT = r"(?:quiero|queremos|quisiera|deseo|necesito|solicit[oa]|solicitar|solicitamos|pido|pedir|exijo|requiero)"
_PUT_THROUGH = r"(?:tramit|gestion|proces|hag|realic|pong|pas)\w*"
_VERB = r"(?:text|message|call|contact|email|write to|bother)"
_SOMETHING_ELSE_ENDED = (
    r"(?! (?:el|la|mi|mis|ese|esa|este|esta|un|una|los|las) (?:tarjeta|linea|seguro|producto|contrato|plan|credito|"
    r"prestamo|internet|chip|poliza|servicios?(?! de (?:mensajes|sms|avisos|mensajeria)))\b)"
)

STOP_PHRASES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:no|ni) (?:quiero |deseo )?(?:que )?(?:mas )?{_PRONOUN} {_ONE_OR_MANY}",
        rf"\bno (?:quiero |deseo )?(?:que )?(?:mas )?{_PRONOUN} (?:(?:vuelv(?:an?|as|ais)|volvais) a|"
        rf"sig(?:an?|as|ais)|est(?:en?|es|eis)) {_ANY_CONTACT}",
        rf"\bno (?:quiero |deseo )?(?:que )?{_MANY}",
        rf"\bno (?:{_ONE_ASKED}|{_ONE_SEND}|{_ONE_CHARGE}) mas$",
        rf"\b(?:nunca|jamas) (?:mas )?{_PRONOUN} {_MANY}|\b(?:nunca|jamas) mas {_PRONOUN} {_ONE_OR_MANY}",
        rf"\b{FORBIDS} {_ANY_CONTACT}",
        r"\bno (?:me|nos) (?:habl(?:en?|es|eis)|busquen|texte(?:en|es)|escriben|lleguen) (?:mas|por (?:aqui|aca))\b",
        rf"\bno (?:(?:vuelv(?:an?|as)|volvais)|sig(?:an?|as|ais)) (?:a )?{_ANY_CONTACT}",
        rf"\b(?:dej(?:en|e|es|a|ar|ad|eis)|par(?:en|e|a|ad)|ces(?:en|e|ad)) (?:ya )?de "
        rf"{_ANY_CONTACT}",
        r"\bdej(?:en|e|ad|a)(?:me|nos) (?:en paz|tranquil[oa]s?)\b",
        rf"\bdejen?(?:me|nos) de (?:(?!{_SEND}|{_CHARGE})\w+|{_ANY_CONTACT})",
        rf"\bno (?:quiero|deseo) (?:recibir )?(?:mas |sus |estos |estas |tus )*{_MESSAGES}\b",
        rf"\bno (?:quiero )?mas {_MESSAGES}\b",
        r"\bno (?:quiero|deseo) (?:ser contactad[oa]|que me contacten)\b",
        rf"\bcancel(?:ar|en|e|a|o) {_DETERMINER}{_MESSAGES}\b",
        r"\bcancel(?:ar|en|e|a) (?:todos )?(?:mis datos|mi (?:numero|telefono|correo|registro))\b",
        rf"\b{_GIVE} (?:ya )?(?:la |de |mi )*baja\b{_SOMETHING_ELSE_ENDED}",
        rf"\b{_WANT} (?:ya )?(?:de |la |mi |una )*baja\b{_SOMETHING_ELSE_ENDED}",
        rf"\b{_PUT_THROUGH} (?:a |con |en |de |la |mi )*baja\b{_SOMETHING_ELSE_ENDED}",
        rf"\bbaja (?:de|del|a) {_DETERMINER}(?:lista|base de datos|numero|{_MESSAGES})\b",
        r"\b(?:elimin|borr|quit|saqu|remuev)\w* (?:mis datos|(?:mi|este) (?:numero|telefono)|mi correo)\b",
        r"\b(?:elimin|borr|quit|saqu)\w*(?:me|nos|lo) de (?:su|la|esta|sus) (?:lista|base)",
        r"\b(?:stop|quit) (?:texting|messaging|calling|contacting|emailing|sending|bothering|harassing)\b",
        rf"\b(?:do not|don t|dont|never) {_VERB}(?: (?:or|and|nor) {_VERB})? (?:me|us|this)\b",
        r"\b(?:do not|don t|dont|no longer) want (?:to (?:get|receive|have) )?(?:any |more |your |these |those )*"
        r"(?:texts?|messages?|calls?|emails?|sms)\b",
        r"\bno more (?:texts?|messages?|calls?|emails?|sms)\b",
        r"\b(?:unsubscribe|opt) (?:me|out)\b",
        r"\bopt me out\b",
        r"\b(?:remove|take) me (?:from|off)\b",
        r"\bremove my (?:number|phone|email)\b",
        r"\bleave me alone\b",
        r"\b(?:cease|stop|discontinue) (?:and desist )?(?:(?:all|any|further|future|your|from|with|the|this) )*"
        r"(?:communicat\w+|contact(?:ing)?|correspondence|calls?|calling|texts|texting|messages|messaging|emails|"
        r"collection (?:calls?|efforts|activit\w+|contact))\b",
        r"\bend all (?:communications?|contact)\b",
        r"\bcease and desist\b(?! (?:letter|notice|order|from))",
        r"\bno (?:further|more|longer any) (?:contact|communications?)\b",
        r"\b(?:do not|don t|dont|no longer|never|not) (?:want|wish) (?:you )?to (?:(?:be|get) "
        r"(?:contacted|called(?! an? )|texted|messaged|emailed|bothered)|"
        rf"(?:ever )?{_VERB}(?: (?:or|and|nor) {_VERB})? me|"
        rf"(?<=you to )(?:ever )?{_VERB}(?: me)?(?: (?:or|and|nor) {_VERB})? (?:anymore|any more|again))\b",
        r"\b(?:do not|don t|dont|never|no longer)(?: ever)? (?:want|wish|care) to (?:ever )?hear (?:\w+ )?from "
        r"(?:you|u|any of you|this company|your company)\b",
        r"\bcancel (?:all |the |my |these |your )*(?:messages?|texts?|sms|emails?|subscription|calls?)\b",
        rf"\b(?:nao|n|nem) (?:quero |desejo )?(?:que )?(?:mais )?(?:me |nos )?"
        rf"{_asked(_PT_ASKED, _PT_SEND, _PT_CHARGE)}",
        rf"\b(?:nunca|jamais) mais (?:me |nos )?{_asked(_PT_ASKED, _PT_SEND, _PT_CHARGE)}",
        rf"\b{FORBIDS} {_asked(_PT_FORBIDDEN, '(?:mand|envi)(?:em?|ar|arem)', 'cobr(?:em?|ar|arem)')}",
        r"\b(?:nao|n) me (?:liga|escreve|chama|perturba|incomoda) mais\b",
        r"\b(?:nao|n) me liga (?:(?:e|ou) (?:nao|n|nem)|nem) (?:me )?(?:manda|envia) (?:mais )?(?:nada|mensage(?:m|ns)|"
        r"sms|zap|whats\w*)\b",
        rf"\b(?:nao|n) (?:me )?manda mais (?:{re.escape(END)}|nao$|nada\b|{_SENT}\b)",
        rf"\bnao quero (?:receber )?{_PT_DETERMINER}{_PT_MESSAGES}\b",
        r"\bnao (?:quero|desejo|autorizo) (?:mais )?(?:receber|ser contatad[oa]|contato)\b",
        rf"\b(?:parem?|deixem?|cessem?|para) de (?:me |nos )?{_asked(_PT_CONTACT, '(?:mandar|enviar)', 'cobrar')}",
        rf"\bcancel(?:ar|e|em|a|o) {_PT_DETERMINER}{_PT_MESSAGES}\b",
        r"\b(?:quero |vou )?me (?:descadastr|desinscrev)\w*",
        r"\b(?:descadastr|desinscrev)\w*",
        r"\b(?:tir|remov|retir|exclu|apag|delet)\w* (?:o )?(?:meu (?:numero|telefone|contato|e ?mail)|meus dados)\b",
        r"\bme (?:tir|remov|retir|exclu)\w* (?:da|dessa|desta|de sua|dessas|do) (?:sua )?(?:lista|base|cadastro)\b",
        r"\b(?:quero )?sair (?:da|desta|dessa) lista\b",
        r"\bquero sair$",
        r"\b(?:me deixem?|deixem? me) em paz\b",
    )
)
"""Any of them is a wish to be left alone."""

_ALL_DAY = (
    r"(?:a cada rato|a toda hora|a diario|todos (?:los|os) dias|todo (?:el|o )?dia|todo santo dia|cada (?:dia|rato)|"
    r"diario|diariamente|o dia (?:todo|inteiro))"
)
_STOP_DOING = r"(?:dej(?:en|e|es|a|ar|ad|eis)|par(?:en|em|e|a|ad)|ces(?:en|e|ad|em)|deix(?:em|e|a))"

MAY_STOP = re.compile(
    r"\b(?:cease|stop|unsubscribe|baja|alto|basta|detener|detengan|paren|parem|opt ?out|revoke)\b|"
    r"\b(?:no|nao) (?:quiero |deseo |quero )?(?:que )?(?:me |nos |le |les )?"
    rf"(?:(?:{_MANY_SEND}|{_ONE_SEND}|{_PT_SEND}|{_MANY_CHARGE}|{_ONE_CHARGE}|{_PT_CHARGE}) "
    rf"(?:{_ALL_DAY}|(?:a |mas |sus |los |mais |os )*(?:cobradores?|gestores?|motorizados?)|"
    r"que|ya|porque|pq|pues|pois|se|si|tant[oa]s?|tod[oa]s?|y|e)|"
    rf"(?:{_MANY_SEND}|{_ONE_SEND}|{_PT_SEND}) nada|"
    rf"{_PT_CHARGE} agora)\b|"
    rf"\b{_STOP_DOING} (?:ya )?de (?:me |nos )?(?:{_SEND}|{_CHARGE})(?: {_COURTESY})* {_ALL_DAY}\b|"
    r"\b(?:retir|revo[cg]|withdr[ae]w)\w* (?:el |la |mi |o |a |meu |minha |my |the )*"
    r"(?:consent\w*|autoriza\w*|permi\w*)"
)
"""May be a wish to be left alone: a person reads it."""

MAY_NOT_STOP = re.compile(
    r"\b(?:no|nao) (?:me |nos )?(?:dej(?:en|e|es|eis|ar)|deix(?:em|e|ar)|par(?:en|em|e|eis)) (?:nunca )?de "
    rf"(?:{_ANY_CONTACT}|(?:me |nos )?{_asked(_PT_CONTACT, '(?:mandar|enviar)', 'cobrar')})"
)
"""Who leaves out a comma after "no" says the opposite of what they mean: a person reads it."""

_OFF_SICK = (
    r"(?:est(?:oy|a|as|an|amos|ais|uve|uvo|uvimos|aba|abamos|aban|are|ara|aremos|ando)|(?<!quiero )estar|"
    r"s[ei]g(?:o|ue|uen|uimos|ui)|and(?:o|a|amos|aba)|continuo|qued[eo]|quedamos|por estar|cobr(?:o|ando)|"
    r"estado|llev(?:o|amos|a)(?: \w+){0,3})"
)
_LOWERED = (
    r"(?:interes(?:es)?|cuotas?|mensualidad|montos?|tasas?|deuda|precios?|recargos?|mora|comision(?:es)?|porcentaje|valor|"
    r"letra|pagos?|importe|total|saldo|app|aplicacion|chamba|venta|demanda|temporada|sueldo|enganche)"
)
_LOW = r"(?:planta|temporada|presion|clase|tarifa|cuota|tasa|senal|ventas?|gama|voz|economia|visibilidad)"
_HEALTH = (
    r"(?:enfermedad|maternidad|paternidad|depresion|accidente|lesion|ansiedad|estres|embarazo|operacion|covid|"
    r"incapacidad)"
)
_AT_WORK = r"(?:trabajo|empresa|chamba|laburo|pega|curro|imss|issste|planilla|nomina|fabrica|oficina|seguridad social)"
_AND_STILL = r"(?! (?:\| )?(?:y|e|pero|mas) (?:me |nos |aun |todavia |igual |ya )*(?:siguen?|continua\w*)\b)"
"""Who is still written to was taken off a list, not off work."""

_WE_GO_THERE = (
    r"(?:(?:i|we) (?:(?:ll|will|can|could|may|might|would|d|am going to|m going to|want to|need to|plan to|have to|"
    r"just) )+|(?:ill|let me|gonna|(?:can|could|may|should) (?:i|we)) (?:just )?)(?:try to |try and )?"
    r"stop (?:by|over|in at)(?! (?:the end|text|sms|phone|e ?mail|mail|what?s))"
)

NO_STOP = re.compile(
    r"\b(?:"
    rf"{_WE_GO_THERE}|"
    rf"{_OFF_SICK} ?(?:ya |todavia |aun |ahora |actualmente |tambien |hoy )?de baja{_AND_STILL}|"
    rf"(?:dieron|dio|dado|dimos|diste|(?<!\bme )di) de baja{_AND_STILL}"
    r"(?! (?:de|del) (?:su|la|esta|sus) (?:lista|base|sistema))|"
    rf"(?:la |de |una |mi |en )?baja (?:medica|laboral|maternal|paternal|por (?:una? )?{_HEALTH}|"
    rf"de (?:maternidad|paternidad)|(?:en|del?) (?:el |la |mi |un )?{_AT_WORK})|"
    r"de baja (?:(?:por|x) (?:la|el|una?|mi|los|las)|desde|y (?:cobr\w+|gan\w+|no (?:cobro|puedo|tengo|me|gano)))|"
    r"lo de la baja|(?:cuanto|si|se) (?:me |nos |te |le |lo )?baja|"
    rf"{_LOW} baja|baja california|"
    r"baja (?:de |en |un poco |mas |algo )?(?:los |las |la |el |lo de |mi |mis |sus |ese |esos )?"
    rf"{_LOWERED}|"
    r"(?:muy|tan|mas|demasiado|es|interes|monto|importe|precio|costo) (?:\w+ )?(?:alto|baja)|"
    r"alto (?:riesgo|costo|parana|interes|porcentaje)|"
    r"basta con (?:que(?! (?:me |nos )?(?:est|sig|llam|escrib|mand|molest|cobr))|pagar|depositar|transferir|hacer|"
    r"la mitad|el minimo|\d+)|con (?:eso|lo que \w+) basta|(?:me|nos|les?) basta|"
    r"no (?:me |nos )(?:molest(?:a|o|an|aria) |incomoda )(?:para nada )?(?:que|si|en|recibir)(?: (?:me|nos) \w+)?|"
    r"(?:no|nao) (?:me |nos )?(?:dej(?:en|e|es|eis|ar)|deix(?:em|e|ar)|par(?:en|em|e|eis)) (?:nunca )?de "
    r"(?!molest|acos|hostig|fastid|jod|freg|incomod|perturb|ench)(?:me |nos )?\w+"
    r")\b"
)
"""What has a word of a stop in it and is none."""

_OF_CONTACT = (
    rf"(?:{_CONTACT}|{_MESSAGES}|{_PT_MESSAGES}|text\w*|call\w*|messag\w*|email\w*|bother\w*|harass\w*|"
    r"lig(?:ar|uem?|ando)|escrev\w*|contat\w*|send\w*|mand\w*|envi\w*|remind\w*|notif\w*|alert\w*|notices?|avis\w*|"
    r"lembretes?)"
)
_NOT_TO_IT = rf"(?: (?!(?:{_OF_CONTACT}|y|e|and|con|com|with|por|by|via|mediante|using|desde|usando)\b)\w+)"
_DEBIT = (
    r"(?:domiciliacion(?:es)?|domiciliad[oa]s?|"
    r"(?:debitos?|cargos?|cobros?|pagos?|pagamentos?) (?:automaticos?|recurrentes?|recorrentes?|directos?|"
    r"domiciliados?|em conta)|(?:el|del|mi|al) (?:pac|pat)|auto ?(?:pay(?:ments?)?|debits?)|"
    r"(?:automatic|recurring|direct) (?:payments?|debits?|withdrawals?|charges?))"
    rf"(?! {_OF_CONTACT}\b)"
)
_ENDED = (
    r"(?:baja|cancel\w*|anul\w*|revo[ckgq]\w*|suspend\w*|quit\w*|elimin\w*|retir\w*|desactiv\w*|"
    r"par(?:ar|en|e|em)|dej(?:en|e|es|ar) de|det[eu]\w*|"
    r"stop|end(?! of)|remov\w*|take (?:me|us|my \w+|it) (?:off|out)|turn(?: \w+)? off|"
    r"disable|unenroll|unsubscribe|opt \w+|sac\w*|saqu\w*|withdr[ae]w\w*|tir\w*|deslig\w*|descadastr\w*|borr\w*)"
)
DEBIT_REVOKED = re.compile(
    rf"\b{_ENDED}{_NOT_TO_IT}{{0,4}}? {_DEBIT}\b|\bbaja{_NOT_TO_IT}{{0,3}}? recibos?\b|"
    rf"\b(?:no|nao|don t|dont|do not) (?:quiero|deseo|autorizo|quero|want|authorize)\b{_NOT_TO_IT}{{0,4}}? {_DEBIT}\b"
)
"""Who takes back that we may charge their account says nothing of being written to."""

_BUREAU = (
    r"(?:asnef|badexcug|equifax|experian|transunion|data ?credito|cifin|dicom|veraz|buro|infocorp|sentinel|serasa|"
    r"sc?pc|boa vista|circulo de credito|central(?:es)? de (?:riesgos?|deudores)|listas? negras?|"
    r"(?:listas?|registros?|ficheros?|cadastros?) de (?:los )?(?:moros\w+|deudores|impagados|inadimplentes|devedores)|"
    r"lista do (?:spc|serasa)|black ?lists?|credit (?:bureaus?|reports?|files?|history))"
)
_NO_THREAT = (
    r"(?! (?:voy|vamos|vou|ou|or|if|si|se|senao|porque|pq|because|"
    r"o (?!(?:meu|nome|cpf|registro|cadastro|apontamento|protesto)\b))\b)"
)
"""Without what begins another thing, such as a threat to go to the bureau themselves."""
BUREAU_LEFT = re.compile(
    r"\b(?:borr|elimin|quit|sac|saqu|remuev|remov|retir|tir|exclu|limp|delet|eras|apag|take|baja|descadastr)\w*"
    rf"(?:{_NO_THREAT}{_NOT_TO_IT}){{0,5}}?{_NO_THREAT} {_BUREAU}\b"
)
"""Who wants to be off a list of debtors is not on it for our messages."""

NEVER_CAME = re.compile(
    r"\b(?:no|nunca|jamas|nadie|ni|nao|ninguem)(?: (?:me|nos|ya|todavia|aun|ha|han|he|habian?|ainda|se))* "
    r"(?:(?:mand|envi|escrib|llam|contact|avis)(?:aron|aste|ado|aram|ieron|io|iste|ou)|escrito|lleg(?:o|aron|ado|a|an)|"
    r"recib(?:i|imos|ido)|recebi|recebemos|cheg(?:ou|aram))\b"
    rf"(?: {_WHOSE}(?:un |uma? |ningun |nenhuma? )?{_SENT}\b)?|"
    r"\b(?:did not|didn t|didnt|haven t|havent|have not|never) (?:get|got|gotten|receiv\w+|sent)\b"
    r"(?: (?:me|any|a|the|your|my))*(?: (?:texts?|messages?|emails?|calls?|sms)\b)?"
)
"""What was waited for and did not come."""

UNTROUBLED = re.compile(rf"\b(?:no|nao) (?:me |nos )(?:molestan?|incomodan?|incomodam?) {_WHOSE}{_SENT}\b")
LEFT_OF_A_STOP = re.compile(
    rf"\b(?:{_OF_CONTACT}|dej\w*|deix\w*|par(?:e|en|em|ar)|stop\w*|quit|leave|alone|baja|listas?|lists?|datos|dados|"
    r"numero|number|telefono|telefone|paz|hear|basta|chega|nunca|jamas|never|ya no|no mas|no more|nao mais|sair|salir|"
    r"cease|saber|desaparez\w*|olvid\w*|larg[au]\w*|mand\w*|envi\w*|busqu\w*|habl\w*|procur\w*)\b"
)
"""What may speak of contact, beside what only looks like a stop."""
