"""Whether a borrower takes back the permission to read their account, in Spanish, Portuguese or English.

Patterns are over the clauses of `opt_out_words.clauses_of`. To charge an account, or to be called about a balance, is
something else. What is said of a permission can only end a consent, and keeps every stop that is heard beside it.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from domain.opt_out_phrases import END
from domain.opt_out_words import OptOutReading, clauses_of, read_opt_out


class Withdrawal(StrEnum):
    """SAID: the permission is taken back. UNNAMED: one is, and nothing says which. ASKED: whether or how it can be, if
    something, or somebody else did it: a person must read it. MAYBE: a permission, or an end, is named beside a
    balance: a person must read it where there is a consent.
    """

    SAID = "said"
    UNNAMED = "unnamed"
    ASKED = "asked"
    MAYBE = "maybe"


_TAKES_BACK = (
    r"(?:revoc(?:o|ar|amos)|revoquen?|retir(?:o|ar|amos|en?)|quit(?:o|ar|amos|en?)|cancel(?:o|ar|amos|en?)|anul(?:o|ar|en?)|"
    r"elimin(?:o|ar|en?)|borr(?:ar|en?)|revog(?:o|ar|amos|uem?)|retirem?|remov(?:o|er|am?|e)|tir(?:o|ar|em?)|cancelem?|"
    r"withdraw(?:ing)?|revok(?:e|ing)|rescind|cancel(?:l?ing)?|removing|take back|end)(?:l[ae]s?|te|me)?"
)
_WHOSE = (
    r"(?:(?:mi|mis|el|la|los|las|est[ea]|es[ea]|su|sus|tu|tus|todos?|todas?|dich[oa]|o|a|os|as|meus?|minhas?|ess[ea]|seus?|"
    r"my|the|this|that|your|any|all|of|back|de|les|le|te|a|ya|lhes?) ){0,4}"
)
_PERMISSION = (
    r"(?:permisos?|consentimientos?|autorizacion(?:es)?|accesos?|permiss(?:ao|oes)|consentimentos?|autorizac(?:ao|oes)|"
    r"acessos?|consent|permissions?|authori[sz]ation|access)"
)
_USED_FOR = (
    r"(?:carg|domicil|deb[iu]t|cobr|adeud|recib|descont|descuent|charg|collect|pag[aou]|pay|llam|contact|contat|escrib|"
    r"escrev|mensaj|mensag|call|text|messag|lig(?:ar|uem|ac)|email|sms|whats)"
)
_SOMETHING_ELSE = rf"(?!{_USED_FOR})"
_ACCOUNT = (
    r"(?:saldos?|cuentas?|banc(?:o|os|ario|arios|aria|arias)|movimientos|balances?|accounts?|bank|banking|contas?|extratos?|"
    r"movimentos|transac[ct]iones|transactions)"
)
_LOOK = (
    r"(?:ver|mirar|leer|consultar|revisar|acceder|entrar|espiar|vigilar|viendo|mirando|leyendo|consultando|revisando|"
    r"accediendo|entrando|olhar|ler|acessar|vendo|olhando|lendo|acessando|see(?:ing)?|read(?:ing)?|check(?:ing)?|"
    r"look(?:ing)?(?: at| into)?|view(?:ing)?|access(?:ing)?|monitor(?:ing)?)"
)
_LOOKED_AT = r"(?:vean|miren|lean|consulten|accedan|entren|vejam|olhem|leiam|consultem|acessem)"
_SHARE = r"(?:compartir|compartiendo|compartilhar|compartilhando|shar(?:e|ing))"
_BETWEEN = rf"(?:{_SOMETHING_ELSE}\w+ ){{0,4}}?"
_OF_AN_ACCOUNT = rf"(?:{_SOMETHING_ELSE}\w+ ){{0,9}}?{_ACCOUNT}\b"
_NOT_OF_OTHERS = r"(?<!\bme )(?<!\bnos )(?<!\ble )"

_WITHDRAWS = re.compile(
    rf"\b{_NOT_OF_OTHERS}{_TAKES_BACK} {_WHOSE}{_PERMISSION} {_OF_AN_ACCOUNT}|"
    rf"\b{_TAKES_BACK} {_WHOSE}(?:bank|banking|account|balance) (?:account |balance |data )?{_PERMISSION}\b"
    rf"(?!(?: \w+){{0,4}}? {_USED_FOR})|"
    rf"\b(?:ya no|ja nao|no|nao|tampoco) (?:(?:les?|os|te|lhes?|voces|ustedes|mais|mas) ){{0,2}}"
    rf"(?:doy|damos|dou|damos|tienen?|teneis|tem|cuentan?(?: con)?) (?:mas |mais |ya )?{_WHOSE}{_PERMISSION} "
    rf"{_OF_AN_ACCOUNT}|"
    rf"\b(?:(?:you|they|nobody|no one) (?:no longer|do not|don t|dont|does not|may not) (?:any longer )?have|"
    rf"you have no(?: longer| more)?|(?:i|we) (?:no longer|do not|don t|dont) (?:any longer )?(?:give|grant)"
    rf"(?: you| anyone| them)?) {_WHOSE}{_PERMISSION} {_OF_AN_ACCOUNT}|"
    rf"\b(?:dej(?:en|e|ad|ar)|par(?:en|e|em)|ces(?:en|e|sem)|deix(?:em|e)) de {_LOOK} {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:dej(?:o|ar|are|amos)|deix(?:o|ar|arei)|par(?:o|ar|arei)) de {_SHARE} {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:stop|quit) (?:{_LOOK}|{_SHARE}) {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:no|nao|ya no) (?:quiero|queremos|quero|queremos|deseo) (?:mas |mais |seguir |continuar )?{_SHARE} "
    rf"{_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:no|nao|ya no|tampoco) (?:\w+ ){{0,2}}?(?:autoriz(?:o|amos)|permit(?:o|imos)|consient(?:o|imos)|"
    rf"(?:quiero|queremos|quero|deseo)(?: mas| mais)? que)"
    rf"(?: (?:mas|mais|a|que|les|nadie|ustedes|voces|sigan|continuem|continuen|de))* "
    rf"(?:{_LOOK}|{_LOOKED_AT}) {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:no|nao) (?:me |mas |mais )?{_LOOKED_AT} {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:do not|don t|dont|no longer|not) (?:(?:want|wish) (?:you|anyone)|allow|authori[sz]e|consent|agree)"
    rf"(?: (?:you|to|anyone|any more|that))* "
    rf"{_LOOK} {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:do not|don t|dont|no longer) (?:want|wish) to {_SHARE} {_BETWEEN}{_ACCOUNT}\b"
)
_COURTESY = (
    r"(?:por favor|porfavor|porfa|please|gracias|obrigad[oa]|thanks|thank you|ya|ahora|agora|now|hoy|hoje|today|"
    r"desde (?:ahora|hoy)|inmediatamente|immediately|imediatamente|que (?:les|os|lhes) (?:di|dei)|(?:que )?i gave you)"
)
_BARELY = re.compile(
    rf"\b{_NOT_OF_OTHERS}{_TAKES_BACK} {_WHOSE}"
    r"(?:permisos?|consentimientos?|autorizacion(?:es)?|permiss(?:ao|oes)|consentimentos?|autorizac(?:ao|oes)|consent|"
    rf"permissions?|authori[sz]ation)(?: {_COURTESY})*(?= {re.escape(END)}|$)"
)
_NOT = re.compile(rf"\b(?:no|nao|not|don t|dont|nunca|never|sin|sem|without)(?: (?!{re.escape(END)})\w+){{0,3}} $")
_ASKS = re.compile(
    r"\b(?:puedo|podria|podre|se puede|posso|poderia|can i|could i|may i|como|how|que pasa|o que acontece|what happens|"
    r"cuando|quando|when|si|se|if|whether|caso)\b"
)
_ANOTHER = re.compile(
    r"\b(?:el|mi|su|este|ese|meu|seu|o|my|the|this|our|nuestro|nosso|la|a|minha|sua) "
    r"(?:banco|bank|app|aplicacion|aplicativo|caixa|caja|entidad|financiera|espos[oa]|marido|mujer|mulher|wife|husband)\b"
)
_BALANCE = re.compile(r"\b(?:saldos?|balances?)\b")
_PERHAPS = re.compile(
    rf"\b(?:permis\w*|consent\w*|autoriz\w*|permission\w*|authori[sz]\w*|dej\w+ de|deix\w+ de|par(?:ar|en|em|e|o) de|"
    rf"stop\w*|revo[ckgq]\w*|retir\w*|withdr[ae]w\w*|{_SHARE}|compart\w+)\b"
)
_WORD_OF_IT = re.compile(
    rf"{_TAKES_BACK}|{_PERMISSION}|{_ACCOUNT}|{_LOOK}|{_LOOKED_AT}|{_SHARE}|dej\w+|deix\w+|par(?:ar|en|em|e|o)|ces\w+|stop|"
    r"quit|no|nao|not|longer|don|dont|do|want|wish|allow|agree|authori[sz]e|autoriz(?:o|amos)|permit(?:o|imos)|"
    r"consient(?:o|imos)|doy|damos|dou|tienen?|teneis|tem|have|give|grant|"
    r"quiero|queremos|quisiera|quero|deseo|puedo|podria|podre|posso|poderia|se|puede|can|could|may|como|how|pasa|what|"
    r"happens|if|si|cuando|quando|when|i|we|you|ustedes|voces|anyone|nadie|sigan|continu[ae]\w*|seguir|mas|mais|any|anymore|"
    r"more|mi|mis|el|la|las?|los|est[ea]|es[ea]|sus?|tus?|tod[oa]s?|dich[oa]|[oae]|os|as|meus?|minhas?|ess[ea]|seus?|"
    r"my|the|this|that|your|all|of|back|d[eao]s?|les?|lhes?|te|me|l[oa]|di|dei|gave|que|para|por|pra|to|for|from|at|"
    r"into?|en|em|n[ao]|del|al|ao|y|and|favor|porfavor|porfa|please|gracias|obrigad[oa]|thanks?|ya|ja|ahora|agora|now|hoy|"
    r"hoje|today|desde|inmediatamente|immediately|imediatamente|hola|hello|hi|oi|ola|buen[oa]s|dias|tardes|voy|vou|"
    r"would|like|hereby|tampoco"
)
_OTHER_USES = re.compile(
    r"\b(?:us[oaeu]\w*|utiliz\w*|tel\w*fon\w*|celular\w*|movil|numer\w*|number\w*|phone\w*|correo\w*|e ?mails?|mails?|"
    r"wh?ats?\w*|wsp|zap|telegram|sms|redes?|facebook|instagram|dat[oa]s?|dados?|contact\w*|contat\w*|llam\w*|lig(?:ar|uem)|"
    r"escrib\w*|escrev\w*|mensa\w*|messag\w*|call\w*|text\w*|cobr\w*|avis\w*|envi\w*|mand\w*|send\w*)\b"
)
_GOES_ON = re.compile(rf"{re.escape(END)} (?:(?:y|e|o|ni|and|or|nor|ou|nem|tampoco|tambien|tambem|also|para|for) )")
"""A clause that may go on with what else the permission is taken back for."""


def read_withdrawal(text: str) -> Withdrawal | None:
    """Whether `text` takes the permission to read an account back; None where it is about something else."""
    clauses = clauses_of(text)
    named = _found(_WITHDRAWS, clauses)
    found = named or _found(_BARELY, clauses)
    if found is None:
        return Withdrawal.MAYBE if _BALANCE.search(clauses) and _PERHAPS.search(clauses) else None
    before = clauses[clauses.rfind(END, 0, found.start()) + 1 : found.start()]
    if _ASKS.search(before) or _by_another(text, before, found):
        return Withdrawal.ASKED
    return Withdrawal.SAID if named else Withdrawal.UNNAMED


def read_stop(text: str, language: str | None = None) -> OptOutReading:
    """As `read_opt_out`, but to take back the permission to read an account, and nothing beside it, closes no channel.

    An account of another kind, such as one for mail, and any use that is not to read one leave it UNCLEAR.
    """
    reading = read_opt_out(text, language)
    if reading is not OptOutReading.UNCLEAR:
        return reading
    clauses = clauses_of(text)
    found = _found(_WITHDRAWS, clauses)
    if found is None:
        return reading
    begins = clauses.rfind(END, 0, found.start()) + 1
    ends = clauses.find(END, found.end())
    ends = len(clauses) if ends < 0 else ends
    rest = f"{clauses[:begins]} {END} {clauses[ends:]}"
    alone = _says_only_that(clauses[begins:ends]) and not _by_another(text, clauses[begins : found.start()], found)
    if not alone or _OTHER_USES.search(rest) or _GOES_ON.search(rest):
        return reading
    return read_opt_out(rest, language)


def _says_only_that(clause: str) -> bool:
    return all(_WORD_OF_IT.fullmatch(word) for word in clause.split())


def _by_another(text: str, before: str, found: re.Match[str]) -> bool:
    """Whether what stands `before` the words that take it back, or their form in `text`, says that somebody else did:
    "quitó" is "quito" only without its accent.
    """
    verb = found.group().split()[0]
    words = re.findall(r"\w+", unicodedata.normalize("NFC", text.casefold()))
    did = verb.endswith("o") and f"{verb[:-1]}ó" in words and verb not in words
    return did or _ANOTHER.search(before) is not None


def _found(words: re.Pattern[str], clauses: str) -> re.Match[str] | None:
    """Words that take it back, unless they are denied: "I do not want to withdraw it"."""
    for found in words.finditer(clauses):
        if _NOT.search(clauses[: found.start()]) is None:
            return found
    return None
