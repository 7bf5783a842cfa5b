"""The scripted conversations of `tests/data/conversations`, and the strategy they are played under."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FILES = sorted((Path(__file__).parent / "data" / "conversations").glob("*.yaml"))
CURRENCY = {"ES": "EUR", "MX": "MXN", "CL": "CLP", "AR": "ARS", "BR": "BRL"}

SETTLEMENTS = "settlements: {options: [{id: soon, floor_percent: 60, agent_percent: 80, machine_percent: 90}]}"
"""In one country alone: in the others a discount is for a person."""


@dataclass(frozen=True)
class Conversation:
    """`live`: played on the real stack too."""

    id: str
    country: str
    region: str
    language: str
    turns: list[dict[str, Any]]
    live: bool


def scripted() -> list[Conversation]:
    found = []
    for file in FILES:
        data = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        country, region, language = data["country"], data["region"], data.get("language", "es")
        found += [
            Conversation(one["id"], country, region, language, one["turns"], one.get("live", False))
            for one in data["conversations"]
        ]
    return found


def differences(one: Conversation, turn: int, found: dict[str, Any]) -> list[str]:
    """What is otherwise than written after this turn, in lines; `found` has a list where one of several fits."""
    told = []
    for key, wanted in one.turns[turn].items():
        if key != "says":
            fits = wanted in found[key] if isinstance(found[key], list) else wanted == found[key]
            if not fits:
                told.append(f"{one.id}, turn {turn + 1}: {key} is {found[key]}, not {wanted}; {found}")
    return told


def strategy_text(currency: str, language: str) -> str:
    """Nothing is due for months: only the conversation speaks."""
    return f"""
name: talk-{currency.lower()}
version: 1
title: Talk
currency: {currency}
languages: [{language}]
steps:
  - {{id: much-later, kind: remind, dpd: 300, channels: [sms], template: account_overdue}}
promises: {{days_ahead: 31}}
plans:
  move_days: 14
  options:
    - {{id: monthly, instalments: 3}}
    - {{id: fortnightly, instalments: 4, every: fortnight}}
{SETTLEMENTS if currency == "EUR" else ""}
queues:
  agents: {{sla_hours: 48}}
conversation: {{turns: 4, confidence: 0.3, queue: agents}}
ends: {{after_days: 400}}
"""
