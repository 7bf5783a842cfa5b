"""Templates and numbers as an operator sees them, against the sandbox's Meta over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commands import configuration
from commands.platform_templates import _example
from commands.templates import app
from config.approved_templates import load_approved
from tests.sandbox.running import World, running

run = CliRunner()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as world:
        yield world


@pytest.fixture
def configured(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = tmp_path / "mine.yaml"
    body = "Hola, {{ lender_name }} te recuerda {{ amount_due|money }}.[[link| Paga en {{ link_url }} hoy.]]"
    entry = {"template": "due_today", "written_in": "es", "name": "mine", "language": "es", "body": body}
    mapping.write_text(json.dumps({"templates": [entry]}), encoding="utf-8")
    given = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/records.db",
        "META__BASE_URL": str(world.http.base_url).rstrip("/"),
        "META__WEBHOOK_SECRET": "s",
        "META__VERIFY_TOKEN": "v",
        "META__ACCESS_TOKEN": "EAA",
        "META__BUSINESS_ACCOUNT": "1",
        "META__NUMBERS": json.dumps([{"id": "111", "number": "+34911000111", "tier": 250}]),
        "META__TEMPLATES": str(mapping),
    }
    for name, value in given.items():
        monkeypatch.setenv(f"RECOBRO_{name}", value)
    configuration._records.cache_clear()


def told(*words: str) -> tuple[int, Any]:
    result = run.invoke(app, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.usefixtures("configured")
def test_a_template_is_handed_in_kept_step_with_and_shown_as_it_stands(world: World) -> None:
    assert told("status")[0] == 1
    code, handed_in = told("submit", "--yes")
    again = told("submit", "--yes")[1]
    assert told("sync") == (0, {"templates": 2, "changed": 2})
    good, known = told("status")
    world.http.post("/_world/whatsapp", json={"template": "mine_link", "language": "es", "status": "PAUSED"})
    told("sync")
    bad, paused = told("status")

    assert (code, [row["name"] for row in handed_in["submitted"]]) == (0, ["mine", "mine_link"])
    assert again == {"submitted": []}
    assert (good, {row["usable"] for row in known["templates"]}) == (0, {True})
    assert bad == 1
    assert [(row["name"], row["why_not"]) for row in paused["templates"]] == [("mine", None), ("mine_link", "stopped")]


def test_every_template_that_is_shipped_can_be_handed_in() -> None:
    """Given the mapping that is shipped, when its templates are handed in, then Meta reads an example at each place."""
    for one in load_approved():
        example = _example(one)
        assert set(example) == set(one.ours.variables)
        assert all(example.values())


@pytest.mark.usefixtures("configured")
def test_a_template_that_cannot_be_filled_is_named_before_any_is_handed_in(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a mapping whose second template prints a day as an amount, when it is handed in, then one line names that
    template, and Meta gets neither."""
    bodies = {"first_of_two": "Hola, te escribe {{ lender_name }} hoy.", "second_of_two": "Vence {{ due_date|money }}."}
    entries = [
        {"template": "due_today", "written_in": "es", "name": name, "language": "es", "body": body}
        for name, body in bodies.items()
    ]
    mapping = tmp_path / "wrong.yaml"
    mapping.write_text(json.dumps({"templates": entries}), encoding="utf-8")
    monkeypatch.setenv("RECOBRO_META__TEMPLATES", str(mapping))

    refused = run.invoke(app, ["submit", "--yes"])

    assert refused.exit_code == 2
    assert "second_of_two in es cannot be filled" in " ".join(refused.stderr.split())
    assert {row["name"]: row["status"] for row in told("status")[1]["templates"]}["first_of_two"] == "unknown"
    told("sync")
    assert {row["name"]: row["status"] for row in told("status")[1]["templates"]}["first_of_two"] == "unknown"


@pytest.mark.usefixtures("configured")
def test_numbers_are_shown_and_a_name_that_is_none_is_one_line() -> None:
    code, shown = told("senders")
    wrong = run.invoke(app, ["senders", "--wake", "222"])

    assert (code, shown["senders"][0]["number"], shown["senders"][0]["rests"]) == (0, "+34911000111", False)
    assert (shown["senders"][0]["tier"], shown["senders"][0]["people_in_24_hours"]) == (250, 0)
    assert wrong.exit_code == 2
    assert "expected one of 111" in wrong.stderr
