"""A hundred questions to `rules decide`, their answers worked out by hand (tests/data/contact_questions.yaml)."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from starter import app

FILE = Path(__file__).parents[1] / "data" / "contact_questions.yaml"
GIVEN: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
NAMES = [each["name"] for each in GIVEN["questions"]]


def question(given: dict[str, Any]) -> dict[str, Any]:
    place, at = given["at"].split()
    asked = {
        **GIVEN["defaults"],
        **GIVEN["places"][place],
        **{key: value for key, value in given.items() if key not in ("name", "then", "without")},
        "id": given["name"],
        "at": at,
        "events": [
            dict(zip(("at", "channel", "kind", "debt"), event, strict=False)) for event in given.get("events", ())
        ],
    }
    return {key: value for key, value in asked.items() if key not in given.get("without", ())}


def plain(value: object) -> str:
    assert isinstance(value, date | datetime)
    return value.isoformat()


@cache
def answers() -> dict[str, dict[str, Any]]:
    """All of them in one run, as an operator would ask."""
    lines = "\n".join(json.dumps(question(each), default=plain) for each in GIVEN["questions"])
    result = CliRunner().invoke(app, ["rules", "decide"], input=lines + "\n")
    assert result.exit_code == 0, result.output
    return {answer["id"]: answer for answer in map(json.loads, result.output.splitlines())}


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_one_worked_out_by_hand(name: str) -> None:
    then = next(each["then"] for each in GIVEN["questions"] if each["name"] == name)

    answer = answers()[name]

    if then in ("allowed", "never"):
        assert answer["decision"] == then, answer
    else:
        assert answer["decision"] == "not_before", answer
        expected = then if isinstance(then, datetime) else datetime.fromisoformat(then)
        assert datetime.fromisoformat(answer["not_before"]) == expected, answer
    assert all(reason["rule"] and reason["source"] and reason["text"] for reason in answer["reasons"])
    assert len(NAMES) == len(set(NAMES))
