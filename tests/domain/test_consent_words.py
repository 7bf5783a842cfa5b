"""What counts as taking back the permission to read an account, and what only sounds like it."""

from __future__ import annotations

import pytest

from domain.consent_words import Withdrawal, read_withdrawal, without_withdrawal
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
]
ASKED = [
    "¿puedo retirar el permiso para ver mi saldo?",
    "how do I withdraw my consent to read my balance",
    "si retiro el permiso de ver mi saldo, qué pasa",
    "posso revogar o acesso à minha conta?",
]
SOMETHING_ELSE = [
    "no quiero quitar el permiso de consultar mi saldo",
    "no he retirado el permiso de ver mi saldo",
    "revoco la autorización para cargar en mi cuenta",
    "revoco la domiciliación de mi cuenta",
    "revoco mi consentimiento para que me llamen sobre mi saldo",
    "retiro mi consentimiento",
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
]


@pytest.mark.parametrize("text", SAID)
def test_the_permission_to_read_an_account_is_taken_back_and_nothing_else(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.SAID
    assert read_opt_out(without_withdrawal(text)) is OptOutReading.NOT_ABOUT_THIS


@pytest.mark.parametrize("text", ASKED)
def test_whether_it_can_be_taken_back_is_a_question(text: str) -> None:
    assert read_withdrawal(text) is Withdrawal.ASKED


@pytest.mark.parametrize("text", SOMETHING_ELSE)
def test_what_is_about_something_else_takes_nothing_back(text: str) -> None:
    assert read_withdrawal(text) is None


def test_a_stop_beside_it_stays_a_stop() -> None:
    text = "retiro el permiso de ver mi saldo. No me escriban más"

    assert read_opt_out(without_withdrawal(text)) is OptOutReading.OPT_OUT
