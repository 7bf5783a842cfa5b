from __future__ import annotations

import pytest

from domain.gateway_choice import BANK, CONEKTA, MERCADOPAGO, STRIPE, Offer, choose, order_for

ALL = [
    Offer(name=STRIPE),
    Offer(name=CONEKTA, country="MX", currency="MXN"),
    *(
        Offer(name=MERCADOPAGO, country=country, currency=currency)
        for country, currency in (("MX", "MXN"), ("CL", "CLP"), ("AR", "ARS"))
    ),
    Offer(name=BANK, country="ES", currency="EUR"),
]


@pytest.mark.parametrize(
    ("country", "currency", "wishes", "chosen"),
    [
        ("MX", "MXN", (), CONEKTA),
        ("CL", "CLP", (), MERCADOPAGO),
        ("AR", "ARS", (), MERCADOPAGO),
        ("PE", "PEN", (), STRIPE),  # no account of Mercado Pago there
        ("MX", "USD", (), STRIPE),
        ("ES", "EUR", (), STRIPE),
        ("US", "USD", (), STRIPE),
        ("MX", "MXN", ({"MX": [MERCADOPAGO]},), MERCADOPAGO),
        ("ES", "EUR", ({"ES": [BANK, STRIPE]},), BANK),
        ("ES", "USD", ({"ES": [BANK, STRIPE]},), STRIPE),
        ("ES", "EUR", ({"MX": [CONEKTA]}, {"*": [BANK]}), BANK),
        ("MX", "MXN", ({"*": [MERCADOPAGO]}, {"MX": [CONEKTA]}), MERCADOPAGO),  # the lender's own wish comes first
        ("DE", "EUR", ({"*": [BANK]},), None),
        ("ES", "EUR", ({"ES": []},), None),
    ],
)
def test_country_currency_and_wish_choose_the_way_to_pay(
    country: str, currency: str, wishes: tuple[dict[str, list[str]], ...], chosen: str | None
) -> None:
    offer = choose(ALL, order_for(country, *wishes), country, currency)

    assert (offer.name if offer else None) == chosen
    assert offer is None or offer.country in (None, country)
