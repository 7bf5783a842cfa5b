"""What counts as taking back the permission to read an account, and what only sounds like it."""

from __future__ import annotations

from itertools import product

import pytest

from domain.consent_words import Withdrawal, read_stop, read_withdrawal
from domain.opt_out_words import OptOutReading, read_opt_out

SAID = [
    "Revoco el permiso para consultar mi saldo",
    "quiero quitar el permiso de consultar mi saldo",
    "I withdraw my consent to see my balance",
    "retiro a permissão de consultar o meu saldo",
    "dejen de ver mi cuenta",
    "cancelen el permiso de acceso a mi banco",
    "no quiero que sigan mirando mi cuenta del banco",
    "revogo o acesso à minha conta bancária",
    "Stop reading my bank account",
    "ya no les autorizo a ver mi saldo",
    "quiero revocar el consentimiento bancario",
    "parem de ver o meu saldo",
    "no autorizo que consulten mi cuenta",
    "Hola, retiro el permiso que les di para que consulten el saldo de mi banco. gracias",
    "please cancel my permission to check my bank account",
    "não quero mais que vejam meu saldo",
    "I don't want you to look at my balance anymore",
    "quiero retirarles el permiso de ver mi cuenta",
    "não autorizo mais consultar a minha conta",
    "Quero retirar o consentimento para ler o meu saldo",
    "I no longer consent to you reading my account",
    "quítenme el acceso a mi cuenta bancaria",
    "quiero dejar de compartir mi saldo",
    "quero parar de compartilhar meu saldo",
    "I want to stop sharing my balance",
    "You no longer have permission to see my balance",
    "I no longer give you permission to read my account",
    "Ya no les doy permiso para ver mi saldo",
    "ya no doy mi consentimiento para ver mi saldo",
    "já não dou permissão para ver meu saldo",
    "ustedes ya no tienen permiso para ver mi cuenta",
    "I withdraw my bank consent",
    "I want to revoke my bank access",
    "remove my bank permission",
    "no miren mi cuenta",
]
UNNAMED = [
    "Retiro mi consentimiento",
    "Quiero retirar el permiso",
    "Revogo o consentimento",
    "I withdraw my consent, please",
]
ASKED = [
    "¿puedo retirar el permiso para ver mi saldo?",
    "how do I withdraw my consent to read my balance",
    "si retiro el permiso de ver mi saldo, qué pasa",
    "posso revogar o acesso à minha conta?",
]
BY_ANOTHER = [
    "El banco quitó el acceso a mi cuenta, no puedo pagar hoy",
    "Mi banco canceló el acceso a mi cuenta por internet",
    "My bank is removing access to my account",
    "quitó el acceso a mi cuenta",
    "el banco ya no tiene permiso para ver mi cuenta",
]
BESIDE_A_BALANCE = [
    "¿tienen permiso de ver mi saldo?",
    "stop it, what balance is that",
    "dejen de preguntar por el saldo",
]
SOMETHING_ELSE = [
    "no quiero quitar el permiso de consultar mi saldo",
    "no he retirado el permiso de ver mi saldo",
    "revoco la autorización para cargar en mi cuenta",
    "revoco la domiciliación de mi cuenta",
    "revoco mi consentimiento para que me llamen sobre mi saldo",
    "¿cuál es mi saldo?",
    "quiero consultar mi saldo",
    "cancelo el saldo el viernes",
    "voy a retirar dinero de mi cuenta del banco",
    "mi banco me quitó el acceso a mi cuenta",
    "quero quitar o saldo da minha conta",
    "no puedo ver mi saldo",
    "I want to see my balance",
    "can you stop charging my account",
    "I can't access my bank account",
    "no tengo acceso a mi cuenta",
    "no quiero ver mi cuenta en buró",
    "quiero cancelar la deuda, denme acceso a mi cuenta",
    "I no longer have access to my account",
    "no me dan permiso para ver mi cuenta",
    "cancel my bank authorization for the direct debit",
    "revoco mi consentimiento para que me llamen",
]
STOPS = (OptOutReading.OPT_OUT, OptOutReading.UNCLEAR)
OF_ANOTHER_KIND = [
    *(
        " ".join(words)
        for words in product(
            ["Retiro", "Revoco", "quiero retirar"],
            ["el permiso", "mi consentimiento", "la autorización"],
            [
                "para usar mi cuenta de WhatsApp",
                "para usar mi cuenta de correo con fines de cobro",
                "para usar mi cuenta",
                "de ver mi cuenta de Telegram",
                "para consultar mi saldo y para usar mi número",
                "para consultar mi saldo, y también para usar mi teléfono",
                "para ver mi cuenta y mis datos",
                "para ver mi saldo. Tampoco usen mi correo",
            ],
        )
    ),
    *(
        " ".join(words)
        for words in product(
            ["Revogo", "retiro"],
            ["a autorização", "o consentimento", "minha permissão"],
            [
                "para usar minha conta de WhatsApp",
                "para ver meu saldo e para usar meu número",
                "para acessar minha conta de e-mail",
            ],
        )
    ),
    *(
        " ".join(words)
        for words in product(
            ["I withdraw", "I revoke", "withdraw"],
            ["consent", "my permission", "the permission"],
            [
                "for my number and my account",
                "to use my account",
                "to see my balance and to use my phone",
                "to read my account, and to text me",
            ],
        )
    ),
]
"""A permission that is taken back beside an account of another kind, or another use: each is a stop, or may be one."""


@pytest.mark.parametrize("text", SAID)
def test_the_permission_to_read_an_account_is_taken_back_and_nothing_else(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.SAID
    assert read_stop(text) is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", UNNAMED)
def test_a_permission_that_nothing_names_may_be_any_and_stays_what_may_be_a_stop(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.UNNAMED
    assert read_stop(text) is OptOutReading.UNCLEAR


@pytest.mark.parametrize("text", [*ASKED, *BY_ANOTHER])
def test_whether_it_can_be_taken_back_is_a_question_and_what_another_did_is_for_a_person(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.ASKED


@pytest.mark.parametrize("text", BESIDE_A_BALANCE)
def test_a_permission_or_an_end_beside_a_balance_may_be_about_reading_it(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.MAYBE


@pytest.mark.parametrize("text", SOMETHING_ELSE)
def test_what_is_about_something_else_takes_nothing_back(text: str) -> None:
    assert read_withdrawal(text) in (None, Withdrawal.MAYBE)


@pytest.mark.parametrize("text", OF_ANOTHER_KIND)
def test_no_stop_is_lost_beside_an_account_of_another_kind_or_another_use(text: str) -> None:
    """Given words that are heard as a stop, or as what may be one, when they name an account or a balance too, then
    they are heard the same."""
    assert read_opt_out(text) in STOPS
    assert read_stop(text) is read_opt_out(text)


@pytest.mark.parametrize("text", [*OF_ANOTHER_KIND[:3], "Retiro mi permiso, no miren mi cuenta"])
def test_what_may_be_both_is_both(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.SAID
    assert read_stop(text) is OptOutReading.UNCLEAR


def test_a_stop_beside_it_stays_a_stop() -> None:
    text = "retiro el permiso de ver mi saldo. No me escriban más"

    assert read_stop(text) is OptOutReading.OPT_OUT


def test_to_pay_beside_it_closes_nothing() -> None:
    assert read_stop("Revoco el permiso para consultar mi saldo. Pago el viernes") is OptOutReading.NOT_ABOUT_THIS
