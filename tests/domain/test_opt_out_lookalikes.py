"""What only looks like a wish to be left alone, whatever a model reads in it."""

from __future__ import annotations

import pytest

from domain.opt_out_lookalikes import is_no_stop, revokes_a_debit
from domain.opt_out_words import OptOutReading, read_opt_out

REVOKED_DEBITS = """quiero dar de baja la domiciliación|take me off autopay|dar de baja el pac|dar de baja el recibo|
quiero dar de baja el débito automático|darme de baja del débito automático|cancelar la domiciliación|
quiero cancelar el débito automático|remove me from autopay|stop autopay|stop the automatic payments|
quero cancelar o débito automático|para dar de baja el débito automático?|para cancelar la domiciliación|
revoco la autorización del débito automático|no autorizo el débito automático|dejen de cobrarme el débito automático|
anulen la domiciliación bancaria|por favor paren los cobros automáticos"""
NO_DEBIT_REVOKED = """cancelo con débito automático|quiero cancelar por pago automático|
¿cómo cancelo con domiciliación?|
quiero pagar con débito automático|me llegó el recibo|ya cancelé el recibo|stop texting Pat|I want to set up autopay|
my direct debit didn't go through|dejen de llamarme por el débito automático|hola"""
BUREAUS = """bórrenme de asnef|borradme de asnef|sáquenme de datacrédito|retira meu nome do spc por favor|
sáquenme de la lista negra|sáquenme de su lista negra|quítenme de la lista de morosos|denme de baja de asnef|
eliminen mis datos de dicom|borren mis datos del buró|tirem meu nome do serasa|me tirem da lista do spc|
tirem o meu nome do serasa|remove me from the credit bureau|take me off the blacklist"""
NEVER_CAME = """no me mandaron mensaje|no me llegó ningún mensaje|nunca me escribieron antes|I never got your message|
no me molesta que me escribas|no me molestan los mensajes|estoy de baja"""
STILL_STOPS = """sáquenme de asnef y no me llamen más|no me mandaron mensaje y ya dejen de fregar|
stop texting me and cancel autopay|quiten el débito automático y no me llamen|estoy de baja, pero no me jodan más|
sáquenme de su lista|remove me from your list|stop sending me autopay reminders|
please stop sending automatic payment alerts|dejen de mandarme alertas de pago automático|
borren mi número o voy al buró|apaga meu telefone ou vou na boa vista|borren mi número porque me mandan al buró|
borren mi número|baja de mensajes y del débito automático"""
MAY_STILL_STOP = """estoy de baja y no quiero saber nada|no me molesta pero ya basta|stop and cancel autopay|
estoy de baja, olvídense de mí|hola|no me interesa nada de ustedes"""


def each(texts: str) -> list[str]:
    return [t.strip("\n") for t in texts.split("|")]


@pytest.mark.parametrize("text", each(REVOKED_DEBITS))
def test_who_ends_a_direct_debit_closes_no_channel_and_is_read_by_a_person(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.NOT_ABOUT_THIS
    assert is_no_stop(text)
    assert revokes_a_debit(text)


@pytest.mark.parametrize("text", each(NO_DEBIT_REVOKED))
def test_who_pays_by_debit_ends_none(text: str) -> None:
    assert not revokes_a_debit(text)


@pytest.mark.parametrize("text", each(BUREAUS))
def test_who_wants_to_be_off_a_list_of_debtors_closes_no_channel(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.NOT_ABOUT_THIS
    assert is_no_stop(text)


@pytest.mark.parametrize("text", each(NEVER_CAME))
def test_what_never_came_or_does_no_harm_is_no_stop_whatever_the_model_says(text: str) -> None:
    assert is_no_stop(text)


@pytest.mark.parametrize("text", each(STILL_STOPS))
def test_a_stop_beside_it_is_a_stop(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert not is_no_stop(text)


@pytest.mark.parametrize("text", ["stop your automatic payment notifications", "stop autopay emails"])
def test_notices_of_a_debit_are_no_debit(text: str) -> None:
    """Given a wish for no more notices of a debit, when it is read, then it may be a stop, and no debit is ended."""
    assert read_opt_out(text) is OptOutReading.UNCLEAR
    assert (is_no_stop(text), revokes_a_debit(text)) == (False, False)


@pytest.mark.parametrize("text", each(MAY_STILL_STOP))
def test_where_more_is_said_of_contact_the_model_is_believed(text: str) -> None:
    assert not is_no_stop(text)


@pytest.mark.parametrize(
    "piece", ["cancel a ", "baja de ", "borren mis ", "no me ", "no quiero a ", "stop the ", "never sent "]
)
def test_a_message_as_long_as_any_is_judged_like_a_short_one(piece: str) -> None:
    longest = piece * (8_000 // len(piece))
    assert (is_no_stop(longest), revokes_a_debit(longest)) == (is_no_stop(piece * 9), revokes_a_debit(piece * 9))
