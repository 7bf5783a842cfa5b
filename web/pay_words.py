"""The words of the page borrowers pay on, in the languages they are written to."""

from __future__ import annotations

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Payment",
        "to": "Payment to",
        "contract": "Contract",
        "from_account": "Pay from your bank account. You confirm the payment at your own bank.",
        "iban": "Your account (IBAN)",
        "go": "Go on to my bank",
        "go_on": "Your bank is waiting for you to confirm the payment.",
        "to_bank": "To my bank",
        "under_way": "The payment is under way. You will hear from us when it has arrived.",
        "paid": "Thank you. This payment has arrived.",
        "closed": "Nothing can be paid here any more.",
        "unknown": "Your bank has not answered us. If you confirmed a payment there, we will see it. Do not pay twice.",
        "another": "Pay what is still due",
        "no_iban": "This is no IBAN. Please check it.",
        "refused": "Your bank does not take this payment. Please check the account, or call us.",
        "later": "Your bank cannot be reached at the moment. Please try again in a few minutes.",
        "no_page": "This address leads nowhere.",
        "options": "Not all of it now? See your options",
        "questions": "Questions? Call",
    },
    "es": {
        "title": "Pago",
        "to": "Pago a",
        "contract": "Contrato",
        "from_account": "Pague desde su cuenta bancaria. El pago se confirma en su propio banco.",
        "iban": "Su cuenta (IBAN)",
        "go": "Ir a mi banco",
        "go_on": "Su banco espera que usted confirme el pago.",
        "to_bank": "Ir a mi banco",
        "under_way": "El pago está en curso. Le avisaremos cuando haya llegado.",
        "paid": "Gracias. Este pago ha llegado.",
        "closed": "Aquí ya no se puede pagar nada.",
        "unknown": "Su banco no nos ha respondido. Si confirmó allí un pago, lo veremos. No pague dos veces.",
        "another": "Pagar lo que queda pendiente",
        "no_iban": "Esto no es un IBAN. Compruébelo, por favor.",
        "refused": "Su banco no acepta este pago. Compruebe la cuenta o llámenos.",
        "later": "Ahora mismo no se puede contactar con su banco. Inténtelo de nuevo en unos minutos.",
        "no_page": "Esta dirección no lleva a ninguna parte.",
        "options": "¿No puede pagarlo todo ahora? Vea sus opciones",
        "questions": "¿Preguntas? Llame al",
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
        "unknown": "Seu banco não respondeu. Se você confirmou um pagamento lá, vamos ver. Não pague duas vezes.",
        "another": "Pagar o que falta",
        "no_iban": "Isto não é um IBAN. Confira, por favor.",
        "refused": "Seu banco não aceita este pagamento. Confira a conta ou ligue para nós.",
        "later": "Não é possível falar com o seu banco agora. Tente de novo em alguns minutos.",
        "no_page": "Este endereço não leva a lugar nenhum.",
        "options": "Não pode pagar tudo agora? Veja suas opções",
        "questions": "Dúvidas? Ligue para",
    },
}


def words_for(language: str) -> dict[str, str]:
    """The words of a language, English where there are none."""
    return _WORDS.get(language, _WORDS["en"])
