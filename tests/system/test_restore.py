"""A backup taken while a campaign runs, restored after more had happened: what is missing comes back, each once."""

from __future__ import annotations

import functools
import gc
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from commands import configuration
from commands.processes import Processes
from commands.stack import Stack
from tests.commands.stacks import Operator, until
from tests.databases import database_url, postgresql_server, sqlite_template
from tests.monitoring.operations_page import type_block

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
__all__ = ["database_url", "postgresql_server", "sqlite_template"]
LOANS = ("L1", "L2", "L3")


def back_up(url: str, to: Path) -> None:
    """By docs/operations.md's own lines, into a folder, while everything runs."""
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as live:
            live.execute("VACUUM INTO ?", (str(to / "recobro.db"),))
        return
    type_block("pg_dump", url, to)


def restore(url: str, backup: Path) -> None:
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        for part in ("-wal", "-shm"):
            file.with_name(file.name + part).unlink(missing_ok=True)
        shutil.copy(backup / "recobro.db", file)
        return
    type_block("pg_restore --schema=public", url, backup)


def messages(stack: Stack) -> list[tuple[str, str]]:
    """Whom a message reached, and its text, by the world's own log."""
    lines = map(json.loads, stack.world_log.read_text().splitlines())
    return [(line["to"], line.get("text") or line["body"]) for line in lines if line.get("kind") in ("sms", "email")]


def receipts(loan: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in loan["contacts"] if one["purpose"] == "transactional"]


def is_told(operator: Operator) -> bool:
    """Whether who paid all has a receipt, and no message is under way: what becomes of one of those, nobody knows."""
    every = [operator.loan(loan) for loan in LOANS]
    under_way = [one for loan in every for one in loan["contacts"] if one["state"] in ("reserved", "sending")]
    return bool(receipts(every[0])) and not under_way


def contacts(loan: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {(loan["loan_id"], contact["step"], contact["occurrence"]) for contact in loan["contacts"]}


def forget_connections() -> None:
    """The commands of this test ran in this very process: none may hold the file that is replaced."""
    configuration._records.cache_clear()
    gc.collect()


def test_what_a_backup_lacks_comes_back_from_temporal(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Processes, "wait_ready", functools.partialmethod(Processes.wait_ready, seconds=90))
    with Processes(tmp_path / "logs") as processes:
        stack = Stack(processes, tmp_path / "stack", skipping=False, database_url=database_url)
        stack.start()
        operator = Operator(stack, tmp_path)
        file = operator.portfolio("loans.csv", [{"loan_id": loan} for loan in LOANS])
        operator.json("campaign", "start", str(file), "--id", "c1", "--yes")
        until(lambda: operator.json("campaign", "status", "c1")["in_collection"] == 3, 60)

        (tmp_path / "mnt").mkdir()
        back_up(database_url, tmp_path / "mnt")
        operator.json("payment", "record", "L1", "100", "--id", "full")
        operator.json("payment", "record", "L2", "40", "--id", "part")
        until(lambda: operator.loan("L1")["end"] == "cured", 60)
        until(lambda: operator.loan("L2")["balance_due_minor"] == 6_000, 60)
        until(lambda: is_told(operator), 60)
        processes.stop("worker-0")
        processes.stop("web")
        # Whether reminders left too is a matter of the hour and weekday: outside the law's window only receipts do.
        known = set[tuple[str, str, int]]().union(*(contacts(operator.loan(loan)) for loan in LOANS))
        forget_connections()
        restore(database_url, tmp_path / "mnt")
        lost = [operator.loan(loan) for loan in LOANS]
        missing = known.difference(*map(contacts, lost))
        told = operator.json("database", "catch-up")
        again = operator.json("database", "catch-up")
        stack.start_web()
        stack.start_worker()
        repeated = operator.json("payment", "record", "L1", "100", "--id", "full")
        operator.json("payment", "record", "L3", "100", "--id", "after")
        until(lambda: operator.loan("L3")["end"] == "cured", 60)
        until(lambda: all(one["state"] != "reserved" for one in operator.loan("L3")["contacts"]), 60)

        assert [(one["state"], one["balance_due_minor"]) for one in lost] == [("in_collection", 10_000)] * 3
        assert (told["loans"], told["contacts"], told["unknown"]) == (3, len(missing), [])
        assert "L1" in {loan_id for loan_id, *_ in missing}, "the receipt of what was paid"
        assert (again["entries"], again["contacts"]) == (0, 0)
        assert repeated["new"] is False
        first, second = operator.loan("L1"), operator.loan("L2")
        assert (first["end"], first["balance_due_minor"]) == ("cured", 0)
        assert [one["payment_id"] for one in first["payments"]] == ["full"]
        assert [one["state"] for one in receipts(first)] == ["unknown"]
        assert second["balance_due_minor"] == 6_000
        reached = messages(stack)
        assert len(reached) == len(set(reached)), "nobody is written to twice"
        forget_connections()
