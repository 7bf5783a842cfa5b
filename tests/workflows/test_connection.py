from __future__ import annotations

import asyncio
import socket

import pytest

from workflows import connection
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


async def test_a_server_that_is_still_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a server that listens before it takes calls, as every one does for a moment, when it is connected to,
    then the connection is there as soon as it takes them."""
    answers = ["get_system_info call error after connection: Unavailable, Frontend is not healthy yet"] * 2
    given = object()

    async def starting(*_: object, **__: object) -> object:
        if answers:
            raise RuntimeError(answers.pop())
        return given

    monkeypatch.setattr(connection.Client, "connect", starting)

    assert await connect() is given


async def test_one_that_never_takes_calls_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def starting(*_: object, **__: object) -> object:
        raise RuntimeError("get_system_info call error after connection: Unavailable, Frontend is not healthy yet")

    monkeypatch.setattr(connection.Client, "connect", starting)
    monkeypatch.setattr(connection, "STARTS_WITHIN", 0.3)

    assert "it is starting and takes no calls yet" in await told(monkeypatch, "127.0.0.1:7233")
