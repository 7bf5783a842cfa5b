"""Words by which somebody who is taken for a stranger may be the borrower after all."""

from __future__ import annotations

import pytest

from domain.conversation.paying_words import names_paying


@pytest.mark.parametrize(
    "words",
    [
        "te equivocaste, la cuota es de 15 mil",
        "se equivocó la señorita, yo quedé de PAGAR el 30",
        "no conozco a nadie que me preste hasta el viernes, pago el lunes",
        "se equivocaram, a parcela é de 150",
        "wrong, I paid on Monday",
    ],
)
def test_paying_is_named(words: str) -> None:
    assert names_paying(words)


@pytest.mark.parametrize(
    "words", ["se equivoca de numero, yo no conozco a esa persona", "número errado", "aquí no vive", "not his phone"]
)
def test_a_plain_wrong_number_names_no_payment(words: str) -> None:
    assert not names_paying(words)
