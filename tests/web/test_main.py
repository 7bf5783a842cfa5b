"""The web app's process: what it cannot start on is said in one line, and who may speak to it stands on the page."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from commands.processes import ROOT
from config.settings import Settings
from web.__main__ import main, sources


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://127.0.0.1:1/x", "web: the database cannot be used: connection failed"),
        ("sqlite:////dev/null/x/records.db", "Not a directory"),
        ("mysql://x", "web: database 'mysql' is not supported"),
    ],
)
def test_records_that_cannot_be_used_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, told: str
) -> None:
    monkeypatch.setenv("RECOBRO_DATABASE_URL", url)

    code = main()

    said = capsys.readouterr().err
    assert code == 2
    assert told in said
    assert said.count("\n") == 1


def test_every_provider_that_may_speak_has_a_row_on_the_page_and_no_other_has() -> None:
    given: dict[str, Any] = {
        "stripe": {"api_key": "sk", "webhook_secret": "whsec_x"},
        "twilio": {"account_sid": "AC" + "0" * 32, "auth_token": "t", "sender": "+34600000000"},
        "meta": {"webhook_secret": "s", "verify_token": "v"},
        "mercadopago": {"webhook_secret": "s", "accounts": {"MX": {"access_token": "APP_USR-1"}}},
        "conekta": {"api_key": "k", "webhook_public_key": public_key()},
        "sendgrid": {"api_key": "k", "from_address": "a@b.example", "webhook_public_keys": ["k"]},
        "mail_reports": {"webhook_secret": "s"},
        "belvo": {"secret_id": "i", "secret_password": "p", "webhook_authorizations": ["Bearer " + "x" * 20]},
        "gocardless": {"webhook_secret": "s"},
        "standard_webhooks": {"webhook_secret": "whsec_" + base64.b64encode(b"0" * 24).decode()},
    }
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")

    able = sources(Settings(_env_file=None, **given))

    assert set(re.findall(r"^\| `/webhooks/([a-z]+)` \|", page, re.MULTILINE)) == set(able)


def public_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*form).decode()
