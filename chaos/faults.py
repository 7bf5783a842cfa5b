"""Brings the faults of a schedule over a running campaign, and takes each back after its time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil

from chaos.postgresql import Postgresql
from chaos.proxy import Proxy, Trouble
from chaos.replays import Catcher
from chaos.schedule import Fault
from chaos.stack import ChaosStack, fake_time_library
from commands.processes import ProcessFailed
from commands.rehearsal import Progress
from commands.stack import Stack

_DAY = 86_400
_CLOCK_SECONDS = 600
_SLOW_SECONDS = 0.1
_UNTIL_UP_SECONDS = 120.0
_UNTIL_DATED_SECONDS = 120.0
_SMALLEST_FILE = 4096
_DATED_REPLAYS, _OTHER_REPLAYS = 10, 5
_BURSTS = {"429": "429", "500": "500", "lost-answer": "lost_answer"}
_WEBHOOKS: Mapping[str, dict[str, Any]] = {
    "webhooks-doubled": {"kind": "duplicate", "rate": 0.7},
    "webhooks-reordered": {"kind": "reorder", "rate": 0.5},
    "webhooks-delayed": {"kind": "delay", "rate": 0.5},
}


class NotPossible(Exception):
    """What a fault needs was not there."""


class Disturbance:
    """Awaited beside a campaign. `share` tells how much of it has passed, `happened` what was done."""

    def __init__(
        self,
        faults: tuple[Fault, ...],
        proxies: Mapping[str, Proxy],
        catcher: Catcher,
        postgresql: Postgresql | None,
        share: Callable[[Progress], float],
        tell: Callable[[str], None],
        seed: int,
    ) -> None:
        self._faults = faults
        self._proxies = proxies
        self._catcher = catcher
        self._postgresql = postgresql
        self._share = share
        self._tell = tell
        self._chance = random.Random(f"{seed}|replays")  # nosec B311 # faults must repeat themselves
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_world: dict[int, dict[str, Any]] = {}
        self._expected_down: Counter[str] = Counter()
        self.happened: list[Fault] = []
        self.not_possible: Counter[str] = Counter()
        self.died: Counter[str] = Counter()
        """Processes that ended by themselves and were started again, as a supervisor would."""

    async def __call__(self, stack: Stack, progress: Progress) -> None:
        assert isinstance(stack, ChaosStack)
        watching = asyncio.create_task(self._supervise(stack))
        try:
            async with asyncio.TaskGroup() as group:
                for fault in self._faults:
                    while self._share(progress) < fault.at:
                        await asyncio.sleep(0.1)
                    group.create_task(self._bring(fault, stack))
                    await asyncio.sleep(0.5)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _bring(self, fault: Fault, stack: ChaosStack) -> None:
        try:
            await self._until_possible(fault)
            # Two faults of one target come one after the other: the second must not end with the first.
            async with self._one_at_a_time[fault.target]:
                self._tell(str(fault))
                async with self._lasting(fault, stack):
                    await asyncio.sleep(fault.seconds)
        except NotPossible as why:
            self._tell(f"{fault.kind} was not possible: {why}")
            self.not_possible[fault.kind] += 1
        else:
            self.happened.append(fault)

    async def _until_possible(self, fault: Fault) -> None:
        """Only a signature with a date in it can be too old: early in a campaign none has passed yet."""
        if fault.kind == "clock-worker" and fake_time_library() is None:
            raise NotPossible("there is no libfaketime here")
        deadline = asyncio.get_running_loop().time() + _UNTIL_DATED_SECONDS
        while fault.kind == "webhooks-replayed" and not any(one.is_dated for one in self._catcher.caught):
            if asyncio.get_running_loop().time() > deadline:
                raise NotPossible("no webhook with a dated signature came by")
            await asyncio.sleep(0.2)

    def _lasting(self, fault: Fault, stack: ChaosStack) -> contextlib.AbstractAsyncContextManager[None]:
        match fault.kind:
            case "kill":
                return self._killed(stack, fault.target)
            case "kill-postgresql":
                return self._database_killed()
            case "locked":
                return self._locked(stack)
            case "disk-full":
                return self._disk_full(stack)
            case "refused" | "refused-postgresql":
                return self._trouble(fault.target, Trouble.REFUSE)
            case "slow" | "slow-postgresql":
                return self._trouble(fault.target, Trouble.SLOW)
            case "cut" | "cut-postgresql":
                return self._trouble(fault.target, Trouble.CUT)
            case "cut-after-effect" | "lost-commit":
                return self._trouble(fault.target, Trouble.CUT_AFTER_EFFECT)
            case "clock" | "clock-worker":
                return self._clock_wrong(stack, fault)
            case "webhooks-replayed":
                return self._replayed(stack)
            case kind if kind in _BURSTS:
                return self._of_world(stack, fault, {"service": fault.target, "kind": _BURSTS[kind], "rate": 0.8})
            case kind if kind in _WEBHOOKS:
                more = {"seconds": round(_DAY * (1 + 2 * self._chance.random()))} if kind == "webhooks-delayed" else {}
                return self._of_world(stack, fault, {"service": "webhooks", **_WEBHOOKS[kind], **more})
        raise ValueError(f"no such fault: {fault.kind}")

    # Processes

    @asynccontextmanager
    async def _killed(self, stack: ChaosStack, name: str) -> AsyncIterator[None]:
        self._expected_down[name] += 1
        try:
            await asyncio.to_thread(_stop, stack, name, kill=True)
            yield
            await self._up_again(stack, name)
        finally:
            self._expected_down[name] -= 1

    @asynccontextmanager
    async def _clock_wrong(self, stack: ChaosStack, fault: Fault) -> AsyncIterator[None]:
        """The process is started anew on a host whose clock is wrong, and afterwards on one that is right."""
        self._expected_down[fault.target] += 1
        try:
            stack.ahead[fault.target] = _CLOCK_SECONDS if fault.ahead else -_CLOCK_SECONDS
            await asyncio.to_thread(_stop, stack, fault.target)
            await self._up_again(stack, fault.target)
            yield
            await asyncio.to_thread(_stop, stack, fault.target, kill=True)
        finally:
            stack.ahead.pop(fault.target, None)
            self._expected_down[fault.target] -= 1
        await self._up_again(stack, fault.target)

    async def _up_again(self, stack: ChaosStack, name: str) -> None:
        """Start it until it stands: what it needs may be away as well. Raises ProcessFailed."""
        deadline = asyncio.get_running_loop().time() + _UNTIL_UP_SECONDS
        while True:
            try:
                await asyncio.to_thread(_start, stack, name)
                if name == "sandbox":
                    for body in list(self._in_world.values()):
                        await _tell_world(stack, "POST", body)
                return
            except ProcessFailed:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.to_thread(_stop, stack, name, kill=True)
            await asyncio.sleep(0.5)

    async def _supervise(self, stack: ChaosStack) -> None:
        while True:
            await asyncio.sleep(0.5)
            ended = stack.processes.ended()
            if ended is None or self._expected_down[ended.name]:
                continue
            async with self._one_at_a_time[ended.name]:
                if stack.processes.ended() is not ended:
                    continue
                self.died[ended.name] += 1
                self._tell(f"{ended.name} ended by itself, started again")
                await asyncio.to_thread(_stop, stack, ended.name, kill=True)
                await self._up_again(stack, ended.name)

    # The database

    @asynccontextmanager
    async def _database_killed(self) -> AsyncIterator[None]:
        assert self._postgresql is not None
        await asyncio.to_thread(self._postgresql.kill)
        try:
            yield
        finally:
            await asyncio.to_thread(self._postgresql.start)

    @asynccontextmanager
    async def _locked(self, stack: ChaosStack) -> AsyncIterator[None]:
        file = stack.records_url.removeprefix("sqlite:///")
        connection = sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
            yield
        finally:
            connection.rollback()
            connection.close()

    @asynccontextmanager
    async def _disk_full(self, stack: ChaosStack) -> AsyncIterator[None]:
        """No file of theirs may grow: each write beyond the limit fails, as it does where no room is left."""
        struck = []
        for name in ("web", "worker-0", "worker-1"):
            with contextlib.suppress(KeyError, ProcessLookupError):
                pid = stack.processes.get(name).process.pid
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (_SMALLEST_FILE, resource.RLIM_INFINITY))
                struck.append(pid)
        try:
            yield
        finally:
            for pid in struck:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    # The wires, and what comes over them

    @asynccontextmanager
    async def _trouble(self, target: str, trouble: Trouble) -> AsyncIterator[None]:
        proxy = self._proxies[target]
        await proxy.begin(trouble, delay=_SLOW_SECONDS)
        try:
            yield
        finally:
            await proxy.end()

    @asynccontextmanager
    async def _of_world(self, stack: ChaosStack, fault: Fault, body: dict[str, Any]) -> AsyncIterator[None]:
        self._in_world[fault.number] = body
        await _tell_world(stack, "POST", body)
        try:
            yield
        finally:
            # The world forgets all its faults at once: those that still last are told again.
            del self._in_world[fault.number]
            await _tell_world(stack, "DELETE", None)
            for other in list(self._in_world.values()):
                await _tell_world(stack, "POST", other)

    @asynccontextmanager
    async def _replayed(self, stack: ChaosStack) -> AsyncIterator[None]:
        dated = [one for one in self._catcher.caught if one.is_dated]
        others = [one for one in self._catcher.caught if not one.is_dated]
        chosen = [
            *self._chance.sample(dated, min(_DATED_REPLAYS, len(dated))),
            *self._chance.sample(others, min(_OTHER_REPLAYS, len(others))),
        ]
        # Not through the proxy: what is caught there must not be caught again.
        before = len(self._catcher.late)
        await self._catcher.replay(stack.addresses.web, chosen)
        if len(self._catcher.late) == before:
            raise NotPossible("the web app answered none that was late")
        yield


async def _tell_world(stack: ChaosStack, method: str, body: dict[str, Any] | None) -> None:
    """A world that is being killed has no faults either."""
    async with httpx.AsyncClient(base_url=stack.addresses.sandbox, timeout=10, trust_env=False) as client:
        for _ in range(20):
            try:
                (await client.request(method, "/_world/faults", json=body)).raise_for_status()
                return
            except httpx.TransportError:
                await asyncio.sleep(0.5)


def _stop(stack: ChaosStack, name: str, *, kill: bool = False) -> None:
    with contextlib.suppress(KeyError):
        stack.processes.stop(name, kill=kill)


def _start(stack: ChaosStack, name: str) -> None:
    if name == "temporal":
        stack.start_temporal()
    elif name == "sandbox":
        stack.start_sandbox()
    elif name == "web":
        stack.start_web()
    else:
        stack.start_worker(int(name.removeprefix("worker-")))


def left_over() -> list[str]:
    """Children of this process that still run, for whoever wants to be sure that there are none."""
    return [" ".join(child.cmdline()) for child in psutil.Process(os.getpid()).children(recursive=True)]
