from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from config.payment_documents import WORDING, DocumentData, DocumentKind, _words, render_document
from domain.money import Money

DATA = {
    "kind": DocumentKind.RECEIPT,
    "language": "es",
    "country": "ES",
    "lender_name": "Credialba",
    "lender_phone": "900 555 010",
    "loan_id": "P-20417",
    "borrower_name": "Lucía Gómez",
    "number": "P-20417-7",
    "made_on": date(2026, 3, 10),
    "made_at": datetime(2026, 3, 10, 9, tzinfo=UTC),
    "amount": Money(amount_minor=2_550, currency="EUR"),
    "paid_on": date(2026, 3, 9),
    "payment_reference": "pi_1",
    "remaining": Money(amount_minor=7_450, currency="EUR"),
    "wording": WORDING,
}


def text_of(**changes: Any) -> str:
    pdf = render_document(DocumentData.model_validate({**DATA, **changes}))
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) == 1
    return " ".join(pages[0].extract_text().replace("\u00a0", " ").split())


@pytest.mark.parametrize(
    ("language", "country", "currency", "said"),
    [
        ("es", "ES", "EUR", ["Recibo de pago", "25,50 €", "9 de marzo de 2026", "Queda pendiente", "74,50 €"]),
        ("es", "CL", "CLP", ["$2.550", "$7.450"]),
        ("en", "US", "USD", ["Payment receipt", "$25.50", "Still to pay", "$74.50", "March 9, 2026"]),
        ("pt", "BR", "BRL", ["Recibo de pagamento", "R$ 25,50", "Falta pagar"]),
        ("qu", "PE", "PEN", ["Payment receipt"]),  # a language without words of its own
    ],
)
def test_a_receipt_says_what_was_paid_and_what_is_left(
    language: str, country: str, currency: str, said: list[str]
) -> None:
    text = text_of(
        language=language,
        country=country,
        amount=Money(amount_minor=2_550, currency=currency),
        remaining=Money(amount_minor=7_450, currency=currency),
    )

    for each in [*said, "Credialba", "P-20417", "P-20417-7", "pi_1", "Lucía Gómez"]:
        assert each in text


def test_a_letter_says_that_nothing_is_left() -> None:
    zero = Money(amount_minor=0, currency="EUR")

    text = text_of(kind=DocumentKind.PAID_IN_FULL, remaining=zero)

    assert "a fecha 10 de marzo de 2026, no queda nada pendiente de la cantidad que le reclamábamos" in text
    assert "Queda pendiente de lo reclamado nada" in text


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_a_letter_does_not_say_that_the_whole_contract_is_paid(language: str) -> None:
    """Given a loan of which only what was in arrears was handed over and is paid, when its letter is read, then it
    speaks of what was asked for and not of all payments of the contract."""
    text = text_of(kind=DocumentKind.PAID_IN_FULL, remaining=Money(amount_minor=0, currency="EUR"), language=language)

    asked_for = {"es": "le reclamábamos", "en": "we asked you for", "pt": "cobrávamos"}[language]
    assert asked_for in " ".join(text.split())
    assert re.search(r"totalmente pag|paid in full|saldad|quita[dç]|la deuda|the debt|a dívida", text) is None


@pytest.mark.parametrize(
    ("language", "forgiven"),
    [
        ("es", "El resto de lo que le reclamábamos queda perdonado, según lo acordado."),
        ("en", "The rest of what we asked you for is forgiven, as it was agreed."),
        ("pt", "O resto do valor que cobrávamos fica perdoado, conforme o combinado."),
    ],
)
def test_who_paid_what_a_settlement_asked_for_is_told_that_the_rest_is_forgiven(language: str, forgiven: str) -> None:
    letter = {"kind": DocumentKind.PAID_IN_FULL, "remaining": Money(amount_minor=0, currency="EUR")}

    assert forgiven in text_of(**letter, language=language, settled=True)
    assert forgiven not in text_of(**letter, language=language)


@pytest.mark.parametrize(
    ("language", "said", "left"),
    [
        ("es", ["Carta de pago: deuda saldada", "el contrato P-20417 está totalmente pagado"], "Queda pendiente nada"),
        ("en", ["Paid in full", "contract P-20417 has been paid in full"], "Still to pay nothing"),
        ("pt", ["Carta de quitação", "o contrato P-20417 está totalmente pago"], "Falta pagar nada"),
    ],
)
def test_a_letter_that_was_issued_keeps_its_words_whatever_new_letters_say(
    language: str, said: list[str], left: str
) -> None:
    """Given a letter that was issued before the words of letters changed, when its address is opened, then it says
    what it said on the day it was issued."""
    issued = {name: value for name, value in DATA.items() if name != "wording"}
    zero = Money(amount_minor=0, currency="EUR")
    data = {**issued, "kind": DocumentKind.PAID_IN_FULL, "remaining": zero, "language": language}
    pdf = render_document(DocumentData.model_validate(data))

    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())

    for each in [*said, left]:
        assert each in text


@pytest.mark.parametrize(
    ("language", "said", "sum_said"),
    [
        ("es", "El resto de lo que le reclamábamos queda perdonado, según lo acordado.", "se le han perdonado 20,00 €"),
        ("en", "The rest of what we asked you for is forgiven, as it was agreed.", "€20.00 has been forgiven"),
        ("pt", "O resto do valor que cobrávamos fica perdoado, conforme o combinado.", "foram perdoados € 20,00"),
    ],
)
def test_a_letter_of_a_settlement_names_the_sum_and_one_of_before_says_what_it_said(
    language: str, said: str, sum_said: str
) -> None:
    """Given a letter issued before letters named the sum, and one issued now, when both are opened, then the first says
    what it said."""
    letter = {"kind": DocumentKind.PAID_IN_FULL, "remaining": Money(amount_minor=0, currency="EUR"), "settled": True}
    known = {"forgiven": Money(amount_minor=2_000, currency="EUR"), "agency": "Recupera Sur"}
    country = {"es": "ES", "en": "US", "pt": "BR"}[language]

    before = text_of(**letter, **known, wording=2, language=language, country=country)
    now = text_of(**letter, **known, language=language, country=country)

    assert (said in before, sum_said in before, "Recupera Sur" in before) == (True, False, False)
    assert (said in now, sum_said in now, "Recupera Sur" in now) == (False, True, True)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Recupera Sur, por encargo de Credialba · Tel."),
        ("en", "Recupera Sur for Credialba · Tel."),
        ("pt", "Recupera Sur em nome de Credialba · Tel."),
    ],
)
def test_a_receipt_of_an_agency_says_for_whom_it_acts(language: str, said: str) -> None:
    assert said in text_of(language=language, agency="Recupera Sur")


@pytest.mark.parametrize(
    ("language", "received", "confirmed"),
    [
        ("es", "a favor de Credialba, el acreedor,", "en nombre de Credialba, el acreedor,"),
        ("en", "for Credialba, the creditor.", "on behalf of Credialba, the creditor,"),
        ("pt", "em favor de Credialba, o credor,", "em nome de Credialba, o credor,"),
    ],
)
def test_an_agency_does_not_say_that_it_was_paid(language: str, received: str, confirmed: str) -> None:
    """Given an agency that collects, when the borrower reads what it issues, then the money went to the creditor, and
    it is for the creditor that it confirms that nothing is left."""
    letter = {"kind": DocumentKind.PAID_IN_FULL, "remaining": Money(amount_minor=0, currency="EUR")}
    we = r"Hemos recibido|We have received|Recebemos"

    receipt = text_of(language=language, agency="Recupera Sur")

    assert received in receipt
    assert re.search(we, receipt) is None
    assert confirmed in text_of(**letter, language=language, agency="Recupera Sur")
    assert re.search(we, text_of(language=language))
    assert "Recupera Sur" not in text_of(language=language)


def test_what_a_name_says_is_never_typesetting() -> None:
    text = text_of(borrower_name='#eval("1+1") *bold* $x^2$ ]#pagebreak()[', lender_name="A & B <c> \\ @d")

    assert '#eval("1+1") *bold* $x^2$ ]#pagebreak()[' in text
    assert "A & B <c> \\ @d" in text


def test_the_same_receipt_is_the_same_bytes() -> None:
    data = DocumentData.model_validate(DATA)

    assert render_document(data) == render_document(data)


@pytest.mark.parametrize("wording", range(1, WORDING + 1))
def test_every_language_has_every_word(wording: int) -> None:
    assert {frozenset(words) for words in _words(wording).values()} == {frozenset(_words(wording)["en"])}
