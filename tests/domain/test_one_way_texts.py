"""Which text messages from a name ask for an answer that nobody can give."""

from __future__ import annotations

import pytest

from domain.one_way_texts import answer_asked_for

PHONE = "+1 202-555-0110"


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("Credialba: gracias. Si necesitas otra fecha, dinos cual. Darse de baja: {phone}", "es", "dinos"),
        ("Credialba: responde SI si es correcto. Darse de baja: {phone}", "es", "responde"),
        ("Credialba: cuando puedes pagar? Dinos una fecha en el {phone}. Darse de baja: {phone}", "es", None),
        ("Credialba: una persona lo mira y te contesta. Darse de baja: {phone}", "es", None),
        ("Credialba: obrigado. Se precisar de outra data, diga qual. Descadastro: {phone}", "pt", "diga"),
        ("Credialba: uma pessoa le e responde. Descadastro: {phone}", "pt", None),
        ("Credialba: If you need another day, tell us which. Opt out: {phone}", "en", "tell us"),
        ("Credialba: thank you for telling us. Opt out: {phone}", "en", None),
        ("Credialba: tell us at {phone}, ext. 2. Opt out: {phone}", "en", None),
        ("Credialba: dites-nous quand.", "fr", None),
    ],
)
def test_a_sentence_that_asks_for_an_answer_says_whom_to_call(text: str, language: str, word: str | None) -> None:
    assert answer_asked_for(text.format(phone=PHONE), language, PHONE) == word
