"""A TCP proxy in front of one service that can refuse, slow down and cut what passes through it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

_CHUNK = 64 * 1024
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Trouble(StrEnum):
    """What a proxy does to the connections of its service while it lasts.

    CUT breaks a connection when a request arrives, before a byte of it is passed on; CUT_AFTER_EFFECT passes the
    request on and breaks the connection when its answer comes back.
    """

    REFUSE = "refused"
    SLOW = "slow"
    CUT = "cut"
    CUT_AFTER_EFFECT = "cut-after-effect"


@dataclass(frozen=True)
class Protocol:
    """`has_effect`: whether these bytes from the client complete a request whose answer may get lost."""

    name: str
    has_effect: Callable[[bytes], bool]


HTTP = Protocol("http", lambda sent: sent.startswith((b"POST ", b"PUT ", b"DELETE ")))
SMTP = Protocol("smtp", lambda sent: sent.endswith(b"\r\n.\r\n"))
POSTGRESQL = Protocol("postgresql", lambda sent: b"COMMIT" in sent)
GRPC = Protocol("grpc", lambda sent: not sent.startswith(b"PRI "))


def to_port(port: Callable[[], int]) -> Connect:
    """Connects to a port of this machine that is asked for each time."""
    return lambda: asyncio.open_connection("127.0.0.1", port())


def to_socket(path: Callable[[], str]) -> Connect:
    """Connects to a Unix socket that is asked for each time."""
    return lambda: asyncio.open_unix_connection(path())


@dataclass
class Proxy:
    """Listens on `port` of 127.0.0.1. `passed` counts connections; `struck` what a trouble broke or slowed down."""

    name: str
    port: int
    connect: Connect
    protocol: Protocol
    trouble: Trouble | None = None
    delay: float = 0.0
    heard: Callable[[int, bytes], None] | None = None
    """Told what clients send, by connection; an empty piece ends one."""
    passed: int = 0
    struck: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Listen no more and break every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._break_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def begin(self, trouble: Trouble, *, delay: float = 0.0) -> None:
        """Trouble from now on; `delay` seconds for each piece of what passes where it is SLOW."""
        self.trouble, self.delay = trouble, delay
        if trouble is Trouble.REFUSE and self._server is not None:
            self._server.close()
            self._server = None
        if trouble in (Trouble.REFUSE, Trouble.CUT):
            self.struck += len(self._open) // 2
            self._break_all()

    async def end(self) -> None:
        """Everything passes again."""
        self.trouble, self.delay = None, 0.0
        if self._server is None:
            await self.start()

    def _break_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        self.passed += 1
        number = self.passed
        try:
            with contextlib.suppress(OSError):
                await self._carry(number, reader, writer)
        except asyncio.CancelledError:
            return  # by `stop`: nobody waits for this task
        finally:
            if self.heard is not None:
                self.heard(number, b"")
            self._tasks.discard(task)
            self._open.discard(writer)
            writer.transport.abort()

    async def _carry(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await self.connect()
        self._open.add(to_there)
        armed = asyncio.Event()
        ways = [
            asyncio.create_task(self._there(number, reader, to_there, armed)),
            asyncio.create_task(self._back(there, writer, armed)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if all(task.exception() is None for task in done):
                # One side said all it had to say; the other may still answer.
                await asyncio.wait(ways, timeout=5)
        finally:
            for task in ways:
                task.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(to_there)
            to_there.transport.abort()

    async def _there(
        self, number: int, source: asyncio.StreamReader, target: asyncio.StreamWriter, armed: asyncio.Event
    ) -> None:
        while piece := await source.read(_CHUNK):
            if self.heard is not None:
                self.heard(number, piece)
            if self.trouble is Trouble.CUT:
                self.struck += 1
                raise ConnectionResetError
            if self.trouble is Trouble.CUT_AFTER_EFFECT and self.protocol.has_effect(piece):
                armed.set()
            await self._pass(piece, target)
        if target.can_write_eof():
            target.write_eof()

    async def _back(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, armed: asyncio.Event) -> None:
        while piece := await source.read(_CHUNK):
            if armed.is_set():
                self.struck += 1
                raise ConnectionResetError
            await self._pass(piece, target)
        if target.can_write_eof():
            target.write_eof()

    async def _pass(self, piece: bytes, target: asyncio.StreamWriter) -> None:
        if self.trouble is Trouble.SLOW and self.delay:
            self.struck += 1
            await asyncio.sleep(self.delay)
        target.write(piece)
        await target.drain()
