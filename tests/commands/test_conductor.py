"""No event of the world is overtaken by a loan's clock, whatever order its answers come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from temporalio.client import Client

from commands.conductor import Conductor

AT = datetime(2026, 12, 1, 8, tzinfo=UTC)
REPLY = AT + timedelta(minutes=12)


async def conductor() -> Conductor:
    """One loan, `1`, whose clock stands at AT; nothing but the world is there."""
    agents = Mock(next_at=Mock(return_value=None))

    async def act(*_: object) -> None:
        return None

    agents.act = act
    client = await Client.connect("127.0.0.1:1", lazy=True)
    made = Conductor(client, Mock(), "demo", "http://127.0.0.1:1", agents, AT, AT + timedelta(days=90))
    made.add("1")
    return made


@pytest.mark.parametrize("asked", ["/_world/advance", "/_world/next"])
async def test_what_the_world_tells_while_it_answers_is_not_forgotten(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a loan that acts while an older answer of the world is still on its way, and a borrower who will reply."""
    driven = await conductor()
    clock = driven._clocks["1"]
    clock.target, clock.ticket = AT, "stop"
    agenda: list[datetime] = []

    async def world(_method: str, path: str, _body: dict[str, object]) -> dict[str, Any]:
        next_at = agenda[0].isoformat() if agenda else None
        if path == asked and not agenda:
            agenda.append(REPLY)
            await driven.hear_world("1", AT, REPLY)
        return {"delivered": [], "next_at": next_at if path == "/_world/advance" else {"1": next_at}}

    monkeypatch.setattr(driven, "_world", world)

    if asked == "/_world/advance":
        await driven._happen(clock, AT)
    else:
        await driven._learn_next(clock)

    assert clock.world_next == REPLY


async def test_what_the_world_answers_is_believed_where_it_told_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    driven = await conductor()
    clock = driven._clocks["1"]
    clock.world_next = AT

    async def world(_method: str, _path: str, _body: dict[str, object]) -> dict[str, Any]:
        return {"delivered": [], "next_at": None}

    monkeypatch.setattr(driven, "_world", world)

    await driven._happen(clock, AT)

    assert clock.world_next is None
