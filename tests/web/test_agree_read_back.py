"""What a borrower's page reads, and what it reads back: amounts as people write them, and the words of a yes."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from config.localised import locale_of
from domain.agreements.model import AgreementKind
from web import agree_read_back
from web.agree_words import words_for


def minor(text: str, country: str, currency: str) -> int | None:
    """What the page of a loan in `currency` takes `text` for, in minor units."""
    visit: Any = SimpleNamespace(
        loan=SimpleNamespace(currency=currency), locale=locale_of("pt" if country == "BR" else "es", country)
    )
    return agree_read_back._minor(visit, text)


@pytest.mark.parametrize(
    ("text", "country", "currency", "expected"),
    [
        ("150", "ES", "EUR", 15_000),
        ("150 euros", "ES", "EUR", 15_000),
        ("€ 1.500,00", "ES", "EUR", 150_000),
        ("EUR 150", "ES", "EUR", 15_000),
        ("S/ 150", "PE", "PEN", 15_000),
        ("S/. 150.50", "PE", "PEN", 15_050),
        ("150 soles", "PE", "PEN", 15_000),
        ("500 pesos", "MX", "MXN", 50_000),
        ("$1,500", "MX", "MXN", 150_000),
        ("40.000 pesos", "CL", "CLP", 40_000),
        ("$200.000 pesos", "CO", "COP", 20_000_000),
        ("$ 15.000", "AR", "ARS", 1_500_000),
        ("R$ 150,00", "BR", "BRL", 15_000),
        ("150 reais", "BR", "BRL", 15_000),
        ("₲ 500.000", "PY", "PYG", 500_000),
        ("500.000 guaraníes", "PY", "PYG", 500_000),
        ("Q150", "GT", "GTQ", 15_000),
        ("150 dólares", "EC", "USD", 15_000),
        ("$U 150", "UY", "UYU", 15_000),
    ],
)
def test_the_currencys_own_sign_and_words_are_no_obstacle(
    text: str, country: str, currency: str, expected: int
) -> None:
    assert minor(text, country, currency) == expected


@pytest.mark.parametrize(
    ("text", "country", "currency"),
    [
        ("150 dólares", "ES", "EUR"),
        ("US$ 100", "MX", "MXN"),
        ("500 pesos colombianos", "MX", "MXN"),
        ("euros", "ES", "EUR"),
        ("mucho", "ES", "EUR"),
        ("", "ES", "EUR"),
    ],
)
def test_another_currency_or_no_figure_is_asked_for_again(text: str, country: str, currency: str) -> None:
    assert minor(text, country, currency) is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "no se añaden intereses por el retraso, gastos ni recargos"),
        ("en", "No late interest, fees or charges are added"),
        ("pt", "não são acrescentados juros de mora, multas nem taxas"),
    ],
)
def test_what_is_not_added_while_a_plan_is_kept_is_the_same_in_every_language(language: str, said: str) -> None:
    assert said in words_for(language)[1]["frozen"]


@pytest.mark.parametrize(
    ("language", "country", "forgiven", "otherwise", "interest"),
    [
        ("es", "ES", "se me perdonan 60,00 € de los 300,00 €", "Si un pago no llega en plazo", "6,00 € son intereses"),
        (
            "en",
            "US",
            "€60.00 of the €300.00 I am asked for is forgiven",
            "does not arrive in time",
            "€6.00 is interest",
        ),
        ("pt", "BR", "perdoados € 60,00 dos € 300,00", "não chegar no prazo", "€ 6,00 são juros"),
    ],
)
def test_a_yes_names_what_is_forgiven_or_added_and_what_happens_otherwise(
    language: str, country: str, forgiven: str, otherwise: str, interest: str
) -> None:
    def said(kind: AgreementKind, amount: int, **more: Any) -> str:
        loan, lender = SimpleNamespace(currency="EUR", loan_id="L1"), SimpleNamespace(name="Credialba")
        words = words_for(language)[1]
        visit: Any = agree_read_back.Visit("L1", loan, language, locale_of(language, country), words, lender)  # type: ignore[arg-type]
        read = agree_read_back.ReadBack(subject="L1", kind=kind, payments=((date(2026, 3, 20), amount),), **more)
        return "\n".join(agree_read_back.statement(visit, read)).replace("\u00a0", " ")

    settled = said(AgreementKind.SETTLEMENT, 24_000, less_minor=6_000)
    scheduled = said(AgreementKind.RESTRUCTURING, 30_600, more_minor=600)
    planned = said(AgreementKind.PLAN, 30_000)

    assert (forgiven in settled, otherwise in settled, interest in settled) == (True, True, False)
    assert (forgiven in scheduled, otherwise in scheduled, interest in scheduled) == (False, True, True)
    assert (forgiven in planned, otherwise in planned, interest in planned) == (False, True, False)
    assert all("Credialba" in each for each in (settled, scheduled, planned))
