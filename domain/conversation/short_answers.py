"""What a short message answers to a question of ours that waits: that it is agreed to, or another day.

Rules for words that say nothing else, in Spanish, Portuguese and English: every word has to be a known one, so that no
condition, doubt or misfortune passes. What only may be a yes is none, and is neither a refusal nor passed over.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from domain.conversation.model import AnswerKind
from domain.conversation.moving_words import another_day
from domain.conversation.yes_no import LONGEST, YES, asks, read_yes_no, word_for_yes_or_no
from domain.relative_words import names_in
from domain.replies.labels import Intent, Understanding
from domain.replies.text import plain

ASKS_YES_OR_NO = frozenset(
    {AnswerKind.CONFIRM_PROMISE, AnswerKind.CONFIRM_MOVE, AnswerKind.PLAN_OFFER, AnswerKind.SETTLEMENT_OFFER}
)
NAMES_A_DAY = frozenset(
    {
        AnswerKind.CONFIRM_PROMISE,
        AnswerKind.PROMISE_TAKEN,
        AnswerKind.CONFIRM_MOVE,
        AnswerKind.MOVE_DAYS,
        AnswerKind.MOVED,
        AnswerKind.NEXT_PAYMENT,
    }
)
"""They name the day of a payment: another one is instead of it."""
ASKS_A_DAY = NAMES_A_DAY | {AnswerKind.ASK_DATE, AnswerKind.PROMISE_TOO_FAR}
_SURELY = 0.8
_ACCEPT = (
    r"(?:acepto|aceptamos|acepte|aceptado|aceito|aceitamos|accept|accepted|agree|agreed|confirmo|confirmamos|confirm|"
    r"de acuerdo|de acordo|conforme|me quedo con|fico com|tomo)"
)
_NO = r"(?:no|nao|n|not|never|nunca|don'?t|dont|can'?t|cannot|won'?t|tampoco|jamas|ni|nem|sin|sem|without)"
_ACCEPTS = re.compile(rf"(?<![\w'])(?<!no )(?<!nao )(?<!not )(?<!n't )(?<!dont )(?<!ni )(?<!nem ){_ACCEPT}(?!\w)")
_REFUSES = re.compile(rf"(?<![\w']){_NO} (?:\S+ ){{0,3}}?{_ACCEPT}(?!\w)")
_BEGINS = re.compile(
    rf"(?:(?:hola|buenas|buenos dias|buenas tardes|buenas noches|ola|oi|bom dia|boa tarde|hello|hi|pues|bueno|ah) )*"
    rf"(?:yo |eu |i )?(?:{YES}|{_ACCEPT})(?!\w)"
)
_THANKS = (
    "gracias muchas mil muchisimas por la su tu ayuda apoyo atencion paciencia informacion todo obrigado obrigada "
    "muito pela ajuda atencao thanks thank you very so much for the help your hola saludos buen buenos buenas dia "
    "dias tarde tardes noche noches bom boa bien senor senora senorita favor please amigo amiga che pues po entonces"
)
_AGREED = (
    "si sip claro ok okay okey okas vale dale listo perfecto correcto exacto confirmo confirmamos confirmado confirm "
    "confirmed lo la el los ese esa asi quedamos bien bueno sim certo combinado isso esse essa o a e y yes yep yeah "
    "sure correct right fine the that and agreed agree accept accepted acepto aceptamos aceptado aceito aceitamos "
    "conforme yo eu i to with go ahead adelante con com tambien quiero queremos quero want deal"
)
_FIXED = re.compile(
    r"\b(?:(?:claro )?que si|(?:estoy |estou )?de ac(?:uer|or)do|(?:asi|esta|e|es) "
    r"(?:bien|correcto|correcta|asi|exacto|certo|es)|"
    r"(?:ta|esta) (?:bom|bem|bien|ok|certo)|me parece bien|tudo (?:bem|certo)|isso mesmo|s[ie][nm] problemas?|"
    r"(?:todo )?correcto|(?:it is|it's|that is|that's|thats) (?:right|correct|fine|ok|okay)|do it)\b"
)
"""What agrees as a whole, of words that alone may ask or set a condition."""
_OFFER = "propuesta proposta acuerdo acordo oferta offer agreement proposal"
_ALSO: dict[AnswerKind, str] = {
    AnswerKind.CONFIRM_PROMISE: "pago pagamento payment fecha data date promesa compromiso dia day acuerdo acordo",
    AnswerKind.CONFIRM_MOVE: "pago pagamento payment fecha data date nueva nuevo nova novo new "
    "cambio mudanca change dia day acuerdo acordo",
    AnswerKind.PLAN_OFFER: f"{_OFFER} plan plano pagos cuotas parcelas pagamentos payments instalments installments "
    "partes parts en em in de of",
    AnswerKind.SETTLEMENT_OFFER: f"{_OFFER} descuento desconto quita discount settlement",
}
_NUMBERS = {
    word: number
    for number, words in enumerate(
        ("dos dois duas two", "tres three", "cuatro quatro four", "cinco five", "seis six", "siete sete seven",
         "ocho oito eight", "nueve nove nine", "diez dez ten", "once onze eleven", "doce doze twelve"), 2
    )
    for word in words.split()
}  # fmt: skip
_SO_MANY = re.compile(
    r"\b(?P<number>\d{1,2}|" + "|".join(_NUMBERS) + r") "
    r"(?P<what>pagos|cuotas|parcelas|pagamentos|payments|instal+ments|partes|parts)\b"
)
_A_PAYMENT = re.compile(r"\d[^()]*\((?!ref)(?=[^()]*\d)[^()]*\)")
"""As offers write one: `50,00 € (20 abr 2026)`."""
_OPENING = frozenset({"si", "sip", "ok", "claro", "yo", "hola", "vale", "bueno"})
_WEEKDAYS = (
    "lunes martes miercoles jueves viernes sabado domingo segunda terca quarta quinta sexta feira segunda-feira "
    "terca-feira quarta-feira quinta-feira sexta-feira monday tuesday wednesday thursday friday saturday sunday"
)
_MONTHS = (
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre janeiro "
    "fevereiro marco maio junho julho setembro outubro novembro dezembro january february march april may june july "
    "august september october november december"
)
_DAY_WORDS = frozenset(
    f"{_WEEKDAYS} {_MONTHS} {_THANKS} dia day el la los o a os as este esta esse essa ese esa proximo proxima que vem "
    "viene next semana week mes month fin final finales fim end del de do da al ao para pra pro hasta ate until till "
    "pasado depois manana amanha tomorrow hoy hoje today quincena mejor melhor better best si sim yes ok okay vale "
    "bueno claro no nao pero mas but e y and em na puede pode podria poderia ser seria sera would be can could it on "
    "is i i'll ill i'd id will prefiero prefiro prefer rather pago pagare pagaria lo te les os se yo eu pay otro "
    "outro dia instead un em vez en lugar of pues entonces cambio cambiar tal".split()
)
_FOR_SURE = re.compile(r"\b(?:sin falta|sem falta|for sure|seguro)\b")
_A_DATE = re.compile(r"\d{1,2}(?:st|nd|rd|th|o)?|\d{1,2}[/-]\d{1,2}(?:[/-]\d{2}(?:\d{2})?)?")
_NO_OF_A_DAY = re.compile(
    rf"^(?:no|nao)(?= (?:mejor|melhor|better|el|pero|mas|but|on|the|dia|{'|'.join(_WEEKDAYS.split())})\b)|"
    r"\b(?:no|nao)(?= (?:pero|mas|but|mejor|melhor|better)\b)|\bno(?= dia \d)"
)
"""`no, el lunes`, `el viernes no, mejor el lunes`, `no dia 15`: of the day, and not that they cannot or will not."""
_A_GUESS = frozenset({Intent.PROMISE_TO_PAY, Intent.REQUEST_PLAN, Intent.ACKNOWLEDGEMENT, Intent.OTHER})
"""What a word for a day may be read as, however surely: nothing in it holds a loan."""
_NEVER_TOUCHED = frozenset({Intent.WRONG_PERSON, Intent.OPT_OUT})
_OF_A_PAYMENT = frozenset({Intent.ALREADY_PAID, Intent.PAYMENT_RECEIPT})
_OTHER_OFFER = frozenset({Intent.REQUEST_PLAN, Intent.REQUEST_DISCOUNT})


def accepts(text: str, asked: AnswerKind, told: str, name: str | None) -> bool:
    """Whether `text` agrees to what was `asked`, in the words `told`, and says nothing else.

    It begins with a yes and may name itself what is agreed to: a plan after a plan was offered, of so many payments as
    that one has, and no discount.
    """
    if asked not in ASKS_YES_OR_NO or asks(text):
        return False
    if len(plain(text)) > LONGEST or re.search("[❌👎]", text):
        return False
    line = _line(text)
    if read_yes_no(text) == "yes":
        return True
    if not _BEGINS.match(line):
        return False
    if asked is AnswerKind.PLAN_OFFER:
        payments = len(_A_PAYMENT.findall(told))
        line = _SO_MANY.sub(lambda found: found["what"] if _number(found["number"]) == payments else "?", line)
    line = _FIXED.sub("ok", line)
    known = {*f"{_AGREED} {_THANKS} {_ALSO[asked]}".split(), *names_in(name)}
    tokens = line.split()
    return all(token in known for token in tokens) and not _conditional(tokens)


def may_accept(text: str) -> bool:
    """Whether it begins as a yes or holds a word of agreeing that nothing denies, whatever else it says."""
    line = _line(text[:200])
    return _agrees(line) or _BEGINS.match(line) is not None


def other_day(text: str, asked: AnswerKind, sent_on: date, country: str) -> date | None:
    """The day that a message names and says nothing else, after a day was asked for or named."""
    words = plain(text)
    if asked not in ASKS_A_DAY or len(words) > LONGEST:
        return None
    line = " ".join(re.sub(r"[^\w\s'/-]+", " ", _FOR_SURE.sub(" ", words)).split())
    if re.search(r"\b(?:no|nao)\b", _NO_OF_A_DAY.sub(" ", line)):
        return None
    if not all(token in _DAY_WORDS or _A_DATE.fullmatch(token) for token in line.split()):
        return None
    return another_day(text, sent_on, country).day


def as_answered(
    text: str, said: Understanding, asked: AnswerKind, told: str, name: str | None, sent_on: date, country: str
) -> Understanding:
    """The model's reading of a borrower's message after a question of ours that waits.

    Of words that only agree, or only name another day, the model knows nothing more. What may be a yes and is none is
    no courtesy, which nobody would answer, and no wish for another offer: it is asked again, or a person looks.
    """
    if not _NEVER_TOUCHED.isdisjoint(said.intents):
        return said
    if accepts(text, asked, told, name):
        kept = tuple(intent for intent in said.intents if intent in _OF_A_PAYMENT) or (Intent.ACKNOWLEDGEMENT,)
        return replace(said, intents=kept, needs_human=False)
    if said.intent in _A_GUESS or said.confidence < _SURELY:
        day = other_day(text, asked, sent_on, country)
        if day is not None:
            return replace(
                said,
                intents=(Intent.PROMISE_TO_PAY,),
                confidence=max(said.confidence, _SURELY),
                promise_date=day,
                needs_human=False,
            )
    if asked not in ASKS_YES_OR_NO:
        return said
    return _asked_again(text, said)


def _asked_again(text: str, said: Understanding) -> Understanding:
    if asks(text) and word_for_yes_or_no(text) is not None:
        return replace(said, intents=(Intent.OTHER,))
    if read_yes_no(text) is not None or not may_accept(text):
        return said
    if said.intents == (Intent.ACKNOWLEDGEMENT,):
        return replace(said, intents=(Intent.OTHER,))
    if _agrees(_line(text)) and said.intent in _OTHER_OFFER:
        kept = tuple(intent for intent in said.intents if intent not in _OTHER_OFFER) or (Intent.OTHER,)
        return replace(said, intents=kept, needs_human=True)
    return said


def _conditional(tokens: list[str]) -> bool:
    """Whether a `si` stands where it may be an if: behind more than words for yes, and with more behind it."""
    opening = next((at for at, token in enumerate(tokens) if token not in _OPENING), len(tokens))
    return "si" in tokens[opening:-1]


def _agrees(line: str) -> bool:
    return _ACCEPTS.search(line) is not None and _REFUSES.search(line) is None


def _line(text: str) -> str:
    """Its words alone, one space between them."""
    return " ".join(re.sub(r"[^\w\s']+", " ", plain(text)).split())


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBERS[word]
