from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.opt_out_words import OptOutReading, read_opt_out

STOPS = """STOP|stop|Stop.|¡STOP!|STOPALL|Stop all|UNSUBSCRIBE|END|QUIT|CANCEL|Cancel.|REVOKE|OPTOUT|opt-out|BAJA|
ALTO|PARAR|PARA|DETENER|NO MAS|NO MÁS|no más por favor|STOP POR FAVOR|stop please|Baja, gracias|Hola, baja|
STOP STOP STOP|no me escriban|No me escriban más|no me llamen|no me llamen mas por favor|NO ME MANDEN MENSAJES|
no quiero que me llamen|no quiero más mensajes|no deseo recibir sus mensajes|dejen de escribirme|
Dejen de fregar|dejen de molestar|deje de llamarme|ya dejen de mandar mensajes|paren de escribirme|
no vuelvan a llamar|no me vuelvan a escribir|eliminen mis datos|borren mi número|quiero darme de baja|
denme de baja|dame de baja|cancelar mensajes|cancelar suscripción|quiero cancelar la suscripción|
cancelar los mensajes|stop texting me|Don't text me|do not contact me|no more messages|remove me from your list|
leave me alone|unsubscribe me|cancel my subscription|déjenme en paz"""
PORTUGUESE_STOPS = """SAIR|sair.|PARAR|Pare|PAREM|pare por favor|CHEGA|REMOVER|descadastrar|Descadastre|
quero me descadastrar|me descadastrem|Não me mande mais|não me mandem mais mensagens|não me ligue|Nao me liguem mais|
não enviem mais|não quero mais mensagens|não quero receber SMS|não desejo receber|parem de me ligar|pare de me cobrar|
deixem de me mandar mensagem|cancelar mensagens|cancelem as mensagens|quero cancelar minha inscrição|
me tirem da lista|me remova dessa lista|apaguem meus dados|exclua meu número|tira meu número|me deixem em paz|
deixe-me em paz|quero sair da lista|quero sair|não me perturbe|Oi, não me incomodem|não autorizo contato"""
PORTUGUESE_OTHERS = """Quero quitar minha dívida|vou sair do trabalho e pago|pago na sexta|já paguei o boleto|
manda o pix|me mande o link|ainda não mandei o comprovante|não recebi a mensagem|obrigado|quanto devo?|
o dinheiro chega amanhã|para quando é?|posso parcelar?|não consegui pagar|quero cancelar meu empréstimo"""
MORE_STOPS = """SALIR|no llamen más|No llamen|no escriban mas|No molestar|no me cobren más|no llame más|
dejen de cobrarme|do not text|No more|ARRET"""
NEAR_MISSES = """no me mandaron el link|no me han mandado el enlace|No me llamo Juan|aún no envié el pago|
perdón que no llamé|no me enviaste el recibo|nadie me llamó|no mandé el comprobante|no me llegó el mensaje|
el monto es alto para mí|ya no me cobraron nada en la tarjeta|salir del paso|no more money this week"""
STARTS = "START|start|Unstop|ALTA|start please|reanudar"
OTHERS = """CANCELAR|cancelar|Quiero cancelar|quiero cancelar mi deuda|voy a cancelar mañana|¿cómo puedo cancelar?|
ya cancelé la cuota|cancelar deuda|puedo cancelar la mitad hoy|cancelo el viernes el total|hola|gracias|
ya pagué|¿cuánto debo?|el interés es muy alto|no puedo pagar|para cuándo es|page para el lunes|
el viernes cobro y pago|I will pay at the end of the month|mándenme el link|me quedé sin trabajo||   |12345|👍"""
UNCLEAR = """stop o pago?|quiero cancelar pero stop|cancelar todo esto ya no se que hacer stop|si pago me dan de alto?|
cancelar eso|I said stop already, who are you"""


def each(texts: str) -> list[str]:
    return [t.strip("\n") for t in texts.split("|")]


@pytest.mark.parametrize("text", each(STOPS))
def test_a_wish_to_be_left_alone_is_an_opt_out(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT


@pytest.mark.parametrize("text", each(PORTUGUESE_STOPS))
def test_a_wish_to_be_left_alone_is_read_in_portuguese(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert read_opt_out(text, "pt") is OptOutReading.OPT_OUT


@pytest.mark.parametrize("text", each(PORTUGUESE_OTHERS))
def test_everyday_words_in_portuguese_are_no_opt_out(text: str) -> None:
    assert read_opt_out(text, "pt") is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", each(MORE_STOPS))
def test_further_words_that_stop(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT


@pytest.mark.parametrize("text", each(NEAR_MISSES))
def test_a_borrower_who_misses_a_message_is_not_taken_for_one_who_wants_none(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", ["Stop.", "STOP POR FAVOR", " baja "])
def test_sm7_what_the_provider_ignores_is_an_opt_out_with_us(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT


def test_us11_dejen_de_escribirme_is_an_opt_out() -> None:
    assert read_opt_out("dejen de escribirme") is OptOutReading.OPT_OUT


def test_ar5_no_llamen_mas_is_an_opt_out() -> None:
    assert read_opt_out("no llamen más") is OptOutReading.OPT_OUT


@pytest.mark.parametrize(
    ("text", "spanish", "portuguese"),
    [
        ("CANCEL", OptOutReading.OPT_OUT, OptOutReading.OPT_OUT),
        ("CANCELAR", OptOutReading.NOT_ABOUT_THIS, OptOutReading.UNCLEAR),
        ("Quero cancelar", OptOutReading.UNCLEAR, OptOutReading.UNCLEAR),
        ("quiero cancelar (mi deuda)", OptOutReading.NOT_ABOUT_THIS, OptOutReading.NOT_ABOUT_THIS),
        ("quero cancelar minha dívida", OptOutReading.NOT_ABOUT_THIS, OptOutReading.NOT_ABOUT_THIS),
        ("cancelar mensajes", OptOutReading.OPT_OUT, OptOutReading.OPT_OUT),
        ("cancelar as mensagens", OptOutReading.OPT_OUT, OptOutReading.OPT_OUT),
    ],
)
def test_the_cancelar_trap(text: str, spanish: OptOutReading, portuguese: OptOutReading) -> None:
    assert read_opt_out(text, "es") is spanish
    assert read_opt_out(text) is spanish
    assert read_opt_out(text, "pt") is portuguese


@pytest.mark.parametrize("text", each(STARTS))
def test_start_lets_us_write_again(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_IN


@pytest.mark.parametrize("text", each(OTHERS))
def test_to_cancel_a_debt_and_everyday_words_are_no_opt_out(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", each(UNCLEAR))
def test_what_can_be_read_both_ways_goes_to_a_person(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.UNCLEAR


@given(
    word=st.sampled_from(["STOP", "BAJA", "NO MÁS", "CANCEL", "UNSUBSCRIBE"]),
    before=st.sampled_from(["", " ", "\n", "¡", "...", "Hola, ", "por favor "]),
    after=st.sampled_from(["", "!", " .", "\r\n", " por favor", ", gracias", " YA"]),
)
def test_case_marks_and_courtesy_change_nothing(word: str, before: str, after: str) -> None:
    for spelled in (word, word.lower(), word.title()):
        assert read_opt_out(before + spelled + after) is OptOutReading.OPT_OUT


@given(st.text(max_size=400))
def test_any_text_is_answered(text: str) -> None:
    assert read_opt_out(text) in OptOutReading
