"""Which ways of reaching a person a wish to be left alone is about."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact import Channel
from domain.opt_out_scope import (
    StopScope,
    asks_for_a_call,
    asks_to_be_written_to,
    named_scope,
    stops_in_part,
    ways_named,
)
from domain.opt_out_words import OptOutReading, read_opt_out

ONLY_CALLS = """dejen de llamarme por telefono|no me llamen mas|No me llamen, escríbanme por aquí|parem de me ligar|
stop calling me|dejad de llamarme|no me marquen más, por mensaje sí contesto|no quiero que me llamen|
não me liguem mais|
não quero mais ligações, pode mandar mensagem|do not call me, text me|no me vuelvan a llamar al trabajo|
no me volváis a llamar|no molesten por telefono|no llamen a mi mamá|no quiero más llamadas, solo correo|
no me llame más|
no me llamen, o no mando nada|no me llamen, no tengo ni para comer ni nada|no me llamen y les mando el comprobante|
no me llamen ni me manden al buró|no me llamen ni me manden cobradores|no me llamen y no me mande el recibo|
no quiero llamadas, mensajes o correos está bien|não me liga mais|I do not want to be called|
I don't want you to call me|I no longer wish to be called|I don't wish to be called at work|
I don't want you to call anymore|I don't want to be called but texting is ok|
Cease and desist all phone contact. Mail only."""
EVERY_WAY = """no me contacten mas por ningún medio|no me escriban de ninguna forma|não me contatem por nenhum meio|
do not contact me in any way|no me llamen ni me escriban|no quiero llamadas ni mensajes|dejen de llamar y de escribir|
no me escriban ni me llamen más|stop calling and texting me|não me liguem nem mandem mensagem|
no me llamen más. Y no me manden mensajes|de ninguna manera me contacten, no me escriban|
no quiero llamadas, mensajes ni nada|no me llamen ni me estén escribiendo|no me marquen ni me texteen|
no me llamen ni me wasapeen|não me liga e não me manda mensagem|não me liga nem manda mensagem|
não me ligue e não me mande mensagem|please cease all communication|cease and desist|end all communication|
Per 15 USC 1692c(c), cease all further communication with me|
no me llamen ni me escriban a mí ni a mi esposa|I no longer wish to be called or texted|
I don't want you to call or text me|I do not want to be texted or called|
me llaman de noche. No me llamen ni me escriban nunca más|
ya estoy harto de que llamen todos los días, no me llamen ni me escriban más|
me llaman todos los días no me llamen ni me escriban más|
não me liguem mais nem mandem mensagem. vocês ligam de noite|
do not contact me by any means, I told you this weekend|Cease all communication right now|
You call while I'm at work. Cease all communication with me.|Trabajo de noche. No me llamen ni me escriban nunca más"""
IN_PART = """no me llamen ni me escriban en la noche|no me llamen ni me escriban después de las 8|
no me llamen ni me escriban los fines de semana|no me llamen ni escriban los domingos|
no me llamen ni me escriban hasta el viernes que pago|no me contacten por ningún medio hasta el lunes|
no me llamen ni me escriban tan temprano|no me llamen ni me escriban mientras trabajo|
no me llamen ni me escriban tanto|no llamen ni escriban a mi trabajo|do not call or text me at night|
don't call or text me at work|não me liguem nem mandem mensagem à noite|no me contacten por ningún otro medio|
me molestan en la noche, no me llamen ni me escriban|los fines de semana, por favor, no me llamen ni me escriban|
no me llamen ni me escriban nunca más en la noche|não me liguem nem mandem mensagem mais no fim de semana|
no me contacten más por ningún medio hasta el lunes|if you call me at night, do not call or text me anymore"""
ONLY_THIS_WAY = """no me contacten por ningún otro medio, solo por aquí|
no me llamen ni me escriban al correo, solo por aquí|
no me contacten por ningún otro medio que no sea este|não me liguem nem mandem e-mail, só por aqui|
no me llamen, por aquí sí|no me contacten, solo por este medio|
Don't contact me by email or any other way, only here|No me contacten por correo ni por otro medio, solo por aquí|
No me llamen ni me manden correos, solo por aquí|Don't call or email me, only here"""
ANOTHER_WAY = """no me escriban por whatsapp, solo por aquí|no me manden whatsapp, solo por este número|
no me contacten por whatsapp, solo por aquí"""
THIS_CHANNEL = """ya no me escriban, y solo por este número tengo contacto con mis hijos|
STOP|baja|no me escriban más|no me manden más mensajes|não me mandem mais mensagens|stop texting me|
no me escriban, mejor que me llamen|por aquí no escribáis nunca más; llamadme el lunes|me llamo Ester, no me escriban|
me llaman 20 veces al día, dejen de escribirme|remove my phone number|descadastrar|sáquenme de su lista|
no me contacten más|ya no me manden textos, prefiero que me llame una persona"""
PREFERS_MESSAGES = """No me llamen, prefiero sms o whatsapp|Do not call me. Text or email only|
stop calling and text me|
No me llamen, escríbanme por sms o correo|não me liguem, mandem whatsapp ou e-mail|
don't call me, text or email is fine|
no me llamen, escríbanme por cualquier otro medio|no me llamen por ningún motivo, escríbanme|
no me llamen de ninguna forma, escríbanme|no me llamen, mejor whatsapp o sms|
Stop calling me and messaging works better|do not call me, whatsapp me"""
WANTS_NO_MESSAGES = """you better stop calling me|I'm fine, stop calling me|don't call and text me|
stop calling, just stop|
tired of so many texts, stop calling me|stop calling me, just stop the texts|mejor no me llamen|
can you not text or call me|
no me llamen, mejor no me manden mensajes"""
CALLS_WHATEVER_IS_PAID = """no me llamen y los mensajes los leo|no llamen a mi trabajo por ningun motivo|
No me llamen. De cualquier manera pago el viernes|no me llamen y escribir por whatsapp|não me liguem e mensagem pode"""
CHANNEL_WHATEVER_IS_PAID = """no me escriban más, no puedo pagar de ninguna forma|
no me escriban, de ninguna manera pago|
de cualquier forma voy a pagar, ya no me escriban|no me escriban por ningun motivo"""
BOTH_NAMED = """Dejen de llamarme. Basta de mensajes.|Stop calling me. Stop the messages.|
no me llamen, retiro mi consentimiento|
Paren de llamarme y paren con los mensajes|parem de ligar, parem com as mensagens|no quiero llamadas, ya dije basta|
no me llamen, tampoco me manden mensajes|no me llamen. tampoco me escriban|dejen de llamarme, nada de mensajes|
não me liguem, chega de mensagens|stop calling me, i don't want any texts either|
no me molesten con mensajes por telefono|
no me molesten mas con llamadas, con mensajes, con nada|no me llamen, no me busquen|no me llamen más ni nada|
No me llamen no quiero saber nada de ustedes|no me escriban, tampoco me llamen|STOP. Don't call me.|
no me llamen por aquí|no me llamen más ni por este medio|no me llamen, tampoco por aquí|
dejen de molestarme con mensajes y llamadas|no me llames por este medio|no me llamen por whatsapp|
não me liguem por aqui|
dejen de llamar y escribir a mi trabajo|no me escriban mas no puedo pagar de ninguna forma|
no me llamen de ninguna forma|
don't call me in any way|no me contacten por ningún medio, solo por correo"""
STOP_WORDS_ABOUT_CALLS = "no llamar|nao ligar|DO NOT CALL|No llamar por favor"


def each(texts: str) -> list[str]:
    return [t.strip("\n") for t in texts.split("|")]


@pytest.mark.parametrize("text", each(ONLY_CALLS))
def test_who_wants_no_calls_may_still_be_written_to(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CALLS


@pytest.mark.parametrize("text", each(PREFERS_MESSAGES))
def test_who_prefers_messages_gets_them(text: str) -> None:
    """Given no calls and a wish for messages in the same words, when they are read, then calls alone are unwanted: who
    is ceased would never hear from us again by what they asked for."""
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), asks_to_be_written_to(text)) == (StopScope.CALLS, True)


@pytest.mark.parametrize("text", each(WANTS_NO_MESSAGES))
def test_who_only_sounds_like_it_asks_for_no_messages(text: str) -> None:
    assert not asks_to_be_written_to(text)


@pytest.mark.parametrize("text", each(CALLS_WHATEVER_IS_PAID))
def test_what_is_said_beside_no_calls_ends_no_messages(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CALLS


@pytest.mark.parametrize("text", each(CHANNEL_WHATEVER_IS_PAID))
def test_paying_by_no_means_is_no_wish_for_no_contact(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CHANNEL


@pytest.mark.parametrize("text", each(BOTH_NAMED))
def test_who_may_want_neither_calls_nor_messages_gets_neither_this_way(text: str) -> None:
    """Given no calls and, apart from that, no messages or words that may mean so, when they are read, then calls and
    the channel they came by are unwanted, and all contact has not ended: that cannot be taken back."""
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CALLS_AND_CHANNEL


@pytest.mark.parametrize("text", each(STOP_WORDS_ABOUT_CALLS))
def test_a_word_that_stops_closes_the_channel_it_came_by_though_it_names_calls(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CALLS_AND_CHANNEL


@pytest.mark.parametrize("text", each(EVERY_WAY))
def test_who_wants_it_by_no_means_is_reached_by_none(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.EVERYTHING


@pytest.mark.parametrize("text", each(IN_PART))
def test_who_names_hours_places_or_others_too_is_not_ceased(text: str) -> None:
    """Given no calls and no messages with hours, days, a place, somebody else or another way beside them, when they are
    read, then all contact has not ended, which cannot be taken back, and it is for a person to read."""
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CALLS_AND_CHANNEL
    assert stops_in_part(text)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("ustedes llaman a mi trabajo, no llamen ni escriban más ahí", StopScope.CALLS_AND_CHANNEL),
        ("me escriben de madrugada, no me llamen ni me escriban más a esas horas", StopScope.CALLS_AND_CHANNEL),
        ("me llaman a mi hermana no la llamen ni le escriban más", StopScope.CALLS_AND_CHANNEL),
        ("vocês ligam no meu trabalho, não liguem nem escrevam mais lá", StopScope.CALLS_AND_CHANNEL),
        ("vocês ligam de madrugada, não liguem nem mandem mais mensagens nesse horário", StopScope.CALLS_AND_CHANNEL),
        ("vocês ligam para minha mãe, não liguem nem escrevam mais para ela", StopScope.CALLS),
    ],
)
def test_a_stop_that_points_back_to_a_place_an_hour_or_a_person_ends_that_alone(text: str, scope: StopScope) -> None:
    """Given what they tell of our calls, and no calls and no messages "there", "then" or to "her", when they are read,
    then all contact has not ended, and it is for a person to read."""
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), stops_in_part(text)) == (scope, True)


@pytest.mark.parametrize(
    "text",
    [
        "me llaman de noche, no me llamen ni me escriban más",
        "do not call or text me again, you call my mother",
        "you call my mother, tell them to stop calling and texting me again",
        "me llaman de noche, no me llamen ni me escriban más, la verdad",
    ],
)
def test_a_stop_that_points_back_to_nothing_ends_everything(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), stops_in_part(text)) == (StopScope.EVERYTHING, False)


@pytest.mark.parametrize(
    "text",
    [
        "si pago hoy ya no me llamen ni me escriban", "once I pay stop calling and texting me",
        "if I pay today will you stop calling and texting me?", "cuando pague no me llaméis ni me escribáis más",
        "cuando pague, no me llaméis ni me escribáis más", "quando eu pagar não me liguem nem me escrevam mais",
        "if I pay today, will you cease all contact with me?",
        "no me llaméis ni escribáis que estoy en una reunión", "não me liguem nem me escrevam, estou em reunião",
        "ahorita no me llamen ni me escriban, estoy en el hospital", "don't call me or text me, I'm in a meeting",
        "ahora no me llamen ni me escriban", "pueden dejar de llamarme y de escribirme?",
        "can you stop calling and texting me?", "¿pueden dejar de llamarme y de escribirme? gracias",
    ],
)  # fmt: skip
def test_a_condition_a_question_and_not_now_do_not_end_all_contact(text: str) -> None:
    """Given no calls and no messages for this moment, once a payment is made, or as a question, when they are read,
    then what they name is closed, all contact has not ended, and it is for a person to read."""
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), stops_in_part(text)) == (StopScope.CALLS_AND_CHANNEL, True)


@pytest.mark.parametrize(
    "text",
    [
        "no me llaméis ni me escribáis más", "stop calling and texting me", "ya pagué, no me llamen ni me escriban más",
        "no me llamen ni me escriban porque estoy harto", "no me llamen ni me escriban porque estoy en quiebra",
        "don't call me or text me, I'm in bankruptcy", "never call or text me again, I'm at work",
        "desde hoy no me llamen ni me escriban", "a partir de ahora no me llamen ni me escriban",
        "¿por qué me llaman tanto? no me llamen ni me escriban más", "don't call me or text me ever again, ok?",
        "que no me llamen ni me escriban más, ¿entendido?", "can you cease all communication with me?",
        "voy a pagar cuando cobre, no me llamen ni me escriban más", "si no pago es mi problema, no me llamen ni me "
        "escriban más", "cuando pague les aviso, no me llamen ni me escriban más",
        "no me contacten por ningún medio, estoy en el hospital",
    ],
)  # fmt: skip
def test_a_stop_with_a_reason_or_a_question_beside_it_ends_everything(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), stops_in_part(text)) == (StopScope.EVERYTHING, False)


@pytest.mark.parametrize("text", ["no llamen ni escriban a mi esposa", "please stop all contact with my employer"])
def test_who_speaks_of_others_alone_is_still_written_to(text: str) -> None:
    assert (named_scope(text), stops_in_part(text)) == (StopScope.CALLS, True)


@pytest.mark.parametrize("text", each(ONLY_THIS_WAY))
def test_who_wants_to_be_written_to_here_alone_keeps_this_way(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), asks_to_be_written_to(text)) == (StopScope.CALLS, True)
    assert stops_in_part(text)


@pytest.mark.parametrize("text", each(ANOTHER_WAY))
def test_who_wants_no_messages_by_another_way_ends_that_way_alone(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert (named_scope(text), ways_named(text)) == (StopScope.NAMED_WAYS, (Channel.WHATSAPP,))
    assert stops_in_part(text)


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("no me escriban por correo, solo por este whatsapp", (Channel.EMAIL,)),
        ("no me manden sms ni correos, solo por aquí", (Channel.SMS, Channel.EMAIL)),
        ("no me escriban más. Por whatsapp pago", ()),
        ("No me escriban por correo pero solo por este whatsapp", (Channel.EMAIL,)),
        ("No me llamen ni me manden correos, solo por este whatsapp", (Channel.EMAIL,)),
        ("no me llamen por whatsapp, solo por aquí", ()),
        ("no me llamen por whatsapp ni me manden correos, solo por aquí", (Channel.EMAIL,)),
        ("no me llamen prefiero correo, solo por aquí", ()),
    ],
)
def test_the_ways_that_are_named_are_those_that_are_forbidden(text: str, ways: tuple[Channel, ...]) -> None:
    assert ways_named(text) == ways


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("no me llamen, escríbanme", False),
        ("don't call me, text me", False),
        ("can you not call me", False),
        ("you call me every day, stop calling", False),
        ("stop calling me at work, call me after 6", True),
        ("no me llamen al trabajo, llámenme a mi celular", True),
        ("não me liguem, podem ligar amanhã", True),
    ],
)
def test_who_wants_to_be_called_elsewhere_or_later_asks_for_a_call(text: str, asks: bool) -> None:
    assert asks_for_a_call(text) is asks


@pytest.mark.parametrize("text", ["cease all communication with my employer right now"])
def test_at_once_is_no_part_and_somebody_else_is(text: str) -> None:
    assert (named_scope(text), stops_in_part(text)) == (StopScope.CALLS, True)


@pytest.mark.parametrize(
    "text",
    [
        "no me llamen ni me escriban más, pago el viernes",
        "no me llamen ni me escriban a mí",
        "no me escriban por aquí",
        "no me escriban más",
        "no me llamen al trabajo",
        "¿me llaman en la noche?",
        "pago hasta el viernes, solo por aquí",
    ],
)
def test_a_stop_of_everything_or_none_at_all_is_no_wish_in_part(text: str) -> None:
    assert not stops_in_part(text)


@pytest.mark.parametrize("text", each(THIS_CHANNEL))
def test_who_names_nothing_else_means_the_channel_they_wrote_by(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is StopScope.CHANNEL


@given(st.text(max_size=400))
def test_any_text_has_a_scope(text: str) -> None:
    assert named_scope(text) in StopScope


@pytest.mark.parametrize(
    "piece",
    ["no me cobren ", "ni a ", "no que me ", "no me llamen y ", "molesten con ", "de ninguna forma me ", "no, sin ",
     "no me escriban a mi por ", "and text ", "stop calling and stop ", "dont call me ", "text ", "llamen mas ",
     "a mi ", "llaman ", "ya harto de ", "no me escriban por correo, ", "no llamen a mi ", "hasta el ",
     "cease all ", "stop the ", "si pago ", "cuando pague, no me llamen ni me escriban, ", "estoy en el ", "ahora ",
     "no me llamen ni me escriban? "],
)  # fmt: skip
def test_the_scope_of_a_message_as_long_as_any_is_read_at_once(piece: str) -> None:
    longest = piece * (8_000 // len(piece))
    began = process_time()
    named_scope(longest)
    asks_to_be_written_to(longest)
    stops_in_part(longest)
    assert process_time() - began < 2
