"""What a stop of one way of reaching a person closes by law."""

from __future__ import annotations

import pytest

from domain.closed_by_stop import asks_for_texts, closed_by_stop
from domain.contact import Channel


@pytest.mark.parametrize(
    ("channel", "country", "ways"),
    [
        (Channel.CALL, "US", {Channel.CALL, Channel.SMS}),
        (Channel.CALL, "MX", {Channel.CALL}),
        (Channel.SMS, "US", {Channel.SMS}),
        (Channel.EMAIL, "US", {Channel.EMAIL}),
    ],
)
def test_a_text_is_a_call_in_the_us_alone(channel: Channel, country: str, ways: set[Channel]) -> None:
    assert set(closed_by_stop(channel, country)) == ways


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("stop calling and text me", True),
        ("do not call me. Text or email only", True),
        ("no me llamen, prefiero mensajes o correo", True),
        ("do not call me, email only please", False),
        ("no me llamen, prefiero mensajes por whatsapp", False),
        ("stop calling me", False),
    ],
)
def test_texts_are_asked_for_where_they_are_named(words: str, wanted: bool) -> None:
    assert asks_for_texts(words) is wanted
