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


@pytest.mark.parametrize(
    "text",
    [
        "se ha equivocado, yo pagué el lunes",
        "se equivoco de fecha, mi pago es el 15",
        "te equivocaste, la cuota es de 15 mil",
        "aqui no es facil, pero pago el viernes",
        "numero incorrecto de cuenta, no me deja transferir",
        "la cuota era otra, se equivocó",
        "yo pagué el lunes, se ha equivocado usted",
        "se equivocaron, ya consigné la cuota por Nequi",
        "me sale número incorrecto cuando quiero pagar",
        "mandé el comprobante al correo equivocado",
        "número incorrecto de referencia en el OXXO",
        "acá no es tan fácil juntar la plata",
        "os habéis equivocado con el importe",
        "no conozco esa deuda",
        "no conozco a esa financiera",
        "não conheço essa dívida",
        "não conheço essa empresa, não devo nada",
        "número errado da conta, o pix não vai",
        "you have the wrong amount, I owe 200",
        "wrong number of installments",
        "se equivoca de monto, señorita, son 300",
    ],
)
def test_who_says_that_our_sum_or_day_is_mistaken_is_no_stranger(text: str) -> None:
    assert not says_wrong_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "se equivocó",
        "Se ha equivocado.",
        "se equivocó señorita, disculpe",
        "te equivocaste de persona",
        "os habéis equivocado de persona",
        "se equivocó usted de número",
        "se equivoco d numero",
        "Mija se equivocó, este celular es de don Hernando",
        "te equivocaste, acá no hay ningún Ezequiel",
        "aquí no vive",
        "acá no vive ningún Gómez",
        "aquí no es",
        "Aquí no es, deje de llamar",
        "aquí no es de Lupita",
        "aquí no es la casa de Juan",
        "no conozco a nadie con ese nombre",
        "no conozco a esa persona",
        "número incorrecto",
        "correo equivocado, no soy yo",
        "numero errado",
        "engano",
        "É engano",
        "foi engano",
        "moça você ligou errado",
        "não sou essa pessoa",
        "não conheço esse homem",
        "you have the wrong Maria",
    ],
)
def test_a_true_stranger_is_still_told_from_the_borrower(text: str) -> None:
    assert says_wrong_person(text)
