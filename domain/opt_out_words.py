"""Whether a borrower's text message asks us to stop writing, in Spanish, Portuguese or English.

A carrier's own keyword handling knows neither Spanish nor Portuguese, so the lexicon is ours. The trap in it:
in Latin American Spanish *cancelar* means to pay off, so "quiero cancelar" is the best news there is, whereas
the exact word CANCEL is an opt-out by the US rules (47 CFR 64.1200(a)(10)) and by the carriers' defaults. In
Portuguese to pay off is *quitar* and *cancelar* says nothing of what is to be cancelled: a person must read it.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class OptOutReading(StrEnum):
    """UNCLEAR means that a person must read it and that nothing is sent meanwhile."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    NOT_ABOUT_THIS = "not_about_this"
    UNCLEAR = "unclear"


_STOP_WORDS = frozenset(
    (
        "stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "revoke", "optout", "opt out",
        "baja", "alto", "parar", "para", "paren", "detener", "detenganse", "no mas", "basta", "remove",
        "darme de baja", "dar de baja", "stop sms", "stop mensajes", "baja sms", "no mas mensajes",
        "no mas sms", "salir", "desuscribir", "desuscribirme", "eliminar", "no molestar", "no llamar", "no enviar",
        "no escribir", "suspender", "cesen", "arret", "no more", "do not text", "do not call", "do not contact",
        "sair", "pare", "parem", "parar mensagens", "chega", "remover", "descadastrar", "descadastre", "desinscrever",
        "nao mais", "nao enviar", "nao perturbe", "nao ligar", "sem mensagens", "cancelar mensagens",
    )
)  # fmt: skip
_START_WORDS = frozenset(
    (
        "start", "unstop", "alta", "reanudar", "optin", "opt in", "subscribe", "suscribir", "volver", "voltar",
        "iniciar", "reativar", "reactivar", "quero receber mensagens", "quiero recibir mensajes",
    )
)  # fmt: skip

_POLITE = (
    r"(?:por favor|porfavor|porfa|please|ya|gracias|thanks|thank you|ahora|now|hola|buenas|buenos dias|"
    r"buenas tardes|hello|hi|x favor|pls|ola|oi|bom dia|boa tarde|obrigado|obrigada|agora|porfa|gente)"
)
_AROUND_POLITE = re.compile(rf"^(?:{_POLITE} )+|(?: {_POLITE})+$")

_CONTACT = (
    r"(?:escrib\w*|llam\w*|mand\w*|envi\w*|contact\w*|molest\w*|fregar|frieg\w*|fastidi\w*|mensaje\w*|"
    r"acos\w*|hostig\w*|cobr\w*|insist\w*)"
)
# Only forms that ask: "no me mandaron el link" and "no me llamo Juan" ask for nothing of the kind.
_MANY_ASKED = (
    r"(?:escriban|llamen|manden|envien|contacten|molesten|frieguen|fastidien|acosen|hostiguen|cobren|insistan|jodan)"
)
_ONE_ASKED = (
    r"(?:escriba|escribas|llame|llames|mande|mandes|envie|envies|contacte|contactes|moleste|molestes|friegues|"
    r"fastidie|fastidies|acose|acoses|hostigue|hostigues|cobre|cobres|insista|insistas|jodas)"
)
_PRONOUN = r"(?:me|nos|le|les)"
_MESSAGES = r"(?:mensajes?|sms|textos?|correos?|e ?mails?|suscripcion|notificaciones|avisos|llamadas?)"
_DETERMINER = r"(?:los |las |la |el |mis |mi |estos |estas |esta |este |sus |de |mas |a )*"

_OPT_OUT_PHRASES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bno (?:quiero |deseo )?(?:que )?(?:mas )?{_PRONOUN} (?:{_MANY_ASKED}|{_ONE_ASKED})\b",
        rf"\bno (?:quiero |deseo )?(?:que )?(?:mas )?{_PRONOUN} (?:vuelvan? a|sigan?|esten?) {_CONTACT}\b",
        rf"\bno (?:quiero |deseo )?(?:que )?{_MANY_ASKED}\b",
        rf"\bno {_ONE_ASKED} mas$",
        rf"\bno (?:vuelvan?|sigan?) (?:a )?{_CONTACT}\b",
        rf"\b(?:dej(?:en|e|a|ar)|par(?:en|e|a)|ces(?:en|e)) (?:ya )?de {_CONTACT}\b",
        r"\bdejen?me (?:en paz|tranquil[oa]|de \w+)",
        rf"\bno (?:quiero|deseo) (?:recibir )?(?:mas |sus |estos |estas |tus )*{_MESSAGES}\b",
        r"\bno (?:quiero|deseo) (?:ser contactad[oa]|que me contacten)\b",
        rf"\bcancel(?:ar|en|e|a|o) {_DETERMINER}{_MESSAGES}\b",
        r"\b(?:dar|den|de|dame|denme|deme|darme|darse|quiero la|solicito la|pido la) (?:de )?baja\b",
        r"\b(?:elimin|borr|quit|saqu|remuev)\w* (?:mis datos|mi numero|mi telefono|mi correo)\b",
        r"\b(?:elimin|borr|quit|saqu)\w*me de (?:su|la|esta|sus) (?:lista|base)",
        r"\b(?:stop|quit) (?:texting|messaging|calling|contacting|emailing|sending|bothering|harassing)\b",
        r"\b(?:do not|don t|dont|never) (?:text|message|call|contact|email|write to|bother) (?:me|us|this)\b",
        r"\bno more (?:texts?|messages?|calls?|emails?|sms)\b",
        r"\b(?:unsubscribe|opt) (?:me|out)\b",
        r"\bopt me out\b",
        r"\b(?:remove|take) me (?:from|off)\b",
        r"\bremove my (?:number|phone|email)\b",
        r"\bleave me alone\b",
        r"\bcancel (?:all |the |my |these |your )*(?:messages?|texts?|sms|emails?|subscription|calls?)\b",
    )
)

_PT_ASKED = (
    r"(?:mandem?|enviem?|liguem?|ligues|escrevam?|contatem?|chamem?|incomodem?|perturbem?|cobrem?|procurem?|encham?)"
)
_PT_CONTACT = r"(?:mandar|enviar|ligar|escrever|contatar|chamar|incomodar|perturbar|cobrar|encher|procurar)"
_PT_MESSAGES = (
    r"(?:mensage(?:m|ns)|sms|e ?mails?|ligac(?:ao|oes)|notificac(?:ao|oes)|contatos?|inscricao|cadastro|assinatura|"
    r"envios?|avisos?|cobrancas?)"
)
_PT_DETERMINER = (
    r"(?:o |a |os |as |de |meu |minha |meus |minhas |este |esta |estes |estas |esse |essa |essas |suas |mais )*"
)

_OPT_OUT_PHRASES += tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bnao (?:quero |desejo )?(?:que )?(?:mais )?(?:me |nos )?{_PT_ASKED}\b",
        rf"\bnao quero (?:receber )?{_PT_DETERMINER}{_PT_MESSAGES}\b",
        r"\bnao (?:quero|desejo|autorizo) (?:mais )?(?:receber|ser contatad[oa]|contato)\b",
        rf"\b(?:parem?|deixem?|cessem?|para) de (?:me |nos )?{_PT_CONTACT}\b",
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

_PAYS = re.compile(
    r"\b(?:divida|emprestimo|parcelas?|boleto|pix|quit(?:ar|o|ei)|pag\w*|pay\w*|paid|deuda|prestamo|credito|cuotas?|saldo|debt|loan|transfer\w*|deposit\w*|"
    r"importe|monto|todo|total|abon\w*|link|enlace)\b"
)
_CANCELAR = re.compile(r"\bcancel(?:ar|are|o|e|ado|ada|aria|arlo|arla|amos|aremos|aré)\b")
_WANTS_PAY_OFF = re.compile(
    r"\b(?:quiero|quisiera|voy a|vamos a|puedo|podria|como|donde|para|deseo|necesito|ya|hoy|manana|"
    r"cuanto|pienso|prometo|tengo que|falta) (?:\w+ )?cancel"
)
_STOPPISH = re.compile(r"\b(?:stop|unsubscribe|baja|alto|basta|detener|detengan|paren|parem|opt ?out|revoke)\b")
_ALTO_IS_HIGH = re.compile(
    r"\b(?:muy|tan|mas|demasiado|es|interes|monto|importe|precio|costo) (?:\w+ )?(?:alto|baja)\b"
)


def _plain(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+|_", " ", letters).split())


def read_opt_out(text: str, language: str | None = None) -> OptOutReading:
    """What `text` says about being written to. `language` is the writer's (ISO 639-1), where it is known.

    Exact words and clear phrases decide; case, accents, punctuation and courtesy words do not matter.
    CANCELAR about a debt is NOT_ABOUT_THIS; from a writer of Portuguese it needs the debt named. A stop word
    inside a longer sentence that no phrase covers is UNCLEAR, as is a wish to stop in the same breath as a wish
    to pay.
    """
    plain = _plain(text)
    core = _AROUND_POLITE.sub("", plain)
    for candidate in (plain, core):
        if candidate in _STOP_WORDS:
            return OptOutReading.OPT_OUT
        if candidate in _START_WORDS:
            return OptOutReading.OPT_IN
    words = core.split()
    if words and len(set(words)) == 1 and words[0] in _STOP_WORDS:
        return OptOutReading.OPT_OUT
    if any(phrase.search(plain) for phrase in _OPT_OUT_PHRASES):
        return OptOutReading.OPT_OUT
    if _CANCELAR.search(plain):
        pays_off = language != "pt" and (len(words) == 1 or _WANTS_PAY_OFF.search(plain))
        about_debt = pays_off or _PAYS.search(plain)
        stops = _STOPPISH.search(plain)
        return OptOutReading.NOT_ABOUT_THIS if about_debt and not stops else OptOutReading.UNCLEAR
    if _STOPPISH.search(plain) and not _ALTO_IS_HIGH.search(plain):
        return OptOutReading.UNCLEAR
    return OptOutReading.NOT_ABOUT_THIS
