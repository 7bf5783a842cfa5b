"""The document of an agreement: readable, in the borrower's language, exact in figures and words, nobody's markup."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from config.agreement_documents import AgreementData, DocumentRow, _words, amount_in_words, render_agreement
from domain.agreements.model import AgreementKind
from domain.money import Money

AT = datetime(2026, 3, 10, 9, tzinfo=UTC)
DATA: dict[str, Any] = {
    "kind": AgreementKind.SETTLEMENT,
    "language": "es",
    "country": "ES",
    "lender_name": "Credialba",
    "lender_phone": "900 555 010",
    "loan_id": "P-20417",
    "borrower_name": "Lucía Gómez",
    "number": "P-20417-1-3",
    "made_on": date(2026, 3, 10),
    "made_at": AT,
    "currency": "EUR",
    "balance_minor": 30_000,
    "total_minor": 24_050,
    "remission_minor": 5_950,
    "grace_days": 1,
    "rows": (DocumentRow(number=1, due=date(2026, 3, 20), amount_minor=24_050),),
    "accepted_at": AT,
    "message_id": "SM1",
    "words": "sí, acepto #{1+1} *todo*",
    "approved": True,
}


def text_of(**changes: Any) -> str:
    pages = PdfReader(io.BytesIO(render_agreement(AgreementData.model_validate({**DATA, **changes})))).pages
    text = " ".join(page.extract_text() for page in pages)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def test_a_settlement_says_what_is_paid_what_is_forgiven_and_how_it_was_accepted() -> None:
    text = text_of()
    for said in (
        "Acuerdo de quita", "Lucía Gómez", "P-20417-1-3", "300,00 €", "59,50 €", "240,50 €",
        "doscientos cuarenta euros con 50/100", "20 de marzo de 2026", "SM1", "sí, acepto #{1+1} *todo*",
        "Aprobado por una segunda persona de Credialba", "Aceptado el 10 mar 2026, 9:00 UTC",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize(
    ("language", "country", "said"),
    [("en", "US", "Settlement agreement"), ("pt", "BR", "Acordo com desconto"), ("qu", "PE", "Settlement agreement")],
)
def test_it_speaks_the_borrowers_language(language: str, country: str, said: str) -> None:
    assert said in text_of(language=language, country=country)


def test_a_new_schedule_shows_its_arithmetic_and_its_version() -> None:
    rows = tuple(
        DocumentRow(
            number=number,
            due=date(2026, 3 + number, 1),
            amount_minor=10_201,
            interest_minor=300,
            principal_minor=9_901,
            left_minor=20_099,
        )
        for number in (1, 2, 3)
    )
    text = text_of(kind=AgreementKind.RESTRUCTURING, version=2, added_minor=602, remission_minor=0, rows=rows)
    for said in ("Nuevo calendario de pagos", "Versión del calendario 2", "Intereses", "3,00 €", "99,01 €", "200,99 €"):
        assert said in text


def test_the_moment_of_the_yes_is_written_as_the_borrower_reads_dates() -> None:
    assert "Accepted on Mar 10, 2026, 9:00 AM UTC" in text_of(language="en", country="US")
    assert "Aceito em 10 de mar. de 2026, 09:00 UTC" in text_of(language="pt", country="BR")
    moved = text_of(language="en", country="US", moved_at=datetime(2026, 4, 3, 15, 30, tzinfo=UTC))
    assert "Change of date accepted on Apr 3, 2026, 3:30 PM UTC" in moved


def test_what_nobody_had_to_approve_says_nothing_of_an_approval() -> None:
    assert "Aprobado" not in text_of(approved=False)


def test_a_schedule_whose_arithmetic_is_no_longer_known_shows_its_payments_alone() -> None:
    rows = tuple(DocumentRow(number=n, due=date(2026, 3 + n, 1), amount_minor=10_201) for n in (1, 2, 3))
    text = text_of(kind=AgreementKind.RESTRUCTURING, version=2, added_minor=602, remission_minor=0, rows=rows)
    assert "102,01 €" in text
    assert " 0,00 €" not in text
    assert "Capital" not in text


@pytest.mark.parametrize(
    ("minor", "currency", "language", "said"),
    [
        (24_050, "EUR", "es", "doscientos cuarenta euros con 50/100"),
        (100, "EUR", "es", "un euro"),
        (2_100, "EUR", "es", "veintiún euros"),
        (2_000_000, "CLP", "es", "dos millones de pesos chilenos"),
        (150_000, "CLP", "es", "ciento cincuenta mil pesos chilenos"),
        (123_400, "MXN", "es", "mil doscientos treinta y cuatro pesos mexicanos"),
        (24_005, "USD", "en", "two hundred and forty US dollars and 05/100"),
        (24_000, "BRL", "pt", "duzentos e quarenta reais brasileiros"),
    ],
)
def test_amounts_in_words(minor: int, currency: str, language: str, said: str) -> None:
    assert amount_in_words(Money(amount_minor=minor, currency=currency), language) == said


def test_every_language_has_every_line() -> None:
    assert len({frozenset(words) for words in _words().values()}) == 1
