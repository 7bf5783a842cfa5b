"""Accounts and keys from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commands import configuration
from starter import app


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Any]:
    runner = CliRunner(env={"RECOBRO_DATABASE_URL": f"sqlite:///{tmp_path}/r.db"})

    def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        result = runner.invoke(app, list(words), input=typed)
        return result.exit_code, result.stdout, result.stderr

    configuration._records.cache_clear()
    yield run
    configuration._records.cache_clear()


def test_an_account_from_its_first_day_to_its_last(run: Any) -> None:
    assert "nobody may sign in yet" in run("account", "list")[1]
    add = ("account", "add", "Marta", "--role", "supervisor", "--password-stdin")

    assert run(*add, typed="short\n")[::2] == (2, "a password has at least 12 characters\n")
    assert run(*add, typed="correct horse battery\n")[0] == 0
    code, _, wrong = run(*add, typed="correct horse battery\n")
    assert (code, wrong) == (2, "somebody signs in as 'marta' already\n")
    assert run("account", "role", "marta", "auditor")[1] == "marta is auditor now\n"
    run("account", "disable", "marta")

    [account] = json.loads(run("account", "list", "--json")[1])["accounts"]
    assert (account["login"], account["role"]) == ("marta", "auditor")
    assert account["disabled_at"] is not None
    assert run("account", "role", "martha", "agent")[::2] == (2, "nobody signs in as 'martha'\n")


def test_a_key_is_shown_once_and_listed_by_its_beginning(run: Any) -> None:
    made = json.loads(run("apikey", "create", "core", "--scope", "payments:write", "--days", "30", "--json")[1])

    listed = run("apikey", "list", "--json")[1]
    assert made["key"].split("_", 2)[2] not in listed
    [key] = json.loads(listed)["keys"]
    assert (key["prefix"], key["state"], key["last_used_at"]) == (made["prefix"], "live", None)

    assert run("apikey", "revoke", f"rcb_{made['prefix']}")[0] == 0
    assert json.loads(run("apikey", "list", "--json")[1])["keys"][0]["state"] == "revoked"
    assert run("apikey", "create", "ui", "--scope", "payloads:decode", "--lender", "acme")[0] == 2
    assert run("apikey", "revoke", "rcb_00000000")[0] == 2
    assert run("apikey", "create", "core", "--scope", "everything")[0] == 2
