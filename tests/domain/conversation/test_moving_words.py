"""How people ask to pay on another day, and on which: five countries, three languages."""

from __future__ import annotations

from datetime import date

import pytest

from domain.conversation.moving_words import another_day

SENT = date(2026, 2, 25)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("country", "text", "day"),
    [
        ("ES", "no puedo el 1, ¿puedo pagar la cuota el 15?", "2026-03-15"),
        ("ES", "No llego al día 1. ¿Me podéis pasar el recibo al 10?", "2026-03-10"),
        ("ES", "en vez del 1 os pago el 5, ¿vale?", "2026-03-05"),
        ("ES", "¿podríais aplazarme la cuota hasta el 12?", "2026-03-12"),
        ("ES", "mañana no puedo, ¿me dais hasta el viernes?", "2026-02-27"),
        ("CO", "el 1 no puedo pagar, puede ser el 3?", "2026-03-03"),
        ("PE", "no me alcanza para el 1, puede ser el 8?", "2026-03-08"),
        ("ES", "no llego a esa fecha, ¿puedo pagar la cuota dentro de 22 días?", "2026-03-19"),
        ("MX", "me pagan el viernes, páseme la cuota para el lunes", "2026-03-02"),
        ("MX", "me dan chance hasta el 10? no alcanzo a pagar el 1", "2026-03-10"),
        ("MX", "se puede recorrer la fecha de pago al dia 8 porfa", "2026-03-08"),
        ("CO", "me podrían correr la cuota para el 6 de marzo por favor", "2026-03-06"),
        ("CO", "no me da pagar el 1 puedo el 4", "2026-03-04"),
        ("AR", "me esperan hasta el 9? cobro ese día", "2026-03-09"),
        ("AR", "che, podés pasar la cuota del 1 al 7?", "2026-03-07"),
        ("CL", "me mueven la cuota para el jueves?", "2026-02-26"),
        ("BR", "não consigo pagar dia 1, posso pagar a parcela dia 10?", "2026-03-10"),
        ("BR", "dá pra adiar a parcela para sexta?", "2026-02-27"),
        ("BR", "vcs podem mudar a data do pagamento pro dia 5", "2026-03-05"),
        ("US", "can I move my payment to March 6?", "2026-03-06"),
        ("US", "can't pay on the 1st, could you push it to the 5th?", "2026-03-05"),
        ("GB", "could I pay on the 4th instead of the 1st", "2026-03-04"),
    ],
)
def test_another_day_is_asked_for_by_its_name(country: str, text: str, day: str) -> None:
    found = another_day(text, SENT, country)

    assert (found.asks, found.day) == (True, date.fromisoformat(day))


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("ES", "¿puedo cambiar la fecha de la cuota?"),
        ("ES", "necesito unos días más"),
        ("ES", "no puedo pagar el 1"),
        ("MX", "me dan más tiempo?"),
        ("ES", "¿me la podéis aplazar?"),
        ("CO", "el 1 no puedo pagar"),
        ("CL", "puedo pagar otro día?"),
        ("AR", "no llego al 1, me bancan? necesito una prórroga"),
        ("BR", "preciso de mais prazo para essa parcela"),
        ("BR", "não posso dia 1"),
        ("US", "I need an extension"),
        ("US", "I can't make the payment on the 1st"),
    ],
)
def test_another_day_is_asked_for_without_one(country: str, text: str) -> None:
    found = another_day(text, SENT, country)

    assert (found.asks, found.day) == (True, None)


@pytest.mark.parametrize(
    ("country", "text", "day"),
    [
        ("ES", "¿puedo pagar la cuota el 15?", "2026-03-15"),
        ("ES", "el viernes os pago la cuota", "2026-02-27"),
        ("BR", "posso pagar na sexta?", "2026-02-27"),
        ("US", "I'll pay on Friday", "2026-02-27"),
        ("ES", "¿cuánto me falta?", None),
        ("MX", "no puedo pagar", None),
        ("CL", "gracias", None),
    ],
)
def test_a_day_alone_asks_to_move_nothing(country: str, text: str, day: str | None) -> None:
    found = another_day(text, SENT, country)

    assert (found.asks, found.day) == (False, date.fromisoformat(day) if day else None)


@pytest.mark.parametrize(
    "text",
    [
        "quiero cambiar la fecha de pago al 5 de cada mes",
        "me lo pueden pasar a más cuotas desde el 10?",
        "quiero refinanciar, empezando el 15",
        "puedo pagar la mitad el 10?",
        "can I pay in 6 installments from March 10?",
        "posso parcelar a partir do dia 10?",
        "de ahora en adelante cambien el pago al 10",
    ],
)
def test_another_plan_or_another_day_for_good_is_more_than_moving_a_payment(text: str) -> None:
    assert another_day(text, SENT, "ES") == (False, None)
