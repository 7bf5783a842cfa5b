"""The words of the page borrowers pay on, in the languages they are written to."""

from __future__ import annotations

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Payment",
        "to": "Payment to",
        "contract": "Contract",
        "from_account": "Pay from your bank account. You confirm the payment at your own bank.",
        "iban": "Your account (IBAN)",
        "go": "Continue to my bank",
        "go_on": "Your bank is waiting for you to confirm the payment.",
        "to_bank": "To my bank",
        "under_way": "The payment is under way. You will hear from us when it has arrived.",
        "paid": "Thank you. This payment has arrived.",
        "closed": "This link no longer takes a payment.",
        "asking": "Your bank is being asked. This page goes on by itself in a moment.",
        "unknown": "Your bank has not answered us. If you confirmed a payment there, we will see it. Do not pay twice.",
        "other_unknown": "Your bank has not answered us about another payment of yours. If you confirmed it there, we "
        "will see it. Do not pay twice.",
        "other_under_way": "Another payment of yours is under way. You will hear from us when it has arrived.",
        "another": "Pay what is still due",
        "another_next": "Pay the next payment",
        "pay_now": "Pay {}",
        "no_other_way": "No other way to pay can be offered here at the moment. Please call us.",
        "no_iban": "This is not a valid IBAN. Please check it.",
        "refused": "Your bank does not take this payment. Please check the account, or call us.",
        "later": "Your bank cannot be reached at the moment. Please try again in a few minutes.",
        "no_page": "This link does not work. It may not have been copied whole: open it from our message, or call "
        "us at the number given there.",
        "options": "Cannot pay it all now? See your options",
        "questions": "Questions? Call",
    },
    "es": {
        "title": "Pago",
        "to": "Pago a",
        "contract": "Contrato",
        "from_account": "Paga desde tu cuenta bancaria. El pago se confirma en tu propio banco.",
        "iban": "Tu cuenta (IBAN)",
        "go": "Ir a mi banco",
        "go_on": "Tu banco espera que confirmes el pago.",
        "to_bank": "Ir a mi banco",
        "under_way": "El pago está en curso. Te avisaremos cuando haya llegado.",
        "paid": "Gracias. Este pago ha llegado.",
        "closed": "Aquí ya no se puede pagar nada.",
        "asking": "Estamos preguntando a tu banco. Esta página sigue sola en un momento.",
        "unknown": "Tu banco no nos ha respondido. Si confirmaste allí un pago, lo veremos. No pagues dos veces.",
        "other_unknown": "Tu banco no nos ha respondido sobre otro pago tuyo. Si lo confirmaste allí, lo veremos. No "
        "pagues dos veces.",
        "other_under_way": "Otro pago tuyo está en curso. Te avisaremos cuando haya llegado.",
        "another": "Pagar lo que queda pendiente",
        "another_next": "Hacer el próximo pago",
        "pay_now": "Pagar {}",
        "no_other_way": "Ahora mismo no podemos ofrecerte aquí otra forma de pago. Llámanos, por favor.",
        "no_iban": "Este IBAN no es válido. Compruébalo, por favor.",
        "refused": "Tu banco no acepta este pago. Comprueba la cuenta o llámanos.",
        "later": "Ahora mismo no se puede contactar con tu banco. Inténtalo de nuevo en unos minutos.",
        "no_page": "Este enlace no funciona. Quizá no se copió entero: ábrelo desde nuestro mensaje o llámanos al "
        "número que aparece en él.",
        "options": "¿No puedes pagarlo todo ahora? Mira tus opciones",
        "questions": "¿Preguntas? Llama al",
    },
    "pt": {
        "title": "Pagamento",
        "to": "Pagamento a",
        "contract": "Contrato",
        "from_account": "Pague com a sua conta bancária. Você confirma o pagamento no seu próprio banco.",
        "iban": "Sua conta (IBAN)",
        "go": "Ir para o meu banco",
        "go_on": "Seu banco espera que você confirme o pagamento.",
        "to_bank": "Ir para o meu banco",
        "under_way": "O pagamento está em andamento. Avisamos quando chegar.",
        "paid": "Obrigado. Este pagamento chegou.",
        "closed": "Não é mais possível pagar aqui.",
        "asking": "Estamos perguntando ao seu banco. Esta página continua sozinha em um momento.",
        "unknown": "Seu banco não respondeu. Se você confirmou um pagamento lá, vamos ver. Não pague duas vezes.",
        "other_unknown": "Seu banco não respondeu sobre outro pagamento seu. Se você o confirmou lá, vamos ver. Não "
        "pague duas vezes.",
        "other_under_way": "Outro pagamento seu está em andamento. Avisamos quando chegar.",
        "another": "Pagar o que falta",
        "another_next": "Fazer o próximo pagamento",
        "pay_now": "Pagar {}",
        "no_other_way": "No momento não podemos oferecer aqui outra forma de pagar. Ligue para nós, por favor.",
        "no_iban": "Este IBAN não é válido. Confira, por favor.",
        "refused": "Seu banco não aceita este pagamento. Confira a conta ou ligue para nós.",
        "later": "Não é possível falar com o seu banco agora. Tente de novo em alguns minutos.",
        "no_page": "Este link não funciona. Talvez não tenha sido copiado inteiro: abra-o na nossa mensagem ou "
        "ligue para o número que está nela.",
        "options": "Não pode pagar tudo agora? Veja suas opções",
        "questions": "Dúvidas? Ligue para",
    },
}


def words_for(language: str) -> tuple[str, dict[str, str]]:
    """A language of ours and its words; English where there are none."""
    known = language if language in _WORDS else "en"
    return known, _WORDS[known]
