"""Accounts and keys from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        environment = os.environ | {"RECOBRO_DATABASE_URL": f"sqlite:///{tmp_path}/r.db"}
        done = subprocess.run(
            [sys.executable, str(ROOT / "starter.py"), *words],
            input=typed,
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=100,
        )
        return done.returncode, done.stdout, done.stderr

    return run


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
    assert run("apikey", "revoke", "rcb_00000000")[0] == 2
    assert run("apikey", "create", "core", "--scope", "everything")[0] == 2
