"""A plain yes or no, and nothing that says more."""

from __future__ import annotations

import pytest

from domain.conversation.yes_no import read_yes_no


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
        ("si pero el martes", None),
        ("sí, pero no puedo todo", None),
        ("no sé", None),
        ("si me pagan", None),
        ("cuanto debo?", None),
        ("", None),
        ("si " * 40, None),
    ],
)
def test_only_a_plain_answer_is_one(text: str, read: str | None) -> None:
    assert read_yes_no(text) == read
