"""mock-bank, a bank nobody here wrote, for tests: its accounts, its clock and its books over HTTP."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from mockbank.db import iban
from mockbank.server import Config, make_server

OURS = iban("NL", "MOCK0000000001")
"""ACME's account, which the bank holds: where collections come to."""


def account_iban(number: int) -> str:
    return iban("NL", f"MOCK{number:010d}")


class OtherBank:
    """The bank as its own staff see it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def open_account(self, name: str, number: int, **more: Any) -> str:
        """A debtor's account at this bank; its IBAN."""
        body = {"id": name, "name": name, "iban": account_iban(number), "balance": 100_000, **more}
        answer = self.http.post("/_mock/accounts", json=body)
        assert answer.status_code == 201, answer.text
        return account_iban(number)

    def change(self, name: str, **fields: Any) -> None:
        answer = self.http.patch(f"/_mock/accounts/{name}", json=fields)
        assert answer.status_code == 200, answer.text

    def advance(self, days: int) -> datetime:
        answer = self.http.post("/_mock/advance", params={"days": str(days)})
        assert answer.status_code == 200, answer.text
        return self.now()

    def now(self) -> datetime:
        told: str = self.http.get("/_mock/state").json()["clock"]["now"]
        return datetime.fromisoformat(told).astimezone(UTC)

    def collections(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/_mock/collections").json()
        return sorted(found, key=lambda one: one["id"])

    def balance(self, name: str = "ACME") -> int:
        return int(self.http.get(f"/_mock/accounts/{name}").json()["balance"])

    def pay_in(self, amount_minor: int, note: str, **debtor: str) -> None:
        body = {"account": "ACME", "amount": amount_minor, "note": note, "debtor": debtor}
        answer = self.http.post("/_mock/credits", json=body)
        assert answer.status_code == 201, answer.text


@contextmanager
def bank_here(begins: datetime) -> Iterator[OtherBank]:
    """In a thread: quick, for what needs no process of its own."""
    server = make_server(Config(port=0, quiet=True, clock=begins.strftime("%Y-%m-%dT%H:%M")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    bank = OtherBank(f"http://127.0.0.1:{server.server_port}")
    try:
        yield bank
    finally:
        bank.http.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def bank_apart(port: int, begins: datetime) -> Iterator[OtherBank]:
    """In a process of its own."""
    command = [str(Path(sys.executable).parent / "mock-bank"), "--port", str(port), "--quiet"]
    process = subprocess.Popen([*command, "--clock", begins.strftime("%Y-%m-%dT%H:%M")])
    bank = OtherBank(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                bank.http.get("/_mock/health")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline, "mock-bank does not answer"
                time.sleep(0.05)
        yield bank
    finally:
        bank.http.close()
        process.kill()
        process.wait(10)
