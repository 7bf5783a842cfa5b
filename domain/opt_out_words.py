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

from domain.opt_out_partly import welcomes_one_way_alone
from domain.opt_out_phrases import (
    BUREAU_LEFT,
    DEBIT_REVOKED,
    END,
    ENDS_HERE,
    MAY_NOT_STOP,
    MAY_STOP,
    NO_STOP,
    STOP_PHRASES,
)


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
        "darme de baja", "dar de baja", "de baja", "la baja", "mi baja", "stop sms", "stop mensajes", "baja sms",
        "no mas mensajes", "no mas sms", "salir", "desuscribir", "desuscribirme", "eliminar", "no molestar",
        "no llamar", "no enviar", "no escribir", "suspender", "cesen", "arret", "no more", "do not text",
        "do not call", "do not contact", "sair", "pare", "parem", "parar mensagens", "chega", "remover",
        "descadastrar", "descadastre", "desinscrever", "nao mais", "nao enviar", "nao perturbe", "nao ligar",
        "sem mensagens", "cancelar mensagens", "para com isso", "parem com isso", "pare com isso", "unsuscribe",
        "unsubcribe", "unsubscribed", "dejenme", "dejadme", "ya dejenme", "ya dejadme", "no sms", "borrame", "borrenme",
        "borreme", "eliminame", "eliminenme", "elimineme", "remove me",
    )
)  # fmt: skip
_MISTYPED = re.compile(r"(?:s+t+[o0]+p+|sotp|stpo|satop|s t o p|b+a+j+a+|b a j a|s a i r)[ ]?\d?")
"""STOP, BAJA and SAIR as fingers miss them: a letter twice or spelled out, a nought, a figure behind."""
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

_PAYS = re.compile(
    r"\b(?:divida|emprestimo|parcelas?|boleto|pix|quit(?:ar|o|ei)|pag\w*|pay\w*|paid|deuda|prestamo|credito|cuotas?|saldo|debt|loan|transfer\w*|deposit\w*|"
    r"importe|monto|todo|total|abon\w*|link|enlace)\b"
)
_CANCELAR = re.compile(
    r"\bcancel(?:ar|are|ara|aremos|aran|o|e|ado|ada|ados|adas|ando|aria|ariamos|arl[oa]s?|amos|emos|aste|aron|aba)\b"
)
_SAID_OF_PAYING = re.compile(
    r"\bcancel(?:are|ara|aremos|aran|o|e(?! (?:eso|esto|todo esto)\b)|ado|ada|ados|adas|ando|aria|ariamos|amos|emos|"
    r"aste|aron|aba)\b"
)
"""Forms that tell who pays and when, in Spanish; `cancele eso` may also be an order."""
_CANCELS_MESSAGES = re.compile(
    r"(?<!\bhabia )(?<!\bhe )\bcancel\w+ "
    r"(?:(?:el|la|los|las|mi|mis|sus?|tus|todos|todas|est[aeo]s?|es[ao]s?|mas|de|ya) ){0,4}"
    r"(?:mensajes?|sms|avisos?|correos?|suscripcion|notificaciones|datos|contactos?|autorizacion|permiso|"
    r"consentimiento|servicios?|envios?|registro|numero(?! de)|llamadas?)\b"
)
_WANTS_PAY_OFF = re.compile(
    r"\b(?:quiero|quisiera|voy a|vamos a|puedo|podria|podre|como|donde|para|deseo|necesito|ya|hoy|manana|"
    r"cuanto|pienso|prometo|comprometo a|termino de|valor a|monto a|total a|tengo que|falta) (?:\w+ )?cancel"
)


def clauses_of(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces; END stands where a clause ends."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    marked = re.sub(r"[.,;:!?\n()|]+", f" {END} ", letters)
    return " ".join(re.sub(rf"[^\w{re.escape(END)}]+|_", " ", marked).split())


def joined(clauses: str) -> str:
    """The words of all clauses in one row."""
    return " ".join(clauses.replace(END, " ").split())


def _of_contact_alone(clauses: str) -> str:
    """Without what ends a direct debit or an entry at a credit bureau."""
    return BUREAU_LEFT.sub(END, DEBIT_REVOKED.sub(END, clauses))


def _without_lookalikes(clauses: str) -> str:
    """What is left beside what only looks like a stop; END stands only where charging or sending ends a clause."""
    rest = NO_STOP.sub(END, _of_contact_alone(clauses)) + f" {END}"
    kept = "\0".join(joined(part) for part in ENDS_HERE.sub("\\1 \0", rest).split("\0"))
    return kept.replace("\0", f" {END} ").strip()


def read_opt_out(text: str, language: str | None = None) -> OptOutReading:
    """What `text` says about being written to. `language` is the writer's (ISO 639-1), where it is known.

    Exact words and clear phrases decide; case, accents, punctuation and courtesy words do not matter.
    CANCELAR about a debt is NOT_ABOUT_THIS, and so is any form that tells who pays and when ("el viernes cancelo");
    from a writer of Portuguese it needs the debt named. A stop word inside a longer sentence that no phrase covers is
    UNCLEAR. Not to be charged interest, sent a link or reported to a bureau is no wish to hear nothing; nor is to end a
    direct debit or an entry at a bureau.
    """
    clauses = clauses_of(text)
    plain = joined(clauses)
    core = _AROUND_POLITE.sub("", plain)
    for candidate in (plain, core):
        if candidate in _STOP_WORDS or _MISTYPED.fullmatch(candidate):
            return OptOutReading.OPT_OUT
        if candidate in _START_WORDS:
            return OptOutReading.OPT_IN
    words = core.split()
    if words and len(set(words)) == 1 and words[0] in _STOP_WORDS:
        return OptOutReading.OPT_OUT
    rest = _without_lookalikes(clauses)
    if any(phrase.search(rest) for phrase in STOP_PHRASES) or welcomes_one_way_alone(clauses):
        return OptOutReading.OPT_OUT
    stops = bool(MAY_STOP.search(rest) or MAY_NOT_STOP.search(f"{clauses} {END}"))
    plain = joined(_of_contact_alone(clauses))
    if _CANCELAR.search(plain) and not stops:
        in_spanish = len(words) == 1 or _WANTS_PAY_OFF.search(plain) or _SAID_OF_PAYING.search(plain)
        about_debt = (language != "pt" and in_spanish) or _PAYS.search(plain)
        stops = not about_debt or _CANCELS_MESSAGES.search(plain) is not None
    return OptOutReading.UNCLEAR if stops else OptOutReading.NOT_ABOUT_THIS


def is_a_word_of_stopping(text: str) -> bool:
    """Whether `text` is nothing but a word that stops, and courtesy."""
    plain = joined(clauses_of(text))
    core = _AROUND_POLITE.sub("", plain)
    return plain in _STOP_WORDS or core in _STOP_WORDS or _MISTYPED.fullmatch(core) is not None


_HAS_ANOTHER_SENSE = re.compile(
    r"cancel\w*(?: \w+)?|\w+ cancel\w*|alta|de alta|parad[oa]|bloquead[oa]|fuera|ya (?:no|basta|esta)|"
    r"baj(?:a|as|o) \w+|\w+ baja|"
    r"(?:deja(?:me|nos)?|dejen(?:me|nos)?|dejad(?:me|nos)?|deje(?:me|nos)?) (?!ya$|tranquil|solo|sola|paz)\w+|"
    r"(?:para|basta|chega|remove|stop|quita\w*|borr\w+|elimin\w+) \w+"
)


def has_another_sense(text: str) -> bool:
    """Whether one or two words, which no rule takes for a stop, may as well be about something else: to pay off, sick
    leave, "let me think"."""
    plain = joined(clauses_of(text))
    return len(plain.split()) <= 2 and _HAS_ANOTHER_SENSE.fullmatch(plain) is not None
