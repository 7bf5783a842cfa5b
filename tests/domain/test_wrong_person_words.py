"""What people write when a message reached somebody else."""

from __future__ import annotations

import pytest

from domain.wrong_person_words import says_wrong_person


@pytest.mark.parametrize(
    "text",
    [
        "Wrong number",
        "wrong person!!",
        "Sorry, you have the wrong number.",
        "I don't know this person",
        "Número equivocado",
        "NUMERO EQUIVOCADO, no escriban mas",
        "se ha equivocado de número",
        "Se equivoca de persona",
        "equivocado",
        "No soy esa persona",
        "este número ya no es de ella",
        "no conozco a ese señor",
        "Número errado",
    ],
)
def test_somebody_else_answers(text: str) -> None:
    assert says_wrong_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "I paid the wrong amount",
        "No es un número equivocado, soy yo",
        "this is not the wrong number",
        "¿Qué hago si la cuenta está equivocada?",
        "el importe está equivocado",
        "quiero cancelar mi deuda",
        "",
        "😀",
    ],
)
def test_the_borrower_answers_something_else(text: str) -> None:
    assert not says_wrong_person(text)
