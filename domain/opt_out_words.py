"""Whether a borrower's text message asks us to stop writing, in Spanish or English.

A carrier's own keyword handling knows no Spanish, so the lexicon is ours. The trap in it: in Latin
America *cancelar* means to pay off, so "quiero cancelar" is the best news there is, whereas the exact
word CANCEL is an opt-out by the US rules (47 CFR 64.1200(a)(10)) and by the carriers' defaults.
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
        "no mas sms",
    )
)  # fmt: skip
_START_WORDS = frozenset(("start", "unstop", "alta", "reanudar", "optin", "opt in", "subscribe", "suscribir", "volver"))

_POLITE = (
    r"(?:por favor|porfavor|porfa|please|ya|gracias|thanks|thank you|ahora|now|hola|buenas|buenos dias|"
    r"buenas tardes|hello|hi|x favor|pls)"
)
_AROUND_POLITE = re.compile(rf"^(?:{_POLITE} )+|(?: {_POLITE})+$")

_CONTACT = (
    r"(?:escrib\w*|llam\w*|mand\w*|envi\w*|contact\w*|molest\w*|fregar|frieg\w*|fastidi\w*|mensaje\w*|"
    r"acos\w*|hostig\w*)"
)
_PRONOUN = r"(?:me|nos|le|les)"
_MESSAGES = r"(?:mensajes?|sms|textos?|correos?|e ?mails?|suscripcion|notificaciones|avisos|llamadas?)"
_DETERMINER = r"(?:los |las |la |el |mis |mi |estos |estas |esta |este |sus |de |mas |a )*"

_OPT_OUT_PHRASES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bno (?:quiero |deseo )?(?:que )?(?:mas )?{_PRONOUN} (?:vuelvan? a |sigan? |esten? )?{_CONTACT}\b",
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

_PAYS = re.compile(
    r"\b(?:pag\w*|pay\w*|paid|deuda|prestamo|credito|cuotas?|saldo|debt|loan|transfer\w*|deposit\w*|"
    r"importe|monto|todo|total|abon\w*|link|enlace)\b"
)
_CANCELAR = re.compile(r"\bcancel(?:ar|are|o|e|ado|ada|aria|arlo|arla|amos|aremos|aré)\b")
_WANTS_PAY_OFF = re.compile(
    r"\b(?:quiero|quisiera|voy a|vamos a|puedo|podria|como|donde|para|deseo|necesito|ya|hoy|manana|"
    r"cuanto|pienso|prometo|tengo que|falta) (?:\w+ )?cancel"
)
_STOPPISH = re.compile(r"\b(?:stop|unsubscribe|baja|alto|basta|detener|detengan|paren|opt ?out|revoke)\b")
_ALTO_IS_HIGH = re.compile(
    r"\b(?:muy|tan|mas|demasiado|es|interes|monto|importe|precio|costo) (?:\w+ )?(?:alto|baja)\b"
)


def _plain(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+|_", " ", letters).split())


def read_opt_out(text: str) -> OptOutReading:
    """What `text` says about being written to.

    Exact words and clear phrases decide; case, accents, punctuation and courtesy words do not matter.
    CANCELAR about a debt is NOT_ABOUT_THIS. A stop word inside a longer sentence that no phrase covers is
    UNCLEAR, as is a wish to stop in the same breath as a wish to pay.
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
        about_debt = len(words) == 1 or _PAYS.search(plain) or _WANTS_PAY_OFF.search(plain)
        stops = _STOPPISH.search(plain)
        return OptOutReading.NOT_ABOUT_THIS if about_debt and not stops else OptOutReading.UNCLEAR
    if _STOPPISH.search(plain) and not _ALTO_IS_HIGH.search(plain):
        return OptOutReading.UNCLEAR
    return OptOutReading.NOT_ABOUT_THIS
