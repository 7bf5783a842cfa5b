"""A real stack on the live clock for tests of the command line, with borrowers the sandbox invents."""

from __future__ import annotations

import csv
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from commands.processes import ROOT, Processes
from commands.stack import Stack
from starter import app

COLUMNS = (
    "loan_id", "person_id", "name", "phone", "email", "language", "country", "region", "timezone", "currency",
    "amount_due_minor", "due_date", "bank_consent", "bank_account", "consent_valid_until",
)  # fmt: skip


DOCUMENTED = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")))
FREE_KEYS = {"ends", "contacts", "details", "changes"}
"""Under these the keys are names of the data, or another page's."""


def keys_of(value: object) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if not isinstance(value, dict):
        return set()
    inner = [
        keys_of(child)
        for key, child in value.items()
        if key not in FREE_KEYS or (key == "contacts" and isinstance(child, list))
    ]
    return set(value).union(*inner)


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Operator:
    """Someone at a terminal whose environment names the stack."""

    stack: Stack
    folder: Path

    def run(self, *words: str) -> Said:
        result = CliRunner(env=self.stack.environment | {"COLUMNS": "160"}).invoke(app, list(words))
        return Said(result.exit_code, result.stdout, result.stderr)

    def json(self, *words: str) -> dict[str, Any]:
        said = self.run(*words, "--json")
        assert said.code == 0, (words, said)
        told = said.json
        assert keys_of(told) <= DOCUMENTED, "every key stands in docs/cli.md"
        return told

    def account(self, login: str, role: str) -> None:
        """An account of whoever acts; one that is there is left."""
        words = ["account", "add", login, "--role", role, "--password-stdin"]
        CliRunner(env=self.stack.environment).invoke(app, words, input="correct horse battery\n")

    def portfolio(self, name: str, specs: list[dict[str, Any]]) -> Path:
        """A file of loans with names, phones, e-mails and consents of the sandbox's people."""
        now = datetime.now(UTC)
        wanted = [
            {
                "country": "ES", "region": "MD", "language": "es", "currency": "EUR", "amount_minor": 10_000,
                "due_date": (now.date() - timedelta(days=4)).isoformat(), "as_of": now.isoformat(), "lender": "demo",
            }
            | spec
            for spec in specs
        ]  # fmt: skip
        request = urllib.request.Request(
            f"{self.stack.addresses.sandbox}/_world/loans",
            data=json.dumps({"loans": wanted}).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            people = {one["loan_id"]: one for one in json.load(answer)["people"]}
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for spec in wanted:
                row = spec | people[spec["loan_id"]] | {"amount_due_minor": spec["amount_minor"]}
                writer.writerow([row.get(column) or "" for column in COLUMNS])
        return path

    def loan(self, loan_id: str) -> dict[str, Any]:
        return self.json("loan", "show", loan_id)


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    with Processes(folder / "logs") as processes:
        stack = Stack(processes, folder, skipping=False)
        stack.start()
        yield stack


def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.3)
