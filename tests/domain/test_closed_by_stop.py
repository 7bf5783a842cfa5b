"""What a stop of one way of reaching a person closes by law."""

from __future__ import annotations

import pytest

from domain.closed_by_stop import asks_for_texts, closed_by_stop, closed_by_words
from domain.contact import Channel
from domain.opt_out_scope import StopScope, named_scope
from domain.opt_out_words import OptOutReading, read_opt_out


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


@pytest.mark.parametrize("country", ["US", "MX"])
@pytest.mark.parametrize(
    "words",
    [
        "Don't call or email me, only here",
        "Don't call or email me, text is fine",
        "Do not contact me by phone or email, only by text",
        "Stop calling and emailing me, only text me here",
        "please don't call or email, text only",
        "No calls or emails please, text only",
        "You can only contact me by text. Do not call or email.",
        "no me llamen ni me manden correos, solo por aquí",
        "no me llamen ni me manden correos, por acá no más",
        "No me llamen ni me manden correos, escríbanme por aquí",
        "ni llamadas ni correos, solo mensajes de texto",
        "não me liga nem manda e-mail, só por aqui",
        "nada de ligação nem e-mail, só por aqui",
        "Não liguem nem mandem e-mails, só por SMS",
    ],
)
def test_who_names_the_one_way_they_want_keeps_it_and_loses_the_others(words: str, country: str) -> None:
    """Given a text message that wants neither calls nor e-mail, and text messages or "only here", when it is read, then
    just those two are closed, in the US too, where a text is a call; and contact has not ended."""
    assert read_opt_out(words) is OptOutReading.OPT_OUT
    assert set(closed_by_words(words, Channel.SMS, country, plain=True)) == {Channel.CALL, Channel.EMAIL}
    assert named_scope(words, Channel.SMS) is not StopScope.EVERYTHING


@pytest.mark.parametrize(
    ("words", "came_by", "closed"),
    [
        ("Don't call or text me, only here", Channel.SMS, {Channel.CALL, Channel.SMS}),
        ("Don't call or text me, only email", Channel.SMS, {Channel.CALL, Channel.SMS}),
        ("Don't call or text me, email only", Channel.EMAIL, {Channel.CALL, Channel.SMS}),
        ("Don't call or email me, only WhatsApp", Channel.SMS, {Channel.CALL, Channel.SMS, Channel.EMAIL}),
        ("Don't call or email me, only here", Channel.WHATSAPP, {Channel.CALL, Channel.SMS, Channel.EMAIL}),
        ("don't call or email me, here only during the day", Channel.SMS, {Channel.CALL, Channel.SMS, Channel.EMAIL}),
        ("No me llamen. No me manden correos.", Channel.SMS, {Channel.CALL, Channel.SMS, Channel.EMAIL}),
        ("stop emailing me", Channel.SMS, {Channel.SMS, Channel.EMAIL}),
        ("Don't call me", Channel.SMS, {Channel.CALL, Channel.SMS}),
        ("don't call or text me ever again", Channel.SMS, {Channel.CALL, Channel.SMS}),
    ],
)
def test_whatever_is_in_doubt_closes_more(words: str, came_by: Channel, closed: set[Channel]) -> None:
    assert set(closed_by_words(words, came_by, "US", plain=True)) == closed


@pytest.mark.parametrize(
    "words", ["don't call or text me ever again", "no me llamen ni me escriban más", "Don't call or email me"]
)
def test_who_welcomes_no_way_ends_all_contact(words: str) -> None:
    assert named_scope(words, Channel.SMS) is StopScope.EVERYTHING


@pytest.mark.parametrize("words", ["Don't call or email me, only here", "please don't call or email, text only"])
def test_what_is_no_plain_stop_closes_the_way_it_came_by_too(words: str) -> None:
    assert Channel.SMS in closed_by_words(words, Channel.SMS, "US", plain=False)


@pytest.mark.parametrize(
    "words",
    [
        "I have no calls or emails from you, text me the link",
        "I got no emails, can you text me",
        "no me llegan correos, mejor por sms",
        "no tengo correo, solo whatsapp",
        "sin correo no puedo entrar, solo por sms",
        "just text me the amount",
        "don't call, I'm paying now",
        "escríbanme por aquí",
    ],
)
def test_a_way_that_is_asked_for_beside_no_refusal_is_no_stop(words: str) -> None:
    assert read_opt_out(words) is OptOutReading.NOT_ABOUT_THIS
