"""What one accent costs, and how to write it for less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sms_price import cheaper_spelling, price_advice, spelled_for_less
from domain.sms_segments import SmsEncoding, outside_gsm7, sms_size


def test_one_accent_doubles_the_price_of_a_text_and_is_named_with_its_cheaper_spelling() -> None:
    advice = price_advice("a" * 99 + "ó")

    assert advice is not None
    assert (advice.size.segments, advice.cheaper.segments) == (2, 1)
    assert [(one.character, one.cheaper) for one in advice.characters] == [("ó", "o")]
    assert str(advice) == "2 SMS where 1 would do: write 'ó' (latin small letter o with acute) as 'o'"


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("“" + "a" * 100 + "”", {"“": '"', "”": '"'}),
        ("a" * 100 + "—…", {"—": "-", "…": "..."}),
        ("a" * 100 + "\u00a0b", {"\u00a0": " "}),
        ("a" * 100 + "😀", {"😀": ""}),
        ("a" * 159 + "[", {"[": "("}),
        ("í" + "a" * 80 + "é", {"í": "i"}),  # é is in the GSM alphabet
        ("₲ 500" + "a" * 80, {"₲": "Gs."}),
    ],
)
def test_what_costs_more_is_told(text: str, characters: dict[str, str]) -> None:
    advice = price_advice(text)

    assert advice is not None
    assert {one.character: one.cheaper for one in advice.characters} == characters


@pytest.mark.parametrize("text", ["", "cuota vence mañana", "crédito venció", "a" * 161, "ó" * 60, "€" * 80])
def test_where_nothing_is_to_be_saved_nothing_is_said(text: str) -> None:
    assert price_advice(text) is None


@given(st.text(max_size=400))
def test_advice_always_saves_and_a_cheaper_spelling_is_in_the_alphabet(text: str) -> None:
    advice = price_advice(text)

    for char in text:
        assert outside_gsm7(cheaper_spelling(char)) == ()
    if advice is not None:
        assert advice.cheaper.segments < sms_size(text).segments
        if outside_gsm7(text):
            assert advice.cheaper.encoding is SmsEncoding.GSM7


LINK = "https://pay.example/l~1|x^"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a" * 120 + " venció", "a" * 120 + " vencio"),
        ("José, tu cuota venció: " + "a" * 120, "José, tu cuota vencio: " + "a" * 120),  # é costs nothing
        ("venció ñ", "venció ñ"),  # one segment either way
        ("“ó” " + "a" * 80 + LINK, '"o" ' + "a" * 80 + LINK),  # a link is never respelled
        ("Иван, ó " + "a" * 90, "Иван, ó " + "a" * 90),  # nor is a name left out
        ("[a] " + "a" * 156, "(a) " + "a" * 156),
    ],
)
def test_a_text_is_spelled_for_less_where_that_saves_a_segment_and_only_there(text: str, sent: str) -> None:
    assert spelled_for_less(text) == sent


@given(st.text())
def test_spelling_for_less_never_costs_more(text: str) -> None:
    spelled = spelled_for_less(text)

    assert spelled == text or sms_size(spelled).segments < sms_size(text).segments
