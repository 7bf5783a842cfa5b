"""Phrases that can hardly mean anything else: what they say is taken as said, whatever the model makes of rare words.

They are matched on the words of `features.words_of`: no accents, abbreviations written out, days and sums as kinds
(`zzday`, `zzsum`). Every phrase is right on the training data nearly always; tests hold that.
"""

from __future__ import annotations

import re

from domain.replies.labels import Intent

_KIN = (
    r"(?:mama|papa|madre|padre|viejo|vieja|hij[oa]|nin[oa]|bebe|espos[oa]|marido|mujer|senora|herman[oa]|abuel[oa]|suegr[oa]|"
    r"sobrin[oa]|prim[oa]|tio|tia|mae|pai|filh[oa]|irmao|irma|mum|mom|dad|son|daughter|wife|husband|brother|sister|mother|father|baby)"
)
_WHEN = r"(?:hoy|manana|ahorita|ahora|ya|el zzday|este zzday|el zzn|pasado manana|esta (?:tarde|noche))"
_NOT_DEAD = r"\b(?:(?:no|nao|nunca) (?:ha|he|esta) fal+ecid[oa]|(?:not|isn't) deceased)\b"
_THING = (
    r"(?:phone|cell|battery|line|number|account|card|car|truck|laptop|computer|deal|business|it|this|that|everything|market|economy|link|"
    r"app|wifi|wi fi|internet|whatsapp|wsp|zap|signal|senal|sinal|server|servidor|router|modem|site|engine|celular|cel|telefono|telefone|bateria|linea|linha|carro|coche|auto|moto|negocio|negocios|venta|ventas|vendas|comercio|"
    r"temporada|mercado|cuenta|conta|tarjeta|calle|trabajo|trabalho|cosa|esto|eso|todo|tudo|isso|isto|semana|mes|perro|gato|pc|computadora|pueblo|zona|local)"
)
_PHRASES: tuple[tuple[Intent, str], ...] = (
    (Intent.VULNERABLE, rf"\b(?:fallecio|murio|enterramos a|enterre a|sepulte a|sepultura a|perdi a|velando a|funeral de|velorio de) (?:a )?(?:mi|mis|nuestro|nuestra) {_KIN}\b"),
    (Intent.VULNERABLE, rf"\bmi {_KIN} (?:fallecio|murio|acaba de (?:morir|fallecer)|se murio|ya no esta con nosotros|descansa en paz)\b"),
    (Intent.VULNERABLE, rf"\b(?:my|minha|meu) {_KIN} (?:died|passed away|morreu|faleceu)\b|\bel titular (?:fallecio|murio)\b|\b(?:descansa|descansen?) en paz\b|\ben paz descansen?\b"),
    (Intent.VULNERABLE, rf"^(?!.*{_NOT_DEAD}).*(?:\b(?:deceased|fal+ecid[oa]|(?<!era do )(?<!misa del )(?:finad|difunt)[oa]|qepd|que e p de)\b)"),
    (Intent.VULNERABLE, r"\b(?:he|she)(?:'s|s| is| has been) (?:now |already |sadly )?dead\b(?! (?:tired|broke|serious|wrong|set|asleep|beat|inside|to me))|"
                        rf"\b(?:{_KIN[3:-1]}|borrower|debtor|customer|client|person|man|woman|guy|owner) (?:is|has been) (?:now |already |sadly )?dead\b(?! (?:tired|broke|serious|wrong|set|asleep|beat|inside|to me))|"
                        rf"^(?:hi |hello |sorry |no )?(?!{_THING}\b)\w+ is dead(?= *$| (?:[?!]|since|stop|please|leave|you|he|she|last|don't|i'm))"),
    (Intent.VULNERABLE, rf"\b(?:{_KIN[3:-1]}|titular(?: de la \w+)?|cliente|deudora?|devedora?|senor|persona|pessoa|senorita|ella|ele|ela|don \w+|dona \w+)(?: que (?:\w+ )?busc\w+)? (?:ya |ja )?esta (?:muert|mort)[oa]\b(?! d[eo]\b)|"
                        rf"^(?:hola )?(?!{_THING}\b)\w+ (?:ya |ja )?esta (?:muert|mort)[oa](?= *$| [?!])"),
    (Intent.VULNERABLE, r"^(?!.*\b(?:aqui|aca|ahi|alla|casa|depa\w*|direccion|domicilio|numero|calle|edificio)\b).*\bya no vive(?= *$| (?:mi|hace|desde|fallecio|murio|lo siento|senor\w*|disculpe|gracias|dejen?|[?!]))"),
    (Intent.VULNERABLE, r"\b(?:se (?:me |nos )?fue|se encuentra|ya esta|partio|descansa) con (?:dios\b|diosito\b|el senor(?= *$| [?!]))|\b(?:ya no esta|nao esta mais) entre (?:nosotros|nos)\b"),
    (Intent.VULNERABLE, rf"^(?!.*\b(?:{_THING}|pagos?|cobros?|fechas?|parto|quincena|cita|viaje|vuelo|dia|vencimiento|bebe)\b).*\bse nos adelanto(?= *$| (?:mi|en el camino|hace|ayer|el zzn|don|dona|al cielo|[?!]))"),
    (Intent.VULNERABLE, rf"\bmi {_KIN}\b.{{0,20}} (?:en (?:la )?uci|en terapia intensiva|en cuidados intensivos|en coma|entubad[oa]|respirador|muy grave|con cancer)\b"),
    (Intent.VULNERABLE, r"\b(?:tengo cancer|tengo un tumor|me (?:detectaron|diagnosticaron|encontraron) (?:un )?(?:cancer|tumor|leucemia)|(?:en|haciendo|recibiendo) quimio\w*|"
                        r"en dialisis|on chemo|have cancer|in intensive care|in the icu|na uti|meses de vida|pocos meses)\b"),
    (Intent.VULNERABLE, r"\b(?:quitarme la vida|me quiero morir|quiero morirme|no quiero (?:vivir|seguir viviendo)|suicidar\w*|me voy a matar|pienso en matarme|"
                        r"kill myself|want to die|better off dead|end my life|end it all|quero morrer|me matar|nao quero mais viver|encontrar colgad[oa]|"
                        r"cortarme las venas|compre (?:las|unas) pastillas|miss me if i (?:was|were) gone)\b"),
    (Intent.VULNERABLE, r"\bmi (?:marido|esposo|pareja|ex|novio) me (?:pega|golpea|golpeo|maltrata|rompio|amenaza|viola)\b|\b(?:he|husband) (?:hits|beats) me\b|\bmeu marido me bate\b"),
    (Intent.VULNERABLE, r"\bno (?:tengo|hay|tenemos) (?:nada )?(?:que|para|con que) (?:darles? de comer|comer hoy|que coman) ?(?:a )?(?:mis|a los|los)\b|\bsin comer desde\b|\b(?:dias|desde ayer) sin comer\b|"
                        r"\bdurmiendo en (?:la calle|el carro|el coche|un parque|el auto)\b|\bdormimos en (?:la calle|el carro|el coche|el auto)\b"),
    (Intent.COMPLAINT, r"\b(?:queja|denunci\w+|reclamo|quejarme|reportar\w*|demanda\w*) .{0,25}\b(?:condusef|profeco|sernac|cmf|sic|superfinanciera|superintendencia|indecopi|sbs|procon|consumidor|"
                       r"defensoria|aepd|facua|omic|cfpb|ftc|fca|redeco|prensa)\b"),
    (Intent.COMPLAINT, r"\b(?:reporting you|report you to|i'll sue|my lawyer|harassing me|this is harassment|with the ombudsman|reclamar no procon|denunciar no procon|isso e assedio|"
                       r"voces na justica|processar voces)\b"),
    (Intent.COMPLAINT, r"\b(?:los|les) voy a (?:denunciar|demandar|reportar|acusar)\b|\bdeje?n de (?:acosar\w*|hostigar\w*|amenazar\w*)\b|\b(?:esto|eso) (?:es|ya es) (?:acoso|hostigamiento)\b"),
    (Intent.COMPLAINT, rf"\bdeje?n de (?:llamar|marcar|molestar|escribir)(?:le|les)? a (?:mi|mis) (?:{_KIN[3:-1]}|jef[ea]|trabajo|famili\w+|vecin\w+|contactos|amig\w+|oficina)\b|\bstop calling my\b"),
    (Intent.COMPLAINT, r"\b(?:semanas|meses|mes|dias) (?:pidiendo|solicitando|esperando) (?:mi|el|la|un|una|que) (?:paz y salvo|certificado|carta|libre deuda|respuesta|finiquito)\b"),
    (Intent.DISPUTE, r"\b(?:esa deuda no es mia|no reconozco (?:esa|esta|la|ese|este|el) (?:deuda|cargo|prestamo|credito|cobro)|desconozco (?:esa|esta|la|ese) (?:deuda|cargo|obligacion)|"
                     r"yo no (?:pedi|saque|solicite) (?:ese|ningun|nunca|ese)|(?:nunca|jamas) (?:pedi|saque|solicite|tuve|firme|autorice) (?:ese|ningun|esa|un|ese|nada)|suplantaron mi|suplantacion|"
                     r"robo de identidad|not my debt|nao e minha essa divida|essa divida nao e minha|nao reconheco)\b"),
    (Intent.DISPUTE, r"\b(?:esto|eso) es (?:una estafa|un fraude|un timo)\b|\bisso e golpe\b|\b(?:this is|that's|thats) a scam\b|\bquieren (?:robar|estafar)\b"),
    (Intent.OPT_OUT, r"^(?:baja|stop|salir|sair|pare|unsubscribe|desuscribir\w*|alto) ?!*$|\b(?:no|ya no) me (?:manden|envien|escriban) mas (?:mensajes|sms|correos)\b|"
                     r"\b(?:stop|quit|no more) (?:texting|messaging|emailing|texts|emails) ?(?:me|this number)?\b|\b(?:remove me from|take me off)\b(?! (?:\w+ )?(?:auto|autopay|automatic|direct|recurring|credit|blacklist|bureau))|\bno mas (?:mensajes|sms|correos)\b|"
                     r"\bno (?:quiero|deseo) (?:recibir )?mas (?:sus )?(?:mensajes|sms|correos)\b|\bnao quero (?:mais )?receber\b|\bchega de mensagem\b|\bstop (?:ya|already)\b|\bya stop\b"),
    (Intent.PROMISE_TO_PAY, r"^(?!.*\b(?:suenos|sentad\w+|nunca|jamas)\b).*\b(?:(?:claro|obvio|por supuesto|desde luego) que (?:si )?(?:les? |te |os )?(?:voy a pagar|pago|pagare)\b|cuente?n? con (?:ello|eso|el pago))\b"),
    (Intent.PROMISE_TO_PAY, rf"\b(?:quiero|voy a) (?:cancelar|saldar|liquidar|pagar) (?:mi|la|toda la|toda mi|el total de mi) (?:deuda|cuota|prestamo|saldo|credito) (?:total |completa |completo )?{_WHEN}(?! (?:como|donde|cuanto|por donde|cual))\b(?!.*(?:\?|\b(?:pero|no)\b))"),
    (Intent.REFUSAL, r"^(?:que )?pague(?:n|la|nla|lo|nlo)? (?:usted|ustedes|vos|tu)\b|\bno (?:les|le|te) pienso pagar\b|\bno pienso pagar\w*\b|\bni loc[oa] (?:les|le|te)? ?pago\b|\bno me da la gana de pagar\b"),
    (Intent.OPT_OUT, r"\bya no me (?:escriban|marquen|manden|mensajeen|contacten)\b(?!.{0,3} (?:tan|tanto|a mi (?:trabajo|casa)))(?!.*por eso)"),
    (Intent.PAYMENT_RECEIPT, r"^zzattached \w+"),
    (Intent.WRONG_PERSON, r"^(?:hola )?(?:numero (?:equivocado|errado)|wrong (?:number|person))\b|\bno soy (?:esa persona|la persona que)\b|\byou(?:'ve| have)? got the wrong (?:number|person|guy|bloke)\b"),
)  # fmt: skip
_COMPILED = tuple((intent, re.compile(phrase)) for intent, phrase in _PHRASES)

ALONE: dict[str, Intent] = {
    **dict.fromkeys(("no", "nop", "nope", "nao", "nel"), Intent.OTHER),
    **dict.fromkeys(("ese dia no", "ese dia no puedo", "esa fecha no", "esa fecha no puedo"), Intent.OTHER),
    **dict.fromkeys(("pagar", "pay"), Intent.ASK_HOW_TO_PAY),
    **dict.fromkeys(
        ("por ahora no puedo", "de momento no puedo", "este mes no puedo", "no puedo pagar"), Intent.HARDSHIP
    ),
    **dict.fromkeys(
        ("asesor", "agente", "operador", "humano", "ejecutivo", "atendente", "agent", "human"), Intent.REQUEST_AGENT
    ),
}
"""Words that are the whole message: there is nothing else to go by."""


_ROLE = (
    r"(?:abogad[oa]s?|advogad[oa]s?|letrad[oa]s?|tutora? legal|curadora?|procuradora?|apoderad[oa]|albacea|inventariante|"
    r"representante legal|lawyer|attorney|solicitor|legal guardian)"
)
_HAS_A_ROLE = re.compile(rf"\b{_ROLE}\b")
_TOLD = r"(?:dij\w+|dice\w*|disse\w*|diz|said|says|told)"
_NAMES_THEIR_OWN = (
    rf"(?:{_TOLD}|mis?|my|meus?|minhas?|nuestr[oa]s?|nossos?|nossa|our|"
    r"talk\w*|speak\w*|getting|calling|seeing|hiring|consult\w*|habl(?:ando|e)|falando|viendo|with|con|com|to|not|no)"
)
_SPEAKS_FOR = re.compile(
    r"(?<!\bno )(?<!\bnao )\b(?:soy|somos|sou|am|i'm|im|como|habla|escribe|fala|escreve) "
    rf"(?:(?!{_NAMES_THEIR_OWN} )\w+ ){{0,3}}?{_ROLE}\b(?! (?:me |nos |le |ya |has |had )*{_TOLD}\b)"
)


def is_represented(words: list[str], *, by_another: bool) -> bool:
    """Whether somebody writes who speaks for the borrower by law or mandate, in the words of `features.words_of`.

    `by_another`: somebody else at the number writes; a borrower who only names a lawyer speaks for themselves.
    """
    text = " ".join(words)
    return (_HAS_A_ROLE if by_another else _SPEAKS_FOR).search(text) is not None


def said_in(words: list[str]) -> tuple[Intent, ...]:
    """Intents that a phrase in the words of `features.words_of` leaves no doubt about."""
    text = " ".join(words)
    return tuple({intent: None for intent, phrase in _COMPILED if phrase.search(text)})
