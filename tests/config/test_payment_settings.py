"""Settings of ways to pay: a wrong one is told in one line that names it."""

from __future__ import annotations

import pytest

from config.settings import BadSettings, load_settings


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("RECOBRO_PAYMENTS__WAYS", '{"MX": ["paypal"]}', "'paypal' is no way to pay"),
        ("RECOBRO_PAYMENTS__WAYS", '{"Mexico": ["stripe"]}', "'Mexico' is no country"),
        ("RECOBRO_LENDER__WAYS_TO_PAY", '{"*": ["cash"]}', "'cash' is no way to pay"),
        ("RECOBRO_CONEKTA", '{"api_key": "k", "webhook_public_key": "nonsense"}', "expected a public key as PEM text"),
        (
            "RECOBRO_MERCADOPAGO",
            '{"webhook_secret": "s", "accounts": {"ES": {"access_token": "t"}}}',
            "'ES': Mercado Pago serves AR",
        ),
        ("RECOBRO_PAYMENTS__LINK_DAYS", "0", "RECOBRO_PAYMENTS__LINK_DAYS"),
    ],
)
def test_a_setting_that_names_no_way_to_pay_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadSettings, match=told):
        load_settings()
