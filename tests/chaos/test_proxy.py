"""What stands in front of a service can refuse, slow and cut it, before the effect and after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from chaos.proxy import HTTP, Proxy, Trouble, to_port
from commands.processes import Ports


class Service:
    """A tiny HTTP server that remembers what reached it."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                length = next((int(x.split(":")[1]) for x in lines if x.startswith("content-length")), 0)
                body = await reader.readexactly(length)
                self.effects.append(f"{lines[0].split()[0]} {body.decode()}")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def standing() -> AsyncIterator[tuple[Service, Proxy, httpx.AsyncClient]]:
    service, ports = Service(), Ports()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    proxy = Proxy("service", ports.take(), to_port(lambda: service.port), HTTP)
    await proxy.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxy.port}", trust_env=False, timeout=5) as client:
            yield service, proxy, client
    finally:
        await proxy.stop()
        server.close()
        ports.release()


async def test_what_passes_reaches_the_service_and_its_answer_comes_back() -> None:
    async with standing() as (service, _, client):
        answers = [await client.post("/", content=word) for word in ("one", "two")]

        assert [answer.text for answer in answers] == ["ok", "ok"]
        assert service.effects == ["post one", "post two"]


async def test_refused_means_no_connection_until_it_ends() -> None:
    async with standing() as (service, proxy, client):
        await client.post("/", content="before")
        await proxy.begin(Trouble.REFUSE)
        with pytest.raises(httpx.TransportError):
            await client.post("/", content="meanwhile")
        with pytest.raises(httpx.ConnectError):
            await client.post("/", content="meanwhile")
        await proxy.end()
        await client.post("/", content="after")

        assert service.effects == ["post before", "post after"]


async def test_cut_means_that_the_request_never_arrives() -> None:
    async with standing() as (service, proxy, client):
        await proxy.begin(Trouble.CUT)
        with pytest.raises(httpx.TransportError):
            await client.post("/", content="lost")
        await proxy.end()

        assert service.effects == []
        assert proxy.struck == 1


async def test_cut_after_the_effect_means_that_it_arrives_and_nobody_hears() -> None:
    async with standing() as (service, proxy, client):
        await proxy.begin(Trouble.CUT_AFTER_EFFECT)
        with pytest.raises(httpx.TransportError):
            await client.post("/", content="done")
        read = await client.get("/")
        await proxy.end()

        assert service.effects == ["post done", "get "]
        assert read.text == "ok"


async def test_slow_takes_its_time_and_loses_nothing() -> None:
    async with standing() as (service, proxy, client):
        await proxy.begin(Trouble.SLOW, delay=0.1)
        began = time.monotonic()
        answer = await client.post("/", content="slow")

        assert answer.text == "ok"
        assert time.monotonic() - began >= 0.2
        assert service.effects == ["post slow"]
