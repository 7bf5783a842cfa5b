"""Behind a proxy: whose word on where a person comes from is believed."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import uvicorn
from pydantic import ValidationError

from config.web_settings import Web
from records import accounts
from records.database import Database
from tests.web.calling import NOW, app_on
from web.__main__ import server_config

NEIGHBOUR = "203.0.113.7"


def tried_too_often(database: Database, address: str) -> None:
    for number in range(30):
        with database.writing() as session:
            accounts.begin_attempt(session, login=f"name{number}", address=address, at=NOW)


async def status_through_proxy(database: Database, web: Web) -> int:
    """What somebody gets whose request says that it comes from NEIGHBOUR."""
    server = uvicorn.Server(server_config(app_on(database), web))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"x-forwarded-for": NEIGHBOUR, "sec-fetch-site": "same-origin"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            answer = await client.post("/sign-in", data={"login": "ana", "password": "a wrong one"}, headers=headers)
    finally:
        server.should_exit = True
        await serving
    assert "server" not in answer.headers
    return answer.status_code


async def test_nobody_escapes_the_wait_by_naming_another_address(database: Database) -> None:
    tried_too_often(database, "127.0.0.1")

    assert await status_through_proxy(database, Web(port=0)) == 429


async def test_a_trusted_proxy_tells_people_apart(database: Database) -> None:
    tried_too_often(database, "127.0.0.1")

    assert await status_through_proxy(database, Web(port=0, trusted_proxies=("127.0.0.0/8",))) == 401


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValidationError):
        Web(trusted_proxies=("proxy.internal",))
