"""What is given out for training names nobody."""

from __future__ import annotations

import pytest

from domain.replies.pseudonyms import without_personal_data


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("soy Carlos Pérez, pago el 15 $1,500.00", (), "soy [nombre], pago el 15 $1,500.00"),
        ("mi cel es 55 1234 5678 y mi correo ana@correo.com", (), "mi cel es [número] y mi correo [correo]"),
        ("hola le habla rosa quispe", ("Rosa Quispe Mamani",), "hola le habla [nombre]"),
        ("pago a ES91 2100 0418 4502 0005 1332", (), "pago a [cuenta]"),
        ("vivo en Calle Mayor 15, pago 1.500.000 mañana", (), "vivo en [dirección], pago 1.500.000 mañana"),
        ("mi CURP es PEGJ850101HDFRRN09", (), "mi CURP es [código]"),
        ("no puedo pagar hasta el viernes", (), "no puedo pagar hasta el viernes"),
    ],
)
def test_names_and_numbers_become_words_of_their_kind(text: str, names: tuple[str, ...], expected: str) -> None:
    assert without_personal_data(text, names) == expected
