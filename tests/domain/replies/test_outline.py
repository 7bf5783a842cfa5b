"""What is left of a message once its days and sums are words of their kind."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.replies.outline import outline


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("37 lunes", "zzbare zzweekday"),
        ("tmrw 45", "zzsoon zzbare"),
        ("el 15 les doy 10.000 pesos", "zzdated les doy zzmoney"),
        ("voy a pagar a fin de mes", "voy a pagar a zzmonthday"),
        ("ya pagué ayer", "ya pague zzdid zzpast"),
        ("pagaré setentinha", "pagare zzshall zzbare"),
        ("no se preocupe, el viernes", ", zzweekday"),
        ("no me den más plazo", "no me den mas plazo"),
        ("depois do dia 15", "zzvague"),
    ],
)
def test_days_and_sums_are_words_of_their_kind(text: str, left: str) -> None:
    assert " ".join(outline(text).split()) == left


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_an_outline(text: str) -> None:
    outline(text)
