"""What a short message answers: a yes in ordinary words, another day; and what is neither."""

from __future__ import annotations

from datetime import date

import pytest

from domain.conversation.model import AnswerKind
from domain.conversation.short_answers import accepts, as_answered, may_accept, other_day
from domain.replies.labels import Intent, Understanding

NAME = "María López"
TUESDAY, FRIDAY, MONDAY = date(2026, 12, 1), date(2026, 12, 4), date(2026, 12, 7)
PROMISE, MOVE, PLAN, SETTLEMENT = (
    AnswerKind.CONFIRM_PROMISE,
    AnswerKind.CONFIRM_MOVE,
    AnswerKind.PLAN_OFFER,
    AnswerKind.SETTLEMENT_OFFER,
)
THREE_PAYMENTS = (
    "Credialba: puedes pagar en partes: 40,00 € (20 abr 2026), 40,00 € (20 may 2026), 40,00 € (20 jun 2026). "
    "Total 120,00 € (ref. L1-3). Responde SI si aceptas o NO para ver otra."
)


def read(*intents: Intent, confidence: float = 0.6, needs_human: bool = False) -> Understanding:
    return Understanding(intents, confidence, None, None, None, needs_human, "es")


def answered(text: str, said: Understanding, asked: AnswerKind = PROMISE) -> Understanding:
    return as_answered(text, said, asked, THREE_PAYMENTS, NAME, TUESDAY, "ES")


@pytest.mark.parametrize("asked", [PROMISE, MOVE, PLAN, SETTLEMENT])
@pytest.mark.parametrize(
    "text",
    [
        "Sí, es correcto", "Si es correcto", "Sí, María López", "SI ACEPTO. Gracias por la ayuda",
        "claro que sí acepto",
        "yes, that's right thanks", "yes that is correct", "I agree", "De acuerdo, muchas gracias", "tá bom", "ok, sí",
    ],
)  # fmt: skip
def test_a_yes_in_ordinary_words_is_one(text: str, asked: AnswerKind) -> None:
    assert accepts(text, asked, THREE_PAYMENTS, NAME)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("yes I accept the plan", PLAN),
        ("Si acepto el plan de 3 pagos", PLAN),
        ("sí acepto el plan de tres cuotas", PLAN),
        ("sí quiero el plan", PLAN),
        ("aceito o plano", PLAN),
        ("acepto el descuento", SETTLEMENT),
        ("I accept the settlement", SETTLEMENT),
        ("acepto la quita", SETTLEMENT),
        ("sim, aceito o desconto", SETTLEMENT),
        ("sí, confirmo el pago", PROMISE),
        ("sí, acepto la nueva fecha", MOVE),
        ("acepto la nueva quita", None),
        ("acepto la fecha", MOVE),
    ],
)
def test_who_accepts_may_name_what_was_asked(text: str, asked: AnswerKind | None) -> None:
    found = {each for each in (PROMISE, MOVE, PLAN, SETTLEMENT) if accepts(text, each, THREE_PAYMENTS, NAME)}
    assert asked in found if asked is not None else not found


@pytest.mark.parametrize("asked", [PROMISE, MOVE, PLAN, SETTLEMENT])
@pytest.mark.parametrize(
    "text",
    [
        "¿acepto?", "¿Sí?", "ok es todo", "ok is this the plan", "no acepto", "no estoy de acuerdo", "sí, pero…",
        "sí, cuando cobre", "acepto si me quitan los intereses", "acepto si es correcto",
        "acepto si el plan es correcto",
        "vale si me bajan los intereses", "sí, si cobro", "claro, si me ayudan", "I agree if you remove the interest",
        "aceito se tirar os juros", "sí acepto pero en 6 cuotas", "Acepto el plan de 6 cuotas", "jamás acepto",
        "no quiero, acepto", "I don't agree", "sí, mi mamá murió", "sí, el lunes", "sí, 50", "sí, soy Pedro",
        "gracias", "María López", "acepto 👎", "sí, acepto, " + "gracias " * 8,
    ],
)  # fmt: skip
def test_no_doubt_condition_question_or_refusal_is_a_yes(text: str, asked: AnswerKind) -> None:
    assert not accepts(text, asked, THREE_PAYMENTS, NAME)


def test_nobody_agrees_to_what_was_not_offered() -> None:
    assert not accepts("acepto el descuento", PLAN, THREE_PAYMENTS, NAME)
    assert not accepts("I accept the settlement", PROMISE, THREE_PAYMENTS, NAME)
    assert not accepts("sí, acepto", AnswerKind.ASK_DATE, THREE_PAYMENTS, NAME)


@pytest.mark.parametrize(
    "text",
    ["sí, pero mañana te digo, acepto", "acepto si me quitan los intereses", "I agree if you help", "de acuerdo"],
)
def test_what_may_be_a_yes(text: str) -> None:
    assert may_accept(text)


@pytest.mark.parametrize("text", ["no acepto", "no estoy de acuerdo", "I don't accept", "gracias", "no, nunca acepto"])
def test_what_is_denied_is_no_yes(text: str) -> None:
    assert not may_accept(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("sí, pero el lunes", MONDAY),
        ("el viernes no, mejor el lunes", MONDAY),
        ("mejor el lunes", MONDAY),
        ("el lunes mejor", MONDAY),
        ("El LUNES", MONDAY),
        ("no, el lunes", MONDAY),
        ("¿puede ser el lunes?", MONDAY),
        ("sim, mas na segunda", MONDAY),
        ("no dia 15", date(2026, 12, 15)),
        ("yes but Monday", MONDAY),
        ("Monday is better", MONDAY),
        ("el viernes sin falta te pago", FRIDAY),
        ("el 15/12", date(2026, 12, 15)),
    ],
)
def test_a_day_and_nothing_else_is_another_day(text: str, day: date) -> None:
    assert other_day(text, PROMISE, TUESDAY, "BR" if "segunda" in text or "no dia" in text else "ES") == day


@pytest.mark.parametrize(
    "text",
    [
        "no puedo el viernes, me quedé sin trabajo", "el lunes no tengo, estoy enfermo", "el lunes no",
        "el lunes no puedo", "el lunes no pago", "no pago el lunes", "llámame el lunes", 
        "el lunes me operan", "pagué el lunes",
        "el lunes 120",
        "el lunes entierro a mi padre", "el lunes a las 10", "necesito el lunes", "sí", "el lunes no te pago",
    ],
)  # fmt: skip
def test_what_says_more_than_a_day_is_none(text: str) -> None:
    assert other_day(text, PROMISE, TUESDAY, "ES") is None


def test_after_an_offer_a_day_is_none() -> None:
    assert other_day("el lunes", PLAN, TUESDAY, "ES") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sí, pero el lunes", read(Intent.HARDSHIP, confidence=0.66)),
        ("el viernes no, mejor el lunes", read(Intent.CALLBACK_REQUEST, Intent.VULNERABLE, needs_human=True)),
        ("mejor el lunes", read(Intent.REQUEST_PLAN, confidence=0.95)),
    ],
)
def test_what_the_model_only_guesses_of_a_day_holds_nothing(text: str, said: Understanding) -> None:
    heard = answered(text, said)

    assert heard.intents == (Intent.PROMISE_TO_PAY,)
    assert (heard.promise_date, heard.needs_human, heard.confidence >= 0.8) == (MONDAY, False, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("el lunes", read(Intent.HARDSHIP, confidence=0.9)),
        ("no puedo el viernes, me quedé sin trabajo", read(Intent.HARDSHIP)),
        ("el lunes no tengo, estoy enfermo", read(Intent.HARDSHIP)),
        ("el lunes", read(Intent.OPT_OUT)),
        ("el lunes", read(Intent.WRONG_PERSON)),
        ("no estoy de acuerdo", read(Intent.DISPUTE, confidence=0.98, needs_human=True)),
        ("gracias", read(Intent.ACKNOWLEDGEMENT)),
        ("no acepto, quiero 6 cuotas", read(Intent.REQUEST_PLAN)),
    ],
)
def test_what_is_really_said_is_heard_as_before(text: str, said: Understanding) -> None:
    assert answered(text, said) == said
    assert answered(text, said, PLAN) == said


def test_a_yes_is_not_hardship() -> None:
    heard = answered("sí, confirmo el pago", read(Intent.HARDSHIP, confidence=0.57))

    assert (heard.intents, heard.needs_human) == ((Intent.ACKNOWLEDGEMENT,), False)


@pytest.mark.parametrize(
    ("text", "asked"),
    [("sí, pero…", PROMISE), ("¿correcto?", PROMISE), ("vale, si eso", PLAN), ("¿acepto?", SETTLEMENT)],
)
def test_a_doubtful_yes_is_no_courtesy_that_nobody_answers(text: str, asked: AnswerKind) -> None:
    assert answered(text, read(Intent.ACKNOWLEDGEMENT, confidence=0.9), asked).intents == (Intent.OTHER,)


def test_what_a_model_takes_an_asked_word_for_holds_nothing() -> None:
    assert answered("agreed?", read(Intent.OTHER, Intent.DISPUTE), PLAN).intents == (Intent.OTHER,)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("acepto si me quitan los intereses", Intent.REQUEST_DISCOUNT),
        ("Acepto el plan de 6 cuotas", Intent.REQUEST_PLAN),
        ("acepto el descuento", Intent.REQUEST_DISCOUNT),
    ],
)
def test_a_word_of_accepting_is_never_a_refusal_of_the_offer(text: str, intent: Intent) -> None:
    heard = answered(text, read(intent, confidence=0.99), PLAN)

    assert (heard.intents, heard.needs_human) == ((Intent.OTHER,), True)
