"""Whether a borrower takes back the permission to read their account, in Spanish, Portuguese or English.

Patterns are over the clauses of `opt_out_words.clauses_of`. To charge an account, or to be called about a balance, is
something else, and so is a permission that nothing names.
"""

from __future__ import annotations

import re
from enum import StrEnum

from domain.opt_out_phrases import END
from domain.opt_out_words import clauses_of


class Withdrawal(StrEnum):
    """SAID: the permission is taken back. ASKED: whether or how it can be, or if something: a person must read it."""

    SAID = "said"
    ASKED = "asked"


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
_SOMETHING_ELSE = (
    r"(?!carg|domicil|deb[iu]t|cobr|adeud|recib|descont|descuent|charg|collect|pag[aou]|pay|llam|contact|contat|escrib|"
    r"escrev|mensaj|mensag|call|text|messag|lig(?:ar|uem|ac)|email|sms|whats)"
)
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
_BETWEEN = rf"(?:{_SOMETHING_ELSE}\w+ ){{0,4}}?"

_WITHDRAWS = re.compile(
    rf"\b(?<!\bme )(?<!\bnos )(?<!\ble ){_TAKES_BACK} {_WHOSE}{_PERMISSION} "
    rf"(?:{_SOMETHING_ELSE}\w+ ){{0,9}}?{_ACCOUNT}\b|"
    rf"\b(?:dej(?:en|e|ad|ar)|par(?:en|e|em)|ces(?:en|e|sem)|deix(?:em|e)) de {_LOOK} {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:stop|quit) {_LOOK} {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:no|nao|ya no|tampoco) (?:\w+ ){{0,2}}?(?:autoriz(?:o|amos)|permit(?:o|imos)|consient(?:o|imos)|"
    rf"(?:quiero|queremos|quero|deseo)(?: mas| mais)? que)"
    rf"(?: (?:mas|mais|a|que|les|nadie|ustedes|voces|sigan|continuem|continuen|de))* "
    rf"(?:{_LOOK}|{_LOOKED_AT}) {_BETWEEN}{_ACCOUNT}\b|"
    rf"\b(?:do not|don t|dont|no longer|not) (?:(?:want|wish) (?:you|anyone)|allow|authori[sz]e|consent|agree)"
    rf"(?: (?:you|to|anyone|any more|that))* "
    rf"{_LOOK} {_BETWEEN}{_ACCOUNT}\b"
)
_NOT = re.compile(rf"\b(?:no|nao|not|don t|dont|nunca|never|sin|sem|without)(?: (?!{re.escape(END)})\w+){{0,3}} $")
_ASKS = re.compile(
    r"\b(?:puedo|podria|podre|se puede|posso|poderia|can i|could i|may i|como|how|que pasa|o que acontece|what happens|"
    r"cuando|quando|when|si|se|if|whether|caso)\b"
)


def read_withdrawal(text: str) -> Withdrawal | None:
    """Whether `text` takes the permission to read an account back; None where it is about something else."""
    clauses = clauses_of(text)
    found = _found(clauses)
    if found is None:
        return None
    begins = clauses.rfind(END, 0, found.start()) + 1
    return Withdrawal.ASKED if _ASKS.search(clauses[begins : found.start()]) else Withdrawal.SAID


def without_withdrawal(text: str) -> str:
    """What else is said: the clauses of `text` without the words that take the permission back."""
    clauses = clauses_of(text)
    found = _found(clauses)
    return clauses if found is None else f"{clauses[: found.start()]}{END}{clauses[found.end() :]}"


def _found(clauses: str) -> re.Match[str] | None:
    """Words that take it back, unless they are denied: "I do not want to withdraw it"."""
    for found in _WITHDRAWS.finditer(clauses):
        if _NOT.search(clauses[: found.start()]) is None:
            return found
    return None
