from __future__ import annotations

from pathlib import Path

import pytest

from commands.stack import other_gateways

HERE = "http://127.0.0.1:1"


def test_no_rehearsal_reaches_a_real_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert other_gateways(HERE) == {}

    (tmp_path / ".env").write_text('RECOBRO_CONEKTA__API_KEY="key_live"\n')
    monkeypatch.setenv(
        "RECOBRO_MERCADOPAGO", '{"webhook_secret": "s", "accounts": {"MX": {"access_token": "APP_USR"}}}'
    )

    assert other_gateways(HERE) == {"RECOBRO_CONEKTA__BASE_URL": HERE, "RECOBRO_MERCADOPAGO__BASE_URL": HERE}
