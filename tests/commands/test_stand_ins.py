"""Nothing that settings name outside is reached by a local stack, whatever section it stands in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from commands import local_stack
from commands.processes import Processes
from commands.stack import Addresses, Stack
from config.settings import BadSettings, Settings, load_settings

SANDBOX = "http://127.0.0.1:20001"
REAL = "https://real.example"
OUTSIDE: dict[str, Any] = {
    "bank": {"base_url": REAL},
    "belvo": {"base_url": REAL, "widget_url": REAL, "secret_id": "s", "secret_password": "p"},
    "stripe": {"base_url": REAL, "api_key": "sk_live", "webhook_secret": "w"},
    "direct_debit": {"base_url": REAL},
    "statements": [{"folder": "/real.example/statements"}],
    "twilio": {"base_url": REAL, "account_sid": "AC1", "auth_token": "t"},
    "smtp": {"host": "real.example", "from_address": "a@lender.example"},
    "sendgrid": {"base_url": REAL, "api_key": "k", "from_address": "a@lender.example"},
    "meta": {"base_url": REAL, "webhook_secret": "s", "verify_token": "v"},
    "mercadopago": {"base_url": REAL, "webhook_secret": "s", "accounts": {"MX": {"access_token": "APP_USR"}}},
    "conekta": {"base_url": REAL, "api_key": "key_live"},
    "bank_payments": {"base_url": REAL, "creditor_name": "Lender", "creditor_iban": "ES9121000418450200051332"},
    "case_webhook_url": REAL,
    "print_folder": "/real.example/letters",
}
"""Every setting that says where a provider, a bank, a printer or another system is, with a real one."""
# Where and what this system is itself; the records are the stack's own.
_ITSELF = {"database_url", "task_queue", "worker", "web", "metrics_host", "json_logs", "encryption"}
# Rules, prices and words: read, never written to.
_RULES = {"lender", "lenders", "caps", "jurisdictions", "profile", "guard_minutes", "lender_rules", "print_registered"}
_PRICES_AND_WORDS = {"costs", "faq", "replies_model", "payments", "whatsapp_enabled", "whatsapp_tier"}
# Who calls us: these hold secrets and no address.
_CALLERS = {"mail_reports", "gocardless", "standard_webhooks"}
# Where the operator signs in, and where spans go: neither hears of a loan's person or money.
_OPERATORS_OWN = {"oidc", "tracing"}
INSIDE = _ITSELF | _RULES | _PRICES_AND_WORDS | _CALLERS | _OPERATORS_OWN
SAYS_WHERE = re.compile(r"(url|host|folder|endpoint|address)$")
PRINTED = frozenset({"smtp.unsubscribe_url", "smtp.from_address", "sendgrid.from_address"})
"""Printed in messages; nothing is sent there."""


@pytest.fixture(params=[".env", "environment", "environment, part by part"])
def configured(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody's real providers, as they may be set."""
    for name in [each for each in os.environ if each.startswith(("RECOBRO_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_WEB__PUBLIC_URL", "https://lender.example")
    monkeypatch.setenv("RECOBRO_WEB__LINK_SECRET", "x" * 40)
    told: dict[str, str] = {}
    for name, value in OUTSIDE.items():
        if request.param == "environment, part by part" and isinstance(value, dict):
            told |= {f"RECOBRO_{name}__{part}".upper(): _text(each) for part, each in value.items()}
        else:
            told[f"RECOBRO_{name}".upper()] = _text(value)
    if request.param == ".env":
        Path(".env").write_text("".join(f"{name}='{value}'\n" for name, value in told.items()))
    else:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
    assert "real.example" in str(load_settings())
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def up(folder: Path) -> Stack:
    addresses = Addresses("127.0.0.1:1", "http://127.0.0.1:2", SANDBOX, 20002, "http://127.0.0.1:3")
    return Stack(Processes(folder / "logs"), folder, skipping=False, addresses=addresses)


def test_every_setting_is_known_to_reach_out_or_not() -> None:
    """A new one belongs into OUTSIDE (then `up` must overlay it) or into INSIDE."""
    assert OUTSIDE.keys() | INSIDE == set(Settings.model_fields)
    assert not OUTSIDE.keys() & INSIDE


@pytest.mark.parametrize("name", OUTSIDE)
def test_every_part_that_says_where_has_a_real_value_here(name: str) -> None:
    section = next((each for each in _models(Settings.model_fields[name].annotation)), None)
    if section is None:
        assert "real.example" in OUTSIDE[name]
        return
    given = OUTSIDE[name][0] if isinstance(OUTSIDE[name], list) else OUTSIDE[name]
    named = {part for part in section.model_fields if SAYS_WHERE.search(part) and f"{name}.{part}" not in PRINTED}
    # A bank's direct debits go one way only.
    assert named - {part for part, value in given.items() if "real.example" in str(value)} <= (
        {"folder"} if name == "direct_debit" else set()
    )


def test_up_reaches_no_real_provider(configured: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = up(tmp_path).environment

    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert {name for name in OUTSIDE if "real.example" in str(getattr(settings, name))} == set()
    assert settings.direct_debit is not None
    assert settings.direct_debit.base_url == SANDBOX
    assert settings.belvo is not None
    assert settings.belvo.widget_url == f"{SANDBOX}/belvo-widget/"


def test_neither_does_a_command_that_finds_it(
    configured: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the settings were made after the stack was started."""
    told = {name: value for name, value in up(tmp_path).environment.items() if "DIRECT_DEBIT" not in name}
    monkeypatch.setattr(local_stack, "variables", lambda _folder=None: told)

    local_stack.use_if_nothing_else_is_configured()

    settings = load_settings()
    assert {name for name in OUTSIDE if "real.example" in str(getattr(settings, name))} == set()


def test_a_banks_folder_of_direct_debits_is_the_stacks_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DIRECT_DEBIT__FOLDER", "/mnt/ebics")

    told = up(tmp_path).environment

    assert told["RECOBRO_DIRECT_DEBIT__FOLDER"] == str(tmp_path / "direct-debit")
    assert "RECOBRO_DIRECT_DEBIT__BASE_URL" not in told


@pytest.mark.parametrize("half", ["RECOBRO_STRIPE__API_KEY", "RECOBRO_TWILIO__AUTH_TOKEN", "RECOBRO_SMTP__PASSWORD"])
def test_up_does_not_start_on_settings_that_only_the_sandbox_would_complete(
    half: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a bank's real direct debits beside half of another section: nothing here says what would be reached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DIRECT_DEBIT__BASE_URL", REAL)
    monkeypatch.setenv(half, "x")
    stack = up(tmp_path / "stack")

    with pytest.raises(BadSettings, match=half.rpartition("__")[0]):
        stack.start()

    assert stack.processes.ended() is None
    assert not (tmp_path / "stack" / "temporal.db").exists()


@pytest.mark.parametrize("name", ["belvo", "sendgrid", "conekta", "bank_payments", "direct_debit"])
def test_a_command_where_less_is_configured_than_where_up_was_started_has_good_settings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given `up` in a shell with one more section set; when a command runs in another shell, then it can."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    monkeypatch.setenv("RECOBRO_WEB__PUBLIC_URL", "https://lender.example")
    monkeypatch.setenv("RECOBRO_WEB__LINK_SECRET", "x" * 40)
    monkeypatch.setenv(f"RECOBRO_{name.upper()}", json.dumps(OUTSIDE[name]))
    told = up(tmp_path).environment
    monkeypatch.setattr(local_stack, "variables", lambda _folder=None: told)
    monkeypatch.setattr(os, "environ", before.copy())

    local_stack.use_if_nothing_else_is_configured()

    assert getattr(load_settings(), name) is None


def test_a_banks_folder_here_is_the_stacks_own_where_up_knew_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = up(tmp_path).environment | {"RECOBRO_DIRECT_DEBIT__BASE_URL": SANDBOX}
    monkeypatch.setattr(local_stack, "variables", lambda _folder=None: told)
    monkeypatch.setattr(os, "environ", os.environ.copy() | {"RECOBRO_DIRECT_DEBIT__FOLDER": "/mnt/ebics"})

    local_stack.use_if_nothing_else_is_configured(tmp_path)

    debits = load_settings().direct_debit
    assert debits is not None
    assert (debits.base_url, debits.folder) == (None, tmp_path / "direct-debit")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            yield each
        elif each is not annotation and get_args(each):
            yield from _models(each)
