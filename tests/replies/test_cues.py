"""Phrases that leave no doubt, and words that are the whole message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.replies.labels import Intent
from replies import classify
from replies.cues import is_represented, said_in
from replies.data import TRAINING, read_folder
from replies.features import words_of

AT = datetime(2026, 11, 27, 15, tzinfo=UTC)


def test_a_phrase_that_leaves_no_doubt_is_right_on_what_people_wrote() -> None:
    examples = read_folder(TRAINING)[::4]

    told = [(intent, example) for example in examples for intent in said_in(words_of(example.text))]
    wrong = [example.text for intent, example in told if intent not in example.intents]

    assert len(told) > 80
    assert len(wrong) <= len(told) * 0.03, wrong


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("claro que voy a pagar, cuenten con ello", Intent.PROMISE_TO_PAY),
        ("quiero cancelar mi deuda hoy", Intent.PROMISE_TO_PAY),
        ("no", Intent.OTHER),
        ("paguen ustedes", Intent.REFUSAL),
        ("mi tío, el titular, ya descansa en paz", Intent.VULNERABLE),
        ("llevo dos meses pidiendo mi paz y salvo", Intent.COMPLAINT),
        ("ese link es raro, para mí que me quieren robar", Intent.DISPUTE),
        ("asesor", Intent.REQUEST_AGENT),
        ("descanse en paz, no molesten más", Intent.VULNERABLE),
        ("que en paz descansen mis papás", Intent.VULNERABLE),
    ],
)
def test_what_leaves_no_doubt_comes_first(words: str, intent: Intent) -> None:
    assert classify(words, AT, "MX").intent is intent


def test_a_promise_in_mockery_is_no_promise() -> None:
    assert classify("claro que sí, les voy a pagar... en sus sueños", AT, "MX").intent is Intent.REFUSAL


@pytest.mark.parametrize(
    ("words", "country"),
    [
        ("soy su abogado, diríjanse a mí", "ES"),
        ("soy la tutora legal, está incapacitado", "ES"),
        ("sou a curadora dele", "BR"),
        ("soy su procuradora", "ES"),
        ("le habla el apoderado del señor Ruiz", "CO"),
    ],
)
def test_whoever_speaks_for_the_borrower_is_for_a_person(words: str, country: str) -> None:
    assert classify(words, AT, country).needs_human


@pytest.mark.parametrize(
    ("words", "represented"),
    [
        ("como dijo mi abogado, no pago", False),
        ("I am talking to my lawyer", False),
        ("como me dijo su abogado, pago el viernes", False),
        ("como su abogado me dijo", False),
        ("no soy abogado", False),
        ("como abogado de Ana les pido", True),
        ("soy su apoderado con poder notarial", True),
        ("I am his attorney", True),
    ],
)
def test_who_names_a_lawyer_is_not_taken_for_one(words: str, represented: bool) -> None:
    assert is_represented(words_of(words), by_another=False) is represented


@pytest.mark.parametrize("words", ["no hace falta abogado, el viernes liquido", "numero equivocado"])
def test_who_names_a_lawyer_or_nobody_speaks_for_themselves(words: str) -> None:
    assert not classify(words, AT, "MX").needs_human


@pytest.mark.parametrize(
    "words",
    (
        "John is deceased|the borrower is deceased|he's dead stop texting me|Maria is dead|Juan ya es finado|"
        "ya no vive|Juan ya no vive, señorita|QEPD|Q.E.P.D.|difunto|ya se fue con dios|se nos adelantó|falecido|"
        "a titular é falecida|ele faleceu|el titular de la cuenta está muerto|el cliente está muerto|"
        "No, falleció hace un mes|esa persona ya está muerta|ya partió con el Señor"
    ).split("|"),
)
def test_a_death_is_heard_however_it_is_told(words: str) -> None:
    understood = classify(words, AT, "MX")

    assert understood.intents[0] is Intent.VULNERABLE
    assert understood.needs_human


@pytest.mark.parametrize(
    "words",
    (
        "estoy muerto de hambre|estoy muerto de cansancio|muerta de risa|mi hermano está muerto de miedo|"
        "ya no vive aquí|ya no vive conmigo|aquí ya no vive|en esta casa ya no vive|my phone is dead|he's dead serious|"
        "business is dead|wifi is dead|internet está muerto|the server is dead|whatsapp is dead|the signal is dead|"
        "doordash is dead lately|el celular está muerto|el kiosco está muerto|"
        "pago el día de los difuntos|pago en finados|"
        "vaya con dios|el pago se nos adelantó|se nos adelantó la fecha|no ha fallecido|John isn't deceased"
    ).split("|"),
)
def test_what_is_only_said_like_a_death_is_not_taken_for_one_by_its_words(words: str) -> None:
    assert Intent.VULNERABLE not in said_in(words_of(words))


@pytest.mark.parametrize(
    "words",
    [
        "quiero dar de baja la domiciliación",
        "take me off autopay",
        "no me llamen ni me escriban en la noche",
        "no me contacten por ningún otro medio, solo por aquí",
    ],
)
def test_a_revoked_debit_and_a_wish_in_part_are_for_a_person(words: str) -> None:
    assert classify(words, AT, "MX").needs_human
