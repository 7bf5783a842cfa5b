"""What a person types is refused where it says how to reach somebody, and passes where it only looks like it."""

from __future__ import annotations

import pytest

from config.personal_text import says_how_to_reach


@pytest.mark.parametrize(
    "text",
    [
        "llamar al 600 111 222", "móvil 612345678", "tel. 91-123-45-67", "tel 4567 8901", "600.111.222",
        "llamar al 912345678", "+34 600 111 222", "0034600111222", "cel. 55 1234 5678", "300 123 4567",
        "(11) 91234-5678", "whatsapp: 11 15 2345 6789", "094 123 456", "ring 020 7946 0958", "3001234567",
        "DNI 12345678Z", "12345678-Z", "12345678z", "nie X1234567L", "RUT 12.345.678-5", "12345678-5",
        "CURP GARC800101HDFRRN09", "rfc garc800101ab1", "CPF 123.456.789-09", "CUIL 20-12345678-3",
        "cédula 1032456789", "C.C. 1.032.456.789", "SSN 123-45-6789", "QQ 12 34 56 C", "DNI 12.345.678",
        "cuenta 2100 0418 45 0200051332", "ES91 2100 0418 4502 0005 1332", "es9121000418450200051332",
        "tarjeta 4111 1111 1111 1111", "CLABE 032180000118359719", "ana@correo.example lo confirma",
    ],
)  # fmt: skip
def test_a_note_that_says_how_to_reach_somebody_is_told(text: str) -> None:
    assert says_how_to_reach(text)


@pytest.mark.parametrize(
    "text",
    [
        "pago de 1500000000 COP", "loan 1234567890", "2026-11-20", "solicitud 41 del 20/11/2026",
        "20.11.2026 a las 10:30",
        "1.234,56 EUR", "paga 1 500 000 COP", "pago a cuenta 300.000", "demo-1042-1-1", "paga 300 el 15 y 250 el 30",
        "ticket 2026112000123", "avisado por móvil 2026-11-20", "plan de 12 x 50.000", "de 600 a 700 en 2026",
        "su hermana paga 12000000 y nada más", "expediente 2026/000123", "accepted at 2026-11-20 10:30:00", "C-000001",
        "",
    ],
)  # fmt: skip
def test_amounts_days_and_the_lenders_ids_are_no_telephone_numbers(text: str) -> None:
    assert not says_how_to_reach(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ticket 2026112000123", False), ("request 612345678", False), ("solicitud nº 3001234567.", False),
        ("request 12345678901234567890", False), ("llamada del 600 111 222", True), ("tel. 612345678", True),
        ("llamada del +34600111222", True), ("0034600111222", True), ("DNI 12345678Z", True), ("dni 12345678", True),
        ("91-123-45-67", True),
    ],
)  # fmt: skip
def test_the_number_of_a_request_passes_where_a_request_is_named(text: str, told: bool) -> None:
    assert says_how_to_reach(text, digits_alone=True) is told
