"""The words in which borrowers say what they mean: by language, and for Spanish by country where it differs."""

WEEKDAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "pt": ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}

_ES = {
    "promise": ("pago el {day}", "el {day} os pago todo", "te pago el {day} sin falta"),
    "promise_amount": ("el {day} pago {amount}", "puedo pagar {amount} el {day}, pago eso el {day}"),
    "how_to_pay": ("¿cómo puedo pagar?", "mándame el enlace para pagar"),
    "plan": ("¿puedo pagar a plazos?", "¿me lo podéis fraccionar en varios pagos?"),
    "balance": ("¿cuánto debo?", "¿cuánto es lo que debo en total?"),
    "already_paid": ("ya pagué ayer", "ya lo he pagado"),
    "hardship": ("me quedé sin trabajo, no puedo pagar", "ahora mismo no puedo pagar, no me alcanza"),
    "refusal": ("no voy a pagar nada",),
    "person": ("quiero hablar con una persona",),
    "dispute": ("esa deuda no es mía",),
    "thanks": ("ok, gracias", "gracias por avisar"),
    "stop": ("por favor no me escriban más", "no quiero recibir más mensajes"),
    "yes": ("sí, de acuerdo", "sí", "ok, de acuerdo"),
    "no": ("no",),
}
_BY_COUNTRY: dict[str, dict[str, tuple[str, ...]]] = {
    "MX": {
        "promise": ("les deposito el {day} sin falta", "el {day} les pago"),
        "how_to_pay": ("como le hago para pagar en oxxo?", "mandame la liga de pago porfa"),
        "plan": ("puedo pagar en abonos?", "me dan chance de pagar en pagos chiquitos?"),
        "hardship": ("me quede sin chamba, este mes no puedo pagar",),
        "yes": ("sale", "si, esta bien"),
    },
    "CL": {
        "promise": ("el {day} pago la cuota", "les transfiero el {day}"),
        "plan": ("puedo pagar en tres cuotas?", "quiero pagar la deuda en cuotas"),
        "hardship": ("me quedé sin pega, no puedo pagar",),
        "yes": ("ya po, de acuerdo", "dale"),
    },
    "AR": {
        "promise": ("dale, el {day} te transfiero", "el {day} te pago"),
        "plan": ("che, puedo pagarlo en cuotas?", "se puede refinanciar en cuotas?"),
        "hardship": ("me quedé sin laburo, no puedo pagar",),
        "yes": ("dale", "listo, de acuerdo"),
    },
    "CO": {
        "promise": ("el {day} le consigno", "le pago el {day}"),
        "plan": ("podemos hacer un acuerdo de pago?", "puedo pagar por cuotas?"),
        "yes": ("listo", "de una"),
    },
    "PE": {
        "promise": ("el {day} les yapeo", "pago el {day}"),
        "plan": ("se puede fraccionar la deuda?",),
        "yes": ("ya, de acuerdo",),
    },
}
_PT = {
    "promise": ("pago na {day}", "vou pagar na {day}"),
    "promise_amount": ("na {day} pago {amount}",),
    "how_to_pay": ("como faço para pagar?", "me manda o pix para pagar"),
    "plan": ("posso parcelar a dívida?", "dá para pagar em parcelas?"),
    "balance": ("quanto eu devo?",),
    "already_paid": ("já paguei ontem",),
    "hardship": ("perdi o emprego, não consigo pagar agora",),
    "refusal": ("não vou pagar nada",),
    "person": ("quero falar com um atendente",),
    "dispute": ("essa dívida não é minha",),
    "thanks": ("ok, obrigado",),
    "stop": ("não quero mais receber mensagens",),
    "yes": ("sim, de acordo", "pode ser"),
    "no": ("não",),
}
_EN = {
    "promise": ("I will pay on {day}", "I'll pay it all on {day}"),
    "promise_amount": ("I'll pay {amount} on {day}", "I can pay {amount} on {day}, will do it then"),
    "how_to_pay": ("how can I pay?", "can you send me the link to pay?"),
    "plan": ("can I pay in instalments?", "can I set up a payment plan?"),
    "balance": ("how much do I owe?",),
    "already_paid": ("I already paid yesterday", "I paid this last week"),
    "hardship": ("I lost my job, I can't pay right now", "I can't afford to pay this month"),
    "refusal": ("I'm not going to pay",),
    "person": ("I want to talk to a person",),
    "dispute": ("this debt is not mine",),
    "thanks": ("ok, thanks", "thank you"),
    "stop": ("please stop texting me", "stop sending me messages"),
    "yes": ("yes", "yes, agreed"),
    "no": ("no",),
}


def sayings(kind: str, language: str, country: str) -> tuple[str, ...]:
    """How people there say it."""
    if language == "es":
        return _BY_COUNTRY.get(country, {}).get(kind) or _ES[kind]
    return (_PT if language == "pt" else _EN)[kind]


KINDS = tuple(kind for kind in _ES if kind not in ("yes", "no", "promise_amount"))
