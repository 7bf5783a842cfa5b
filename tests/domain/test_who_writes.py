"""Whose word a message is taken for, beside what the model makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.replies.labels import Intent, Understanding
from domain.who_writes import Writer, as_meant, says_it_is_them, who_writes

NAME = "Ana María López"


def read(*intents: Intent, confidence: float = 0.99, needs_human: bool = False) -> Understanding:
    return Understanding(intents, confidence, None, None, None, needs_human, "es")


@pytest.mark.parametrize(
    "words",
    [
        "soy yo", "Sí, soy yo", "este soy yo", "soy el titular", "soy la titular del contrato", "yo soy la titular",
        "no es un número equivocado", "No es número equivocado, soy yo", "no se equivocan", "não é engano, sou eu",
        "sou o titular", "this is not the wrong number", "you have the right number", "This is him", "this is her.",
        "this is me speaking", "I'm the account holder", "soy Ana", "soy maría lopez", "me llamo Ana", "i'm Ana",
    ],
)  # fmt: skip
def test_whoever_says_that_it_is_them_is_believed(words: str) -> None:
    assert says_it_is_them(words, NAME)
    assert who_writes(words, read(Intent.WRONG_PERSON), NAME) is Writer.BORROWER


@pytest.mark.parametrize(
    "words",
    [
        "no soy yo", "no soy el titular", "ya no soy el titular", "no soy Ana", "não sou eu", "this is not him",
        "this is her sister", "this is his wife speaking", "this is her number", "soy yo su esposa", "soy su hermana",
        "soy yo, la hermana de Ana", "soy Ana, hermana de Juan", "soy el titular de este número", "soy Pedro",
        "soy yo quien tiene este número ahora", "el titular soy yo no", "I'm not the account holder",
    ],
)  # fmt: skip
def test_whoever_says_that_it_is_not_them_is_not(words: str) -> None:
    assert not says_it_is_them(words, NAME)
    assert who_writes(words, read(Intent.WRONG_PERSON), NAME) is not Writer.BORROWER


@pytest.mark.parametrize(
    ("words", "writer"),
    [
        ("I'm Ana's ex, she moved out", Writer.LIKELY_ANOTHER),
        ("This is Ana's mom, she no longer lives here", Writer.LIKELY_ANOTHER),
        ("this is Ana's husband", Writer.LIKELY_ANOTHER),
        ("soy Ana Luisa, la hija de Ana López", Writer.LIKELY_ANOTHER),
        ("this is Lopez Plumbing, no Ana works here", Writer.LIKELY_ANOTHER),
        ("you have the right number but she is not here", Writer.UNCLEAR),
        ("soy yo Pedro su esposo de Ana", Writer.UNCLEAR),
        ("it's me, her cousin", Writer.UNCLEAR),
        ("soy Ana, mi esposo paga", Writer.UNCLEAR),
        ("soy Ana pero no la que buscan", Writer.UNCLEAR),
        ("soy Ana Luisa", Writer.UNCLEAR),
        ("me llamo Ana de Monterrey", Writer.UNCLEAR),
        ("soy Ana y ya pagué", Writer.BORROWER),
        ("soy Ana Luisa López", Writer.BORROWER),
        ("this is Ana speaking", Writer.BORROWER),
        ("I'm Ana, I paid", Writer.BORROWER),
        ("soy yo, señora", Writer.BORROWER),
        ("this is she", Writer.BORROWER),
    ],
)
def test_who_only_names_the_borrower_or_speaks_of_them_is_not_taken_for_them(words: str, writer: Writer) -> None:
    assert who_writes(words, read(Intent.WRONG_PERSON), NAME) is writer


@pytest.mark.parametrize(
    ("words", "writer"),
    [
        ("Soy Juan Perez te equivocaste de cuenta", Writer.BORROWER),
        ("Sou Juan Pérez não conheço vocês", Writer.BORROWER),
        ("Hola soy Juan Perez ustedes me llaman por otra persona", Writer.BORROWER),
        ("Soy Juan Perez se equivocaron de monto", Writer.BORROWER),
        ("Soy Juan Carlos Perez se equivocaron de monto", Writer.BORROWER),
        ("This is Juan Perez you got the amount wrong", Writer.BORROWER),
        ("Soy Juan Perez numero equivocado", Writer.UNCLEAR),
        ("Soy Juan Garcia numero equivocado", Writer.ANOTHER),
        ("soy Juan no Perez", Writer.LIKELY_ANOTHER),
        ("no soy Juan Perez te equivocaste", Writer.ANOTHER),
        ("soy Juan Perez su hijo", Writer.LIKELY_ANOTHER),
        ("soy Juan Perez hijo de Juan Perez", Writer.LIKELY_ANOTHER),
        ("soy Juan José, el hijo de Juan Pérez", Writer.LIKELY_ANOTHER),
        ("I'm Juan Perez's wife", Writer.LIKELY_ANOTHER),
        ("this is Juan Perez wife", Writer.LIKELY_ANOTHER),
        ("this is Juan Perez old number", Writer.UNCLEAR),
    ],
)
def test_whoever_gives_the_borrowers_full_name_is_the_borrower_whatever_follows(words: str, writer: Writer) -> None:
    """Given two of the borrower's names in a row and no comma behind them, when the model hears a stranger, then the
    number stays open; somebody else's surname, and a relative of whoever is named, are still a stranger's."""
    assert who_writes(words, read(Intent.WRONG_PERSON), "Juan Pérez") is writer


def test_kin_beside_a_name_is_no_stranger_where_the_model_hears_none() -> None:
    assert who_writes("soy Ana, mi mamá murió", read(Intent.VULNERABLE), NAME) is Writer.BORROWER


@pytest.mark.parametrize("piece", ["ana ", "soy ana ", "soy ana maria ", "soy ana | ", "this is ana maria lopez "])
def test_a_name_said_over_and_over_is_read(piece: str) -> None:
    assert who_writes(piece * (8_000 // len(piece)), read(Intent.WRONG_PERSON), NAME) in Writer


@pytest.mark.parametrize(
    ("words", "said", "writer"),
    [
        ("número equivocado", read(Intent.WRONG_PERSON), Writer.ANOTHER),
        ("número equivocado", read(Intent.OTHER), Writer.ANOTHER),
        ("Wrong", read(Intent.WRONG_PERSON), Writer.BORROWER),
        ("Incorrecto", read(Intent.WRONG_PERSON, Intent.DISPUTE), Writer.BORROWER),
        ("yo no soy Pedro", read(Intent.WRONG_PERSON), Writer.LIKELY_ANOTHER),
        ("yo no soy Pedro", read(Intent.WRONG_PERSON, confidence=0.79), Writer.UNCLEAR),
        ("I'm not John", read(Intent.VULNERABLE, Intent.WRONG_PERSON), Writer.UNCLEAR),
        ("soy su hermana, él falleció", read(Intent.VULNERABLE, Intent.WRONG_PERSON), Writer.ANOTHER),
        ("me he equivocado", read(Intent.WRONG_PERSON), Writer.UNCLEAR),
        ("cambié de número", read(Intent.WRONG_PERSON), Writer.UNCLEAR),
        ("no soy moroso", read(Intent.WRONG_PERSON), Writer.UNCLEAR),
        ("soy yo, pero no conozco a esa persona", read(Intent.WRONG_PERSON), Writer.UNCLEAR),
        ("soy madre soltera", read(Intent.HARDSHIP), Writer.BORROWER),
    ],
)
def test_words_go_before_what_the_model_makes_of_them(words: str, said: Understanding, writer: Writer) -> None:
    assert who_writes(words, said, NAME) is writer


@pytest.mark.parametrize(
    ("words", "said", "intents", "needs_human"),
    [
        ("yes please", read(Intent.ACKNOWLEDGEMENT, Intent.VULNERABLE, needs_human=True), ["acknowledgement"], False),
        ("Incorrecto", read(Intent.WRONG_PERSON, Intent.DISPUTE), ["dispute"], True),
        ("Wrong", read(Intent.WRONG_PERSON), ["other"], True),
        ("soy el titular", read(Intent.WRONG_PERSON), ["other"], True),
        ("soy el titular, ya pagué", read(Intent.WRONG_PERSON, Intent.ALREADY_PAID), ["already_paid"], True),
        ("yo no soy Pedro", read(Intent.WRONG_PERSON), ["wrong_person"], True),
        ("número equivocado", read(Intent.WRONG_PERSON), ["wrong_person"], False),
        ("cuánto debo?", read(Intent.ASK_BALANCE), ["ask_balance"], False),
        ("estoy en el hospital", read(Intent.VULNERABLE, needs_human=True), ["vulnerable"], True),
        ("no me molesta que me escribas", read(Intent.OPT_OUT), ["other"], False),
    ],
)
def test_what_the_model_cannot_know_is_left_out(
    words: str, said: Understanding, intents: list[str], needs_human: bool
) -> None:
    meant = as_meant(words, said, who_writes(words, said, NAME))

    assert ([intent.value for intent in meant.intents], meant.needs_human) == (intents, needs_human)
    assert meant.intent is said.intent or meant.confidence < 0.1


@pytest.mark.parametrize(
    "said",
    [
        read(Intent.VULNERABLE, confidence=0.9, needs_human=True),
        read(Intent.VULNERABLE, Intent.WRONG_PERSON),
        read(Intent.PROMISE_TO_PAY),
        read(Intent.ASK_BALANCE),
        read(Intent.ACKNOWLEDGEMENT),
        read(Intent.DISPUTE, Intent.REQUEST_PLAN, Intent.HARDSHIP),
    ],
)
@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("I'm Maria's wife", "Maria Gomez"),
        ("soy la mujer de Juan", "Juan Pérez"),
        ("sou esposa do João", "João da Silva"),
    ],
)
def test_who_says_that_they_are_a_relative_is_another_whatever_the_model_hears(
    words: str, name: str, said: Understanding
) -> None:
    """Given a wife who says so, when the model hears only distress, a promise or a question, then she is not taken for
    the borrower: a person reads it, it is told as another's, and nothing of a promise is left."""
    said = replace(said, promise_date=date(2026, 12, 4), promise_amount=Decimal(300))

    writer = who_writes(words, said, name)
    meant = as_meant(words, said, writer)

    assert writer is Writer.RELATIVE
    assert Intent.WRONG_PERSON in meant.intents[:2]
    assert (Intent.VULNERABLE in meant.intents) is (Intent.VULNERABLE in said.intents)
    assert meant.needs_human
    assert (meant.promise_date, meant.promise_amount) == (None, None)


def test_what_a_relative_tells_is_read_by_a_person_also_where_the_model_hears_a_stranger() -> None:
    words, said = "soy su esposa, él perdió el trabajo", read(Intent.WRONG_PERSON)
    writer = who_writes(words, said, NAME)

    assert writer is Writer.ANOTHER
    assert as_meant(words, said, writer).needs_human


@pytest.mark.parametrize(
    "words",
    [
        "soy una mujer de palabra", "sou mulher de palavra", "soy una señora de 70 años", "sou mãe solo",
        "soy madre soltera", "soy Ana, la mamá de Luis, ya pagué", "soy su deudora", "this is my work phone",
        "soy su cliente desde hace años",
    ],
)  # fmt: skip
def test_who_tells_of_their_own_lot_keeps_their_number_where_the_model_hears_a_stranger(words: str) -> None:
    assert who_writes(words, read(Intent.WRONG_PERSON), NAME) is Writer.UNCLEAR


def test_a_title_before_the_borrowers_own_name_is_no_stranger() -> None:
    assert who_writes("soy la señora Ana", read(Intent.WRONG_PERSON), NAME) is Writer.BORROWER


@pytest.mark.parametrize(
    "words",
    ["le habla Juan Pérez", "habla Juan Pérez", "Les escribe Juan", "le habla el Sr. Pérez", "aqui quem fala é o Juan",
     "aquí Juan, el viernes pago", "aqui é o Juan", "Soy el Sr. Juan"],
)  # fmt: skip
def test_who_begins_with_their_name_keeps_their_number(words: str) -> None:
    """Given a borrower who greets with their name, when the model hears a stranger, then they are the borrower."""
    assert who_writes(words, read(Intent.WRONG_PERSON), "Juan Pérez") is Writer.BORROWER


@pytest.mark.parametrize(
    "words",
    ["aquí Juan ya no vive", "aquí Juan Pérez no vive", "habla con Juan, él te paga", "no le habla Juan Pérez",
     "le habla la esposa de Juan Pérez"],
)  # fmt: skip
def test_who_speaks_of_the_borrower_so_is_not_them(words: str) -> None:
    assert not says_it_is_them(words, "Juan Pérez")


@pytest.mark.parametrize(
    "words",
    ["No es número equivocado, soy la esposa", "soy yo, Rosa, su mujer, cuánto debe?", "não é engano, sou a esposa",
     "soy Juan Pérez, su hijo, cuánto debe mi papá?", "you have the right number I'm Juan's wife how much does he owe"],
)  # fmt: skip
def test_a_relative_at_the_right_number_is_told_nothing(words: str) -> None:
    """Given a relative who says that the number is right, when the model hears a question, it is no borrower's."""
    assert who_writes(words, read(Intent.ASK_BALANCE), "Juan Pérez") is Writer.RELATIVE


@pytest.mark.parametrize(
    "words",
    ["soy jefa de hogar", "soy hija única", "soy esposa de un militar", "soy la hermana mayor de cinco",
     "sou viúva e aposentada", "soy vecino de Bogotá", "soy el esposo de Rosa, el crédito está a mi nombre",
     "soy Juan Pérez esposo de Rosa"],
)  # fmt: skip
def test_kin_that_is_not_the_borrowers_closes_no_number(words: str) -> None:
    assert who_writes(words, read(Intent.WRONG_PERSON), "Juan Pérez") is Writer.UNCLEAR


def test_a_colleague_of_ours_who_is_told_of_closes_no_number() -> None:
    said = read(Intent.WRONG_PERSON, confidence=0.6)
    assert who_writes("me escribe su compañera a cada rato", said, "Juan Pérez") is Writer.UNCLEAR


@pytest.mark.parametrize(
    "words",
    [
        "os habéis equivocado, ya pagué", "te has equivocado, son 50", "te equivocas, es el lunes",
        "se han equivocado, la cuota es de 80", "no conozco esta empresa", "no conozco esa entidad",
        "no sé quiénes sois", "no sé quién es usted", "I don't know this company", "I don't know who you are",
        "I've never heard of this lender", "não conheço essa empresa", "não conheço vocês", "não sei quem são vocês",
    ],
)  # fmt: skip
def test_who_corrects_us_or_does_not_know_us_may_be_the_borrower(words: str) -> None:
    """Given that we are mistaken of a sum, a payment or a day, or are not known, when the model surely hears a
    stranger, then the address stays open and a person reads it."""
    assert who_writes(words, read(Intent.WRONG_PERSON), NAME) is Writer.UNCLEAR


@pytest.mark.parametrize(
    ("words", "writer"),
    [
        ("Se ha equivocado de número", Writer.ANOTHER),
        ("no conozco a esa persona", Writer.ANOTHER),
        ("wrong number", Writer.ANOTHER),
        ("I don't know this person", Writer.ANOTHER),
        ("se equivocaron de persona, yo no debo 50", Writer.ANOTHER),
        ("os habéis equivocado", Writer.ANOTHER),
        ("no conozco a Pedro", Writer.LIKELY_ANOTHER),
        ("te equivocas de número, hoy y siempre", Writer.ANOTHER),
        ("yo no soy Pedro, no conozco esa empresa", Writer.LIKELY_ANOTHER),
        ("no sé quién es", Writer.LIKELY_ANOTHER),
    ],
)
def test_a_true_stranger_still_closes_the_number(words: str, writer: Writer) -> None:
    assert who_writes(words, read(Intent.WRONG_PERSON), NAME) is writer


@pytest.mark.parametrize(
    ("words", "heard", "meant"),
    [
        ("no conozco esa entidad", (Intent.WRONG_PERSON, Intent.DISPUTE), Intent.DISPUTE),
        ("yo no pedí nada de eso", (Intent.WRONG_PERSON, Intent.DISPUTE), Intent.DISPUTE),
        ("os habéis equivocado, ya pagué", (Intent.WRONG_PERSON, Intent.ALREADY_PAID), Intent.ALREADY_PAID),
        ("te has equivocado, son 50", (Intent.WRONG_PERSON,), Intent.WRONG_PERSON),
        ("no soy yo, ya pagué", (Intent.WRONG_PERSON, Intent.ALREADY_PAID), Intent.WRONG_PERSON),
        ("no conozco esa entidad, me quiero morir", (Intent.WRONG_PERSON, Intent.VULNERABLE, Intent.DISPUTE),
         Intent.VULNERABLE),
    ],
)  # fmt: skip
def test_a_dispute_or_a_payment_claimed_by_who_may_be_the_borrower_is_worked_on(
    words: str, heard: tuple[Intent, ...], meant: Intent
) -> None:
    """Given what may be the borrower's word, when a dispute or a payment is heard in it, then it is what the message is
    about, and that it may be a stranger's stays with it, so that nothing is answered."""
    said = read(*heard)

    understood = as_meant(words, said, who_writes(words, said, NAME))

    assert (understood.intent, understood.needs_human) == (meant, True)
    assert Intent.WRONG_PERSON in understood.intents


@pytest.mark.parametrize("words", ["wrong?", "¿incorrecto?", "¿correcto?"])
def test_a_word_for_yes_or_no_that_is_asked_tells_of_no_stranger(words: str) -> None:
    heard = read(Intent.WRONG_PERSON)
    assert who_writes(words, heard, NAME) is Writer.BORROWER
    assert Intent.WRONG_PERSON not in as_meant(words, heard, Writer.BORROWER).intents
