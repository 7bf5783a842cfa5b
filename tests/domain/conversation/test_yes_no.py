"""A plain yes or no, and nothing that says more."""

from __future__ import annotations

import pytest

from domain.conversation.yes_no import read_yes_no, word_for_yes_or_no


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Sí", "yes"),
        ("si gracias", "yes"),
        ("SI!!", "yes"),
        ("ok dale", "yes"),
        ("vale, de acuerdo", "yes"),
        ("Confirmo", "yes"),
        ("👍", "yes"),
        ("Yes please", "yes"),
        ("sim, pode ser", "yes"),
        ("no", "no"),
        ("No, gracias", "no"),
        ("ese día no puedo", "no"),
        ("não", "no"),
        ("nope", "no"),
        ("sí, es correcto", "yes"),
        ("Si es correcto", "yes"),
        ("I agree", "yes"),
        ("I ACCEPT", "yes"),
        ("sin problema", "yes"),
        ("tudo bem", "yes"),
        ("Tá bom", "yes"),
        ("isso mesmo", "yes"),
        ("hágale", "yes"),
        ("que sí!", "yes"),
        ("Estoy de acuerdo", "yes"),
        ("si pero el martes", None),
        ("sí, pero no puedo todo", None),
        ("no sé", None),
        ("si me pagan", None),
        ("cuanto debo?", None),
        ("", None),
        ("no estoy de acuerdo", None),
        ("I agree if you remove the interest", None),
        ("sí, pero…", None),
        ("sí, cuando cobre", None),
        ("si " * 40, None),
    ],
)
def test_only_a_plain_answer_is_one(text: str, read: str | None) -> None:
    assert read_yes_no(text) == read


@pytest.mark.parametrize(
    "text",
    ["¿seguro?", "¿correcto?", "¿Sí?", "vale?", "¿hecho?", "ok?", "sure?", "agreed?", "¿acepto?", "¿acepto", "ok？",
     "sim ⁇", "vale ❓", "no?", "¿no?"],
)  # fmt: skip
def test_what_is_asked_is_no_answer(text: str) -> None:
    assert read_yes_no(text) is None
    assert word_for_yes_or_no(text) is not None
