"""Messages built alike look alike to the model, whatever their words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.replies.labels import Intent
from replies import classify
from replies.features import message_of, words_of
from replies.skeleton import bones_of

AT = datetime(2026, 11, 25, 15, tzinfo=UTC)


def _bones(text: str) -> str:
    return " ".join(bones_of(words_of(message_of(text).whole.outline)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("el viernes les doy 300", "na sexta te mando 450"),
        ("tmrw 45", "mañana 800"),
        ("¿me esperan hasta el lunes?", "¿me esperas hasta el 20?"),
        ("si me pagan el viernes te deposito", "si me depositan el 30 le transfiero"),
    ],
)
def test_what_is_built_alike_has_the_same_bones(one: str, other: str) -> None:
    assert _bones(one) == _bones(other)


def test_a_message_is_outlined_statement_by_statement() -> None:
    message = message_of("Ya pagué 200. ¿El resto puede ser el viernes? " + "y otra cosa " * 12)

    assert [part.text for part in message.parts][:2] == ["Ya pagué 200", "¿El resto puede ser el viernes"]
    assert "zzweekday" in message.parts[1].outline
    assert len(message.parts) > 3
    assert message_of("mañana pago").parts == ()


@pytest.mark.parametrize(
    ("words", "country", "day", "amount"),
    [
        ("37 lunes", "ES", date(2026, 11, 30), "37"),
        ("tmrw 45", "US", date(2026, 11, 26), "45"),
        ("viernes sin falta", "MX", date(2026, 11, 27), None),
        ("el 15 les doy 10.000", "CL", date(2026, 12, 15), "10000"),
        ("300 end of month. done deal", "US", date(2026, 11, 30), "300"),
    ],
)
def test_a_bare_day_and_sum_are_a_promise(words: str, country: str, day: date, amount: str | None) -> None:
    said = classify(words, AT, country)

    assert said.intent is Intent.PROMISE_TO_PAY
    assert (said.promise_date, said.promise_amount) == (day, amount and Decimal(amount))
