"""The document of an agreement: readable, in the borrower's language, exact in figures and words, nobody's markup."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from config.agreement_documents import (
    WORDING,
    AgreementData,
    DocumentRow,
    _words,
    amount_in_words,
    render_agreement,
)
from domain.agreements.model import AgreementKind, Via
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
    "wording": WORDING,
}
ZONES = {"es": "ES", "en": "US", "pt": "BR"}


def text_of(**changes: Any) -> str:
    pages = PdfReader(io.BytesIO(render_agreement(AgreementData.model_validate({**DATA, **changes})))).pages
    text = " ".join(page.extract_text() for page in pages)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def test_a_settlement_says_what_is_paid_what_is_forgiven_and_how_it_was_accepted() -> None:
    text = text_of()
    for said in (
        "Acuerdo con quita", "Lucía Gómez", "P-20417-1-3", "300,00 €", "59,50 €", "240,50 €",
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


@pytest.mark.parametrize(
    ("language", "forgiven", "otherwise"),
    [
        (
            "es",
            "Cuando los 240,50 € acordados hayan llegado, cada pago en plazo y el último, como tarde, el 21 de marzo "
            "de 2026, quedan perdonados 59,50 € (cincuenta y nueve euros con 50/100) de la cantidad reclamada por el "
            "contrato P-20417, y de esa cantidad no queda nada por pagar.",
            "Si un pago no llega en plazo, el acuerdo termina, no se perdona nada y vuelve a deberse la cantidad "
            "reclamada (300,00 € al acordarlo), menos lo pagado desde entonces.",
        ),
        (
            "en",
            "When the agreed €240.50 has arrived, each payment in time and the last one no later than March 21, 2026, "
            "€59.50 (fifty-nine euros and 50/100) of the amount asked for under contract P-20417 is forgiven, and "
            "nothing of that amount is left to pay.",
            "If a payment does not arrive in time, the agreement ends, nothing is forgiven, and the amount asked for "
            "(€300.00 when it was agreed) is owed again, less what was paid since.",
        ),
        (
            "pt",
            "Quando os € 240,50 combinados tiverem chegado, cada pagamento no prazo e o último, no máximo, em 21 de "
            "março de 2026, ficam perdoados € 59,50 (cinquenta e nove euros e 50/100) do valor cobrado pelo contrato "
            "P-20417, e desse valor não resta nada a pagar.",
            "Se um pagamento não chegar no prazo, o acordo termina, nada é perdoado e o valor cobrado (€ 300,00 na "
            "data do acordo) volta a ser devido, menos o que foi pago desde então.",
        ),
    ],
)
def test_a_settlement_says_which_sum_of_which_contract_is_forgiven_when_and_what_happens_otherwise(
    language: str, forgiven: str, otherwise: str
) -> None:
    """Given 240.50 of 300.00 to pay by 20 March and a day of grace, when the document is read, then nobody has to guess
    what `the rest` is, from when on it is forgiven, or what is owed if the money does not come."""
    text = text_of(language=language, country=ZONES[language])

    assert forgiven in text
    assert otherwise in text


@pytest.mark.parametrize("language", ["es", "en", "pt"])
@pytest.mark.parametrize("kind", list(AgreementKind))
def test_no_document_speaks_of_the_whole_debt(kind: AgreementKind, language: str) -> None:
    """Given that only the arrears of a contract may have been handed over, when what was agreed about them is read,
    then it says that payments that fall due later are no part of it."""
    text = text_of(kind=kind, language=language, country=ZONES[language])

    assert re.search(r"la deuda|esta deuda|toda la deuda|the debt|this debt|d[ií]vida", text) is None
    assert re.search(r"venzan más adelante|fall due later|vençam mais adiante", text)


@pytest.mark.parametrize(
    ("grace", "said"),
    [
        (0, "como tarde, en su fecha límite,"),
        (1, "como tarde, el día siguiente a su fecha límite,"),
        (3, "como tarde, 3 días después de su fecha límite,"),
    ],
)
def test_how_long_a_payment_counts_as_in_time_is_said_so_that_it_can_be_read(grace: int, said: str) -> None:
    text = text_of(grace_days=grace)

    assert said in text
    assert re.search(r"\b[01] días", text) is None


@pytest.mark.parametrize(
    ("language", "said", "forgiven", "many"),
    [
        (
            "es",
            "El pago está en plazo si el dinero llega, como tarde, el 23 de marzo de 2026, aunque",
            "el último, como tarde, el 23 de marzo de 2026, quedan",
            "vale hasta el siguiente en que pueden. Un pago que se devuelve",
        ),
        (
            "en",
            "The payment is in time if the money arrives no later than March 23, 2026, even",
            "the last one no later than March 23, 2026, €59.50",
            "it is in time until the next day on which they can. A payment that is taken back",
        ),
        (
            "pt",
            "O pagamento está no prazo se o dinheiro chegar, no máximo, em 23 de março de 2026, mesmo",
            "o último, no máximo, em 23 de março de 2026, ficam",
            "vale até o dia seguinte em que puderem. Um pagamento devolvido",
        ),
    ],
)
def test_the_last_day_is_said_as_it_is_judged_where_grace_ends_on_a_weekend(
    language: str, said: str, forgiven: str, many: str
) -> None:
    """Given a payment due on a Friday with a day of grace, when its document is read, then Monday is the last day; of
    several payments the rule is said; and what was agreed on in earlier words keeps the day that they say."""
    last = DocumentRow(number=1, due=date(2026, 3, 20), amount_minor=24_050, in_time_until=date(2026, 3, 23))
    spoken = {"language": language, "country": ZONES[language]}

    one, several = text_of(rows=(last,), **spoken), text_of(rows=(last, last), **spoken)
    earlier = text_of(rows=(last,), wording=2, **spoken)

    assert said in one
    assert forgiven in one
    assert many in several
    assert "23" not in earlier


@pytest.mark.parametrize(
    ("language", "opening", "footer"),
    [
        (
            "es",
            "acordado con Recupera Sur, que actúa por encargo de Credialba, el acreedor,",
            "por encargo de Credialba",
        ),
        ("en", "agreed with Recupera Sur, which acts for Credialba, the creditor,", "Recupera Sur for Credialba"),
        ("pt", "combinado com Recupera Sur, que age em nome de Credialba, o credor,", "em nome de Credialba"),
    ],
)
def test_an_agency_is_named_with_the_creditor_it_acts_for(language: str, opening: str, footer: str) -> None:
    """Given an agency that collects, when its document is read, then it says who the creditor is, for whom the agency
    acts, where it is found and where to complain."""
    reached = {"address": "Calle Mayor 1, Madrid", "complaints": "quejas@credialba.example"}
    by_agency = text_of(language=language, country=ZONES[language], agency="Recupera Sur", **reached)
    by_lender = text_of(language=language, country=ZONES[language])

    assert opening in by_agency
    assert f"{footer} · Calle Mayor 1, Madrid · Tel. 900 555 010" in by_agency
    assert "quejas@credialba.example" in by_agency
    assert re.search(r"(Acreedor|Creditor|Credor) Credialba", by_agency)
    assert re.search(r"(Acreedor|Creditor|Credor) Credialba", by_lender)
    assert re.search(r"por encargo|acts for|Acting for|em nome de Credialba|reclamación|complaint", by_lender) is None


def test_a_promise_of_a_part_says_what_is_left_to_pay_and_that_nothing_is_forgiven() -> None:
    part = text_of(kind=AgreementKind.PROMISE, total_minor=8_000, remission_minor=0)
    whole = text_of(kind=AgreementKind.PROMISE, total_minor=30_000, remission_minor=0)

    assert "Queda por pagar después 220,00 €" in part
    assert "no perdona nada" in part
    assert "Queda por pagar después" not in whole


@pytest.mark.parametrize(
    ("via", "said"),
    [
        (Via.MESSAGE, "Por mensaje"),
        (Via.AGENT, "En conversación con una persona"),
        (Via.KEYPAD, "Con las teclas del teléfono, en una llamada"),
        (Via.PAGE, "En la página con sus opciones de pago"),
    ],
)
def test_it_says_by_which_way_it_was_accepted(via: Via, said: str) -> None:
    assert f"{said} Referencia de esa aceptación: SM1" in text_of(via=via)


def test_what_was_agreed_by_word_of_mouth_says_when_it_was_taken_down() -> None:
    """Given a promise that an agent took down without words or message, when its document is read, then what stands
    under `Acceptance` is when, and that no words were kept."""
    text = text_of(accepted_at=None, message_id=None, words=None, noted_at=AT)

    assert "Aceptación Acordado de palabra y anotado el 10 mar 2026, 9:00 UTC. No se guardaron las palabras." in text


def test_what_was_said_is_quoted_to_its_end() -> None:
    said = "Acepto este acuerdo: " + ", ".join(f"{n},00 € hasta el {n} de mayo" for n in range(1, 60)) + " y nada más"

    assert said in text_of(words=said)


def test_a_document_that_takes_the_place_of_another_names_it() -> None:
    assert "sustituye al n.º P-20417-1-3:" in text_of(replaces=True, replaces_number="P-20417-1-3", number="P-1-2")


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
    text = text_of(
        kind=AgreementKind.RESTRUCTURING,
        version=2,
        added_minor=602,
        rate_bp=1_250,
        effective_bp=3_704,
        remission_minor=0,
        rows=rows,
    )
    assert "Tipo de interés nominal al año, por periodos iguales 12,50 %" in text
    assert "por las fechas de este calendario (TAE) 37,04 %" in text
    assert "Los intereses de este calendario se deben solo si se cumple." in text
    for said in ("Nuevo calendario de pagos", "Versión del calendario 2", "Intereses", "3,00 €", "99,01 €", "200,99 €"):
        assert said in text


def test_the_moment_of_the_yes_is_written_as_the_borrower_reads_dates() -> None:
    assert "Accepted on Mar 10, 2026, 9:00 AM UTC" in text_of(language="en", country="US")
    assert "Aceito em 10 de mar. de 2026, 09:00 UTC" in text_of(language="pt", country="BR")
    moved = text_of(language="en", country="US", moved_at=datetime(2026, 4, 3, 15, 30, tzinfo=UTC))
    assert "Change of date accepted on Apr 3, 2026, 3:30 PM UTC" in moved


@pytest.mark.parametrize(
    ("zone", "country", "said"),
    [
        ("America/Sao_Paulo", "BR", "Aceito em 9 de mar. de 2026, 22:30 UTC-03"),
        ("America/Bogota", "CO", "Aceptado el 9 de mar de 2026, 8:30 p. m. UTC-05"),
        ("America/Caracas", "VE", "9:30 p. m. UTC-04"),
        ("Europe/Madrid", "ES", "Aceptado el 10 mar 2026, 2:30 CET"),
        ("America/Mexico_City", "MX", "7:30 p.m. CST"),
    ],
)
def test_the_zone_of_the_yes_can_be_read_where_zones_have_no_letters(zone: str, country: str, said: str) -> None:
    """Given a yes of 01:30 UTC, when its moment is read where the borrower lives, then a bare `-03` is not all that is
    said of the zone."""
    at = datetime(2026, 3, 10, 1, 30, tzinfo=UTC).astimezone(ZoneInfo(zone))

    assert said in text_of(language="pt" if country == "BR" else "es", country=country, accepted_at=at)


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
        (2_100_000, "EUR", "es", "veintiún mil euros"),
        (31_000, "CLP", "es", "treinta y un mil pesos chilenos"),
        (101_000, "CLP", "es", "ciento un mil pesos chilenos"),
        (1_001, "CLP", "es", "mil un pesos chilenos"),
        (21_000_000, "PYG", "es", "veintiún millones de guaraníes paraguayos"),
        (1_221_000, "PYG", "es", "un millón doscientos veintiún mil guaraníes paraguayos"),
        (30_000_063, "COP", "es", "trescientos mil pesos colombianos"),
        (2_000_000, "CLP", "es", "dos millones de pesos chilenos"),
        (150_000, "CLP", "es", "ciento cincuenta mil pesos chilenos"),
        (123_400, "MXN", "es", "mil doscientos treinta y cuatro pesos mexicanos"),
        (24_005, "USD", "en", "two hundred and forty US dollars and 05/100"),
        (24_000, "BRL", "pt", "duzentos e quarenta reais brasileiros"),
    ],
)
def test_amounts_in_words(minor: int, currency: str, language: str, said: str) -> None:
    assert amount_in_words(Money(amount_minor=minor, currency=currency), language) == said


def test_a_sum_is_the_same_in_figures_and_in_words() -> None:
    """Given a debt with centavos in Colombia, when its settlement is read, then what is forgiven is one sum in both."""
    text = text_of(
        country="CO", currency="COP", balance_minor=100_000_063, total_minor=70_000_000, remission_minor=30_000_063
    )

    assert "$300.000 (trescientos mil pesos colombianos)" in text


def test_what_a_new_schedule_adds_up_from_is_what_it_comes_to_in_whole_pesos() -> None:
    """Given 1,000,000.63 pesos and payments of 1,020,067, when the facts are read, then debt and interest make the
    total."""
    made = {"kind": AgreementKind.RESTRUCTURING, "remission_minor": 0, "country": "CO", "currency": "COP"}

    text = text_of(**made, balance_minor=100_000_063, total_minor=102_006_700, added_minor=2_006_637)

    assert "Cantidad reclamada al acordarlo $1.000.000 Intereses del nuevo calendario $20.067" in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Puede pagar como lo hace siempre"),
        ("en", "You can pay as you always do"),
        ("pt", "Você pode pagar como costuma fazer"),
    ],
)
@pytest.mark.parametrize("kind", list(AgreementKind))
def test_every_document_says_how_to_pay_and_to_which_account_where_it_is_known(
    kind: AgreementKind, language: str, said: str
) -> None:
    """Given a borrower who has the document and nothing else, when they want to keep what was agreed, then it says how,
    under which contract, and the creditor's account where the lender gave it, whoever collects."""
    about = {"kind": kind, "language": language, "country": ZONES[language], "agency": "Recupera Sur"}

    with_account = text_of(**about, pay_to="BBVA 012 180 0012345678 9")
    without = text_of(**about)

    for text in (with_account, without):
        assert said in text
        assert re.search(r"(contrato|contract) P-20417\.", text.split(said)[1])
    assert re.search(r"(Cuenta de|Account of|Conta de) Credialba .*: BBVA 012 180 0012345678 9\.", with_account)
    assert re.search(r"Cuenta de|Account of|Conta de", without) is None


@pytest.mark.parametrize(
    ("language", "paid"),
    [
        ("es", "la cantidad reclamada queda pagada"),
        ("en", "the amount asked for is paid"),
        ("pt", "o valor cobrado estará pago"),
    ],
)
@pytest.mark.parametrize("kind", [AgreementKind.PLAN, AgreementKind.RESTRUCTURING])
def test_who_keeps_all_payments_reads_that_what_was_asked_for_is_paid(
    kind: AgreementKind, language: str, paid: str
) -> None:
    assert paid in text_of(kind=kind, remission_minor=0, language=language, country=ZONES[language])


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "intereses por el retraso, comisiones ni recargos"),
        ("en", "no late interest, fees or charges"),
        ("pt", "juros de mora, multas nem taxas"),
    ],
)
def test_what_is_not_added_while_a_plan_is_kept_is_the_same_in_every_language(language: str, said: str) -> None:
    about = {"kind": AgreementKind.PLAN, "remission_minor": 0, "language": language, "country": ZONES[language]}

    assert said in text_of(**about, fees_frozen=True)
    assert said not in text_of(**about)


@pytest.mark.parametrize("wording", range(1, WORDING + 1))
def test_every_language_has_every_line_with_the_same_values_in_it(wording: int) -> None:
    values = [
        {name: frozenset(re.findall(r"{(\w+)}", text)) for name, text in words.items()}
        for words in _words(wording).values()
    ]

    assert all(each == values[0] for each in values)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "es",
            "Credialba 10 de marzo de 2026 Acuerdo de quita Este documento recoge lo acordado con Credialba sobre el "
            "contrato P-20417. A nombre de Lucía Gómez Acuerdo n.º P-20417-1-3 Deuda al acordarlo 300,00 € Se perdona "
            "al completarlo 59,50 € Total que se pagará 240,50 € En letra doscientos cuarenta euros con 50/100 Pago "
            "Fecha límite Importe 1 20 de marzo de 2026 240,50 € Mientras se cumpla no se le pedirá otra cosa por esta "
            "deuda. Un pago que llega hasta 1 días después de su fecha también cuenta. Cuando todo lo acordado esté "
            "pagado, el resto de la deuda queda perdonado. Si un pago no llega en ese plazo, se vuelve a deber toda la "
            "deuda, menos lo pagado. Si algo cambia, llámenos al 900 555 010 antes de la fecha y buscamos otra "
            "solución. Aceptación Aceptado el 10 mar 2026, 9:00 UTC Mensaje: SM1 Con estas palabras: «sí, acepto "
            "#{1+1} *todo*» Aprobado por una segunda persona de Credialba Credialba · Tel. 900 555 010 · 1 / 1",
        ),
        (
            "en",
            "Credialba March 10, 2026 Settlement agreement This document sets out what was agreed with Credialba about "
            "contract P-20417. Name Lucía Gómez Agreement no. P-20417-1-3 Due when it was agreed €300.00 Forgiven once "
            "it is completed €59.50 Total to pay €240.50 In words two hundred and forty euros and 50/100 Payment By "
            "Amount 1 March 20, 2026 €240.50 While it is kept you will not be asked for anything else about this debt. "
            "A payment that arrives up to 1 days after its date counts too. When everything agreed has been paid, the "
            "rest of the debt is forgiven. If a payment does not arrive in that time, the whole debt is due again, "
            "less what was paid. If something changes, call us at 900 555 010 before the date and we will look for "
            "another way. Acceptance Accepted on Mar 10, 2026, 9:00 AM UTC Message: SM1 In these words: “sí, acepto "
            "#{1+1} *todo*” Approved by a second person at Credialba Credialba · Tel. 900 555 010 · 1 / 1",
        ),
        (
            "pt",
            "Credialba 10 de março de 2026 Acordo com desconto Este documento registra o que foi combinado com "
            "Credialba sobre o contrato P-20417. Em nome de Lucía Gómez Acordo nº P-20417-1-3 Dívida na data do acordo "
            "€ 300,00 Desconto ao cumprir o acordo € 59,50 Total a pagar € 240,50 Por extenso duzentos e quarenta "
            "euros e 50/100 Pagamento Até Valor 1 20 de março de 2026 € 240,50 Enquanto for cumprido, nada mais será "
            "pedido a você por esta dívida. Um pagamento que chegar até 1 dias depois da data também conta. Quando "
            "tudo o que foi combinado estiver pago, o resto da dívida fica perdoado. Se um pagamento não chegar nesse "
            "prazo, toda a dívida volta a ser devida, menos o que foi pago. Se algo mudar, ligue para 900 555 010 "
            "antes da data e buscamos outra solução. Aceite Aceito em 10 de mar. de 2026, 09:00 UTC Mensagem: SM1 Com "
            "estas palavras: “sí, acepto #{1+1} *todo*” Aprovado por uma segunda pessoa de Credialba Credialba · Tel. "
            "900 555 010 · 1 / 1",
        ),
    ],
)
def test_what_was_agreed_before_words_were_counted_says_what_it_said(language: str, said: str) -> None:
    """Given a settlement that was accepted in the first words, when a document of it is made again, whatever a newer
    version knows of it besides, then it says to the letter what it said then."""
    known = {"agency": "Recupera Sur", "address": "Calle Mayor 1", "complaints": "-", "via": Via.PAGE, "noted_at": AT}

    text = text_of(wording=1, language=language, country=ZONES[language], **known)

    assert text == said
