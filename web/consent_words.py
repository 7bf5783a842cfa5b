"""The words of the pages on which a borrower lets their balance be read, in Spanish, English and Portuguese."""

from __future__ import annotations

_WORDS: dict[str, dict[str, str]] = {
    "es": {
        "title": "Permiso para consultar el saldo",
        "ask": "{lender} te pide permiso para consultar el saldo de una de tus cuentas.",
        "what": (
            "Vemos solo el saldo, como mucho cuatro veces al día. No vemos tus movimientos y no podemos mover dinero."
        ),
        "what_credits": (
            "Vemos el saldo, como mucho cuatro veces al día, y al principio y una vez al mes qué días y por cuánto "
            "entró dinero en los últimos tres meses, para saber cuándo cobras. No guardamos quién te paga ni en qué "
            "gastas, y no podemos mover dinero."
        ),
        "by_belvo": (
            "La conexión con tu banco la hace Belvo. Para mantenerla, Belvo guarda tus claves de acceso y recoge "
            "también los titulares y movimientos de tus cuentas; nosotros solo leemos lo dicho arriba."
        ),
        "why": (
            "Así te escribimos sobre el pago solo en un momento que pueda venirte bien. No se cobra nada por sí solo."
        ),
        "how": (
            "El permiso se da en la página de tu banco y dura hasta la fecha que él indique. Es voluntario: "
            "puedes retirarlo cuando quieras, en tu banco o diciéndonoslo."
        ),
        "button": "Ir a mi banco",
        "go": "Te llevamos a tu banco.",
        "follow": "Continuar en mi banco",
        "given": "Gracias. El permiso está dado.",
        "until": "Vale hasta el {until}.",
        "not_given": "El permiso no está dado, o tu banco todavía no lo ha confirmado.",
        "again": "Volver a intentarlo",
        "often": "Hoy se ha intentado demasiadas veces. Prueba mañana.",
        "later": "Ahora no podemos llegar a tu banco. Prueba más tarde.",
        "gone": "Este enlace ya no vale.",
        "anew": "Si quieres dar el permiso, llámanos al número que aparece en nuestro mensaje y te enviamos otro.",
        "questions": "¿Preguntas? Llama al",
    },
    "en": {
        "title": "Consent to look at your balance",
        "ask": "{lender} asks you to let it look at the balance of one of your accounts.",
        "what": (
            "We see the balance alone, four times a day at most. We do not see what you spend and cannot move money."
        ),
        "what_credits": (
            "We see the balance, four times a day at most, and at first and once a month on which days and how much "
            "money came in over the last three months, to learn when you are paid. We do not keep who pays you or what "
            "you spend, and cannot move money."
        ),
        "by_belvo": (
            "Belvo makes the connection to your bank. To keep it up, Belvo stores your sign-in details and gathers the "
            "holders and transactions of your accounts too; we read only what is said above."
        ),
        "why": "So we write about the payment only at a moment that may suit you. Nothing is charged by itself.",
        "how": (
            "You give the consent on your bank's own page; it lasts until the date your bank names. It is "
            "voluntary: you may withdraw it at any time, at your bank or by telling us."
        ),
        "button": "Go to my bank",
        "go": "We are taking you to your bank.",
        "follow": "Continue at my bank",
        "given": "Thank you. The consent is given.",
        "until": "It is good until {until}.",
        "not_given": "The consent is not given, or your bank has not confirmed it yet.",
        "again": "Try again",
        "often": "This was tried too often today. Please try tomorrow.",
        "later": "We cannot reach your bank now. Please try again later.",
        "gone": "This link has expired.",
        "anew": "If you want to give the consent, call us at the number in our message and we will send you another "
        "one.",
        "questions": "Questions? Call",
    },
    "pt": {
        "title": "Permissão para consultar o saldo",
        "ask": "{lender} pede a sua permissão para consultar o saldo de uma das suas contas.",
        "what": (
            "Vemos apenas o saldo, no máximo quatro vezes ao dia. Não vemos as suas movimentações e não "
            "podemos mover dinheiro."
        ),
        "what_credits": (
            "Vemos o saldo, no máximo quatro vezes ao dia, e no começo e uma vez por mês em que dias e quanto dinheiro "
            "entrou nos últimos três meses, para saber quando você recebe. Não guardamos quem paga a você nem o que "
            "você gasta, e não podemos mover dinheiro."
        ),
        "by_belvo": (
            "A conexão com o seu banco é feita pela Belvo. Para mantê-la, a Belvo guarda os seus dados de acesso e "
            "coleta também os titulares e as movimentações das suas contas; nós lemos apenas o que está dito acima."
        ),
        "why": (
            "Assim escrevemos sobre o pagamento só em um momento que possa ser bom para você. Nada é cobrado sozinho."
        ),
        "how": (
            "A permissão é dada na página do seu banco e vale até a data que ele indicar. É voluntária: você "
            "pode retirá-la quando quiser, no seu banco ou avisando a gente."
        ),
        "button": "Ir ao meu banco",
        "go": "Estamos levando você ao seu banco.",
        "follow": "Continuar no meu banco",
        "given": "Obrigado. A permissão foi dada.",
        "until": "Vale até {until}.",
        "not_given": "A permissão não foi dada, ou o seu banco ainda não a confirmou.",
        "again": "Tentar de novo",
        "often": "Houve tentativas demais hoje. Tente amanhã.",
        "later": "Não conseguimos chegar ao seu banco agora. Tente mais tarde.",
        "gone": "Este link não vale mais.",
        "anew": "Se quiser dar a permissão, ligue para o número que está na nossa mensagem e enviamos outro.",
        "questions": "Dúvidas? Ligue para",
    },
}


def words_in(language: str) -> tuple[str, dict[str, str]]:
    """The borrower's language and its words; Spanish where there are none in it."""
    known = language if language in _WORDS else "es"
    return known, _WORDS[known]
