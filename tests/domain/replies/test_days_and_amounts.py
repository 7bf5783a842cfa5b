"""Days and amounts of promises, as people say them in each country."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from domain.replies.amounts import promised_amount
from domain.replies.dates import promised_day
from domain.replies.local_day import local_day

CASES = Path("tests/data/replies/days_and_amounts.yaml")


def _cases() -> list[tuple[str, date, str, date | None, Decimal | None]]:
    rows = YAML(typ="safe").load(CASES.read_text(encoding="utf-8"))["promises"]
    return [
        (country, sent, text, None if day == "-" else day, None if amount == "-" else Decimal(amount))
        for country, sent, text, day, amount in rows
    ]


@pytest.mark.parametrize(("country", "sent", "text", "day", "amount"), _cases())
def test_a_promise_is_read(country: str, sent: date, text: str, day: date | None, amount: Decimal | None) -> None:
    assert (promised_day(text, sent, country), promised_amount(text, country, sent)) == (day, amount)


_WORDS = st.sampled_from(
    (
        "pago el viernes 31 de febrero no mañana hoy 5/12 32/13 fin mes quincena en 0 días 999 semanas dia 15 o y "
        "lunes $1.500,00 lucas pasado ayer next friday depois sexta quinto día útil 20/02/2020 a más tardar , . "
        "navidad"
    ).split()
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(_WORDS, max_size=14),
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["MX", "US", "BR", "ZZ"]),
)
def test_whatever_is_written_no_day_lies_in_the_past(words: list[str], sent: date, country: str) -> None:
    text = " ".join(words)

    day, amount = promised_day(text, sent, country), promised_amount(text, country)

    assert day is None or day >= sent
    assert amount is None or amount > 0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_at_all_is_read_without_an_error(text: str) -> None:
    promised_day(text, date(2026, 11, 27), "AR")
    promised_amount(text, "AR")


@pytest.mark.parametrize(
    ("sent_at", "country", "zone", "day"),
    [
        ("2026-11-28T03:30:00+00:00", "MX", None, "2026-11-27"),
        ("2026-11-27T23:30:00-06:00", "MX", None, "2026-11-27"),
        ("2026-11-27T23:30:00-08:00", "MX", None, "2026-11-27"),
        ("2026-11-28T02:30:00+01:00", "CO", None, "2026-11-27"),
        ("2026-11-28T04:30:00+00:00", "US", "America/Los_Angeles", "2026-11-27"),
        ("2026-11-27T23:30:00+00:00", "ES", None, "2026-11-28"),
        ("2026-11-27T23:30:00", "ES", None, "2026-11-27"),
    ],
)
def test_the_day_is_the_borrowers_own(sent_at: str, country: str, zone: str | None, day: str) -> None:
    assert local_day(datetime.fromisoformat(sent_at), country, zone) == date.fromisoformat(day)


def test_after_midnight_tomorrow_is_the_next_day_of_the_calendar() -> None:
    sent = local_day(datetime(2026, 11, 28, 6, 30, tzinfo=UTC), "MX")

    assert promised_day("mañana pago", sent, "MX") == sent + timedelta(days=1) == date(2026, 11, 29)


@pytest.mark.parametrize("figure", ["646180157000000004 mil", "$" + "9" * 35, "9" * 60 + " pesos"])
def test_a_number_that_nobody_owes_is_no_amount(figure: str) -> None:
    assert promised_amount(f"mañana le pago {figure}", "MX") is None
