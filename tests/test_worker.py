"""A worker's processes: what cannot be started is said in a line, and nobody outlives its parent's end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

import worker


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Child:
    """A process that ends when it is told to, with 0."""

    made: list[Child]
    told_during: int

    def __init__(self, *_given: object, **_more: object) -> None:
        self.returncode: int | None = None
        self.waited = 0
        Child.made.append(self)
        if len(Child.made) == Child.told_during:
            # The parent is told to end before it has this child in hand.
            os.kill(os.getpid(), signal.SIGTERM)

    def terminate(self) -> None:
        if self.returncode is None:
            self.returncode = 0

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float) -> int:
        self.waited += 1
        assert self.waited < 5, "nobody told it to end"
        if self.returncode is None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return self.returncode


@pytest.mark.parametrize("told_during", [1, 2, 3])
def test_a_parent_told_to_end_while_it_starts_its_children_ends_them_all(
    monkeypatch: pytest.MonkeyPatch, told_during: int
) -> None:
    monkeypatch.setattr(subprocess, "Popen", Child)
    Child.made, Child.told_during = [], told_during

    code = worker.run_many(3, None)

    assert code == 0
    assert len(Child.made) == told_during, "none is started after that"
    assert all(child.returncode == 0 for child in Child.made)


def test_a_parent_told_to_end_while_a_dead_child_is_started_again_ends_that_one_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess, "Popen", Child)
    Child.made, Child.told_during = [], 3
    wait = Child.wait

    def first_dies(child: Child, timeout: float) -> int:
        if child is Child.made[0]:
            child.returncode = 1
        return wait(child, timeout)

    monkeypatch.setattr(Child, "wait", first_dies)

    assert worker.run_many(2, None) == 0
    assert len(Child.made) == 3
    assert Child.made[1].returncode == Child.made[2].returncode == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://127.0.0.1:1/x", "worker: the database cannot be used: connection failed"),
        ("sqlite:////dev/null/x/records.db", "Not a directory"),
    ],
)
def test_records_that_cannot_be_used_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch, url: str, told: str) -> None:
    monkeypatch.setenv("RECOBRO_DATABASE_URL", url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(worker.main)

    result = CliRunner().invoke(app, [])

    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_address_of_another_host_for_the_metrics_is_one_of_the_causes_that_are_told() -> None:
    with pytest.raises(RuntimeError, match="is the address not this host's"):
        worker.measured_runtime("10.255.255.1", 9100)
