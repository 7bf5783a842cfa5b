from __future__ import annotations

import asyncio
import socket

import pytest

from workflows.connection import NoTemporal, connect


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def told(monkeypatch: pytest.MonkeyPatch, address: str) -> str:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    with pytest.raises(NoTemporal) as refused:
        await connect()
    return str(refused.value)


async def test_where_nothing_listens_the_line_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{closed_port()}"

    said = await told(monkeypatch, address)

    assert said == (
        f"no Temporal server at {address} (namespace default): nothing listens there. "
        "Start one with `starter.py up`, or set TEMPORAL_ADDRESS"
    )


@pytest.mark.parametrize(
    ("address", "why"),
    [("nowhere.invalid:7233", "the host's name is not known"), ("my server", "that is no HOST:PORT")],
)
async def test_a_mistyped_address_is_told_apart(monkeypatch: pytest.MonkeyPatch, address: str, why: str) -> None:
    assert f": {why}. " in await told(monkeypatch, address)


async def test_something_else_on_the_port_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    other = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]

    said = await told(monkeypatch, f"127.0.0.1:{port}")

    assert "what answers there is not Temporal" in said
    other.close()
