"""Who wrote a message, the borrower or somebody else at the number, by its words and by what the model makes of them.

A number that is somebody else's is closed for good, so words go before the model; Spanish, English and Portuguese.
"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum

from domain.conversation.yes_no import word_for_yes_or_no
from domain.opt_out_lookalikes import is_no_stop
from domain.opt_out_phrases import END
from domain.opt_out_words import clauses_of
from domain.relative_words import KIN, NEAR, OWES_IT, names_in, says_relative
from domain.replies.labels import MOST_INTENTS, Intent, Understanding, in_order, person_must_look
from domain.wrong_person_words import says_wrong_person, speaks_of_money


class Writer(StrEnum):
    """Whose word a message is taken for."""

    BORROWER = "borrower"
    ANOTHER = "another"
    """Somebody else by plain words: the address is closed."""
    LIKELY_ANOTHER = "likely_another"
    """Somebody else as the model surely has it: the address is closed, and a person reads it."""
    RELATIVE = "relative"
    """By plain words a relative or another who is near to the borrower, whom the model need not hear: nothing is said
    to them, nothing they say is the borrower's own word, and a person reads it; the address stays open."""
    UNCLEAR = "unclear"
    """The borrower or somebody else: the address stays open, a person reads it, and nobody is answered."""


_SURELY = 0.8
_CLAIMS_A_PAYMENT = (Intent.ALREADY_PAID, Intent.PAYMENT_RECEIPT)
_END = re.escape(END)
_I_AM = r"(?:soy|somos|sou|i am|i m|im|this is|habla|escribe|fala|aqui)"
_THEIR_KIN = re.compile(
    rf"(?<!\bme )(?<!\bnos )\b{_I_AM} (?:yo |eu |{_END} )*(?:su|seu|sua|his|her|their) {KIN}\b"
    r"(?! (?:me|nos|falou|disse|dijo)\b)"
)
_SOMEBODYS_KIN = re.compile(
    rf"{_THEIR_KIN.pattern}|\b{_I_AM} (?:\w+ |{_END} )?(?:{_END} )?(?:(?:el|la|o|a|the) )?{KIN} (?:del?|do|da|of)\b"
)
_NOT = r"(?<!\bno )(?<!\bni )(?<!\bnao )(?<!\bnot )(?<!\bnem )"
_OF_THE_LINE = (
    r"(?! (?:\w+ )??(?:del?|do|da|desse|deste|dessa|desta|of)(?: \w+){0,2}? "
    r"(?:numero|linea|linha|telefono|telefone|cel|celular|chip|number|line|phone)\b)"
)
_HERSELF = (
    rf"{_NOT}\b(?:soy yo|sou eu)(?: (?:mism[oa]|mesm[oa]))?"
    r"(?! (?:quien|quem|que|no|nao|su|seu|sua|la|el|las|los|o|a|un|una)\b)|"
    rf"{_NOT}\b(?:soy|sou) (?:yo |eu )?(?:el|la|o|a) "
    rf"(?:mism[oa]|titular|clienta?|cliente|deudora?|devedora?)\b{_OF_THE_LINE}|"
    r"\b(?:el|la|o|a) titular (?:soy yo|sou eu)\b(?! (?:no|nao)\b)|"
    rf"{_NOT}\b(?:i am|i m|im|this is) the (?:account ?holder|borrower|customer|right person|person you)\b(?! s\b)|"
    r"\byou (?:have|ve|got|have got) the right (?:number|person)\b|"
    rf"\b(?:this is|it s|its|it is) (?:me|him|her|he|she)(?= (?:{_END}|speaking|here|but|and|so)(?: |$)|$)"
)
_NOT_WRONG = (
    r"\b(?:no es|no esta|no estan|no estas|nao e|nao esta)(?: (?:un|una|el|la|o|a|um))? "
    r"(?:(?:numero|telefono|persona|pessoa) )?(?:equivocad|errad|engano\b)\w*|"
    r"\bno (?:se|te|os) (?:equivoc(?:a|an|as|o|aron|aste)|ha equivocado|han equivocado|has equivocado)\b|"
    r"\b(?:not|isn t|isnt|aren t) (?:the |a )?wrong (?:number|person|guy|one)\b"
)
_IT_IS_THEM = re.compile(f"{_HERSELF}|{_NOT_WRONG}")
_OF_ANOTHER = re.compile(
    rf"\b(?!senora\b){KIN}\b|(?<!\bthis is )(?<!\bit s )(?<!\bits )(?<!\bit is )\b(?:she|he)\b|\bella\b|"
    r"\b(?:ela|ele|el) (?:ja |ya )?(?:no|nao)\b|"
    r"\b(?:pero|but|mas) (?:no|not|nao) (?:soy|sou|la|el|esa|ese|a|o|essa|esse|the|that)\b|"
    r"\b(?:is not|isn t|isnt|no esta|nao esta) (?:here|home|in|aqui|aca|en casa|em casa|disponible)\b"
)
"""What whoever says "the right number" or "it is me" may tell of the borrower, and be somebody else."""
_MAY_BE_THEM = re.compile(
    r"\b(?:me (?:he )?equivo(?:cado|que)|me enganei|eu errei|my (?:mistake|bad)|"
    r"i (?:was (?:wrong|mistaken)|made a mistake|got it wrong))\b|"
    r"(?<!\bel )(?<!\bella )\b(?:he cambiado|cambie) (?:de|el|mi) (?:numero|telefono|celular|cel|linea|chip)\b|"
    r"\b(?:troquei|mudei) (?:de|o|meu) (?:numero|telefone|celular|chip)\b|"
    r"\bi(?: have| ve|ve)? changed my (?:number|phone)\b|\b(?:mi nuevo numero|meu novo numero|my new number)\b|"
    r"\b(?:no soy|nao sou|i m not|im not|i am not) (?:(?:un|una|ningun|ninguna|um|uma|nenhum|nenhuma|a|any) )?"
    r"(?:moros[oa]|deudora?|devedora?|caloteir[oa]|ladron(?:a)?|ladra?o|rater[oa]|delincuente|mentiros[oa]|estafadora?|"
    r"trampos[oa]|thief|debtor|criminal|liar|scammer|crook)\b|"
    rf"{_NOT}\b(?:soy|sou|i am|i m|im) (?:(?:un|una|um|uma|an?) )?(?:\w+ )?(?:madre|padre|mama|papa|mujer|hombre|"
    rf"senora?|mae|pai|"
    r"mulher|homem|senhora?|mother|father|mum|mom|dad|woman|man|ama de casa|jubilad[oa]|pensionad[oa]|aposentad[oa])\b|"
    rf"{_NOT}\b(?:soy|sou|i am|i m|im) (?:su|seu|sua|your) (?:deudora?|devedora?|client[ea]?|customer)\b|"
    r"\b(?:this is|it s|es|este es|esse e|este e) (?:my|mi|meu) "
    r"(?:(?:work|office|other|second|personal) (?:phone|number|cell)|(?:otro|segundo|outro) (?:numero|telefono|"
    r"telefone|celular)|"
    r"(?:numero|telefono|telefone|celular) (?:del?|do) (?:trabajo|trabalho|oficina))\b"
)
"""Of their own mistake, new number, good name or lot a borrower speaks as well as a stranger."""
_COMPANY = (
    r"(?:empresas?|entidad(?:e|es)?|bancos?|financ[ie]\w*|compan(?:ia|hia)s?|prestamistas?|instituc?i(?:on|cao)|agenc\w+|"
    r"negocio|marca|firmas?|app|aplicac?i(?:on|vo)|cooperativa|sociedad|loja|tienda|deudas?|prestamos?|creditos?|dividas?|"
    r"emprestimos?|cobro|cobranca|"
    r"compan(?:y|ies)|lenders?|banks?|entit(?:y|ies)|business|firm|agency|debts?|loans?|accounts?)"
)
_NOT_KNOWN = (
    r"(?:(?:no|nao|nunca|jamas|ni) (?:(?:les?|los|las|os|a|te|me|he|se|ha|eu|yo|ya|en mi vida) )*"
    r"(?:conozco|conocia|conheco|conhecia|se|sei|oido|escuche|oi|ouvi)|"
    r"(?:don t|dont|do not|never|haven t|didn t|not)(?: (?:even|ever|really|have))* (?:know\w*|heard?|recogni[sz]e))"
)
_WHO_WE_ARE = re.compile(
    rf"\b{_NOT_KNOWN}(?: (?!{_END})\S+){{0,4}}? {_COMPANY}\b|"
    rf"\b{_NOT_KNOWN}(?: (?:a|de|hablar|falar|quien(?:es)?|quem|que|who|what|of|from|all|any))* "
    r"(?:(?:you|u|ustedes|uds|vosotros|vosotras|voces|vcs|usted|sois|son ustedes|es usted|eres|sao|sao voces)\b)|"
    r"\bno (?:os|les) conozco\b"
)
"""Who does not know us, or of no debt, may owe it: it was sold, or they know it by another name."""
_MISTAKEN = re.compile(r"\b(?:equivoc\w+|engan(?:ou|aram|ad[oa]s?)|errad[oa]s?|mistaken|wrong)\b")
_OF_A_PERSON = re.compile(
    r"\b(?:numero|telefono|telefone|celular|personas?|pessoa|contacto|contato|destinatario|number|person|phone|"
    r"no soy|nao sou|i m not|i am not|no vive|nao mora)\b"
)
_WEEKDAY_OR_DATE = re.compile(
    r"\b(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|segunda|terca|quarta|quinta|sexta|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|dia|fechas?|datas?|date|manana|amanha|tomorrow|quincena|mes|month|"
    r"ayer|ontem|yesterday|hoy|hoje|today)\b"
)
_IS_NEAR_SOMEBODY = re.compile(rf"{_NOT}\b(?:soy|sou|i am|i m|im) (?:\w+ ){{0,2}}?{NEAR}\b")
"""Also "soy hija única", "soy jefa de hogar", "soy vecina de Lima"."""
_TITLE = rf"(?:(?:senora?|senorita|senhora?|sra?|don|dona|mrs?|ms) (?:{_END} )?)?"
_I_AM_CALLED = (
    rf"{_NOT}\b(?:soy|sou|i am|i m|im|this is|me llamo|mi nombre es|meu nome e|"
    rf"(?:te|le|les|lhe) (?:habla|escribe|saluda|contesta|responde|fala|escreve)|"
    rf"(?:^|{_END} )(?:habla|escribe|saluda|fala)|quem (?:fala|escreve) e) (?:yo |eu |el |la |o |a )?{_TITLE}"
)
_NAME_ENDS = rf"(?= (?:{_END}|speaking|here|y|e|and|ya|ja|pero|but|mas|(?:el|la|o|a) titular)(?: |$)|$)"
_MORE_OF_A_NAME = r"(?: (?!(?:s|no|not|nao)\b)\w+){0,4}?"
_A_NAME_BETWEEN = r"(?: (?!(?:s|no|not|nao)\b)\w+)??"
_NAMES_AN_OTHER = (
    rf"(?: (?:su|seu|sua|his|her|their) {KIN}\b| (?:(?:el|la|o|a|the) )?(?!son del?\b){KIN} (?:del?|do|da|of)\b|"
    r" (?:s|mum|mom|mother|father|dad|daughter|wife|husband|brother|sister|partner|girlfriend|boyfriend|aunt|uncle|"
    r"cousin|niece|nephew|friend|neighbou?r|flatmate|roommate|coworker|old|former|number|phone|line)\b)"
)
"""Directly behind the borrower's name: "soy Ana López hija de", "this is Ana Lopez's wife"."""


def who_writes(text: str, said: Understanding, name: str | None) -> Writer:
    """Whose word `text` is, of which `said` is the model's reading; `name` is the borrower's, where it is known.

    A plain yes or no is an answer to what was asked, or asks it back (`wrong?`), whatever word of it ("wrong",
    "incorrecto") the model knows from strangers. Whoever says that it is them, or that the number is right, is the
    borrower; whoever says that they are the borrower's relative is not, whatever the model hears.
    """
    if word_for_yes_or_no(text) is not None:
        return Writer.BORROWER
    plain = says_wrong_person(text)
    clauses = clauses_of(text)
    heard_another = Intent.WRONG_PERSON in said.intents
    if says_it_is_them(text, name):
        if plain or (heard_another and _OF_ANOTHER.search(clauses)):
            return Writer.UNCLEAR
        return Writer.RELATIVE if says_relative(text, name) else Writer.BORROWER
    if plain:
        return Writer.ANOTHER
    related = says_relative(text, name)
    if not heard_another:
        return Writer.RELATIVE if related else Writer.BORROWER
    if _THEIR_KIN.search(clauses):
        return Writer.ANOTHER
    sure = said.intent is Intent.WRONG_PERSON and said.confidence >= _SURELY
    named = _has_a_longer_name(clauses, name) or (not related and _is_kin_under_their_name(clauses, name))
    # Whoever is near to nobody that is told, or says that the loan is theirs, speaks of their own lot.
    own_lot = OWES_IT.search(clauses) or (not related and _IS_NEAR_SOMEBODY.search(clauses))
    may_be_them = _MAY_BE_THEM.search(clauses) or named or own_lot or _speaks_to_us(text, clauses)
    # A debt is the borrower's own to dispute: whoever disputes it and speaks of no other person may be them.
    disputes = Intent.DISPUTE in said.intents and _OF_A_PERSON.search(clauses) is None and not related
    if sure and not may_be_them and not disputes:
        return Writer.LIKELY_ANOTHER
    return Writer.RELATIVE if related else Writer.UNCLEAR


def _speaks_to_us(text: str, clauses: str) -> bool:
    """Whether it says that we are mistaken of a sum, a payment or a day, or that we are not known: a borrower may."""
    if _OF_A_PERSON.search(clauses):
        return False
    of_money = speaks_of_money(text) or _WEEKDAY_OR_DATE.search(clauses) is not None
    return (_MISTAKEN.search(clauses) is not None and of_money) or _WHO_WE_ARE.search(clauses) is not None


def says_it_is_them(text: str, name: str | None = None) -> bool:
    """Whether `text` says that its writer is who we look for, by name or not, or that the number is no wrong one."""
    clauses = clauses_of(text)
    if _SOMEBODYS_KIN.search(clauses):
        return False
    if _IT_IS_THEM.search(clauses):
        return True
    own = "|".join(re.escape(each) for each in names_in(name))
    if not own or re.search(rf"{_I_AM_CALLED}(?:{own})\b(?: (?:{own})\b)*{_NAMES_AN_OTHER}", clauses):
        return False
    # Two names of theirs are enough, whatever follows.
    two = rf"(?:{own})\b{_A_NAME_BETWEEN} (?:{own})\b"
    whole = rf"{_I_AM_CALLED}(?:{two}|(?:{own})\b(?:{_MORE_OF_A_NAME} (?:{own})\b)?{_NAME_ENDS})"
    here = rf"(?:^|{_END} )(?:aqui|aca) (?:e )?(?:el |la |o |a )?{_TITLE}(?:{own})\b(?: (?:{own})\b)*(?= {_END}|$)"
    return re.search(f"{whole}|{here}", clauses) is not None


def _has_a_longer_name(clauses: str, name: str | None) -> bool:
    """Whether the writer's name begins as the borrower's and goes on otherwise: theirs in full, or somebody else's."""
    given = next(iter(names_in(name)), None)
    if given is None or _OF_ANOTHER.search(clauses):
        return False
    longer = rf"{_I_AM_CALLED}{re.escape(given)}\b(?! {_END}){_MORE_OF_A_NAME}{_NAME_ENDS}"
    return re.search(longer, clauses) is not None


def _is_kin_under_their_name(clauses: str, name: str | None) -> bool:
    """Whether the writer has the borrower's given name and is somebody's kin: "soy Ana, la mamá de Luis"."""
    given = next(iter(names_in(name)), None)
    if given is None:
        return False
    own = "|".join(re.escape(each) for each in names_in(name))
    called = rf"{_I_AM_CALLED}{re.escape(given)}\b(?: (?:{own}))*(?: {_END})?"
    kin = rf"{called} (?:(?:el|la|o|a|the) )?{KIN} (?:del?|do|da|of)\b"
    return re.search(kin, clauses) is not None


def as_meant(text: str, said: Understanding, writer: Writer) -> Understanding:
    """The model's reading without what it cannot know.

    A plain yes or no tells neither of distress nor of another at the number; whoever says that it is them is no other,
    and a person reads what else they may mean. So does one read what only the model takes for a stranger's. Words that
    are no stop are none whatever it makes of them. A relative is told of as another at the number, who
    promises nothing.
    """
    if writer is Writer.RELATIVE:
        return _as_a_relatives(said)
    if writer is Writer.UNCLEAR:
        return _as_of_either(text, said)
    if writer is Writer.LIKELY_ANOTHER:
        return replace(said, needs_human=True)
    if writer is Writer.ANOTHER:
        return replace(said, needs_human=said.needs_human or _THEIR_KIN.search(clauses_of(text)) is not None)
    answers = word_for_yes_or_no(text) is not None
    passed_over = {Intent.WRONG_PERSON, Intent.VULNERABLE} if answers else {Intent.WRONG_PERSON}
    passed_over |= {Intent.OPT_OUT} if is_no_stop(text) else set()
    kept = tuple(intent for intent in said.intents if intent not in passed_over) or (Intent.OTHER,)
    if kept == said.intents:
        return said
    of_what_is_left = said.confidence if kept[0] is said.intent else round(1 - said.confidence, 4)
    looked_at = person_must_look(kept) if answers else said.needs_human
    needs_human = looked_at or Intent.WRONG_PERSON in said.intents
    return replace(said, intents=kept, confidence=of_what_is_left, needs_human=needs_human)


def _as_of_either(text: str, said: Understanding) -> Understanding:
    """A dispute holds the loan whoever of the two it is, and where we are said to be mistaken a payment that is claimed
    is what the message is about. The stranger stays among the labels, so nothing is answered.
    """
    claims = _CLAIMS_A_PAYMENT if _speaks_to_us(text, clauses_of(text)) else ()
    first = next((one for one in (Intent.DISPUTE, *claims) if one in said.intents), said.intent)
    intents = (first, *(one for one in said.intents if one is not first))
    return replace(said, intents=in_order(intents) if Intent.VULNERABLE in intents else intents, needs_human=True)


def _as_a_relatives(said: Understanding) -> Understanding:
    intents = in_order((Intent.WRONG_PERSON, *said.intents))[:MOST_INTENTS]
    confidence = said.confidence if intents[0] is said.intent else round(1 - said.confidence, 4)
    return replace(
        said,
        intents=intents,
        confidence=confidence,
        promise_date=None,
        promise_amount=None,
        needs_human=True,
    )
