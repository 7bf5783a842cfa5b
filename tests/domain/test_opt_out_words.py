from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.opt_out_scope import StopScope, named_scope
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
dejen de cobrarme|do not text|No more|ARRET|
ni me wasapeen|no me texteen|please cease all communication|I do not wish to be contacted|cease and desist|
I don't want to hear from you again|I never want to hear from you again|I don't want to be contacted|
I don't want you to contact me|I don't want you to call again|I don't want you to ever text me anymore|
I don't want you to text or call any more|I never want to be contacted again|I don't want to get texted anymore|
no further contact|please stop all contact|não me liga e não me manda mensagem"""
NEAR_MISSES = """no me mandaron el link|no me han mandado el enlace|No me llamo Juan|aún no envié el pago|
perdón que no llamé|no me enviaste el recibo|nadie me llamó|no mandé el comprobante|no me llegó el mensaje|
el monto es alto para mí|ya no me cobraron nada en la tarjeta|salir del paso|no more money this week|
I wish to be contacted by email|I don't want to hear excuses|I didn't hear from you again|
haven't heard from you|não me liga|I do not want to call again. Did you get my payment?|
I don't want to text anymore, how can I pay|I don't want to email again, I already sent the receipt|
I don't want to bother you again"""
STARTS = "START|start|Unstop|ALTA|start please|reanudar"
OTHERS = """CANCELAR|cancelar|Quiero cancelar|quiero cancelar mi deuda|voy a cancelar mañana|¿cómo puedo cancelar?|
ya cancelé la cuota|cancelar deuda|puedo cancelar la mitad hoy|cancelo el viernes el total|hola|gracias|
ya pagué|¿cuánto debo?|el interés es muy alto|no puedo pagar|para cuándo es|page para el lunes|
el viernes cobro y pago|I will pay at the end of the month|mándenme el link|me quedé sin trabajo||   |12345|👍"""
UNCLEAR = """stop o pago?|quiero cancelar pero stop|cancelar todo esto ya no se que hacer stop|si pago me dan de alto?|
cancelar eso|I said stop already, who are you"""

CANCELO_PAYS = """el viernes cancelo|a fin de mes cancelo|cancelo el lunes|el 30 cancelo|cuando cobre cancelo|
señor yo le cancelo el viernes sin falta|ayer cancelé|cancelé el lunes por nequi|le cancelé a Rosa en la agencia|
cancelaré el martes|el sábado le cancelamos, veci|eso ya quedó cancelado|con la quincena cancelo|
no había visto el mensaje, pero el viernes cancelo|la letra la cancelé por yape ayer|
cancelo apenas me depositen la gratificación|
me canceló mi hermano por mí en la oficina|el jueves termino de cancelar|sáqueme los punitorios y te cancelo|
me comprometo a cancelar 20 lucas mañana|indíqueme el valor a cancelar|cancelando el 15, le aviso"""
CANCELO_UNCLEAR = """cancelo el viernes y stop|cancele eso|cancelo mi autorización|
cancelo mi permiso para que me escriban|
el lunes cancelo, baja por favor"""
NO_BAJA = """estoy de baja médica, cobro el 10 y os pago|estoy de baja, el lunes pago|
dado de baja en el paro, no puedo|
estoy de baja y no puedo pagar este mes|me dieron de baja en el trabajo, no tengo con qué|sigo de baja hasta el 30|
vivo en la planta baja|baja california, pago el viernes|baja los intereses y pago|ando de baja con la espalda|
llevo tres meses de baja y cobro el 60 %|mi mujer está de baja por maternidad|la empresa me dio de baja del IMSS|
basta con que me den hasta el viernes|con eso basta, el lunes pago|me basta con una semana más|
hay temporada baja en el hotel, abono el 20|esa tarjeta la di de baja hace un año|
con la baja médica no llego a la cuota|
si me baja la cuota pago hoy|embarazo de alto riesgo, estoy en reposo|en cuanto me ingresen lo de la baja os pago"""
BAJA_STOPS = """baja|BAJA|baja por favor|baja gracias|BAJA.|de baja|alto|basta|stop|quiero la baja|dame de baja|
denme de baja de su lista|solicito mi baja|me pueden dar de baja?|que me den de baja ya|pónganme de baja|dadme de baja|
quisiera darme de baja|baja de sus mensajes|me doy de baja|exijo que me dé de baja|tramiten mi baja, gracias"""
BAJA_UNCLEAR = """yo ya me di de baja y siguen|baja, no me interesa|basta de amenazas|quiero dar de baja la tarjeta|
stop, el interés es muy alto|me dieron de baja de su lista?|cease and desist letter on its way"""
NO_CHARGE = """no me cobren intereses y les pago mañana|ya no me cobren recargos, pago el viernes|no cobren comisión|
que no me cobren dos veces, ya pagué la cuota|no me cobren de la cuenta sueldo, pago por transferencia mañana|
no me manden al veraz, el viernes pago|no me envien a dicom, pago el lunes|por favor no me manden a buro|
no me envíes el enlace todavía, el viernes pago|nao me mande boleto, quero pagar por pix|
no me molesta que me escriban, pago el lunes|no me cobren más intereses de mora|
dejen de cobrarme intereses y pago|no me mandéis al ASNEF, el 5 os pago|não me cobrem juros, pago amanhã|
não mandem meu nome pro Serasa, pago sexta|não deixem de me avisar do vencimento|não me cobrem duas vezes|
no me manden a Infocorp, el 15 le pago|no me vuelvan a cobrar lo que ya pagué|não me mandem mais boleto, pago por pix|
no me cobre la mora, joven, y le deposito|não, me mande o pix por favor|no me cobren doble, ya consigné por Efecty"""
STILL_STOPS = """no me cobren más|no me cobren|ya pagué, no me cobren|No me cobren, ya pagué la cuota|
no me manden mensajes|
no me manden más|no me envíen más correos|no me manden nada|no me manden nada más|no me mandéis más wasaps|
dejad de escribirme|no me llaméis más|no me escribáis|que dejéis de mandarme mensajes|no me manden más recordatorios|
no me manden más por favor|dejen de mandarme tonterías|dejen de mandar mensajes a mi celular|no me manden más avisos|
no me envíen a este número|no me cobren de más ni me llamen|no más mensajes, el viernes cancelo|
no me cobren por whatsapp|No, dejen de escribirme|¡No! Dejen de llamarme|
no dejen de molestarme|
no me marquen, estoy en la chamba|dejen de marcarme|no me vuelvan a marcar|no me hablen más por este medio|
não me mandem mais|não me mandem cobranças|não me cobrem mais|não me mande mais mensagens, pago sexta|
parem de me mandar mensagem|não me liga mais|não manda mais mensagem|não enviem nada|ya no me manden whats|
no me manden esto|no sigan mandando esa grabación|cancelen todos sus mensajes|cancelen los recordatorios|
cancelen mis datos"""
NO_OTHER_MESSAGE = """ya pagué, no me manden otro mensaje|Ya pagué el lunes, no me envíen un solo mensaje más|
yo no debo nada, no me manden otro mensaje|no les debo nada no vuelvan a enviarme un mensaje|
pago el viernes, no me manden otro mensaje|no me envíen ningún tipo de mensaje, ya pagué|
ya pague, dejen de mandarme 20 mensajes al dia|ya pague no me envien informacion|
não me mandem outra mensagem, já paguei|
voy a pagar el viernes pero dejen de mandarme un mensaje cada hora|dejen de mandarme lo mismo|
I don't want any texts|do not call or text me, I paid|saquen este teléfono de ahí, ya pagué"""
CHARGE_UNCLEAR = """no me cobren que ya pagué|no me cobren porque ya cancelé|no me manden nada todavía|
no me mande tanto recado, el lunes le consigno|não me cobrem agora por favor"""
MAY_BE_A_STOP = """me dieron de baja y siguen mandando mensajes, ya pagué|estoy de baja y me siguen escribiendo|
dejen de cobrarme todos los días|dejen de cobrarme a cada rato, ya pagué|pare de me cobrar todo dia|
no me manden cobradores|
no me cobren a cada rato|retiro mi consentimiento|no dejen de escribirme|no dejéis de escribirme|No paren de llamarme|
no me dejen de escribir, el viernes pago|não parem de me ligar|cancele el servicio|cancelado el servicio por favor|
cancelo este servicio de mensajes|cancele el servicio, ya pagué|quiero cancelar el servicio"""


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


@pytest.mark.parametrize("text", each(CANCELO_PAYS))
def test_who_says_cancelo_tells_of_a_payment_and_goes_on_hearing_from_us(text: str) -> None:
    assert read_opt_out(text, "es") is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", each(CANCELO_UNCLEAR))
def test_cancelo_beside_a_stop_or_a_consent_is_read_by_a_person(text: str) -> None:
    assert read_opt_out(text, "es") is OptOutReading.UNCLEAR


@pytest.mark.parametrize("text", each(NO_BAJA))
def test_who_is_off_sick_or_lives_downstairs_closes_no_channel(text: str) -> None:
    assert read_opt_out(text, "es") is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", each(BAJA_STOPS))
def test_who_asks_for_the_baja_hears_no_more(text: str) -> None:
    assert read_opt_out(text, "es") is OptOutReading.OPT_OUT


@pytest.mark.parametrize("text", each(BAJA_UNCLEAR))
def test_a_stop_word_that_may_mean_something_else_is_read_by_a_person(text: str) -> None:
    assert read_opt_out(text, "es") is OptOutReading.UNCLEAR


@pytest.mark.parametrize("text", each(NO_CHARGE))
def test_who_wants_no_interest_no_link_or_no_bureau_goes_on_hearing_from_us(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", each(STILL_STOPS))
def test_who_wants_to_be_charged_and_sent_no_more_hears_no_more(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT


@pytest.mark.parametrize("text", each(CHARGE_UNCLEAR))
def test_not_to_be_charged_for_a_reason_is_read_by_a_person(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.UNCLEAR


@pytest.mark.parametrize("text", each(NO_OTHER_MESSAGE))
def test_no_word_between_sending_and_the_message_hides_a_stop(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT


@pytest.mark.parametrize("text", each(MAY_BE_A_STOP))
def test_what_may_have_lost_a_comma_or_mean_the_messages_is_read_by_a_person(text: str) -> None:
    """Given words that may ask for silence, or for its opposite, or tell of something else that has ended, when they
    are read, then it is left to a person, and nobody is written to meanwhile."""
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


@pytest.mark.parametrize(
    "piece",
    ["no me cobren ", "baja de ", "ni a ", "llevo y ", "no que me ", "basta con ", "cancelo ", "x no me mande de a "],
)
def test_a_message_as_long_as_any_is_read_at_once(piece: str) -> None:
    longest = piece * (8_000 // len(piece))
    began = process_time()
    read_opt_out(longest)
    assert process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("prohíbo que me llamen", StopScope.CALLS),
        ("Les prohíbo que me vuelvan a llamar", StopScope.CALLS),
        ("no les autorizo a llamarme", StopScope.CALLS),
        ("proíbo vocês de me ligarem", StopScope.CALLS),
        ("nunca más me llamen", StopScope.CALLS),
        ("nunca mais me liguem", StopScope.CALLS),
        ("les prohíbo escribirme", StopScope.CHANNEL),
        ("no autorizo que me contacten", StopScope.CHANNEL),
        ("no permito que me molesten", StopScope.CHANNEL),
        ("proíbo que me mandem mensagens", StopScope.CHANNEL),
        ("nunca más me escriban", StopScope.CHANNEL),
        ("nunca mais me mande mensagem", StopScope.CHANNEL),
    ],
)
def test_who_forbids_or_says_never_again_hears_no_more(text: str, scope: StopScope) -> None:
    assert read_opt_out(text) is OptOutReading.OPT_OUT
    assert named_scope(text) is scope


@pytest.mark.parametrize(
    "text",
    (
        "no autorizo el cobro a mi cuenta|no les autorizo a cobrarme de la cuenta|no permito que me cobren intereses|"
        "nunca me llamé así|nunca me escribieron antes|nunca me mandaron el link|nunca más me atraso, pago el viernes|"
        "está prohibido llamar a terceros|nunca más me cobren dos veces|nunca mais atraso, pago sexta|"
        "nunca me mandaram o boleto"
    ).split("|"),
)
def test_who_forbids_a_charge_or_tells_of_what_never_came_goes_on_hearing_from_us(text: str) -> None:
    assert read_opt_out(text) is OptOutReading.NOT_ABOUT_THIS
